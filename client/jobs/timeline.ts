import { Context } from './context';
import { manifest } from './result';
import { leafRows } from './status';
import { manifestObject } from '../../lambda/protocol/keys';
import type { JobRow, Manifest, ManifestGroup } from '../../lambda/protocol/model';
import { groupDocument, manifestGroups } from '../../lambda/protocol/results';
import { UnknownJobError } from '../errors';

export interface TimedBatch {
  readonly batchId: number;
  /** Of unlike tasks. */
  readonly taskId?: string;
  /** When the call that counts was made. */
  readonly startMs: number;
  readonly durationMs: number;
  /** Worker calls made. */
  readonly attempts: number;
  readonly failed: boolean;
}

/** Times in ms since the job's start; of a job that was redriven, since the start of its last epoch. */
export interface JobTimeline {
  readonly startedAt: Date;
  /** Worker calls at a time that were planned. */
  readonly slots: number;
  readonly dispatchers: { readonly leaf: number; readonly attempt: number; readonly startMs: number; readonly endMs: number }[];
  /** Those of the last epoch, by number. */
  readonly batches: TimedBatch[];
  /** Batches with a result of an earlier epoch. */
  readonly takenOver: number;
  readonly combine?: { readonly startMs: number; readonly endMs: number };
}

export interface TimelineOptions {
  /** Told as times are read. */
  readonly onProgress?: (batches: number, of: number) => void;
}

/** Documents read at a time; each may hold 64 results of 256 KiB. */
const READS = 8;

export async function timeline(context: Context, jobId: string, { onProgress }: TimelineOptions = {}): Promise<JobTimeline> {
  const row = await context.jobRow(jobId);
  if (row?.manifest === undefined) throw new UnknownJobError(jobId, context.address.stateMachineArn);
  const { batchCount, ...groups } = await manifest(context, jobId);
  const isTakenOver = await earlierResults(context, row);
  const batches: TimedBatch[] = [];
  let takenOver = 0;
  for await (const timed of inAdvance(manifestGroups({ batchCount, ...groups }, context.text), (group) => timesOf(context, group))) {
    for (const batch of timed) {
      if (isTakenOver(batch.batchId)) takenOver++;
      else batches.push(batch);
    }
    onProgress?.(batches.length + takenOver, batchCount);
  }
  const { startedAt, leaves, window, map } = row.plan;
  const last = batches.reduce((latest, batch) => Math.max(latest, batch.startMs + batch.durationMs), 0);
  const dispatchers = (await leafRows(context, row, leaves))
    .filter(({ startedAt: started }) => started !== undefined)
    .map(({ pk, attempt, startedAt: started, endedAt }) => ({
      leaf: Number(pk.slice(pk.lastIndexOf('#l') + 2)), attempt: attempt ?? 0, startMs: started! - startedAt, endMs: endedAt === undefined ? last : endedAt - startedAt,
    }))
    .sort((a, b) => a.leaf - b.leaf);
  return {
    startedAt: new Date(startedAt),
    slots: map?.maxConcurrency ?? leaves * window,
    dispatchers,
    batches,
    takenOver,
    ...(row.combineStartedAt !== undefined && row.combineEndedAt !== undefined
      && { combine: { startMs: row.combineStartedAt - startedAt, endMs: row.combineEndedAt - startedAt } }),
  };
}

async function timesOf(context: Context, group: ManifestGroup): Promise<TimedBatch[]> {
  const { first, ids, entries, started, took, attempts } = await groupDocument(group, context.text);
  return entries.map((entry, i) => ({
    batchId: first + i, ...(ids && { taskId: ids[i] }), startMs: started[i], durationMs: took[i], attempts: attempts[i], failed: entry === null,
  }));
}

/** A redrive runs what the manifest before it lacks; the times of all else are of an epoch with another start. */
async function earlierResults(context: Context, { jobId, plan: { redo } }: JobRow): Promise<(batchId: number) => boolean> {
  if (redo === undefined) return () => false;
  const last = JSON.parse(await context.text(manifestObject(jobId, redo.lastEpoch))) as Manifest;
  const failed = new Set<number>();
  const spans: { start: number; end: number }[] = [];
  for await (const group of manifestGroups(last, context.text)) {
    group.failed.forEach(({ batchId }) => failed.add(batchId));
    spans.push({ start: group.first, end: group.first + group.count });
  }
  let at = 0; // asked for in order
  return (batchId) => {
    while (at < spans.length && spans[at].end <= batchId) at++;
    return at < spans.length && spans[at].start <= batchId && !failed.has(batchId);
  };
}

/** What is read of each, in order, while the next ones are being read. */
async function* inAdvance<T, R>(source: AsyncIterable<T>, read: (item: T) => Promise<R>): AsyncGenerator<R> {
  const reading: Promise<R>[] = [];
  for await (const item of source) {
    const next = read(item);
    next.catch(() => undefined); // whoever awaits it is told
    reading.push(next);
    if (reading.length >= READS) yield (await reading.shift())!;
  }
  for (const next of reading) yield await next;
}
