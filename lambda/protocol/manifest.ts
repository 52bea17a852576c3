import { JobState } from './errors';
import { groupKey, manifestObject, manifestPiece } from './keys';
import { childUsage, MAP_STATE_USAGE } from './map-usage';
import { Failure, GroupRow, JobRow, LeafRow, Manifest, ManifestGroup, Outcome } from './model';
import { groupSize } from './plan';
import { Ports } from './ports';
import { fetchText } from './redo';
import { isWhole, linesByGroup } from './results';
import { linesOf, ManifestLine, unfinishedGroups } from './unfinished';
import { StoredUsage, sumUsage } from './usage';

/** Up to this size the manifest holds its groups itself: one object instead of two. */
const INLINE_CHARS = 1024 * 1024;
const PIECE_CHARS = 4 * 1024 * 1024;
/** Group rows read at a time: at 8 KB and a few failures each, some MB. */
const PAGE = 500;
/** Rows of a Distributed Map's children hold their results whatever their size, up to 256 KB. */
const MAP_PAGE = 100;
/** Failures that are passed on as examples. */
export const FIRST_FAILURES = 10;

/** The committed groups of a job, as they will stand in the manifest. */
export interface Survey {
  /** Groups committed in this epoch. */
  readonly committedGroups: number;
  readonly succeededCount: number;
  readonly failedCount: number;
  readonly firstFailures: Failure[];
  readonly bytes: number;
  readonly groupsText?: string;
  readonly pieces?: string[];
  /** What the children of a Distributed Map used in this epoch. */
  readonly children?: StoredUsage;
}

/**
 * Reads every group's row once, strongly consistent, in flat memory; what does not fit is put aside as manifest pieces.
 * `leaves`: of a job that ends early, whose unfinished groups count, too.
 */
export async function surveyGroups(ports: Ports, row: JobRow, leaves: LeafRow[] = []): Promise<Survey> {
  const writer = ports.random.nonce();
  const pieces: string[] = [];
  const firstFailures: Failure[] = [];
  let lines: string[] = [];
  let chars = 0;
  let children: StoredUsage[] = [];
  let committedGroups = 0;
  let batches = 0;
  let failedCount = 0;
  let bytes = 0;
  const flush = async () => {
    const key = manifestPiece(row.jobId, row.epoch, writer, pieces.length);
    await ports.payloads.put(key, lines.join('\n') + '\n');
    pieces.push(key);
    lines = [];
    chars = 0;
  };
  for await (const { group, isNew } of overlaid(ports, row, leaves, writer)) {
    if (isNew) committedGroups++;
    if (isNew && row.plan.map) children.push(childUsage(row.plan.map, group as GroupRow));
    if (children.length === PAGE) children = [sumUsage(...children)];
    batches += group.count;
    failedCount += group.failed.length;
    bytes += bytesOf(group);
    firstFailures.push(...group.failed.slice(0, FIRST_FAILURES - firstFailures.length));
    const line = textOf(group);
    lines.push(line);
    chars += line.length;
    if (chars > PIECE_CHARS) await flush();
  }
  const isSmall = pieces.length === 0 && chars <= INLINE_CHARS;
  const groupsText = isSmall ? `[${lines.join(',')}]` : undefined;
  if (!isSmall && lines.length > 0) await flush();
  return {
    committedGroups,
    succeededCount: batches - failedCount,
    failedCount,
    firstFailures,
    bytes,
    ...(isSmall ? { groupsText } : { pieces }),
    ...(row.plan.map && { children: sumUsage(MAP_STATE_USAGE, ...children) }),
  };
}

/** A child of a Distributed Map can count the characters of its result only. */
function bytesOf({ bytes, data }: ManifestGroup | ManifestLine): number {
  return typeof data === 'string' ? Math.max(bytes, Buffer.byteLength(data)) : bytes;
}

function textOf(listed: ManifestGroup | ManifestLine): string {
  const { group, first, count, failed, data, object, unfinished } = listed;
  const also = { ...(object !== undefined && { object }), ...(unfinished && { unfinished }) };
  const head = JSON.stringify({ group, first, count, failed, bytes: bytesOf(listed), ...also });
  if (data === undefined) return head;
  return `${head.slice(0, -1)},"data":${typeof data === 'string' ? data : JSON.stringify(data)}}`;
}

