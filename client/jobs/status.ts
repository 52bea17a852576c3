import { DescribeExecutionCommand, ExecutionDoesNotExist, InvalidArn } from '@aws-sdk/client-sfn';
import { Context, PAGE } from './context';
import { groupKey, leafKey } from '../../lambda/protocol/keys';
import { mapUsage } from '../../lambda/protocol/map-usage';
import type { GroupRow, JobRow, JobStatus as StatusName, LeafRow, MapPlan } from '../../lambda/protocol/model';
import type { Usage } from '../../lambda/protocol/usage';
import type { Cost } from '../cost/price';
import { usageOf } from '../cost/usage-of';
import { UnknownJobError } from '../errors';
import { Pace } from '../polling';

export type { StatusName };

export interface JobStatus {
  readonly jobId: string;
  readonly status: StatusName;
  /** 1, and one more for each redrive; 0 until the job is planned. */
  readonly epoch: number;
  /** Batches of the job; 0 until it is planned. */
  readonly batchCount: number;
  /** Whether its batches are unlike tasks; false until it is planned. */
  readonly hasTasks: boolean;
  /** Batches with a result or a recorded failure. While the job runs, at most about 2 s old. */
  readonly finished: number;
  readonly failed: number;
  /** Worker calls in flight; 0 under a Distributed Map, where nobody counts them. */
  readonly running: number;
  readonly leaves: number;
  readonly startedAt?: Date;
  readonly endedAt?: Date;
  /** Why a job that did not succeed did not. */
  readonly reason?: { readonly code: string; readonly message: string };
  /** What the job used, as its functions counted it: so far while it runs, in all epochs once it has ended; undefined until it is planned. */
  readonly usage?: Usage;
  /** What that costs by the price sheet. */
  readonly cost?: Cost;
}

export interface WaitOptions {
  /** Called with every look, the last one included. */
  readonly onProgress?: (now: JobStatus) => void;
  /** Between two looks, in ms. @default - 500 at first, a twentieth of the time waited later, 5000 at most */
  readonly pollMs?: number;
  /** Stops waiting; the job goes on. */
  readonly signal?: AbortSignal;
}

