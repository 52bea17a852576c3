import { Presets, SingleBar } from 'cli-progress';
import { pieces } from './output';
import type { JobStatus } from '../index';

/** Over which the rate is measured: leaves tell of progress every 2 s. */
const PACE_MS = 20_000;

/** Batches that take a while to read. */
const LARGE = 5_000;

/** What a bar tells of a job. */
interface Shown extends JobStatus {
  readonly rate: string;
  readonly left?: string;
  /** Seconds that this command has waited. */
  readonly elapsed: number;
}

const BAR = { longest: 40, shortest: 10 };
const duration = (seconds: number) => (seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`);

/** As much as a terminal of so many columns has room for: the bar shrinks first, then what matters least goes. */
function barLine(columns: number, progress: number, { finished, batchCount, hasTasks, failed, running, rate, left, elapsed, status }: Shown): string {
  const fields = [
    { text: `${finished}/${pieces(batchCount, hasTasks)}`, matters: 7 },
    { text: `${failed} failed`, matters: failed > 0 ? 6 : 4 },
    { text: `${running} running`, matters: 1 },
    { text: rate, matters: 2 },
    ...left === undefined ? [] : [{ text: left, matters: 5 }],
    { text: duration(elapsed), matters: 0 },
    { text: status, matters: 3 },
  ];
  const room = () => columns - 2 - fields.map(({ text }) => text).join(', ').length;
  while (room() < BAR.shortest && fields.length > 1) {
    const least = Math.min(...fields.map(({ matters }) => matters));
    fields.splice(fields.findIndex(({ matters }) => matters === least), 1);
  }
  const bar = Math.min(BAR.longest, room());
  const done = Math.round(progress * bar);
  const words = fields.map(({ text }) => text).join(', ');
  return bar < BAR.shortest ? words.slice(0, columns - 1) : `${'█'.repeat(done)}${'░'.repeat(bar - done)} ${words}`;
}

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
    const { finished, batchCount } = status;
    const payload = { ...status, ...this.pace(status), elapsed: Math.round((Date.now() - this.started) / 1000) };
    if (this.bar === undefined) {
      this.bar = new SingleBar({
        format: (_, { progress }, shown: Shown) => barLine(process.stderr.columns, progress, shown), stream: process.stderr, hideCursor: true,
      }, Presets.shades_classic);
      this.bar.start(batchCount, finished, payload);
    } else {
      this.bar.setTotal(batchCount);
      this.bar.update(finished, payload);
    }
  }

  /** Batches per second over the last while, and how long the rest takes at that rate. */
  private pace({ finished, batchCount }: JobStatus): Pick<Shown, 'rate' | 'left'> {
    const now = Date.now();
    this.seen = [...this.seen.filter(({ at }) => now - at < PACE_MS), { at: now, finished }];
    const [first] = this.seen;
    const rate = now > first.at ? (1000 * (finished - first.finished)) / (now - first.at) : 0;
    if (rate <= 0) return { rate: '-/s' };
    return { rate: `${rate.toFixed(rate < 10 ? 1 : 0)}/s`, left: `${duration(Math.ceil((batchCount - finished) / rate))} left` };
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
