import type { ReportData } from './data';
import { concurrency, endsOf, most, percentile, startsOf } from './series';
import type { TimedBatch } from '../jobs/timeline';

/** The figures of a job; those of time are of its last epoch. */
export interface Figures {
  readonly batches: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Batches that the job ended without. */
  readonly missing: number;
  /** Results of an earlier epoch, among the succeeded. */
  readonly takenOver: number;
  /** Batches whose worker was called more than once, */
  readonly retried: number;
  /** and how often in all beyond the first call of each. */
  readonly retries: number;
  readonly dispatchers: number;
  /** From the start of the job to its end. */
  readonly wallMs: number;
  /** Sum of the calls that count. */
  readonly workerMs: number;
  /** `workerMs` / `wallMs`. */
  readonly speedUp: number;
  readonly peak: number;
  /** Worker calls at a time that were planned. */
  readonly slots: number;
  readonly firstStartMs?: number;
  readonly lastStartMs?: number;
  readonly lastEndMs?: number;
  /** From the first start of a worker until there were nine tenths of the peak. */
  readonly rampMs?: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Batches that took more than twice as long as 95 % of all. */
  readonly stragglers: number;
  /** Undefined: the job was never planned. */
  readonly dollars?: number;
  readonly overheadDollars?: number;
}

export function figuresOf({ status, timeline }: Pick<ReportData, 'status' | 'timeline'>): Figures {
  const { batches, takenOver, slots } = timeline;
  const failed = batches.filter((batch) => batch.failed).length;
  const took = Float64Array.from(batches, ({ durationMs }) => durationMs).sort();
  const [starts, ends] = [startsOf(batches), endsOf(batches)];
  const workerMs = took.reduce((sum, ms) => sum + ms, 0);
  const wallMs = wallOf({ status, timeline });
  const steps = concurrency(batches);
  const peak = most(steps);
  const p95Ms = percentile(took, 0.95);
  return {
    batches: status.batchCount,
    succeeded: batches.length - failed + takenOver,
    failed,
    missing: status.batchCount - batches.length - takenOver,
    takenOver,
    retried: batches.filter(({ attempts }) => attempts > 1).length,
    retries: batches.reduce((sum, { attempts }) => sum + Math.max(0, attempts - 1), 0),
    dispatchers: timeline.dispatchers.length,
    wallMs,
    workerMs,
    speedUp: wallMs > 0 ? workerMs / wallMs : 0,
    peak,
    slots,
    ...batches.length > 0 && {
      firstStartMs: starts[0],
      lastStartMs: starts[starts.length - 1],
      lastEndMs: ends[ends.length - 1],
      rampMs: Math.max(0, steps.find(([, running]) => running >= 0.9 * peak)![0] - starts[0]),
    },
    p50Ms: percentile(took, 0.5),
    p95Ms,
    p99Ms: percentile(took, 0.99),
    maxMs: percentile(took, 1),
    stragglers: batches.filter(({ durationMs }) => durationMs > 2 * p95Ms).length,
    ...status.cost && { dollars: status.cost.dollars, overheadDollars: status.cost.overheadDollars },
  };
}

/** Until the job ended; where nobody noted that, until the last thing that is known of it. */
export function wallOf({ status: { endedAt }, timeline: { startedAt, batches, dispatchers, combine } }: Pick<ReportData, 'status' | 'timeline'>): number {
  if (endedAt) return Math.max(0, endedAt.getTime() - startedAt.getTime());
  const last = batches.reduce((so, { startMs, durationMs }) => Math.max(so, startMs + durationMs), combine?.endMs ?? 0);
  return dispatchers.reduce((so, { endMs }) => Math.max(so, endMs), last);
}

/** The first of the batches in an order. */
export function top(batches: readonly TimedBatch[], count: number, order: (a: TimedBatch, b: TimedBatch) => number): TimedBatch[] {
  let best: TimedBatch[] = [];
  for (let from = 0; from < batches.length; from += 1000) {
    best = [...best, ...batches.slice(from, from + 1000)].sort(order).slice(0, count);
  }
  return best;
}

/** How many batches took how many calls. */
export function callsPerBatch(batches: readonly TimedBatch[]): [calls: number, batches: number][] {
  const counts = new Map<number, number>();
  for (const { attempts } of batches) counts.set(attempts, (counts.get(attempts) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => a - b);
}