/** By group: what is committed in this epoch; else what leaves had finished of it, and what the last manifest says. */
async function* overlaid(
  ports: Ports, row: JobRow, leaves: LeafRow[], writer: string,
): AsyncGenerator<{ group: ManifestGroup | ManifestLine; isNew: boolean }> {
  const old = row.plan.redo ? lastLines(ports, row, row.plan.redo.lastEpoch) : nothing();
  const fresh = committedRows(ports, row);
  const open = unfinishedGroups(ports, leaves);
  let [a, b, c] = [await old.next(), await fresh.next(), await open.next()];
  const isAt = (at: number, next: IteratorResult<{ readonly group: number }>) => !next.done && next.value.group === at;
  while (!a.done || !b.done || !c.done) {
    const at = Math.min(...[a, b, c].map((next) => (next.done ? Infinity : next.value.group)));
    const before: ManifestGroup[] = a.done || !isAt(at, a) ? [] : a.value.lines;
    if (!b.done && isAt(at, b)) yield { group: b.value, isNew: true };
    else if (!c.done && isAt(at, c)) for (const group of await linesOf(ports, row, c.value, before, writer)) yield { group, isNew: false };
    else for (const line of before) yield { group: isTakenOver(row, line) ? { ...line, unfinished: undefined } : line, isNew: false };
    if (isAt(at, a)) a = await old.next();
    if (isAt(at, b)) b = await fresh.next();
    if (isAt(at, c)) c = await open.next();
  }
}

/** A redrive runs a group again that lacks anything; in combine mode TREE any that was not committed. */
function isTakenOver({ plan }: JobRow, line: ManifestGroup): boolean {
  return !plan.tree && line.failed.length === 0 && isWhole([line], plan.batches, groupSize(plan));
}

async function* lastLines(ports: Ports, { jobId, plan }: JobRow, epoch: number): AsyncGenerator<{ group: number; lines: ManifestGroup[] }> {
  const last = JSON.parse(await fetchText(ports)(manifestObject(jobId, epoch))) as Manifest;
  for await (const of of linesByGroup(last, groupSize(plan), fetchText(ports))) if (of.lines.length > 0) yield of;
}

async function* nothing(): AsyncGenerator<never> {}

/** Strongly consistent reads, a page in memory at a time. */
async function* committedRows(ports: Ports, row: JobRow): AsyncGenerator<GroupRow> {
  const page = row.plan.map ? MAP_PAGE : PAGE;
  for (let from = 0; from < row.plan.groups; from += page) {
    const keys = Array.from({ length: Math.min(page, row.plan.groups - from) }, (_, i) => groupKey(row.jobId, row.epoch, from + i));
    const rows = (await ports.store.results.getMany(keys)) as unknown as GroupRow[];
    yield* rows.sort((a, b) => a.unit - b.unit);
  }
}

/** Writes the manifest of an epoch, once: if it is there already, that one is the truth. */
export async function writeManifest(ports: Ports, row: JobRow, outcome: Outcome, survey: Survey): Promise<Manifest> {
  if (outcome === 'SUCCEEDED' && survey.committedGroups !== row.plan.groups) {
    throw new JobState(`job ${row.jobId}: only ${survey.committedGroups} of ${row.plan.groups} groups are committed, so it cannot have succeeded`);
  }
  const { groupsText, pieces, succeededCount, failedCount, bytes } = survey;
  const head: Manifest = {
    version: 1,
    jobId: row.jobId,
    epoch: row.epoch,
    outcome,
    batchCount: row.plan.batches,
    succeededCount,
    failedCount,
    bytes,
    ...(pieces && { pieces }),
  };
  const text = groupsText === undefined ? JSON.stringify(head) : `${JSON.stringify(head).slice(0, -1)},"groups":${groupsText}}`;
  const key = manifestObject(row.jobId, row.epoch);
  const isOurs = await ports.payloads.put(key, text, { ifAbsent: true });
  return JSON.parse(isOurs ? text : await fetchText(ports)(key)) as Manifest;
}
