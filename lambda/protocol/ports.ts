/**
 * What the protocol needs from the world. Three worlds implement it: AWS, the embedded engine (the AWS adapters against
 * another endpoint) and the simulation. Nothing in this folder imports an AWS client.
 */

export interface Clock {
  /** Milliseconds since the epoch. Clocks of two participants may differ: no correctness rule compares them. */
  now(): number;
  /** Resolves after `ms` milliseconds, or as soon as `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** A string that nobody else draws. */
  nonce(): string;
}

export type Value = string | number | boolean | null | Set<number> | Value[] | { [name: string]: Value | undefined };

/** A table row. `pk` is the whole key. An attribute that is undefined is absent. */
export interface Row {
  pk: string;
  [attribute: string]: Value | undefined;
}

/** A condition on the stored row, evaluated atomically with the write. */
export type Condition =
  | { absent: string }
  | { equals: [attribute: string, value: string | number] }
  | { lessThan: [attribute: string, value: number] }
  | { all: Condition[] }
  | { any: Condition[] };

export interface Update {
  set?: { [attribute: string]: Value | undefined };
  remove?: string[];
  /** Unions numbers into a number set: idempotent, unlike a counter. */
  addToSet?: { [attribute: string]: number[] };
  /** Adds to a number; absent counts as 0. Not idempotent: only for figures on which nothing depends. */
  increment?: { [attribute: string]: number };
}

/** `ok: false`: the condition did not hold; `row` is the stored row then (undefined: there is none). On success the new row. */
export type WriteResult = { ok: true; row: Row } | { ok: false; row: Row | undefined };

export interface Table {
  get(pk: string, options: { consistent: boolean }): Promise<Row | undefined>;
  /** Strongly consistent; any number of keys; rows that do not exist are left out; the order is not defined. */
  getMany(pks: string[], attributes?: string[]): Promise<Row[]>;
  put(row: Row, condition?: Condition): Promise<WriteResult>;
  update(pk: string, update: Update, condition?: Condition): Promise<WriteResult>;
}

export interface TaskStore {
  /** JOB, LEAF and NODE rows; dispatcher and monitor only. */
  tasks: Table;
  /** One row per committed group. */
  results: Table;
}

/** A stream goes in parts of this size. Of 10,000 at most (S3 quotas): room for 160 GB. */
export const MULTIPART_BYTES = 16 * 1024 * 1024;

export interface Payloads {
  /** `false`: `ifAbsent` was asked for and an object is there already; it was left as it is. */
  put(key: string, body: string | Uint8Array, options?: { ifAbsent?: boolean }): Promise<boolean>;
  /** Throws `PayloadMissing` when there is no such object. `range`: bytes [from, to). */
  get(key: string, range?: { from: number; to: number }): Promise<Uint8Array>;
  /** Puts an object of any size in flat memory; it exists once all of it is there. */
  putStream(key: string, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** The address that a user can open, such as s3://bucket/key. */
  uri(key: string): string;
}

/** An object of a user's bucket, or a prefix of such; the key as it is, nothing encoded. */
export interface ObjectUri {
  readonly bucket: string;
  readonly key: string;
}

export interface ObjectPart {
  readonly bytes: Uint8Array;
  /** Of the whole object. */
  readonly size: number;
  /** Changes when the object does. */
  readonly version: string;
  /** The object's content encoding, such as gzip. */
  readonly encoding?: string;
}

export interface ListedObject {
  readonly key: string;
  readonly size: number;
}

/** The users' own buckets, read only. */
export interface Inputs {
  /**
   * Bytes [from, to) of an object, fewer where it ends before. Throws `InvalidInput` when there is no such object or bucket,
   * `NotAllowed` when it may not be read, and `InputChanged` when it is not of `version` any more.
   */
  read(object: ObjectUri, range: { from: number; to: number }, version?: string): Promise<ObjectPart>;
  /** Pages of the objects whose keys begin with the prefix, in the order of their keys' bytes. Throws as `read` does. */
  list(prefix: ObjectUri): AsyncIterable<ListedObject[]>;
}

/** What one synchronous call of a user's function came to. */
export type CallOutcome =
  | { kind: 'returned'; payload: string; requestId: string }
  /** The function threw, timed out or was killed. */
  | { kind: 'threw'; errorType: string; message: string; requestId: string }
  /** 429: it did not run. */
  | { kind: 'throttled' }
  /** It cannot run and will not (no permission, no such function, ...). */
  | { kind: 'refused'; errorType: string; message: string }
  /** Whether it ran is unknown (connection lost, 5xx). */
  | { kind: 'unknown'; message: string };

export interface Invoker {
  /**
   * Never throws, never retries: the leaf alone decides. `turn`: which of several replicas is called, modulo their number.
   * `taskFunction`: the registered function to call in the worker's place.
   */
  callWorker(payload: string, signal?: AbortSignal, turn?: number, taskFunction?: string): Promise<CallOutcome>;
  callCombiner(payload: string): Promise<CallOutcome>;
  /** What `callWorker` would call, for others to call it. */
  functionOf(turn: number, taskFunction?: string): string;
  /** Queues one asynchronous invoke of the dispatcher. */
  dispatch(event: object): Promise<void>;
  /** How many functions may run at once in this account and Region. */
  accountConcurrency(): Promise<number>;
  /** The longest of all replicas. */
  workerTimeoutSeconds(): Promise<number>;
  /** Of a registered function. */
  taskTimeoutSeconds(name: string): Promise<number>;
}

export interface Workflow {
  /** `false`: the token is no longer good (its wait timed out or was already answered). */
  wake(token: string): Promise<boolean>;
  /** Tells the world how an epoch ended. May be called again with the same `id`. */
  announce(event: { id: string; detailType: string; detail: { [name: string]: unknown } }): Promise<void>;
}

export interface Log {
  debug(message: string, fields?: { [name: string]: unknown }): void;
  info(message: string, fields?: { [name: string]: unknown }): void;
  warn(message: string, fields?: { [name: string]: unknown }): void;
  error(message: string, fields?: { [name: string]: unknown }): void;
}

/** How long the function that we run in may go on. */
export interface Budget {
  remainingMs(): number;
}

export interface Ports {
  clock: Clock;
  random: Random;
  store: TaskStore;
  payloads: Payloads;
  inputs: Inputs;
  invoker: Invoker;
  workflow: Workflow;
  log: Log;
}
