import type { WorkerEvent } from '../lambda/protocol/model';

/** What a function may know about the call that it is part of. */
export interface Batch {
  readonly jobId: string;
  readonly batchId: number;
  /** Calls that one dispatcher made for this batch so far, this one included. */
  readonly attempt: number;
  /** The request's `parameters`; undefined when it has none. */
  readonly parameters: unknown;
  /** When the job times out. */
  readonly deadline: Date;
  /** Id of the task, in a job of tasks. */
  readonly taskId?: string;
  /** Ms left until this call, or the job as a whole, is out of time, whichever comes first. */
  remainingMs(): number;
}

/** What an item came to that failed. */
export interface ItemError {
  /** Within the batch, from 0. */
  readonly index: number;
  readonly errorType: string;
  readonly message: string;
  /** Where it was thrown; only for the first errors of a batch. */
  readonly traceback?: string;
}

/** The result of a batch whose worker takes one item after the other. */
export interface ItemResults<R = unknown> {
  /** By item; null where it failed. */
  readonly results: (R | null)[];
  readonly errors: ItemError[];
}

export interface BurstWorkerOptions {
  /**
   * What the function gets: one item after the other, or all items of a batch.
   *
   * @default 'item'
   */
  readonly unit?: 'item' | 'batch';
  /**
   * `report` keeps what an item threw in the result, and the other items count; no item is tried again. `fail` lets the first
   * error fail the batch, which is then called again as often as the construct's `workerRetries` says.
   *
   * @default 'report'
   */
  readonly errors?: 'report' | 'fail';
}

/** What this reads of Lambda's context. */
export interface LambdaContext {
  getRemainingTimeInMillis?(): number;
}

type Handler<R> = (event: WorkerEvent, context?: LambdaContext) => Promise<R>;
type Work<I, R> = (item: I, batch: Batch) => R | Promise<R>;
/** An item for functions that are called by name. `kwargs` is for workers in Python alone. */
interface Call {
  readonly function: string;
  readonly args?: readonly unknown[];
}
interface TaskEvent {
  readonly task?: { readonly id: string; readonly function: string; readonly params?: unknown };
}

const MESSAGE_CHARS = 1_000;
const TRACEBACK_CHARS = 4_000;
/** Errors of a batch that carry their traceback: many would make its result larger than the 6 MB that Lambda takes. */
const TRACEBACKS = 20;

/**
 * The Lambda handler of a worker, from a function of one item.
 *
 * The result of a batch is an `ItemResults`, which `itemResults` reads. In a job of tasks the item is the task's `params`, its result is
 * what the function returns, and what it throws fails the task.
 */
export function burstWorker<I, R>(work: Work<I, R>, options?: BurstWorkerOptions & { readonly unit?: 'item' }): Handler<ItemResults<R> | R>;
/** The Lambda handler of a worker, from a function of all items of a batch; what it returns is the batch's result. */
export function burstWorker<I, R>(work: Work<I[], R>, options: BurstWorkerOptions & { readonly unit: 'batch' }): Handler<R>;
/**
 * The Lambda handler of a worker, from functions that are called by name: those listed here and no others. An item is then a call,
 * `{ function, args: [...] }`; of tasks, `function` is the name, and `params` the only argument.
 */
export function burstWorker(
  functions: Record<string, (...args: any[]) => unknown>, options?: Pick<BurstWorkerOptions, 'errors'>,
): Handler<unknown>;
export function burstWorker(
  work: Work<any, unknown> | Record<string, (...args: any[]) => unknown>, { unit = 'item', errors = 'report' }: BurstWorkerOptions = {},
): Handler<unknown> {
  if (unit !== 'item' && unit !== 'batch') throw new TypeError(`unit: got ${JSON.stringify(unit)}, allowed: "item", "batch"`);
  if (errors !== 'report' && errors !== 'fail') throw new TypeError(`errors: got ${JSON.stringify(errors)}, allowed: "report", "fail"`);
  const run: Work<any, unknown> = typeof work === 'function' ? work : listed(new Map(Object.entries(work)));
  return async (event, context) => {
    const { task } = event as TaskEvent;
    const batch = batchOf(event, context, task?.id);
    if (task) {
      const item = typeof work === 'function' ? task.params : { function: task.function, args: [task.params] };
      return run(unit === 'batch' ? [item] : item, batch);
    }
    const { range, items } = event;
    if (unit === 'batch') return run(range ? [...numbers(range)] : items, batch);
    return runItems(range ? numbers(range) : items!, (item) => run(item, batch), errors);
  };
}

