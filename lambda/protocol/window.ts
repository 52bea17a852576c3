/**
 * A window that was cut widens by so many calls this often. Long calls succeed too seldom to find what room the ramp makes meanwhile; and as
 * the step is the same for all, leaves that began with little catch up.
 */
const GROWTH_MS = 100;
const GROWTH = 2;

/**
 * How many calls may be in flight, never beyond its limit. Lambda takes a call or answers 429 at once, without a queue and
 * free of charge: what still runs after a 429 is what there was room for, and the window is cut to that. Each success makes room for
 * one more, so that the window doubles within the time of one call once there is room again; so does time.
 */
export class Window {
  private size: number;
  private changedAt = 0;

  constructor(private readonly limit: number) {
    this.size = limit;
  }

  get current(): number {
    return this.size;
  }

  /** When it grows by itself; Infinity: it is as wide as it may be. */
  get growsAt(): number {
    return this.size < this.limit ? this.changedAt + GROWTH_MS : Infinity;
  }

  grow(now: number): void {
    if (now < this.growsAt) return;
    this.size = Math.min(this.limit, this.size + GROWTH);
    this.changedAt = now;
  }

  succeeded(): void {
    this.size = Math.min(this.limit, this.size + 1);
  }

  /** `running`: calls in flight, without the throttled one. */
  throttled(running: number, now: number): void {
    this.size = Math.max(1, Math.min(this.size, running));
    this.changedAt = now;
  }
}

/** "Full jitter": uniform between 0 and an exponentially growing cap, so that many who failed together do not return together. */
export function backoff(attempt: number, baseMs: number, capMs: number, random: number): number {
  return Math.round(random * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30)));
}
