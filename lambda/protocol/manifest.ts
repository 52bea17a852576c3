import { JobState } from './errors';
import { groupKey, manifestObject, manifestPiece } from './keys';
import { Failure, GroupRow, JobRow, Manifest, Outcome } from './model';
import { Ports } from './ports';

/** Up to this size the manifest holds its groups itself: one object instead of two. */
const INLINE_CHARS = 1024 * 1024;
const PIECE_CHARS = 4 * 1024 * 1024;
/** Group rows read at a time: at 8 KB and a few failures each, some MB. */
const PAGE = 500;
/** Failures that are passed on as examples. */
export const FIRST_FAILURES = 10;

/** The committed groups of an epoch, as they will stand in the manifest. */
export interface Survey {
  readonly committedGroups: number;
  readonly succeededCount: number;
  readonly failedCount: number;
  readonly firstFailures: Failure[];
  readonly bytes: number;
  readonly groupsText?: string;
  readonly pieces?: string[];
}

/** Reads every group's row once, strongly consistent, in flat memory; what does not fit is put aside as manifest pieces. */
export async function surveyGroups(ports: Ports, row: JobRow): Promise<Survey> {
  const writer = ports.random.nonce();
  const pieces: string[] = [];
  const firstFailures: Failure[] = [];
  let lines: string[] = [];
  let chars = 0;
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
  for (let from = 0; from < row.plan.groups; from += PAGE) {
    const keys = Array.from({ length: Math.min(PAGE, row.plan.groups - from) }, (_, i) => groupKey(row.jobId, row.epoch, from + i));
    const rows = (await ports.store.results.getMany(keys)) as unknown as GroupRow[];
    for (const group of rows.sort((a, b) => a.group - b.group)) {
      committedGroups++;
      batches += group.count;
      failedCount += group.failed.length;
      bytes += group.bytes;
      firstFailures.push(...group.failed.slice(0, FIRST_FAILURES - firstFailures.length));
      const line = lineOf(group);
      lines.push(line);
      chars += line.length;
      if (chars > PIECE_CHARS) await flush();
    }
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
  };
}

function lineOf({ group, first, count, failed, data, object }: GroupRow): string {
  const head = JSON.stringify({ group, first, count, failed, ...(object !== undefined && { object }) });
  return data === undefined ? head : `${head.slice(0, -1)},"data":${data}}`;
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
  return JSON.parse(isOurs ? text : Buffer.from(await ports.payloads.get(key)).toString('utf8')) as Manifest;
}
