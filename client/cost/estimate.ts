import { FORMULAS } from './formulas';
import { Cost, costOf, PRICES, PriceSheet } from './price';
import { RowSample, SampleRows } from './rows';
import type { FunctionSize, Plan } from '../../lambda/protocol/model';
import { batchCount, batchesOfGroup, groupCount, groupSize, groupsOfLeaf, innerDispatchers, JOIN_FAN_IN, joinLevels, spanSize, staff } from '../../lambda/protocol/plan';
import { JobRequest } from '../../lambda/protocol/request';
import { waitAfter } from '../../lambda/protocol/turn';
import { NO_USAGE, Usage } from '../../lambda/protocol/usage';

export type CombineMode = 'COLLECT' | 'TREE' | 'NONE';
export type ChildType = 'STANDARD' | 'EXPRESS';

/** Children of a Distributed Map: at a time, and started in a second (Step Functions quotas). */
const MAP_CONCURRENCY = 10_000;
const CHILD_STARTS = { STANDARD: 100, EXPRESS: 1_000 };

/** What nobody knows before the job ran. */
export interface Assumptions extends RowSample {
  /** How long a worker takes for a batch. */
  readonly batchSeconds: number;
  /** How long the combiner takes, each time. */
  readonly combinerSeconds: number;
  readonly worker: FunctionSize;
  readonly combiner: FunctionSize;
  /** What the worker returns for a batch, as JSON. */
  readonly resultBytes: number;
  /** What the combiner returns, each time. */
  readonly partialBytes: number;
  /** Unreserved concurrent executions of the account. */
  readonly accountConcurrency: number;
  /** The worker and its replicas. */
  readonly workerFunctions: number;
  readonly workerTimeoutSeconds: number;
  /** From the start of the execution to the first worker. */
  readonly startSeconds: number;
  /** What a leaf takes beside its workers, and the monitor for each of its turns. */
  readonly leafSeconds: number;
  readonly monitorSeconds: number;
  /** Size of an input in S3, which is read once more to index it. */
  readonly inputBytes: number;
}

const NO_LEAVES = { leaves: 0, window: 0 };

/** Nothing of this was measured on AWS. */
export const ASSUMPTIONS: Assumptions = {
  batchSeconds: 1,
  combinerSeconds: 1,
  worker: { memoryMegabytes: 512, architecture: 'x86_64' },
  combiner: { memoryMegabytes: 512, architecture: 'x86_64' },
  resultBytes: 100,
  partialBytes: 100,
  accountConcurrency: 1000, // the default quota; new accounts have as little as 10
  workerFunctions: 1,
  workerTimeoutSeconds: 60,
  startSeconds: 2,
  leafSeconds: 0.3,
  monitorSeconds: 0.2,
  inputBytes: 0,
  jobId: 'job-20261121000000-000000',
  executionArn: 'arn:aws:states:us-east-1:123456789012:execution:BurstStateMachine0123456789ab:job-20261121000000-000000',
  taskToken: 'x'.repeat(700), // at most 2,048 characters
  bucket: 'stack-burstpayloads0123456789-0123456789ab',
  owner: '0'.repeat(16),
};

/** The job to estimate. */
export interface EstimateInput {
  readonly request: Pick<JobRequest, 'batchSize' | 'maxConcurrency' | 'parameters'>;
  /** Items of the input, and where they are. */
  readonly items: number;
  readonly source: 'range' | 'list' | 'object' | 'csv' | 'listing';
  readonly combineMode: CombineMode;
  /** Of a Distributed Map that fans out. @default - a tree of dispatchers does */
  readonly childType?: ChildType;
  /** Unlike tasks: their result is put together without the combiner. */
  readonly tasks?: boolean;
  /** Props of the construct. @default 64 and 60 */
  readonly branching?: number;
  readonly repairIntervalSeconds?: number;
  /** Worker calls of one leaf at a time. @default 64 */
  readonly maxWindow?: number;
  readonly assumptions?: Partial<Assumptions>;
}

