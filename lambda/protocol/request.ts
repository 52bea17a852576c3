import { z } from 'zod';
import { InvalidRequest } from './errors';
import { batchCount } from './plan';

/** Above this the monitor would read and write for minutes at the end; a larger batchSize is the better answer. */
export const MAX_BATCHES = 10_000_000;

const integer = (min: number, max: number, allowed: string) =>
  z.number({ error: allowed }).int({ error: allowed }).min(min, { error: allowed }).max(max, { error: allowed });
const edge = integer(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 'an integer of at most 2^53 - 1');

const schema = z.strictObject({
  items: z.strictObject({
    range: z.strictObject({ start: edge, end: edge })
      .refine((r) => r.end >= r.start, { error: 'start <= end (the end is exclusive)' })
      .refine((r) => r.end - r.start <= Number.MAX_SAFE_INTEGER, { error: 'at most 2^53 - 1 items' })
      .optional(),
    list: z.array(z.unknown(), { error: 'a JSON array' }).optional(),
  }, { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : 'an object with one of range, list') }),
  batchSize: integer(1, 1e9, 'an integer from 1 to 1000000000').optional(),
  parameters: z.unknown().optional(),
  timeoutSeconds: integer(1, 31_536_000, 'an integer from 1 to the timeout of the construct').optional(),
  maxConcurrency: integer(1, 1_000_000, 'an integer of at least 1').optional(),
  toleratedFailurePercentage: z.number({ error: 'a number from 0 to 100' }).min(0, { error: 'a number from 0 to 100' }).max(100, { error: 'a number from 0 to 100' }).optional(),
  // added by Step Functions when a state machine starts another one
  AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID: z.string().optional(),
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
  readonly combinerTimeoutSeconds?: number;
  readonly combineOnTimeout?: boolean;
  readonly leafStartGraceSeconds: number;
  /** Restarts of a leaf that does not get on. @default 5 */
  readonly maxLeafRestarts?: number;
  /** How long a leaf that never came up is started again without an end to it. @default 1800 */
  readonly startPatienceSeconds?: number;
  /** Worker calls of one leaf at a time. @default 64 */
  readonly maxWindow?: number;
}

export interface JobRequest {
  readonly items: { readonly range: { start: number; end: number } } | { readonly list: unknown[] };
  readonly itemCount: number;
  readonly batchSize: number;
  readonly batches: number;
  readonly parameters?: unknown;
  readonly timeoutSeconds: number;
  readonly maxConcurrency?: number;
  readonly toleratedFailurePercentage: number;
}

/** Checks a request; throws `InvalidRequest` that names each wrong field, its value and what is allowed. */
export function parseRequest(input: unknown, settings: Settings): JobRequest {
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw new InvalidRequest(parsed.error.issues.map((issue) => explain(issue, input)).join('; '));
  const { items, timeoutSeconds = settings.timeoutSeconds } = parsed.data;
  const given = Object.keys(items).filter((kind) => items[kind as keyof typeof items] !== undefined);
  if (given.length !== 1) throw wrong('items', given, 'exactly one of range, list');
  if (timeoutSeconds > settings.timeoutSeconds) {
    throw wrong('timeoutSeconds', timeoutSeconds, `at most the construct's timeout of ${settings.timeoutSeconds} s: raise the prop "timeout" for longer jobs`);
  }
  const batchSize = parsed.data.batchSize ?? settings.batchSize ?? 1;
  const itemCount = items.range ? items.range.end - items.range.start : items.list!.length;
  const batches = batchCount(itemCount, batchSize);
  if (batches > MAX_BATCHES) {
    throw wrong('batchSize', batchSize, `at least ${Math.ceil(itemCount / MAX_BATCHES)} for ${itemCount} items: a job may have at most ${MAX_BATCHES} batches`);
  }
  return {
    items: items.range ? { range: items.range } : { list: items.list! },
    itemCount,
    batchSize,
    batches,
    parameters: parsed.data.parameters,
    timeoutSeconds,
    maxConcurrency: least(parsed.data.maxConcurrency, settings.maxConcurrency),
    toleratedFailurePercentage: parsed.data.toleratedFailurePercentage ?? settings.toleratedFailurePercentage,
  };
}

function least(a?: number, b?: number): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}

function wrong(field: string, value: unknown, allowed: string): InvalidRequest {
  return new InvalidRequest(`${field}: got ${show(value)}, allowed: ${allowed}`);
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
    case 'items': return ['range', 'list'];
    default: return ['start', 'end'];
  }
}

/** A value short enough for a message; what was sent may be large. */
function show(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
}
