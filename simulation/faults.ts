/** Everything that may go wrong in a run, each kind counted. */
export const FAULT_KINDS = {
  'crash': 'a participant dies between two of its steps',
  'kill': 'a participant dies at some moment, whatever it is waiting for',
  'freeze': 'a participant stands still for seconds to minutes and comes back',
  'slow': 'a request takes seconds',
  'refuse write': 'a write fails and has no effect',
  'lose answer': 'a write takes effect, its answer is lost, and it is sent again',
  'unknown outcome': 'a write takes effect, and its sender is told that it failed',
  'late write': 'a write fails for its sender and takes effect later',
  'fail read': 'a read fails',
  'stale read': 'an eventually consistent read gives an earlier row',
  'drop event': 'a dispatch event is lost',
  'double event': 'a dispatch event comes twice',
  'delay event': 'a dispatch event comes late',
  'throttle worker': 'a worker call gets 429',
  'refuse worker': 'Lambda refuses a worker call, as it does while permissions spread',
  'worker throws': 'a worker throws',
  'lose call': 'a worker call is lost before the worker ran',
  'lose result': 'a worker ran, its answer is lost',
  'throttle monitor': 'the state machine gets 429 for the monitor',
  'lose monitor': 'the state machine takes a monitor invocation for failed that runs on',
  'double notice': 'the notice of a stopped execution comes twice',
  'skew': 'the clock of a participant is wrong',
  'stop': 'the execution is stopped from outside, as a cancel does',
  'redrive': 'the job is redriven',
} as const;

export type FaultKind = keyof typeof FAULT_KINDS;
export type FaultRates = { readonly [kind in FaultKind]?: number };

/** Decides what goes wrong, until a time after which nothing does any more. */
export class Faults {
  readonly counts: { [kind in FaultKind]?: number } = {};

  constructor(
    private readonly rates: FaultRates, private readonly until: number,
    private readonly random: () => number, private readonly now: () => number,
  ) {}

  strikes(kind: FaultKind): boolean {
    const rate = this.rates[kind];
    if (rate === undefined || this.now() >= this.until || this.random() >= rate) return false;
    this.count(kind);
    return true;
  }

  count(kind: FaultKind): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
  }

  any(...kinds: FaultKind[]): boolean {
    return kinds.some((kind) => this.counts[kind] !== undefined);
  }
}
