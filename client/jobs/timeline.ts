import { Context } from './context';
import { manifest } from './result';
import { leafRows } from './status';
import { groupDocument, manifestGroups } from '../../lambda/protocol/results';
import { UnknownJobError } from '../errors';

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

export async function timeline(context: Context, jobId: string): Promise<JobTimeline> {
  const row = await context.jobRow(jobId);
  if (row?.manifest === undefined) throw new UnknownJobError(jobId, context.address.stateMachineArn);
  const batches: TimedBatch[] = [];
  for await (const group of manifestGroups(await manifest(context, jobId), context.text)) {
    const doc = await groupDocument(group, context.text);
    doc.entries.forEach((entry, i) => batches.push({
      batchId: doc.first + i, startMs: doc.started[i], durationMs: doc.took[i], attempts: doc.attempts[i], failed: entry === null,
    }));
  }
  const { startedAt } = row.plan;
  const last = batches.reduce((latest, batch) => Math.max(latest, batch.startMs + batch.durationMs), 0);
  const dispatchers = (await leafRows(context, row, row.plan.leaves))
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
