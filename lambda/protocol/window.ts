/**
 * How many calls may be in flight: halves on a throttle, grows by one per window of successes, never beyond its limit
 * (additive increase, multiplicative decrease, as in TCP congestion avoidance, RFC 5681).
 */
export class Window {
  private size: number;
  private credit = 0;
  private lastCut = -1;

  constructor(private readonly limit: number) {
    this.size = limit;
  }

  get current(): number {
    return this.size;
  }

  succeeded(): void {
    if (this.size >= this.limit) return;
    if (++this.credit >= this.size) {
      this.size++;
      this.credit = 0;
    }
  }

  /** `startedAt`: when the throttled call was made. Calls from before the last cut were sized by the window of then, and cut nothing more. */
  throttled(startedAt: number, now: number): void {
    if (startedAt <= this.lastCut) return;
    this.size = Math.max(1, Math.floor(this.size / 2));
    this.credit = 0;
    this.lastCut = now;
  }
}

/** "Full jitter": uniform between 0 and an exponentially growing cap, so that many who failed together do not return together. */
export function backoff(attempt: number, baseMs: number, capMs: number, random: number): number {
  return Math.round(random * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30)));
}
