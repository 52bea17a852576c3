import { Presets, SingleBar } from 'cli-progress';
import { JobStatus } from '../client';

/** Shows how far a job is. */
export interface Progress {
  update(status: JobStatus): void;
  stop(): void;
}

/** A live bar on a terminal; elsewhere a line whenever another quarter is done. */
export function progressOn(stream: NodeJS.WriteStream): Progress {
  return stream.isTTY ? bar(stream) : lines(stream);
}

function bar(stream: NodeJS.WriteStream): Progress {
  const single = new SingleBar({
    format: 'run        {bar} {value}/{total} batches, {running} workers running, {failed} failed',
    stream,
    hideCursor: true,
    fps: 10,
  }, Presets.shades_classic);
  let started = false;
  return {
    update(status) {
      const payload = { running: status.running, failed: status.failed };
      if (!started && status.batchCount > 0) single.start(status.batchCount, status.finished, payload);
      else if (started) single.update(status.finished, payload);
      started ||= status.batchCount > 0;
    },
    stop() {
      if (started) single.stop();
    },
  };
}

function lines(stream: NodeJS.WriteStream): Progress {
  let shown = -1;
  return {
    update({ finished, batchCount, failed, running }) {
      const quarter = batchCount > 0 ? Math.floor((4 * finished) / batchCount) : 0;
      if (batchCount > 0 && quarter > shown) {
        shown = quarter;
        stream.write(`run        ${finished}/${batchCount} batches, ${running} workers running, ${failed} failed\n`);
      }
    },
    stop: () => undefined,
  };
}
