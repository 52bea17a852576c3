import * as z from 'zod'; // not { z }: that would bundle all of it
import { InvalidRequest } from './errors';
import { RequestTasks, taskSchema } from './inputs/tasks';
import { Format, FORMATS, formatOf, parseUri } from './inputs/uri';
import type { FunctionSizes, MapPlan } from './model';
import { batchCount, MAX_BATCHES } from './plan';
import type { ObjectUri } from './ports';

const integer = (min: number, max: number, allowed: string) =>
  z.number({ error: allowed }).int({ error: allowed }).min(min, { error: allowed }).max(max, { error: allowed });
const edge = integer(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 'an integer of at most 2^53 - 1');

/** Problems that one error tells of. */
const MAX_ISSUES = 10;
const KINDS = ['range', 'list', 's3', 's3Prefix'];
/** Says what is allowed in place of something that is no object; unknown fields are explained elsewhere. */
const shape = (allowed: string) => (issue: { code?: string }) => (issue.code === 'unrecognized_keys' ? undefined : allowed);

const schema = z.strictObject({
  items: z.strictObject({
    range: z.strictObject({ start: edge, end: edge }, { error: shape('an object such as {"start":0,"end":1000}') })
      .refine((r) => r.end >= r.start, { error: 'start <= end (the end is exclusive)' })
      .refine((r) => r.end - r.start <= Number.MAX_SAFE_INTEGER, { error: 'at most 2^53 - 1 items' })
      .optional(),
    list: z.array(z.unknown(), { error: 'a JSON array' }).optional(),
    // an object with an item per line (jsonl), per record below the header (csv: an object of strings) or per element of its one array (json)
    s3: z.strictObject({
      uri: z.string({ error: 's3://bucket/key' }),
      format: z.enum(FORMATS, { error: FORMATS.join(', ') }).optional(),
    }, { error: shape('an object such as {"uri":"s3://bucket/key.jsonl"}') }).optional(),
    // an item {"bucket", "key", "size"} per object under the prefix, in the order of the keys' bytes; workers read the objects themselves
    s3Prefix: z.strictObject({
      uri: z.string({ error: 's3://bucket/prefix' }),
    }, { error: shape('an object such as {"uri":"s3://bucket/prefix/"}') }).optional(),
  }, { error: shape(`an object with one of ${KINDS.join(', ')}`) }).optional(),
  // unlike tasks: here, or one per line of an object
  tasks: z.unknown().optional(),
  batchSize: integer(1, 1e9, 'an integer from 1 to 1000000000').optional(),
  parameters: z.unknown().optional(),
  timeoutSeconds: integer(1, 31_536_000, 'an integer from 1 to the timeout of the construct').optional(),
  maxConcurrency: integer(1, 1_000_000, 'an integer of at least 1').optional(),
  toleratedFailurePercentage: z.number({ error: 'a number from 0 to 100' }).min(0, { error: 'a number from 0 to 100' }).max(100, { error: 'a number from 0 to 100' }).optional(),
  // added by Step Functions when a state machine starts another one
  AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID: z.string().optional(),
});

const taskList = z.strictObject({ tasks: z.array(taskSchema) });
const taskObject = z.strictObject({
  tasks: z.strictObject({
    s3: z.strictObject({ uri: z.string({ error: 's3://bucket/key' }) }, { error: shape('an object such as {"uri":"s3://bucket/key.jsonl"}') }),
  }, { error: shape('a JSON array of tasks such as {"id":"a","function":"name","params":{}}, or {"s3":{"uri":"s3://bucket/key.jsonl"}} with one per line') }),
});

const redriveSchema = z.strictObject({
  redrive: z.strictObject({ jobId: z.string({ error: 'the name of the job' }) }, { error: 'an object such as {"jobId":"job-1"}' }),
  AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID: z.string().optional(),
});

/** The job that a request asks to redrive; undefined: it asks for a new job. */
export function parseRedrive(input: unknown): string | undefined {
  if (input === null || typeof input !== 'object' || !('redrive' in input)) return undefined;
  const parsed = redriveSchema.safeParse(input);
  if (parsed.success) return parsed.data.redrive.jobId;
  throw new InvalidRequest(`redrive: got ${show(input)}, allowed: {"redrive":{"jobId":"<name of the job>"}} and nothing else`);
}

/** The limits and defaults that the construct was given. */
export interface Settings {
  readonly batchSize?: number;
  readonly maxConcurrency?: number;
  readonly branching: number;
  readonly timeoutSeconds: number;
  readonly workerRetries: number;
  readonly toleratedFailurePercentage: number;
  readonly resultRetentionSeconds: number;
  readonly repairIntervalSeconds: number;
  readonly workerTimeoutSeconds?: number;
  /** Of each of the construct's taskFunctions, by its name; null: only Lambda knows. */
  readonly taskTimeoutSeconds?: { readonly [name: string]: number | null };
  readonly combinerTimeoutSeconds?: number;
  readonly combineOnTimeout?: boolean;
  /** By a Distributed Map. @default - by a tree of dispatchers */
  readonly fanOut?: MapPlan;
  readonly combineMode?: 'COLLECT' | 'TREE' | 'NONE';
  readonly speculativeExecution?: boolean;
  readonly leafStartGraceSeconds: number;
  readonly functions?: FunctionSizes;
  /** Restarts of a leaf that does not get on. @default 5 */
  readonly maxLeafRestarts?: number;
  /** How long a leaf that never came up is started again without an end to it. @default 1800 */
  readonly startPatienceSeconds?: number;
  /** Worker calls of one leaf at a time. @default 64 */
  readonly maxWindow?: number;
}

