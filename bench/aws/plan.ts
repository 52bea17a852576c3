import { FUNCTION, Way } from './ways';
import { UsageError } from '../../client/cli/errors';
import { estimateRequest } from '../../client/cost/estimate-request';
import { groupCount, staff } from '../../lambda/protocol/plan';

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
const CHILD_TYPES = { Standard: 'STANDARD', Express: 'EXPRESS' } as const;

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
    return ways.map((way): Run => ({ way, batches, ...estimateOf(way, batches, batchMs, accountConcurrency) }));
  });
}

/** All batches run, and run again: a job retries what fails once, and is not waited for any longer. */
export function worstDollars(runs: readonly Run[]): number {
  return 2 * runs.reduce((sum, { dollars }) => sum + dollars, 0);
}

/** After this a run is ended as TIMED_OUT: nothing goes on and on. */
export const timeoutSeconds = ({ seconds }: Run): number => Math.ceil(4 * seconds + 60);

function estimateOf(way: Way, batches: number, batchMs: number, accountConcurrency: number): Pick<Run, 'seconds' | 'dollars'> {
  const { seconds, cost } = estimateRequest({ items: { range: { start: 0, end: batches } }, batchSize: 1 }, {
    ...way !== 'Tree' && { childType: CHILD_TYPES[way] },
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
