import { Clock } from '../lambda/protocol';

interface Timer {
  readonly at: number;
  readonly fire: () => void;
}

/**
 * Time that passes only when nobody has anything left to do: when every promise has settled that can, the next timer fires.
 * A day of a job takes milliseconds, and the same program gives the same run.
 */
export class VirtualClock implements Clock {
  private time: number;
  private readonly timers: Timer[] = [];

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.time = startMs;
  }

  now(): number {
    return this.time;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = () => {
        this.drop(timer);
        resolve();
      };
      const fire = () => {
        signal?.removeEventListener('abort', cancel);
        resolve();
      };
      const timer = { at: this.time + Math.max(0, ms), fire };
      this.push(timer);
      signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  /** Lets time pass until `main` settles. Throws when nothing is left that could make it. */
  async run<T>(main: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = main.finally(() => { isSettled = true; });
    settled.catch(() => undefined); // reported to the caller below
    for (;;) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (isSettled) return settled;
      const next = this.timers.shift();
      if (!next) throw new Error('deadlock: nobody waits for time to pass, and nobody can go on');
      this.time = next.at;
      next.fire();
    }
  }

  private push(timer: Timer): void {
    let low = 0;
    let high = this.timers.length;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.timers[middle].at <= timer.at) low = middle + 1;
      else high = middle;
    }
    this.timers.splice(low, 0, timer);
  }

  private drop(timer: Timer): void {
    const index = this.timers.indexOf(timer);
    if (index >= 0) this.timers.splice(index, 1);
  }
}
