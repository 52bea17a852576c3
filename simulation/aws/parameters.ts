/**
 * Everything that the model of AWS assumes, each figure with its source. `published`: AWS documents it; `reported`: others
 * measured it; `measured`: from this project's own hot path on a plain machine; `assumed`: nobody was found who says.
 */

export interface Parameter {
  readonly value: number;
  readonly unit: string;
  readonly basis: 'published' | 'reported' | 'measured' | 'assumed';
  readonly source: string;
}

const LAMBDA_SCALING = 'Lambda scaling behavior, docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html';
const ASYNC_ERRORS = 'Lambda asynchronous error handling, docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html';
const STEP_FUNCTIONS_QUOTAS = 'Step Functions quotas, docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html';
const DYNAMODB = 'DynamoDB partitions and on-demand capacity, docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html';

export const PARAMETERS = {
  rampBurst: { value: 1_000, unit: 'environments', basis: 'published', source: `${LAMBDA_SCALING}: at most this many more within 10 s, per function` },
  rampPerSecond: { value: 100, unit: '1/s', basis: 'published', source: `${LAMBDA_SCALING}: 1,000 per 10 s, refilled continuously, not saved up` },
  coldStartMs: { value: 200, unit: 'ms', basis: 'reported', source: 'median of a small Node.js function, 80 to 400 ms in public surveys of 2025 and 2026: environment and runtime, not billed' },
  initMs: { value: 150, unit: 'ms', basis: 'assumed', source: 'loading the code of a function on its first call, billed since August 2025' },
  invokeMs: { value: 15, unit: 'ms', basis: 'assumed', source: 'round trip of a synchronous invoke of a warm function within the Region, the function aside; single-digit to tens of ms in reports' },
  asyncAcceptMs: { value: 15, unit: 'ms', basis: 'assumed', source: 'until Lambda has accepted an asynchronous invoke; as for a synchronous one' },
  asyncHopMs: { value: 60, unit: 'ms', basis: 'reported', source: 'from acceptance to delivery of an event to an idle function; event sources with a queue take 50 to 150 ms in reports' },
  asyncRetryMs: { value: 1_000, unit: 'ms', basis: 'published', source: `${ASYNC_ERRORS}: first delay after a throttle, doubled each time` },
  asyncRetryCapMs: { value: 300_000, unit: 'ms', basis: 'published', source: ASYNC_ERRORS },
  spread: { value: 0.35, unit: 'sigma of ln', basis: 'assumed', source: 'all durations above and below are log-normal around their median: the 99th percentile is 2.3 times the median' },
  callCpuMs: { value: 0.3, unit: 'ms', basis: 'measured', source: 'processor time of one worker call in a leaf of 1,024 MB (0.58 vCPU): 0.16 ms of a whole core, TLS included' },
  connectCpuMs: { value: 2.8, unit: 'ms', basis: 'measured', source: 'the same for the first call on a connection, TLS included: 97 to 105 ms of a whole core for 64' },
  tableMs: { value: 5, unit: 'ms', basis: 'published', source: 'a DynamoDB request: "single-digit millisecond" (DynamoDB developer guide)' },
  partitionWrites: { value: 1_000, unit: 'write units/s', basis: 'published', source: `${DYNAMODB}: per partition` },
  tablePartitions: { value: 4, unit: 'partitions', basis: 'published', source: `${DYNAMODB}: a new on-demand table takes 4,000 write units/s` },
  objectMs: { value: 30, unit: 'ms', basis: 'reported', source: 'an S3 request on a small object: first byte in 100 to 200 ms at worst, tens of ms as a rule (S3 performance guidelines)' },
  transitionMs: { value: 50, unit: 'ms', basis: 'assumed', source: 'a Standard state machine from one state to the next, waking by task token included' },
  standardStarts: { value: 100, unit: '1/s', basis: 'published', source: `${STEP_FUNCTIONS_QUOTAS}: Standard children of a Distributed Map` },
  expressStarts: { value: 1_000, unit: '1/s', basis: 'published', source: `${STEP_FUNCTIONS_QUOTAS}: Express children of a Distributed Map` },
  mapParallel: { value: 10_000, unit: 'children', basis: 'published', source: `${STEP_FUNCTIONS_QUOTAS}: running at once` },
  childMs: { value: 50, unit: 'ms', basis: 'assumed', source: 'what a child execution adds to its one Lambda task' },
  clientInvokeMs: { value: 76, unit: 'ms', basis: 'reported', source: 'one asynchronous invoke from one of 64 threads of a large machine: 10,000 in 11.9 s (PyWren\'s invoke benchmark)' },
} as const satisfies { [name: string]: Parameter };

export type ParameterName = keyof typeof PARAMETERS;
export type Values = { readonly [name in ParameterName]: number };

export const DEFAULTS = Object.fromEntries(Object.entries(PARAMETERS).map(([name, { value }]) => [name, value])) as unknown as Values;
