import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { BatchGetItemCommand, DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  DescribeExecutionCommand, ExecutionAlreadyExists, ExecutionDoesNotExist, SFNClient, StartExecutionCommand, StopExecutionCommand,
  ValidationException,
} from '@aws-sdk/client-sfn';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { JobAddress } from './address';
import { JobFailedError, JobRunningError, NameTakenError, UnknownJobError } from './errors';
import { uploadList } from './upload';
import { digestOf } from '../lambda/protocol/digest';
import { executionName, jobKey, leafKey, manifestObject, resultObject } from '../lambda/protocol/keys';
import type { JobRow, JobStatus as StatusName, LeafRow, Manifest } from '../lambda/protocol/model';
import { groupDocument, manifestGroups } from '../lambda/protocol/results';

export interface BurstClientOptions {
  /** Where the job's parts are: the value of the construct's output. */
  readonly address: JobAddress;
  /** @default - the SDK's own resolution */
  readonly region?: string;
  /** @default - AWS */
  readonly endpoint?: string;
  /** @default - the SDK's own resolution */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string };
}

export interface SubmitOptions {
  /** The execution's input: see the README for its fields. */
  readonly request: unknown;
  /** Name of the job: 1 to 75 letters, digits, "-", "_". @default - a random one */
  readonly name?: string;
}

export interface JobStatus {
  readonly jobId: string;
  readonly status: StatusName;
  /** Batches of the job; 0 until it is planned. */
  readonly batchCount: number;
  /** Batches with a result or a recorded failure. While the job runs, at most about 2 s old. */
  readonly finished: number;
  readonly failed: number;
  /** Worker calls in flight. */
  readonly running: number;
  readonly leaves: number;
  readonly startedAt?: Date;
  readonly endedAt?: Date;
  /** Why a job that did not succeed did not. */
  readonly reason?: { readonly code: string; readonly message: string };
}

export interface WaitOptions {
  readonly onProgress?: (status: JobStatus) => void;
  /** Between two looks, in ms. @default 1000 */
  readonly pollMs?: number;
  /** Stops waiting; the job goes on. */
  readonly signal?: AbortSignal;
}

export interface TimedBatch {
  readonly batchId: number;
  /** When the call that counts was made. */
  readonly startMs: number;
  readonly durationMs: number;
  /** Worker calls made. */
  readonly attempts: number;
  readonly failed: boolean;
}

/** Times in ms since the job's start. */
export interface JobTimeline {
  readonly startedAt: Date;
  readonly dispatchers: { readonly leaf: number; readonly attempt: number; readonly startMs: number; readonly endMs: number }[];
  readonly batches: TimedBatch[];
  readonly combine?: { readonly startMs: number; readonly endMs: number };
}

