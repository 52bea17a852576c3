import { Commits } from './commits';
import { Context } from './context';
import { isTerminal, status, statusOf } from './status';
import { manifestObject } from '../../lambda/protocol/keys';
import type { JobRow, Manifest, ManifestGroup } from '../../lambda/protocol/model';
import { groupSize } from '../../lambda/protocol/plan';
import { isWhole, manifestGroups } from '../../lambda/protocol/results';
import { Pace } from '../polling';

/** In which order batches come: by number, or as their groups of 64 are finished. */
export type ResultOrder = 'batch' | 'finished';

export interface FollowOptions {
  /** @default batch */
  readonly order?: ResultOrder;
  /** Whether to go on until the job has ended; otherwise what there is now. @default true */
  readonly follow?: boolean;
  /** Between two looks, in ms. @default - as for `wait` */
  readonly pollMs?: number;
  readonly signal?: AbortSignal;
}

/** A finished group; what a job that ended early has of one; or a run of batches that ended without a result. */
export type Piece = ManifestGroup | { readonly missing: { readonly start: number; readonly end: number } };

/**
 * The finished groups of a job, each once, while it runs and after. A committed group never changes, and the manifest of the
 * end has it as it was, so that what came early agrees with what comes last: but for what is committed while a job is ended early, which
 * may be given though the manifest lacks it.
 */
export async function* finishedGroups(context: Context, jobId: string, options: FollowOptions, withResults = true): AsyncGenerator<Piece> {
  const row = await planned(context, jobId, options);
  if (row === undefined) return;
  const { order = 'batch', follow = true } = options;
  const seen = new Set<number>();
  for await (const group of running(context, row, { ...options, order, follow }, withResults)) {
    seen.add(group.group);
    yield group;
  }
  const now = await context.jobRow(jobId);
  if (now !== undefined && !hasEnded(now, row.epoch)) return; // asked not to follow
  const manifest = JSON.parse(await context.text(manifestObject(jobId, row.epoch))) as Manifest;
  const size = groupSize(row.plan);
  let next = 0;
  for await (const group of manifestGroups(manifest, context.text)) {
    yield* missing(next, group.first, seen, size);
    next = group.first + group.count;
    if (!seen.has(group.group)) yield group;
  }
  yield* missing(next, manifest.batchCount, seen, size);
}

/** Batches without a result. A group that was committed after the manifest of a job which ended early is in neither, but was given already. */
function* missing(start: number, end: number, seen: Set<number>, size: number): Generator<Piece> {
  let from = start;
  for (let group = Math.floor(start / size); group * size < end; group++) {
    if (!seen.has(group)) continue;
    if (from < group * size) yield { missing: { start: from, end: group * size } };
    from = Math.min(end, (group + 1) * size);
  }
  if (from < end) yield { missing: { start: from, end } };
}

/** The row once there is a plan; undefined if the job ended before. */
async function planned(context: Context, jobId: string, options: FollowOptions): Promise<JobRow | undefined> {
  const pace = new Pace(options);
  for (;;) {
    const row = await context.jobRow(jobId);
    if (row?.plan !== undefined) return row;
    const { status: now, epoch } = row ? { status: statusOf(row), epoch: 0 } : await status(context, jobId);
    if (isTerminal(now) && epoch > 0) continue; // it was prepared, and ended, between the two looks
    if (isTerminal(now) || options.follow === false) return undefined;
    await pace.pause();
  }
}

const hasEnded = (row: JobRow, epoch: number) => row.epoch !== epoch || isTerminal(statusOf(row));

/** What a redrive took over, and what is committed while the job runs: one read of the job and one of up to 100 leaves per look. */
async function* running(
  context: Context, job: JobRow, options: Required<Pick<FollowOptions, 'order' | 'follow'>> & FollowOptions, withResults: boolean,
): AsyncGenerator<ManifestGroup> {
  const adopted = adoptedGroups(context, job);
  let old = await adopted.next();
  let next = 0; // number of the group that comes next, in order
  const commits = new Commits(context, job, withResults);
  const pace = new Pace(options);
  const due = async function* () {
    for (; !old.done && (options.order === 'finished' || old.value.group === next); old = await adopted.next()) {
      next++;
      yield old.value;
    }
  };
  for (let row: JobRow | undefined = job; row !== undefined && !hasEnded(row, job.epoch); row = await context.jobRow(job.jobId)) {
    yield* due();
    for await (const group of options.order === 'batch' ? commits.inOrder() : commits.fresh(!options.follow)) {
      yield group;
      next++;
      yield* due();
    }
    if (!options.follow) return;
    await pace.pause();
  }
}

/** The groups that a redrive did not run again. */
async function* adoptedGroups(context: Context, row: JobRow): AsyncGenerator<ManifestGroup> {
  if (!row.plan.redo || isTerminal(statusOf(row))) return;
  const last = JSON.parse(await context.text(manifestObject(row.jobId, row.plan.redo.lastEpoch))) as Manifest;
  for await (const group of manifestGroups(last, context.text)) {
    if (isWhole([group], last.batchCount, groupSize(row.plan)) && group.failed.length === 0) yield group;
  }
}
