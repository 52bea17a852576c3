import { documentOf, ROW_LIMIT_BYTES, Settled, settledOf } from './group';
import { leafKey, runObject } from './keys';
import { JobRow, LeafRow, ManifestGroup } from './model';
import { readPart } from './part';
import { groupOfBatch } from './plan';
import { Ports } from './ports';
import { fetchText } from './redo';
import { groupDocument } from './results';

/**
 * Pauses between looks at the leaves of a job that ends early, in ms. A leaf hears of the end within 2 s, and then stores
 * what it has; one that is not heard of after all this is dead, or very slow.
 */
const PAUSES_MS = [250, 500, 1_000, 1_500];

/** The leaves of a job that was sealed, once they have stored what they have, or it is no use to wait longer. */
export async function restingLeaves(ports: Ports, { jobId, epoch, plan }: JobRow): Promise<LeafRow[]> {
  const keys = Array.from({ length: plan.leaves }, (_, leaf) => leafKey(jobId, epoch, leaf));
  let leaves: LeafRow[] = [];
  for (const pause of [...PAUSES_MS, 0]) {
    leaves = await ports.store.tasks.getMany(keys, ['pk', 'owner', 'endedAt', 'done', 'parts']) as unknown as LeafRow[];
    if (pause === 0 || leaves.every(({ owner, endedAt, done }) => owner === undefined || endedAt !== undefined || done)) break;
    await ports.clock.sleep(pause);
  }
  const numberOf = ({ pk }: LeafRow) => Number(pk.slice(pk.lastIndexOf('#l') + 2));
  return leaves.sort((a, b) => numberOf(a) - numberOf(b));
}

/** What leaves had finished of a group that is not committed, as far as they stored it. */
export interface Unfinished {
  readonly group: number;
  readonly settled: Map<number, Settled>;
}

/** Of committed groups, too, if they were once unfinished. In order; the part of one leaf in memory at a time. */
export async function* unfinishedGroups(ports: Ports, leaves: LeafRow[]): AsyncGenerator<Unfinished> {
  for (const { parts = [] } of leaves) {
    const groups = new Map<number, Map<number, Settled>>();
    for (const key of parts) {
      for (const [batch, settled] of (await readPart(ports, key)).settled) {
        const group = groupOfBatch(batch);
        groups.set(group, (groups.get(group) ?? new Map<number, Settled>()).set(batch, settled));
      }
    }
    for (const [group, settled] of [...groups].sort(([a], [b]) => a - b)) yield { group, settled };
  }
}

/** Its lines of the manifest. `before`: what the last one says of the group; `writer`: a nonce of whoever writes the manifest. */
export async function linesOf(
  ports: Ports, { jobId, epoch }: JobRow, { group, settled }: Unfinished, before: readonly ManifestGroup[], writer: string,
): Promise<ManifestLine[]> {
  const all = new Map<number, Settled>();
  for (const line of before) {
    settledOf(await groupDocument(line, fetchText(ports)), line.failed).forEach(([batch, old]) => all.set(batch, old));
  }
  settled.forEach((now, batch) => all.set(batch, now));
  return Promise.all(runs([...all.keys()]).map(async (batches) => {
    const inOrder = batches.map((batch) => all.get(batch)!);
    const ids = inOrder[0].taskId === undefined ? undefined : inOrder.map(({ taskId }) => taskId!);
    const { text, bytes, failed } = documentOf(batches[0], inOrder, ids);
    const line = {
      group, unfinished: true as const, first: batches[0], count: batches.length, failed, bytes: Math.max(bytes, Buffer.byteLength(text)),
    };
    if (text.length <= ROW_LIMIT_BYTES) return { ...line, data: text };
    const object = runObject(jobId, epoch, batches[0], writer);
    await ports.payloads.put(object, text);
    return { ...line, object };
  }));
}

/** A line of the manifest whose document is text already. */
export type ManifestLine = Omit<ManifestGroup, 'data'> & { readonly data?: string };

/** Consecutive numbers together, in order. */
function runs(numbers: number[]): number[][] {
  const found: number[][] = [];
  for (const number of numbers.sort((a, b) => a - b)) {
    const last = found[found.length - 1];
    if (last?.[last.length - 1] === number - 1) last.push(number);
    else found.push([number]);
  }
  return found;
}
