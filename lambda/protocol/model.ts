/** The shapes that travel: rows, events, stored documents. */

import type { ObjectSource } from './inputs/object';
import type { StoredUsage } from './usage';

export type JobStatus = 'PENDING' | 'RUNNING' | 'COMBINING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'CANCELLED';
export type Outcome = 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'CANCELLED';

/** Where the items of a job are. */
export type ItemSource =
  /** The integers from `start`; the items are these numbers themselves. */
  | { readonly kind: 'range'; readonly start: number }
  /** One JSON text per line in an object; at byte `indexAt` an index: per group the 8-byte little-endian offset of its first line, and the end. */
  | { readonly kind: 'lines'; readonly key: string; readonly indexAt: number }
  | ObjectSource;

/** Which groups an epoch after the first runs again: those with failed or missing batches. */
export interface Redo {
  /** JSON Lines, one `ManifestGroup` per unit (only `group` where nothing was committed), with an index behind them as for items. */
  readonly key: string;
  readonly indexAt: number;
  /** Batches that the last manifest gives and that are not run again; their failures: none. */
  readonly adopted: number;
  /** The epoch whose manifest that is. */
  readonly lastEpoch: number;
}

/** The fan-out by a Distributed Map: a batch is a group of its own, and there are no leaves. */
export interface MapPlan {
  readonly childType: 'STANDARD' | 'EXPRESS';
  readonly maxConcurrency: number;
}

/** What Prepare decides, once; it rides in every dispatch event and stands on the JOB row. Small, whatever the job's size. */
export interface Plan {
  readonly items: number;
  readonly batchSize: number;
  readonly batches: number;
  /** Units of work of this epoch: all groups in the first, in a later one the groups of `redo`. Leaves, rows and join tree span them. */
  readonly groups: number;
  readonly redo?: Redo;
  /** Absent: a tree of dispatchers fans out. */
  readonly map?: MapPlan;
  readonly leaves: number;
  readonly window: number;
  readonly maxConcurrency?: number;
  readonly branching: number;
  readonly source: ItemSource;
  /** Unlike tasks, a batch each: the registered functions that they name. Absent: the worker runs all batches. */
  readonly taskFunctions?: string[];
  /** Object that holds the request's `parameters`; absent: there are none. */
  readonly parametersKey?: string;
  readonly workerRetries: number;
  /** Combine mode TREE: dispatchers call the combiner on each group and each full join node. */
  readonly tree?: { readonly combinerTimeoutSeconds: number };
  /** Whether stragglers are called a second time. */
  readonly speculative?: boolean;
  readonly workerTimeoutSeconds: number;
  /** The most failed batches with which the job still succeeds. */
  readonly toleratedFailures: number;
  readonly leaseSeconds: number;
  readonly startedAt: number;
  readonly deadline: number;
  /** Seconds since the epoch after which rows may go. */
  readonly ttl: number;
}

export interface DispatchEvent {
  readonly jobId: string;
  readonly epoch: number;
  /** The leaves to start: [lo, hi). One leaf: the receiver is it. */
  readonly lo: number;
  readonly hi: number;
  readonly depth: number;
  /** Attempt of the leaf that the sender saw last; 0: none. */
  readonly expect: number;
  /** How often this leaf was handed over in a row. */
  readonly hop: number;
  readonly plan: Plan;
}

export interface Reason {
  readonly code: string;
  readonly message: string;
}

export interface Seal {
  readonly epoch: number;
  readonly outcome: Outcome;
  readonly reason?: Reason;
}

/** What a GB-second of a function is. */
export interface FunctionSize {
  readonly memoryMegabytes: number;
  readonly architecture: 'x86_64' | 'arm64';
}

/** Absent: known to Lambda only, or not the same for all. */
export interface FunctionSizes {
  readonly worker?: FunctionSize;
  readonly combiner?: FunctionSize;
  /** Of the construct's taskFunctions, which take the worker's place in jobs of unlike tasks. */
  readonly task?: FunctionSize;
}

export interface JobRow {
  pk: string;
  jobId: string;
  executionArn: string;
  status: JobStatus;
  epoch: number;
  plan: Plan;
  repairIntervalSeconds: number;
  /** How long a dispatcher's event may be under way before the leaf counts as not started. */
  graceSeconds: number;
  maxRestarts: number;
  /** How long a leaf may never have started before that counts as its fault. */
  startPatienceSeconds: number;
  requestDigest: string;
  taskToken?: string;
  tokenRound?: number;
  tokenRetry?: number;
  dispatchedAt?: number;
  /** The last epoch whose execution ended before it began: its Prepare, should it still be under way, comes too late. */
  refusedEpoch?: number;
  rootDone?: number;
  sealed?: Seal;
  terminal?: { epoch: number; status: Outcome };
  reason?: Reason;
  result?: string;
  manifest?: string;
  failedCount?: number;
  combineStartedAt?: number;
  combineEndedAt?: number;
  endedAt?: number;
  /** Until an epoch ends: what the monitor used so far, and all of earlier epochs. From then on: all of all epochs. */
  usage?: StoredUsage;
  /** What is known of the functions that the job calls. */
  functions?: FunctionSizes;
  ttl: number;
}

export interface LeafCounts {
  finished: number;
  failed: number;
  running: number;
}

export interface LeafRow {
  pk: string;
  attempt?: number;
  owner?: string;
  leaseUntil?: number;
  /** First group of the leaf that is not yet committed and signalled. */
  cursor?: number;
  /** Counts of the groups below the cursor. */
  below?: { finished: number; failed: number };
  done?: boolean;
  released?: boolean;
  parts?: readonly string[];
  /** Combine mode TREE: its batches were given up, what is left is to combine. */
  givenUp?: boolean;
  counts?: LeafCounts;
  startedAt?: number;
  endedAt?: number;
  /** Re-dispatches by the monitor since the leaf last got on. */
  dispatches?: number;
  dispatchedAt?: number;
  ttl?: number;
  /** Of all attempts at this leaf, as far as they could tell. */
  usage?: StoredUsage;
}