const TERMINAL = new Set<StatusName>(['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'CANCELLED']);
/** Leaves read per look: one BatchGetItem. A job with more leaves is estimated from these. */
const LEAF_SAMPLE = 99;

/** Starts, watches and gathers the jobs of one deployed BurstCompute. */
export class BurstClient {
  private readonly dynamo: DynamoDBClient;
  private readonly s3: S3Client;
  private readonly steps: SFNClient;
  private readonly address: JobAddress;

  constructor(options: BurstClientOptions) {
    const { address, ...config } = options;
    this.address = address;
    this.dynamo = new DynamoDBClient(config);
    this.s3 = new S3Client({ ...config, forcePathStyle: (config.endpoint ?? process.env.AWS_ENDPOINT_URL) !== undefined });
    this.steps = new SFNClient(config);
  }

  /**
   * Starts a job. The same name with the same request is the same job, however often it is submitted.
   *
   * A list that is too large for the input of an execution is uploaded first, under `jobs/<job>/upload/` of the payload bucket.
   *
   * @throws NameTakenError if the name was used for another request
   * @throws RequestTooLargeError if the request is too large without its list, too
   */
  async submit(options: SubmitOptions): Promise<{ jobId: string }> {
    const jobId = options.name ?? `job-${new Date().toISOString().replace(/\D/g, '').slice(0, 14)}-${randomBytes(3).toString('hex')}`;
    const request = await uploadList(this.s3, this.address.payloadBucket, jobId, options.request);
    try {
      await this.start(jobId, request);
    } catch (error) {
      if (!(error instanceof ExecutionAlreadyExists)) throw error;
      const row = await this.jobRow(jobId);
      // a job that is not planned yet has no digest: Prepare refuses it if it differs
      if (row?.requestDigest !== undefined && row.requestDigest !== digestOf(request)) throw new NameTakenError(jobId, row.status);
    }
    return { jobId };
  }

  /**
   * Ends a job early: nothing new starts, its status becomes CANCELLED, results so far stay readable. Workers that run
   * already run on to their end. A job that has ended stays as it is.
   *
   * @throws UnknownJobError
   */
  async cancel(jobId: string): Promise<void> {
    const row = await this.jobRow(jobId);
    if (row && row.terminal?.epoch === row.epoch) return;
    const executionArn = row?.executionArn ?? this.executionArn(jobId);
    try {
      await this.steps.send(new StopExecutionCommand({ executionArn, error: 'Cancelled', cause: 'cancelled by the client' }));
    } catch (error) {
      if (error instanceof ExecutionDoesNotExist) throw new UnknownJobError(jobId, this.address.stateMachineArn);
      // it ended in the meantime
      if (!(error instanceof ValidationException)) throw error;
    }
  }

  /**
   * Runs the failed and missing batches of an ended job again, under the same job id; the results of the others stay.
   *
   * @returns the epoch that this starts
   * @throws UnknownJobError, or JobRunningError while the job has not ended
   */
  async redrive(jobId: string): Promise<{ jobId: string; epoch: number }> {
    const row = await this.jobRow(jobId);
    if (row === undefined) throw new UnknownJobError(jobId, this.address.stateMachineArn);
    if (row.terminal?.epoch !== row.epoch) throw new JobRunningError(jobId, row.status);
    const epoch = await this.startRedrive(jobId, row.epoch + 1);
    // until its first state has run, the row shows the last epoch
    for (let ms = 100; (await this.jobRow(jobId))?.epoch !== epoch; ms = Math.min(2 * ms, 2_000)) {
      const { status, cause } = await this.steps.send(new DescribeExecutionCommand({ executionArn: this.executionArn(executionName(jobId, epoch)) }));
      if (status !== 'RUNNING' && (await this.jobRow(jobId))?.epoch !== epoch) throw new JobFailedError(jobId, row.status, 'RedriveRefused', cause ?? status!);
      await sleep(ms);
    }
    return { jobId, epoch };
  }

  /** A redrive that was stopped before it began has used up its name: the next number will do. */
  private async startRedrive(jobId: string, epoch: number): Promise<number> {
    try {
      await this.start(executionName(jobId, epoch), { redrive: { jobId } });
      return epoch;
    } catch (error) {
      if (!(error instanceof ExecutionAlreadyExists)) throw error;
      return this.startRedrive(jobId, epoch + 1);
    }
  }

  private async start(name: string, request: unknown): Promise<void> {
    await this.steps.send(new StartExecutionCommand({ stateMachineArn: this.address.stateMachineArn, name, input: JSON.stringify(request) }));
  }

  private executionArn(name: string): string {
    return `${this.address.stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
  }

  /** How a job stands. Reads two table requests, whatever the job's size. Throws `UnknownJobError`. */
  async status(jobId: string): Promise<JobStatus> {
    const row = await this.jobRow(jobId);
    if (row === undefined) return this.statusOfExecution(jobId);
    const status = row.terminal?.epoch === row.epoch ? row.terminal.status : row.status;
    const base = {
      jobId,
      status,
      batchCount: row.plan?.batches ?? 0,
      leaves: row.plan?.leaves ?? 0,
      startedAt: row.plan && new Date(row.plan.startedAt),
      endedAt: row.endedAt === undefined ? undefined : new Date(row.endedAt),
      reason: row.reason ?? row.sealed?.reason,
    };
    if (status === 'SUCCEEDED') return { ...base, finished: row.plan.batches, failed: row.failedCount ?? 0, running: 0 };
    const adopted = row.plan?.redo?.adopted ?? 0; // what a redrive did not run again
    const { finished, ...counts } = await this.leafCounts(row);
    const settled = TERMINAL.has(status) ? { running: 0, failed: Math.max(row.failedCount ?? 0, counts.failed) } : {};
    return { ...base, ...counts, finished: adopted + finished, ...settled };
  }

  /** Waits until the job has ended, however it did. */
  async wait(jobId: string, options: WaitOptions = {}): Promise<JobStatus> {
    for (;;) {
      const status = await this.status(jobId);
      options.onProgress?.(status);
      if (TERMINAL.has(status.status)) return status;
      await sleep(options.pollMs ?? 1000, undefined, { signal: options.signal });
    }
  }

  /**
   * The combiner's answer; undefined without a combiner. `partial`: that of a job that ran out of time, too, where the
   * construct says `combineOnTimeout`.
   *
   * @throws JobFailedError if the job did not succeed
   */
  async result(jobId: string, options: { readonly partial?: boolean } = {}): Promise<unknown> {
    const row = await this.jobRow(jobId);
    if (row === undefined) throw new UnknownJobError(jobId, this.address.stateMachineArn);
    const isPartial = options.partial === true && row.terminal?.status === 'TIMED_OUT' && row.result !== undefined;
    if (row.terminal?.status !== 'SUCCEEDED' && !isPartial) {
      throw new JobFailedError(jobId, row.terminal?.status ?? row.status, row.reason?.code, row.reason?.message ?? 'it has not ended yet');
    }
    return row.result === undefined ? undefined : JSON.parse(await this.text(resultObject(jobId, row.epoch)));
  }

  /** The manifest of a job that has ended. */
  async manifest(jobId: string): Promise<Manifest> {
    const row = await this.jobRow(jobId);
    if (row?.manifest === undefined) throw new UnknownJobError(jobId, this.address.stateMachineArn);
    return JSON.parse(await this.text(manifestObject(jobId, row.epoch))) as Manifest;
  }

  /** When what ran. For jobs that have ended. */
  async timeline(jobId: string): Promise<JobTimeline> {
    const row = await this.jobRow(jobId);
    if (row?.manifest === undefined) throw new UnknownJobError(jobId, this.address.stateMachineArn);
    const manifest = await this.manifest(jobId);
    const fetch = (key: string) => this.text(key);
    const batches: JobTimeline['batches'] = [];
    for await (const group of manifestGroups(manifest, fetch)) {
      const doc = await groupDocument(group, fetch);
      doc.entries.forEach((entry, i) => batches.push({
        batchId: doc.first + i, startMs: doc.started[i], durationMs: doc.took[i], attempts: doc.attempts[i], failed: entry === null,
      }));
    }
    const { startedAt } = row.plan;
    const last = batches.reduce((latest, batch) => Math.max(latest, batch.startMs + batch.durationMs), 0);
    const dispatchers = (await this.leafRows(row, row.plan.leaves))
      .filter(({ startedAt: started }) => started !== undefined)
      .map(({ pk, attempt, startedAt: started, endedAt }) => ({
        leaf: Number(pk.slice(pk.lastIndexOf('#l') + 2)), attempt: attempt ?? 0, startMs: started! - startedAt, endMs: endedAt === undefined ? last : endedAt - startedAt,
      }))
      .sort((a, b) => a.leaf - b.leaf);
    return {
      startedAt: new Date(startedAt),
      dispatchers,
      batches,
      ...(row.combineStartedAt !== undefined && row.combineEndedAt !== undefined
        && { combine: { startMs: row.combineStartedAt - startedAt, endMs: row.combineEndedAt - startedAt } }),
    };
  }

  private async jobRow(jobId: string): Promise<JobRow | undefined> {
    const { Item } = await this.dynamo.send(new GetItemCommand({
      TableName: this.address.tasksTable, Key: { pk: { S: jobKey(jobId) } }, ConsistentRead: true,
    }));
    return Item && (unmarshall(Item) as JobRow);
  }

  private async statusOfExecution(jobId: string): Promise<JobStatus> {
    const executionArn = this.executionArn(jobId);
    const none = { jobId, batchCount: 0, finished: 0, failed: 0, running: 0, leaves: 0 };
    try {
      const execution = await this.steps.send(new DescribeExecutionCommand({ executionArn }));
      if (execution.status === 'RUNNING') return { ...none, status: 'PENDING', startedAt: execution.startDate };
      // its row is gone after its retention, Step Functions remembers it longer
      if (execution.status === 'SUCCEEDED') throw new UnknownJobError(jobId, this.address.stateMachineArn);
      return {
        ...none,
        status: execution.status === 'ABORTED' ? 'CANCELLED' : execution.status === 'TIMED_OUT' ? 'TIMED_OUT' : 'FAILED',
        reason: { code: execution.error ?? execution.status!, message: execution.cause ?? 'its execution ended before the job was prepared' },
        startedAt: execution.startDate,
        endedAt: execution.stopDate,
      };
    } catch (error) {
      if (error instanceof ExecutionDoesNotExist) throw new UnknownJobError(jobId, this.address.stateMachineArn);
      throw error;
    }
  }

  private async leafCounts(row: JobRow): Promise<{ finished: number; failed: number; running: number }> {
    if (!row.plan || row.plan.leaves === 0 || row.plan.groups === 0) return { finished: 0, failed: 0, running: 0 };
    const sample = Math.min(row.plan.leaves, LEAF_SAMPLE);
    const rows = await this.leafRows(row, sample);
    const scale = row.plan.leaves / sample;
    const sum = (name: 'finished' | 'failed' | 'running') => Math.round(scale * rows.reduce((total, leaf) => total + (leaf.counts?.[name] ?? 0), 0));
    return { finished: Math.min(row.plan.batches, sum('finished')), failed: sum('failed'), running: sum('running') };
  }

  /** `count` leaves spread evenly over the job's. */
  private async leafRows(row: JobRow, count: number): Promise<LeafRow[]> {
    const keys = Array.from({ length: count }, (_, i) => leafKey(row.jobId, row.epoch, Math.floor((i * row.plan.leaves) / count)));
    const rows: LeafRow[] = [];
    let pending = keys.map((pk) => ({ pk: { S: pk } }));
    while (pending.length > 0) {
      const page = pending.splice(0, 100);
      const table = this.address.tasksTable;
      const { Responses, UnprocessedKeys } = await this.dynamo.send(new BatchGetItemCommand({ RequestItems: { [table]: { Keys: page } } }));
      rows.push(...(Responses?.[table] ?? []).map((item) => unmarshall(item) as LeafRow));
      pending = [...pending, ...((UnprocessedKeys?.[table]?.Keys ?? []) as typeof pending)];
    }
    return rows;
  }

  private async text(key: string): Promise<string> {
    const { Body } = await this.s3.send(new GetObjectCommand({ Bucket: this.address.payloadBucket, Key: key }));
    return Body!.transformToString();
  }
}
