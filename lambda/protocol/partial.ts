import type { Epoch } from './join';
import { partialKey } from './keys';
import { BatchRange, Manifest, PartialRow } from './model';
import { childrenOfNode, GROUP_SIZE, JOIN_FAN_IN, joinLevels } from './plan';
import { Ports, Row } from './ports';
import { fetchText } from './redo';
import { linesByGroup } from './results';

/** A place in the tree of partial results: groups are level 0, and each level above has one for each join node over the level below. */
export interface Place {
  readonly level: number;
  readonly index: number;
}

/** Where the result of the job is made. One group is its own root. */
export function rootPlace(groups: number): Place {
  return { level: groups <= 1 ? 0 : joinLevels(groups).length, index: 0 };
}

export function childrenOfPlace({ level, index }: Place, groups: number): Place[] {
  const { start, end } = childrenOfNode(level - 1, index, groups);
  return Array.from({ length: end - start }, (_, i) => ({ level: level - 1, index: start + i }));
}

export function parentOfPlace({ level, index }: Place): Place {
  return { level: level + 1, index: Math.floor(index / JOIN_FAN_IN) };
}

export function batchesOfPlace({ level, index }: Place, batches: number): BatchRange {
  const size = GROUP_SIZE * JOIN_FAN_IN ** level;
  return { start: index * size, end: Math.min((index + 1) * size, batches) };
}

/** Whether any of these groups, which are in order, is below the place. */
export function isAbove({ level, index }: Place, groups: readonly number[]): boolean {
  const size = JOIN_FAN_IN ** level;
  let [from, to] = [0, groups.length];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (groups[middle] < index * size) from = middle + 1;
    else to = middle;
  }
  return groups[from] < (index + 1) * size;
}

/** The groups that were not committed when a manifest was written, in order, and with `failed` those with failed batches, too. */
export async function lackingGroups(ports: Ports, manifest: Manifest, also: { readonly failed: boolean }): Promise<number[]> {
  const lacking: number[] = [];
  for await (const { group, lines } of linesByGroup(manifest, GROUP_SIZE, fetchText(ports))) {
    if (lines.length === 0 || lines[0].unfinished || (also.failed && lines[0].failed.length > 0)) lacking.push(group);
  }
  return lacking;
}

/** The committed partial results of these places, in their order: strongly consistent. */
export async function readPartials(ports: Ports, { jobId, epoch }: Epoch, places: Place[], attributes?: string[]): Promise<PartialRow[]> {
  const found = await ports.store.results.getMany(places.map(({ level, index }) => partialKey(jobId, epoch, level, index)), attributes);
  return (found as unknown as PartialRow[]).sort((a, b) => a.index - b.index);
}

/** Commits a partial result: one put, if there is none; first wins. Its parent may be told only after this has returned. */
export async function putPartial(ports: Ports, { jobId, epoch }: Epoch, row: Omit<PartialRow, 'pk'>): Promise<void> {
  await ports.store.results.put({ ...row, pk: partialKey(jobId, epoch, row.level, row.index) } as unknown as Row, { absent: 'pk' });
}

export async function partialText(ports: Ports, row: PartialRow): Promise<string> {
  return row.data ?? fetchText(ports)(row.object!);
}
