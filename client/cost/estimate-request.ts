import { Assumptions, ChildType, CombineMode, Estimate, estimate, EstimateInput } from './estimate';
import type { PriceSheet } from './price';
import { InvalidRequest } from '../../lambda/protocol/errors';
import { parseRedrive, parseRequest, RequestItems, Settings } from '../../lambda/protocol/request';

export interface EstimateOptions {
  /** Items or tasks of an input in S3, which only reading it would tell. Needed for `items.s3`, `items.s3Prefix` and `tasks.s3`. */
  readonly items?: number;
  /** As the construct's prop. @default COLLECT */
  readonly combineMode?: CombineMode;
  /** Of a Distributed Map, where the construct's prop `fanOut` is one. @default - a tree of dispatchers fans out */
  readonly childType?: ChildType;
  /** As the construct's props. @default 1, the account's limit, 64, 60 s */
  readonly batchSize?: number;
  readonly maxConcurrency?: number;
  readonly branching?: number;
  readonly repairIntervalSeconds?: number;
  /** What else nobody knows before the job ran. @default ASSUMPTIONS */
  readonly assumptions?: Partial<Assumptions>;
  /** @default PRICES */
  readonly prices?: PriceSheet;
}

/** Whatever a construct may allow. */
export const ANY: Settings = {
  branching: 64,
  timeoutSeconds: 31_536_000,
  workerRetries: 2,
  toleratedFailurePercentage: 0,
  resultRetentionSeconds: 0,
  repairIntervalSeconds: 60,
  leafStartGraceSeconds: 60,
};

/**
 * What the job of a request will use, take and cost if nothing fails; asks nobody.
 *
 * @throws InvalidRequest that names the field, its value and what is allowed
 */
export function estimateRequest(request: unknown, options: EstimateOptions = {}): Estimate {
  const { items, combineMode = 'COLLECT', batchSize, maxConcurrency, prices, ...rest } = options;
  if (parseRedrive(request) !== undefined) throw new InvalidRequest('redrive: what it runs again is known to the job alone: only new jobs can be estimated');
  if (rest.childType !== undefined && combineMode === 'TREE') {
    throw new InvalidRequest('combineMode: got TREE, allowed with a Distributed Map: COLLECT, NONE; only dispatchers combine as a tree');
  }
  const settings = { ...ANY, ...(batchSize !== undefined && { batchSize }), ...(maxConcurrency !== undefined && { maxConcurrency }) };
  const parsed = parseRequest(request, settings);
  return estimate({ ...rest, request: parsed, combineMode, ...inputOf(parsed.items, items) }, prices);
}

function inputOf(given: RequestItems, items: number | undefined): Pick<EstimateInput, 'items' | 'source' | 'tasks'> {
  if ('range' in given) return { source: 'range', items: given.range.end - given.range.start };
  if ('tasks' in given && 'list' in given.tasks) return { source: 'list', items: given.tasks.list.length, tasks: true };
  if ('list' in given) return { source: 'list', items: given.list.length };
  if (items === undefined) throw new InvalidRequest('items: the number of items of an input in S3 is not in the request: say how many there are (--items)');
  if ('s3Prefix' in given) return { source: 'listing', items };
  if ('tasks' in given) return { source: 'object', items, tasks: true };
  return { source: given.s3.format === 'csv' ? 'csv' : 'object', items };
}
