import { Clock } from '../lambda/protocol';

interface Timer {
  readonly at: number;
  /** Of timers for the same time, the one set first fires first. */
  readonly order: number;
  fire?: () => void;
}

const IDLE_TURNS = 1_000;

/**
 * Time that passes only when nobody has anything left to do: when every promise has settled that can, the next timer fires.
 * A day of a job takes milliseconds, and the same program gives the same run.
 */
export class VirtualClock implements Clock {
  /** Timers fired so far. */
  steps = 0;
  private time: number;
  private orders = 0;
  /** A binary heap, the next timer first. */
  private readonly timers: Timer[] = [];

  constructor(startMs = Date.UTC(2026, 0, 1), private readonly maxSteps = Infinity) {
    this.time = startMs;
  }

  now(): number {
    return this.time;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer: Timer = { at: this.time + Math.max(0, ms), order: this.orders++, fire: resolve };
      this.push(timer);
      if (!signal) return;
      const cancel = () => {
        timer.fire = undefined;
        resolve();
      };
      timer.fire = () => {
        signal.removeEventListener('abort', cancel);
        resolve();
      };
      signal.addEventListener('abort', cancel, { once: true });
    });
  }

  /** Lets time pass until `main` settles. Throws when nothing is left that could make it. */
  async run<T>(main: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = main.finally(() => { isSettled = true; });
    settled.catch(() => undefined); // reported to the caller below
    for (;;) {
      // asked for from within a microtask, a tick comes when no microtask is left; much cheaper than a turn of the event loop
      await new Promise<void>((resolve) => process.nextTick(resolve));
      if (isSettled) return settled;
      const next = this.pop() ?? await this.afterRealWork(() => isSettled);
      if (isSettled) return settled;
      if (!next) throw new Error('deadlock: nobody waits for time to pass, and nobody can go on');
      if (++this.steps > this.maxSteps) throw new Error(`still going after ${this.maxSteps} steps`);
      this.time = next.at;
      next.fire!();
    }
  }

  /** A library's stream, such as that of a parser, goes on in turns of the event loop: some of these before nothing is left. */
  private async afterRealWork(isSettled: () => boolean): Promise<Timer | undefined> {
    let next: Timer | undefined;
    for (let turn = 0; turn < IDLE_TURNS && !next && !isSettled(); turn++) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      next = this.pop();
    }
    return next;
  }

  private push(timer: Timer): void {
    const heap = this.timers;
    let at = heap.length;
    for (;;) {
      const parent = Math.floor((at - 1) / 2);
      if (at === 0 || !isBefore(timer, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = timer;
  }

  /** The next timer that was not cancelled. */
  private pop(): Timer | undefined {
    const heap = this.timers;
    for (;;) {
      const first = heap[0];
      const last = heap.pop();
      if (!first || !last) return undefined;
      if (heap.length > 0) {
        let at = 0;
        for (let child = 1; child < heap.length; child = 2 * at + 1) {
          if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++;
          if (!isBefore(heap[child], last)) break;
          heap[at] = heap[child];
          at = child;
        }
        heap[at] = last;
      }
      if (first.fire) return first;
    }
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