/** Everything but the results. */
const SAMPLED = ['pk', 'failed', 'calls', 'took', 'bytes'];
const TERMINAL = new Set<StatusName>(['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'CANCELLED']);
export const isTerminal = (name: StatusName) => TERMINAL.has(name);

/** The status that counts: a job that was redriven has left its last end behind. */
export const statusOf = (row: JobRow): StatusName => (row.terminal?.epoch === row.epoch ? row.terminal.status : row.status);

export async function status(context: Context, jobId: string): Promise<JobStatus> {
  let row = await context.jobRow(jobId);
  if (row === undefined) {
    const found = await statusOfExecution(context, jobId);
    if (found && !isTerminal(found.status)) return found;
    row = await context.jobRow(jobId); // it may have been prepared, and ended, between the two looks
    if (row === undefined && found) return found;
    if (row === undefined) throw new UnknownJobError(jobId, context.address.stateMachineArn);
  }
  const now = statusOf(row);
  const base = {
    jobId,
    status: now,
    epoch: row.epoch,
    batchCount: row.plan?.batches ?? 0,
    hasTasks: row.plan?.taskFunctions !== undefined,
    leaves: row.plan?.leaves ?? 0,
    startedAt: row.plan && new Date(row.plan.startedAt),
    endedAt: row.endedAt === undefined ? undefined : new Date(row.endedAt),
    reason: row.reason ?? row.sealed?.reason,
  };
  if (now === 'SUCCEEDED') return { ...base, finished: row.plan.batches, failed: row.failedCount ?? 0, running: 0, ...usageOf(row) };
  const adopted = row.plan?.redo?.adopted ?? 0; // what a redrive did not run again
  if (row.plan?.map) return { ...base, ...await statusOfMap(context, row, row.plan.map) };
  const { leaves, scale } = await sampleOfLeaves(context, row);
  const { finished, ...counts } = leafCounts(row, leaves, scale);
  const settled = isTerminal(now) ? { running: 0, failed: Math.max(row.failedCount ?? 0, counts.failed) } : {};
  return { ...base, ...counts, finished: adopted + finished, ...settled, ...(row.plan && usageOf(row, leaves, scale)) };
}

export async function wait(context: Context, jobId: string, options: WaitOptions): Promise<JobStatus> {
  const pace = new Pace(options);
  for (;;) {
    const now = await status(context, jobId);
    options.onProgress?.(now);
    if (isTerminal(now.status)) return now;
    await pace.pause();
  }
}

/** `count` leaves spread evenly over the job's. */
export async function leafRows(context: Context, row: JobRow, count: number): Promise<LeafRow[]> {
  const keys = Array.from({ length: count }, (_, i) => leafKey(row.jobId, row.epoch, Math.floor((i * row.plan.leaves) / count)));
  return context.rows<LeafRow>(context.address.tasksTable, keys);
}

/** One request: a job with more leaves than fit is estimated from an even sample of them, each of which stands for `scale`. */
async function sampleOfLeaves(context: Context, row: JobRow): Promise<{ leaves: LeafRow[]; scale: number }> {
  if (!row.plan || row.plan.leaves === 0 || row.plan.groups === 0) return { leaves: [], scale: 1 };
  const sample = Math.min(row.plan.leaves, PAGE);
  return { leaves: await leafRows(context, row, sample), scale: row.plan.leaves / sample };
}

/** Under a Distributed Map the committed batches alone tell: one request for an even sample of them, or for all while there are up to 100. */
async function statusOfMap(context: Context, row: JobRow, map: MapPlan): Promise<Pick<JobStatus, 'finished' | 'failed' | 'running' | 'usage' | 'cost'>> {
  const { groups, redo } = row.plan;
  const sample = Math.min(groups, PAGE);
  const keys = Array.from({ length: sample }, (_, i) => groupKey(row.jobId, row.epoch, Math.floor((i * groups) / sample)));
  const rows = await context.rows<GroupRow>(context.address.resultsTable, keys, SAMPLED);
  const scale = sample === 0 ? 1 : groups / sample;
  const failed = Math.round(scale * rows.reduce((sum, { failed: failures }) => sum + failures.length, 0));
  return {
    finished: (redo?.adopted ?? 0) + Math.round(scale * rows.length),
    failed: isTerminal(statusOf(row)) ? row.failedCount ?? failed : failed,
    running: 0,
    ...usageOf(row, [], 1, mapUsage(map, rows, scale)),
  };
}

function leafCounts(row: JobRow, leaves: LeafRow[], scale: number): { finished: number; failed: number; running: number } {
  const sum = (name: 'finished' | 'failed' | 'running') => Math.round(scale * leaves.reduce((total, leaf) => total + (leaf.counts?.[name] ?? 0), 0));
  return { finished: Math.min(row.plan?.batches ?? 0, sum('finished')), failed: sum('failed'), running: sum('running') };
}

/** A job without a row has not been prepared yet, was refused, or is long over (undefined). */
async function statusOfExecution(context: Context, jobId: string): Promise<JobStatus | undefined> {
  const none = { jobId, epoch: 0, batchCount: 0, hasTasks: false, finished: 0, failed: 0, running: 0, leaves: 0 };
  try {
    const describe = new DescribeExecutionCommand({ executionArn: context.executionArn(jobId) });
    const execution = await context.connection.steps().send(describe, context.send);
    if (execution.status === 'RUNNING') return { ...none, status: 'PENDING', startedAt: execution.startDate };
    // its row is gone after its retention, Step Functions remembers it longer
    if (execution.status === 'SUCCEEDED') return undefined;
    return {
      ...none,
      status: execution.status === 'ABORTED' ? 'CANCELLED' : execution.status === 'TIMED_OUT' ? 'TIMED_OUT' : 'FAILED',
      reason: { code: execution.error ?? execution.status!, message: execution.cause ?? 'its execution ended before the job was prepared' },
      startedAt: execution.startDate,
      endedAt: execution.stopDate,
    };
  } catch (error) {
    if (!(error instanceof ExecutionDoesNotExist || error instanceof InvalidArn)) throw error;
    throw new UnknownJobError(jobId, context.address.stateMachineArn);
  }
}