export interface Step {
  readonly name: string;
  readonly value: number;
  readonly unit?: string;
  /** How it follows from those before it; absent: it is given, assumed or planned. */
  readonly formula?: string;
  readonly from?: 'request' | 'assumption' | 'plan' | 'sample row';
}

export interface Estimate {
  readonly batches: number;
  readonly leaves: number;
  readonly window: number;
  /** From the start of the execution to its end. */
  readonly seconds: number;
  readonly usage: Usage;
  readonly cost: Cost;
  readonly assumptions: Assumptions;
  /** Everything that was calculated, in order. */
  readonly steps: Step[];
}

/** What a job will use, take and cost if nothing fails: pure arithmetic on the plan that Prepare would make. */
export function estimate(input: EstimateInput, prices: PriceSheet = PRICES): Estimate {
  const assumptions = { ...ASSUMPTIONS, ...input.assumptions };
  const steps: Step[] = [];
  const values: { [name: string]: number } = {};
  const know = (from: Step['from'], known: { [name: string]: number }) => {
    for (const [name, value] of Object.entries(known)) {
      values[name] = value;
      steps.push({ name, value, from });
    }
  };

  const { items, source, request } = input;
  const combineMode = input.tasks ? 'NONE' : input.combineMode;
  const batches = batchCount(items, request.batchSize);
  const { childType } = input;
  const maxConcurrency = Math.min(MAP_CONCURRENCY, request.maxConcurrency ?? Infinity, assumptions.accountConcurrency);
  const map = childType && { childType, maxConcurrency };
  const groups = groupCount(batches, groupSize({ map }));
  const staffed = map ? NO_LEAVES : staff(groups, request.maxConcurrency, assumptions.accountConcurrency, input.maxWindow);
  const { window } = staffed;
  const leaves = groups === 0 ? 0 : staffed.leaves;
  const { worker, combiner, jobId, executionArn, taskToken, bucket, owner, ...numbers } = assumptions;
  const is = (what: boolean) => (what ? 1 : 0);
  know('request', {
    items,
    batchSize: request.batchSize,
    batches,
    groups,
    hasParameters: is(request.parameters !== undefined),
    isRange: is(source === 'range'),
    isCsv: is(source === 'csv'),
    isListing: is(source === 'listing'),
    // a job of no batches has its combiner called once, whatever its mode
    collect: is(combineMode === 'COLLECT' || (combineMode === 'TREE' && groups === 0)),
    tree: is(combineMode === 'TREE' && groups > 0),
    tasks: is(input.tasks === true),
    map: is(map !== undefined),
    isExpress: is(childType === 'EXPRESS'),
    hasResult: is(combineMode !== 'NONE' || input.tasks === true),
  });
  know('assumption', { ...numbers, leaseSeconds: Math.max(6, Math.min(60, input.repairIntervalSeconds ?? 60)) });
  know('plan', {
    leaves,
    window,
    mapConcurrency: map?.maxConcurrency ?? 0,
    childStarts: childType ? CHILD_STARTS[childType] : 0,
    innerDispatchers: innerDispatchers(leaves, input.branching ?? 64),
    leafTurns: turnsOfLeaves({ batches, groups, leaves, window }),
    ...joinFigures(map ? 0 : groups, leaves),
  });

  const plan = samplePlan(input, { batches, groups, leaves, window, ...(map && { map }) });
  const batchMs = Math.round(assumptions.batchSeconds * 1000);
  const rows = new SampleRows({ jobId, executionArn, taskToken, bucket, owner }, plan, assumptions.resultBytes, batchMs);
  const whole = rows.group(map ? 1 : Math.min(64, batches));
  const last = groups === 0 ? { document: 0, row: 0 } : rows.group(map ? 1 : spanSize(batchesOfGroup(groups - 1, batches)));
  know('sample row', {
    ...rows.job({ worker, ...(combineMode !== 'NONE' && { combiner }) }),
    documentBytes: whole.document,
    lastDocumentBytes: last.document,
    lineBytes: whole.line,
    groupRowBytes: whole.row,
    lastGroupRowBytes: last.row,
    partialRowBytes: rows.partial(assumptions.partialBytes),
  });

  for (const { name, unit, formula, of } of FORMULAS) {
    // the monitor looks as often as the time until the last worker ends allows
    if (name === 'stateTransitions') know('plan', { rounds: rounds(values.startSeconds + values.leafLife, input.repairIntervalSeconds ?? 60) });
    values[name] = of(values);
    steps.push({ name, value: values[name], unit, formula });
  }
  const usage = Object.fromEntries(Object.keys(NO_USAGE).map((name) => [name, values[name] ?? 0])) as unknown as Usage;
  return {
    batches, leaves, window, seconds: values.seconds, usage, cost: costOf(usage, { worker, combiner }, prices), assumptions, steps,
  };
}

