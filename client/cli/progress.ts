import { Presets, SingleBar } from 'cli-progress';
import type { JobStatus } from '../index';

/** Over which the rate is measured: leaves tell of progress every 2 s. */
const PACE_MS = 20_000;

/** Batches that take a while to read. */
const LARGE = 5_000;

/** Tells on standard error how things go: a bar on a terminal, one line per step elsewhere. */
export class Progress {
  private bar?: SingleBar;
  private quarter = 0;
  private readonly started = Date.now();
  /** What was finished when, over the last while. */
  private seen: { readonly at: number; readonly finished: number }[] = [];

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
    const payload = { failed, running, status: status.status, pace: this.pace(status) };
    if (this.bar === undefined) {
      this.bar = new SingleBar({
        format: '{bar} {value}/{total} batches, {failed} failed, {running} running, {pace}, {duration_formatted} {status}',
        stream: process.stderr,
        hideCursor: true,
      }, Presets.shades_classic);
      this.bar.start(batchCount, finished, payload);
    } else {
      this.bar.setTotal(batchCount);
      this.bar.update(finished, payload);
    }
  }

  /** Batches per second over the last while, and how long the rest takes at that rate. */
  private pace({ finished, batchCount }: JobStatus): string {
    const now = Date.now();
    this.seen = [...this.seen.filter(({ at }) => now - at < PACE_MS), { at: now, finished }];
    const [first] = this.seen;
    const rate = now > first.at ? (1000 * (finished - first.finished)) / (now - first.at) : 0;
    if (rate <= 0) return '-/s';
    const left = Math.ceil((batchCount - finished) / rate);
    return `${rate.toFixed(rate < 10 ? 1 : 0)}/s, ${left < 120 ? `${left} s` : `${Math.ceil(left / 60)} min`} left`;
  }

  /** How many batches were read of a job that has ended. */
  read(batches: number, of: number): void {
    if (!process.stderr.isTTY) {
      const quarter = Math.floor((4 * batches) / of);
      if (of >= LARGE && quarter > this.quarter) process.stderr.write(`read ${batches} of ${of} batches\n`);
      this.quarter = quarter;
      return;
    }
    if (this.bar === undefined) {
      this.bar = new SingleBar({ format: '{bar} {value}/{total} batches read', stream: process.stderr, hideCursor: true }, Presets.shades_classic);
      this.bar.start(of, batches);
    }
    this.bar.update(batches);
  }

  stop(): void {
    this.bar?.stop();
    this.bar = undefined;
  }
}
