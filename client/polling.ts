import { setTimeout as sleep } from 'node:timers/promises';

const SHORTEST_MS = 500;
const LONGEST_MS = 5_000;

/**
 * The pause before the next look, by how long has been waited: a twentieth of it, from 0.5 s to 5 s. That makes 57 looks in the first
 * minute and 12 a minute from 100 s on; a look takes at most two requests, whatever the job's size.
 */
export function pauseMs(waitedMs: number): number {
  return Math.min(LONGEST_MS, Math.max(SHORTEST_MS, waitedMs / 20));
}

/** Paces a loop of looks. */
export class Pace {
  private readonly started = Date.now();

  constructor(private readonly options: { readonly pollMs?: number; readonly signal?: AbortSignal }) {}

  /** Until the next look. Throws an AbortError once the signal is given. */
  async pause(): Promise<void> {
    await sleep(this.options.pollMs ?? pauseMs(Date.now() - this.started), undefined, { signal: this.options.signal });
  }
}