/** How often all leaves together fill their windows. */
function turnsOfLeaves({ batches, groups, leaves, window }: Pick<Plan, 'batches' | 'groups' | 'leaves' | 'window'>): number {
  let turns = 0;
  for (let leaf = 0; leaf < leaves; leaf++) {
    const { start, end } = groupsOfLeaf(leaf, groups, leaves);
    turns += Math.ceil((batchesOfGroup(end - 1, batches).end - batchesOfGroup(start, batches).start) / window);
  }
  return turns;
}

function joinFigures(groups: number, leaves: number): { [name: string]: number } {
  const levels = groups === 0 ? [] : joinLevels(groups);
  const joinNodes = levels.reduce((sum, width) => sum + width, 0);
  // a place with one child takes over what that one has
  const calls = levels.reduce((sum, width, level) => sum + width - ((level === 0 ? groups : levels[level - 1]) % JOIN_FAN_IN === 1 ? 1 : 0), 0);
  let leafNodes = 0;
  for (let leaf = 0; leaf < leaves; leaf++) {
    const { start, end } = groupsOfLeaf(leaf, groups, leaves);
    leafNodes += Math.floor((end - 1) / JOIN_FAN_IN) - Math.floor(start / JOIN_FAN_IN) + 1;
  }
  const isTree = groups > 1; // one group is its own root
  return { joinNodes, leafNodes, treeNodes: isTree ? joinNodes : 0, treeCalls: isTree ? calls : 0, treeLevels: isTree ? levels.length + 1 : 1 };
}

/** Waits that end before the job does: each is followed by a look at it. */
function rounds(seconds: number, repairIntervalSeconds: number): number {
  let looks = 0;
  for (let age = repairIntervalSeconds; age < seconds; age += waitAfter(age, repairIntervalSeconds)) looks++;
  return looks;
}

function samplePlan(input: EstimateInput, size: Pick<Plan, 'batches' | 'groups' | 'leaves' | 'window' | 'map'>): Plan {
  const startedAt = Date.UTC(2026, 0, 1) + 123;
  const { jobId, workerTimeoutSeconds } = { ...ASSUMPTIONS, ...input.assumptions };
  const source: Plan['source'] = input.source === 'range' ? { kind: 'range', start: 0 }
    : { kind: 'lines', key: `jobs/${jobId}/e1/items.jsonl`, indexAt: 100_000 };
  return {
    items: input.items,
    batchSize: input.request.batchSize,
    ...size,
    ...(input.request.maxConcurrency !== undefined && { maxConcurrency: input.request.maxConcurrency }),
    branching: input.branching ?? 64,
    source,
    ...(input.request.parameters !== undefined && { parametersKey: `jobs/${jobId}/e1/parameters.json` }),
    workerRetries: 2,
    ...(input.combineMode === 'TREE' && { tree: { combinerTimeoutSeconds: 60 } }),
    workerTimeoutSeconds,
    toleratedFailures: 0,
    leaseSeconds: 60,
    startedAt,
    deadline: startedAt + 43_200_000,
    ttl: Math.ceil(startedAt / 1000) + 650_000,
  };
}