function listed(functions: Map<string, (...args: any[]) => unknown>): Work<Call, unknown> {
  const notFunctions = [...functions].filter(([, entry]) => typeof entry !== 'function').map(([name]) => name);
  if (notFunctions.length > 0) throw new TypeError(`${notFunctions.join(', ')}: not a function`);
  return (call) => {
    if (call === null || typeof call !== 'object' || !('function' in call)) {
      throw new TypeError('the functions of this worker are called by name: an item is {"function": name, "args": [...]}');
    }
    const found = functions.get(call.function);
    if (!found) {
      const error = new Error(`function: got ${JSON.stringify(call.function)}, allowed: ${[...functions.keys()].join(', ') || 'none'}: list it in burstWorker({...})`);
      error.name = 'FunctionNotListed';
      throw error;
    }
    return found(...call.args ?? []);
  };
}

function batchOf(event: WorkerEvent, context: LambdaContext | undefined, taskId: string | undefined): Batch {
  if (!('range' in event || 'items' in event || 'task' in event)) {
    throw new TypeError(`not the event of a worker: it has the fields ${Object.keys(event).join(', ') || '(none)'}, needed is one of range, items, task`);
  }
  const { jobId, batchId, invocationAttempt: attempt, parameters, deadlineMs } = event;
  return {
    jobId,
    batchId,
    attempt,
    parameters,
    deadline: new Date(deadlineMs),
    ...(taskId !== undefined && { taskId }),
    remainingMs: () => Math.min(deadlineMs - Date.now(), context?.getRemainingTimeInMillis?.() ?? Infinity),
  };
}

function* numbers({ start, end }: { readonly start: number; readonly end: number }): Generator<number> {
  for (let n = start; n < end; n++) yield n;
}

async function runItems(items: Iterable<unknown>, work: (item: unknown) => unknown, errors: 'report' | 'fail'): Promise<ItemResults> {
  const results: unknown[] = [];
  const reported: ItemError[] = [];
  for (const item of items) {
    try {
      const result = await work(item) ?? null;
      JSON.stringify(result); // a cycle or a bigint is the item's error, not the batch's
      results.push(result);
    } catch (error) {
      if (errors === 'fail') throw error;
      reported.push(report(results.length, error, reported.length < TRACEBACKS));
      results.push(null);
    }
  }
  return { results, errors: reported };
}

function report(index: number, error: unknown, withTraceback: boolean): ItemError {
  const { name, message, stack } = error instanceof Error ? error : { name: typeof error, message: String(error), stack: undefined };
  return {
    index,
    errorType: name,
    message: message.slice(0, MESSAGE_CHARS),
    ...(withTraceback && stack !== undefined && { traceback: stack.slice(0, TRACEBACK_CHARS) }),
  };
}

/** What became of one item. */
export interface ItemResult {
  readonly index: number;
  readonly state: 'succeeded' | 'failed';
  /** What the function returned; undefined unless `state` is succeeded. */
  readonly result?: unknown;
  /** What it threw; undefined unless `state` is failed. */
  readonly error?: ItemError;
}

/**
 * The single items of a batch whose worker, made by `burstWorker`, takes one item after the other.
 *
 * @throws TypeError if the batch has no result, or one of another form
 */
export function* itemResults(batch: { readonly batchId: number; readonly state: string; readonly result?: unknown }): Generator<ItemResult> {
  const { results, errors } = (batch.result ?? {}) as Partial<ItemResults>;
  if (batch.state !== 'succeeded') throw new TypeError(`batch ${batch.batchId} has no items, it is ${batch.state}: look at its state first`);
  if (!Array.isArray(results) || !Array.isArray(errors)) {
    throw new TypeError(`the result of batch ${batch.batchId} does not list items: its worker must be made by burstWorker from a function of one item`);
  }
  const byIndex = new Map(errors.map((error) => [error.index, error]));
  for (const [index, result] of results.entries()) {
    const error = byIndex.get(index);
    yield error ? { index, state: 'failed', error } : { index, state: 'succeeded', result };
  }
}
