import { FUNCTION, Way } from './ways';
import { UsageError } from '../../client/cli/errors';
import { ASSUMPTIONS } from '../../client/cost/estimate';
import { estimateRequest } from '../../client/cost/estimate-request';
import { costOf } from '../../client/cost/price';
import { childUsage, MAP_STATE_USAGE } from '../../lambda/protocol/map-usage';
import { groupCount, staff } from '../../lambda/protocol/plan';
import { PLATFORM_LOG_BYTES, StoredUsage, sumUsage } from '../../lambda/protocol/usage';
import { DEFAULTS } from '../../simulation/aws/parameters';

/** One job to measure. */
export interface Run {
  readonly way: Way;
  readonly batches: number;
  /** If nothing fails. */
  readonly seconds: number;
  readonly dollars: number;
}

export interface PlanOptions {
  readonly ways: readonly Way[];
  readonly sizes: readonly number[];
  readonly batchMs: number;
  /** Unreserved concurrent executions. */
  readonly accountConcurrency: number;
}

/** A job of more waves than that tells how long it works, not how fast it spreads. */
const MOST_ROUNDS = 20;
/** Express executions end after five minutes. */
const EXPRESS_MAX_MS = 240_000;
const COMBINER_SECONDS = 0.1;
const RESULT_BYTES = 20;
/** Monitor, of a map: its two states, and reading the row of each batch twice. */
const MAP_MONITOR_MS = 500;
const MAP_ROW_MS = 0.5;

/** The jobs, the smallest first; throws where the account's concurrency is too small for one. */
export function planRuns({ ways, sizes, batchMs, accountConcurrency }: PlanOptions): Run[] {
  if (ways.includes('Express') && batchMs > EXPRESS_MAX_MS) {
    throw new UsageError(`--batch-seconds: got ${batchMs / 1_000}, allowed with Express children: at most ${EXPRESS_MAX_MS / 1_000}: choose other --ways, or shorter batches`);
  }
  if (accountConcurrency < 3) {
    throw new UsageError(`this account may run ${accountConcurrency} functions at once in this Region, a job needs at least 3: ask for more concurrent executions in Service Quotas`);
  }
  return [...sizes].sort((a, b) => a - b).flatMap((batches) => {
    const { leaves, window } = staff(groupCount(batches), undefined, accountConcurrency);
    const rounds = Math.ceil(batches / (leaves * window));
    if (rounds > MOST_ROUNDS) {
      throw new UsageError(`--sizes: ${batches} batches need ${rounds} rounds in an account that runs ${accountConcurrency} functions at once, allowed: ${MOST_ROUNDS}, `
        + `which is ${MOST_ROUNDS * leaves * window} batches: leave that size out, or ask for more concurrent executions in Service Quotas`);
    }
    return ways.map((way): Run => ({ way, batches, ...way === 'Tree' ? tree(batches, batchMs, accountConcurrency) : map(way, batches, batchMs, accountConcurrency) }));
  });
}

/** All batches run, and run again: a job retries what fails once, and is not waited for any longer. */
export function worstDollars(runs: readonly Run[]): number {
  return 2 * runs.reduce((sum, { dollars }) => sum + dollars, 0);
}

/** After this a run is ended as TIMED_OUT: nothing goes on and on. */
export const timeoutSeconds = ({ seconds }: Run): number => Math.ceil(4 * seconds + 60);

function tree(batches: number, batchMs: number, accountConcurrency: number): Pick<Run, 'seconds' | 'dollars'> {
  const { seconds, cost } = estimateRequest({ items: { range: { start: 0, end: batches } }, batchSize: 1 }, {
    assumptions: {
      batchSeconds: batchMs / 1_000,
      combinerSeconds: COMBINER_SECONDS,
      worker: FUNCTION,
      combiner: FUNCTION,
      resultBytes: RESULT_BYTES,
      accountConcurrency,
      workerTimeoutSeconds: Math.ceil(batchMs / 1_000) + 30,
    },
  });
  return { seconds, dollars: cost.dollars };
}

/** By what a job counts of each of its rows. */
function map(way: 'Standard' | 'Express', batches: number, batchMs: number, accountConcurrency: number): Pick<Run, 'seconds' | 'dollars'> {
  const row = {
    pk: `j#${ASSUMPTIONS.jobId}#e1#g${batches}`,
    unit: batches,
    group: batches,
    first: batches,
    count: 1,
    attempt: 1,
    failed: [],
    data: 'x'.repeat(90 + RESULT_BYTES),
    bytes: RESULT_BYTES,
    calls: 1,
    took: batchMs,
    ttl: 1_800_000_000,
  };
  const child = childUsage({ childType: way === 'Express' ? 'EXPRESS' : 'STANDARD' }, row);
  const children: StoredUsage = Object.fromEntries(Object.entries(child).map(([name, value]) => [name, value * batches]));
  const usage = sumUsage(children, MAP_STATE_USAGE, {
    monitorInvocations: 2,
    monitorMs: MAP_MONITOR_MS + 2 * MAP_ROW_MS * batches,
    combinerInvocations: 1,
    combinerMs: 1_000 * COMBINER_SECONDS,
    stateTransitions: 2,
    tableReadUnits: 2 * batches,
    tableWriteUnits: 12,
    objectPuts: 4,
    logBytes: 5 * PLATFORM_LOG_BYTES,
  });
  const perSecond = way === 'Express' ? DEFAULTS.expressStarts : DEFAULTS.standardStarts;
  const seconds = 3 + Math.max(batches / perSecond, Math.ceil(batches / accountConcurrency) * (batchMs / 1_000)) + batchMs / 1_000;
  return { seconds, dollars: costOf(usage, { worker: FUNCTION, combiner: FUNCTION }).dollars };
}
