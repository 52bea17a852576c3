import { Presets, SingleBar } from 'cli-progress';
import type { JobStatus } from '../index';

/** Tells on standard error how things go: a bar on a terminal, one line per step elsewhere. */
export class Progress {
  private bar?: SingleBar;
  private readonly started = Date.now();

  /** One step that has begun or ended. */
  step(message: string): void {
    this.stop();
    process.stderr.write(`${message}\n`);
  }

  /** How many seconds have passed. */
  get seconds(): string {
    return ((Date.now() - this.started) / 1000).toFixed(1);
  }

  job(status: JobStatus): void {
    if (!process.stderr.isTTY || status.batchCount === 0) return;
    const { finished, failed, running, batchCount } = status;
    const payload = { failed, running, status: status.status };
    if (this.bar === undefined) {
      this.bar = new SingleBar({
        format: '{bar} {value}/{total} batches, {failed} failed, {running} running, {duration_formatted} {status}',
        stream: process.stderr,
        hideCursor: true,
      }, Presets.shades_classic);
      this.bar.start(batchCount, finished, payload);
    } else {
      this.bar.setTotal(batchCount);
      this.bar.update(finished, payload);
    }
  }

  stop(): void {
    this.bar?.stop();
    this.bar = undefined;
  }
}
