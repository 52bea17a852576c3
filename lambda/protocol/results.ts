import { Failure, GroupDocument, Manifest, ManifestGroup, TreeEntry } from './model';
import { batchesOfGroup, groupCount, spanSize } from './plan';

/** What became of one batch. */
export interface BatchResult {
  /** In combine mode TREE above level 0: the first of the batches that the partial result stands for. */
  readonly batchId: number;
  /** Of unlike tasks; undefined where it is missing. */
  readonly taskId?: string;
  readonly state: 'succeeded' | 'failed' | 'missing';
  /** What the worker returned; undefined unless `state` is succeeded. */
  readonly result?: unknown;
  /** Why there is none; undefined unless `state` is failed. */
  readonly failure?: Failure;
}

/** Fetches an object of the payload bucket as text. */
export type Fetch = (key: string) => Promise<string>;

/** The lines of a manifest, by their first batch; one piece in memory at a time. */
export async function* manifestGroups(manifest: Manifest, fetch: Fetch): AsyncGenerator<ManifestGroup> {
  yield* manifest.groups ?? [];
  for (const piece of manifest.pieces ?? []) {
    for (const line of (await fetch(piece)).split('\n')) if (line !== '') yield JSON.parse(line) as ManifestGroup;
  }
}

/** Every group of a job with its lines of the manifest, of which there may be none; `size`: batches per group. */
export async function* linesByGroup(manifest: Manifest, size: number, fetch: Fetch): AsyncGenerator<{ group: number; lines: ManifestGroup[] }> {
  let now: { group: number; lines: ManifestGroup[] } = { group: 0, lines: [] };
  for await (const line of manifestGroups(manifest, fetch)) {
    for (; now.group < line.group; now = { group: now.group + 1, lines: [] }) yield now;
    now.lines.push(line);
  }
  for (; now.group < groupCount(manifest.batchCount, size); now = { group: now.group + 1, lines: [] }) yield now;
}

/** Whether every batch of a group has its end. */
export function isWhole([line]: readonly ManifestGroup[], batches: number, size: number): boolean {
  return line !== undefined && line.count === spanSize(batchesOfGroup(line.group, batches, size));
}

export async function groupDocument(group: ManifestGroup, fetch: Fetch): Promise<GroupDocument> {
  return group.data ?? JSON.parse(await fetch(group.object!)) as GroupDocument;
}

/** Every batch of the job in order, those without a result too; one group in memory at a time. */
export async function* batchResults(manifest: Manifest, fetch: Fetch): AsyncGenerator<BatchResult> {
  let next = 0;
  for await (const group of manifestGroups(manifest, fetch)) {
    for (; next < group.first; next++) yield { batchId: next, state: 'missing' };
    yield* groupResults(group, fetch);
    next += group.count;
  }
  for (; next < manifest.batchCount; next++) yield { batchId: next, state: 'missing' };
}

/** Combine mode TREE: what the combiner is given, from the object that `results.entries` points to. */
export async function* treeResults(lines: string, fetch: Fetch): AsyncGenerator<BatchResult> {
  for (let from = 0, to: number; from < lines.length; from = to + 1) {
    to = lines.indexOf('\n', from);
    const { batches: { start: batchId }, result, ref, failure } = JSON.parse(lines.slice(from, to)) as TreeEntry;
    if (failure) yield { batchId, state: 'failed', failure };
    else yield { batchId, state: 'succeeded', result: ref ? JSON.parse(await fetch(ref.key)) : result };
  }
}

/** The batches of one group in order. */
export async function* groupResults(group: ManifestGroup, fetch: Fetch): AsyncGenerator<BatchResult> {
  const failures = new Map(group.failed.map((failure) => [failure.batchId, failure]));
  const { entries, ids } = await groupDocument(group, fetch);
  for (const [i, entry] of entries.entries()) {
    const batch = { batchId: group.first + i, ...(ids && { taskId: ids[i] }) };
    if (entry === null) yield { ...batch, state: 'failed', failure: failures.get(batch.batchId) };
    else if ('ref' in entry) yield { ...batch, state: 'succeeded', result: JSON.parse(await fetch(entry.ref.key)) };
    else yield { ...batch, state: 'succeeded', result: entry.result };
  }
}