export type RequestItems =
  | { readonly range: { readonly start: number; readonly end: number } }
  | { readonly list: unknown[] }
  | { readonly s3: { readonly object: ObjectUri; readonly format: Format } }
  | { readonly s3Prefix: ObjectUri }
  | { readonly tasks: RequestTasks };

export interface JobRequest {
  readonly items: RequestItems;
  readonly batchSize: number;
  readonly parameters?: unknown;
  readonly timeoutSeconds: number;
  readonly maxConcurrency?: number;
  readonly toleratedFailurePercentage: number;
}

/** Checks a request; throws `InvalidRequest` that names each wrong field, its value and what is allowed. */
export function parseRequest(input: unknown, settings: Settings): JobRequest {
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw refusal(parsed.error, input);
  const { items, tasks, timeoutSeconds = settings.timeoutSeconds } = parsed.data;
  if ((items === undefined) === (tasks === undefined)) {
    throw wrong('items', items, tasks === undefined ? `an object with one of ${KINDS.join(', ')}, or "tasks" in its place` : 'nothing beside "tasks"');
  }
  if (timeoutSeconds > settings.timeoutSeconds) {
    throw wrong('timeoutSeconds', timeoutSeconds, `at most the construct's timeout of ${settings.timeoutSeconds} s: raise the prop "timeout" for longer jobs`);
  }
  if (tasks !== undefined && parsed.data.batchSize !== undefined) {
    throw wrong('batchSize', parsed.data.batchSize, 'nothing beside "tasks": each of them is a batch');
  }
  const batchSize = tasks !== undefined ? 1 : parsed.data.batchSize ?? settings.batchSize ?? 1;
  const itemCount = items?.range ? items.range.end - items.range.start : items?.list?.length ?? 0; // of others only reading tells
  if (batchCount(itemCount, batchSize) > MAX_BATCHES) {
    throw wrong('batchSize', batchSize, `at least ${Math.ceil(itemCount / MAX_BATCHES)} for ${itemCount} items: a job may have at most ${MAX_BATCHES} batches`);
  }
  return {
    items: items ? requestItems(items) : { tasks: requestTasks(tasks) },
    batchSize,
    parameters: parsed.data.parameters,
    timeoutSeconds,
    maxConcurrency: least(parsed.data.maxConcurrency, settings.maxConcurrency),
    toleratedFailurePercentage: parsed.data.toleratedFailurePercentage ?? settings.toleratedFailurePercentage,
  };
}

function requestTasks(tasks: unknown): RequestTasks {
  if (Array.isArray(tasks)) {
    const parsed = taskList.safeParse({ tasks });
    if (!parsed.success) throw refusal(parsed.error, { tasks });
    return { list: parsed.data.tasks };
  }
  const parsed = taskObject.safeParse({ tasks });
  if (!parsed.success) throw refusal(parsed.error, { tasks });
  return { object: parseUri('tasks.s3.uri', parsed.data.tasks.s3.uri, false) };
}

function requestItems(items: NonNullable<z.infer<typeof schema>['items']>): RequestItems {
  const { range, list, s3, s3Prefix } = items;
  const given = Object.keys(items).filter((kind) => items[kind as keyof typeof items] !== undefined);
  if (given.length !== 1) throw wrong('items', given, `exactly one of ${KINDS.join(', ')}`);
  if (range) return { range };
  if (list) return { list };
  if (s3Prefix) return { s3Prefix: parseUri('items.s3Prefix.uri', s3Prefix.uri, true) };
  const object = parseUri('items.s3.uri', s3!.uri, false);
  return { s3: { object, format: s3!.format ?? formatOf(object) } };
}

function least(a?: number, b?: number): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}

function wrong(field: string, value: unknown, allowed: string): InvalidRequest {
  return new InvalidRequest(`${field}: got ${show(value)}, allowed: ${allowed}`);
}

function refusal({ issues }: z.ZodError, input: unknown): InvalidRequest {
  const more = issues.length - MAX_ISSUES;
  return new InvalidRequest(issues.slice(0, MAX_ISSUES).map((issue) => explain(issue, input)).join('; ') + (more > 0 ? `; and ${more} more` : ''));
}

function explain(issue: z.core.$ZodIssue, input: unknown): string {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    const prefix = path.length ? `${path.join('.')}.` : '';
    return `${issue.keys.map((key) => prefix + key).join(', ')}: unknown field, allowed here: ${fieldsAt(path).join(', ')}`;
  }
  const value = path.reduce<unknown>((at, key) => (at as { [k: string]: unknown } | undefined)?.[key], input);
  if (path.length === 0) return `request: got ${show(value)}, allowed: an object such as {"items":{"range":{"start":0,"end":1000}}}`;
  return `${path.join('.')}: got ${show(value)}, allowed: ${issue.message}`;
}

function fieldsAt(path: string[]): string[] {
  switch (path.join('.')) {
    case '': return Object.keys(schema.shape).filter((key) => !key.startsWith('AWS_'));
    case 'items': return KINDS;
    case 'items.s3': return ['uri', 'format'];
    case 'items.s3Prefix': return ['uri'];
    case 'items.range': return ['start', 'end'];
    case 'tasks': return ['s3'];
    case 'tasks.s3': return ['uri'];
    default: return Object.keys(taskSchema.shape);
  }
}

/** A value short enough for a message; what was sent may be large. */
function show(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
}