export interface Failure {
  readonly batchId: number;
  /** Of unlike tasks. */
  readonly taskId?: string;
  readonly errorType: string;
  readonly message: string;
  /** Worker calls made for the batch. */
  readonly attempts: number;
  /** Request id of the last call: the key to its log lines. Empty when the call never reached the function. */
  readonly requestId: string;
}

/** What became of a batch: its result as JSON text, a reference to it, or nothing (it failed). */
export type Entry = { readonly result: unknown } | { readonly ref: { readonly key: string; readonly bytes: number } } | null;

/** The stored document of a group, in batch order. Times are in ms since the job's start. */
export interface GroupDocument {
  readonly first: number;
  /** Of unlike tasks. */
  readonly ids?: string[];
  readonly entries: Entry[];
  readonly started: number[];
  readonly took: number[];
  readonly attempts: number[];
}

export interface GroupRow {
  pk: string;
  /** Position among the groups of the epoch; in the first epoch the group itself. */
  unit: number;
  group: number;
  first: number;
  count: number;
  attempt: number;
  failed: Failure[];
  /** The document itself while it is small, else the key of the object that holds it. */
  data?: string;
  object?: string;
  /** Size of the document and of all results that it refers to. */
  bytes: number;
  /** Written by children of a Distributed Map: worker calls, and the ms that the last one took. */
  calls?: number;
  took?: number;
  ttl: number;
}

/** Combine mode TREE: what the combiner made of a group (level 0) or of the partial results below a join node. */
export interface PartialRow {
  pk: string;
  level: number;
  index: number;
  /** The combiner's answer as JSON text while it is small, else the key of the object that holds it; neither: a redrive needs nothing of it. */
  data?: string;
  object?: string;
  /** Size of the answer. */
  bytes: number;
  failedCount: number;
  /** Up to ten. */
  firstFailures: Failure[];
  ttl: number;
}

/**
 * One line of the manifest: a committed group; or, of a group that a job which ended early did not finish, consecutive batches that
 * have an end, so that there may be several lines of it.
 */
export interface ManifestGroup {
  readonly group: number;
  readonly first: number;
  readonly count: number;
  readonly failed: Failure[];
  readonly data?: GroupDocument;
  readonly object?: string;
  readonly bytes: number;
  /** The group is not committed. */
  readonly unfinished?: true;
}

/** Written once at the end of an epoch: the only truth about its results from then on. */
export interface Manifest {
  readonly version: 1;
  readonly jobId: string;
  readonly epoch: number;
  readonly outcome: Outcome;
  readonly batchCount: number;
  /** Batches with a result. */
  readonly succeededCount: number;
  readonly failedCount: number;
  readonly bytes: number;
  /** By number of the first batch: here, */
  readonly groups?: ManifestGroup[];
  /** or, when they are many, as JSON Lines in these objects. */
  readonly pieces?: string[];
}

/** One of the unlike tasks of a job. */
export interface Task {
  readonly id: string;
  /** Name under which the function is registered with the construct. */
  readonly function: string;
  readonly params?: unknown;
}

export interface WorkerEvent {
  readonly jobId: string;
  readonly batchId: number;
  readonly invocationAttempt: number;
  readonly range?: { readonly start: number; readonly end: number };
  readonly items?: unknown[];
  /** In the place of `range` and `items`, for a function that a task names. */
  readonly task?: Task;
  readonly parameters?: unknown;
  readonly deadlineMs: number;
}

export interface CombinerEvent {
  readonly jobId: string;
  /** RUNNING: in combine mode TREE, while the job runs. */
  readonly status: Outcome | 'RUNNING';
  readonly isComplete: boolean;
  readonly isTimedOut: boolean;
  /** Of the job. */
  readonly batchCount: number;
  readonly failures: { readonly count: number; readonly first: Failure[] };
  readonly parameters?: unknown;
  readonly startedAt: string;
  readonly elapsedSeconds: number;
  /** Combine mode TREE only; `isComplete`, `failures` and `results` are then those of `batches`. */
  readonly tree?: {
    /** 0: the results are those of workers. Above: partial results, which the combiner itself returned. */
    readonly level: number;
    /** Counted from 0 on each level. */
    readonly index: number;
    readonly batches: BatchRange;
    /** Whether the answer is the job's result; else it is one of the results of a later call. */
    readonly isFinal: boolean;
  };
  /**
   * `inline`: what the worker returned for each batch, in batch order, null for those in `failed` and, in a job that ran out
   * of time, `missing`. Too large for an event: the address of the manifest instead. In combine mode TREE `batches` says of which
   * each is, and what is too large are JSON Lines, a `TreeEntry` each, at the address in `entries`.
   */
  readonly results:
    | { readonly inline: unknown[]; readonly failed: number[]; readonly missing: number[]; readonly batches?: BatchRange[] }
    | { readonly manifest: string }
    | { readonly entries: string };
}

/** Consecutive batches, end exclusive. */
export interface BatchRange {
  readonly start: number;
  readonly end: number;
}

/** A result or partial result in combine mode TREE, or the failure in its place. */
export interface TreeEntry {
  readonly batches: BatchRange;
  readonly result?: unknown;
  /** In the place of `result`: the object of the payload bucket that holds it. */
  readonly ref?: { readonly key: string; readonly bytes: number };
  readonly failure?: Failure;
}
