import { GroupRow, MapPlan } from './model';
import { Row } from './ports';
import { rowBytes, writeUnits } from './row-size';
import { PLATFORM_LOG_BYTES, StoredUsage, sumUsage } from './usage';

/** What the Map state itself uses: its transition, its input, its list of children. */
export const MAP_STATE_USAGE: StoredUsage = { stateTransitions: 1, objectGets: 1, objectPuts: 2 };
/** What a document has around its one result. */
const FRAME_BYTES = 90;
/** From the worker's answer to the end of its child, in ms; an assumption. */
const COMMIT_MS = 50;

/** What a child used, by the row that it committed; what its own retries of throttles cost no row tells. */
export function childUsage({ childType }: Pick<MapPlan, 'childType'>, row: GroupRow): StoredUsage {
  const { calls = 0, took = 0 } = row;
  const isFailed = row.failed.length > 0;
  // Due and Work for each call; Failed, Answered and Again after one that failed; at last Commit, or Failed, Answered, Record and BatchFailed
  const states = calls === 0 ? 0 : 5 * (calls - 1) + 2 + (isFailed ? 4 : 1);
  return {
    workerInvocations: calls,
    workerMs: took,
    // of rows that were read without their results, by what they say of those
    tableWriteUnits: calls === 0 ? 0 : writeUnits(rowBytes({ ...row } as unknown as Row) + (row.data === undefined ? row.bytes + FRAME_BYTES : 0)),
    logBytes: calls * PLATFORM_LOG_BYTES,
    ...(childType === 'STANDARD' ? { stateTransitions: 1 + states }
      : { stateTransitions: 1, expressRequests: 1, expressMs: 100 * Math.ceil((took + COMMIT_MS) / 100) }),
  };
}

/** What is known of `sampled` rows of a map's, each of which stands for `scale`. */
export function mapUsage(map: MapPlan, rows: GroupRow[], scale = 1): StoredUsage {
  const sum = sumUsage(...rows.map((row) => childUsage(map, row)));
  return sumUsage(MAP_STATE_USAGE, Object.fromEntries(Object.entries(sum).map(([name, value]) => [name, Math.round(value * scale)])));
}
