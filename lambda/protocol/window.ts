/**
 * How many calls may be in flight, never beyond its limit. Lambda takes a call or answers 429 at once, without a queue and
 * free of charge: what still runs after a 429 is what there was room for, and the window is cut to that. Each success makes room for
 * one more, so that the window doubles within the time of one call once there is room again.
 */
export class Window {
  private size: number;

  constructor(private readonly limit: number) {
    this.size = limit;
  }

  get current(): number {
    return this.size;
  }

  succeeded(): void {
    this.size = Math.min(this.limit, this.size + 1);
  }

  /** `running`: calls in flight, without the throttled one. */
  throttled(running: number): void {
    this.size = Math.max(1, Math.min(this.size, running));
  }
}

/** "Full jitter": uniform between 0 and an exponentially growing cap, so that many who failed together do not return together. */
export function backoff(attempt: number, baseMs: number, capMs: number, random: number): number {
  return Math.round(random * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30)));
}
