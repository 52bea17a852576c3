import { Settled, settledOf } from './group';
import { Index, readIndex, readLines, writeLines } from './items';
import { redoObject } from './keys';
import { Manifest, ManifestGroup, Redo } from './model';
import { batchesOfGroup, groupCount, Span, spanSize } from './plan';
import { Ports } from './ports';
import { Fetch, groupDocument, manifestGroups } from './results';

/** What a group that is run again starts from: its number, and the results of the last epoch that stay. */
export interface Adopted {
  readonly group: number;
  readonly good: Map<number, Settled>;
}

/** Reads what the last manifest says of the groups that are run again. */
export class RedoReader {
  private index?: Promise<Index>;

  constructor(private readonly ports: Ports, private readonly redo: Redo, private readonly units: Span) {}

  async adopt(unit: number): Promise<Adopted> {
    this.index ??= readIndex(this.ports, this.redo.indexAt, this.redo.key, this.units);
    const [line] = await readLines(this.ports, this.redo.key, await this.index, unit);
    const last = JSON.parse(line) as ManifestGroup;
    if (last.data === undefined && last.object === undefined) return { group: last.group, good: new Map() };
    const document = await groupDocument(last, fetchText(this.ports));
    return {
      group: last.group,
      good: new Map(settledOf(document).flatMap((settled, i): [number, Settled][] => (settled ? [[document.first + i, settled]] : []))),
    };
  }
}

/** Lists the groups of which the last manifest lacks something, and those that still are to be combined, and stores the list. `size`: batches per group. */
export async function writeRedo(
  ports: Ports, jobId: string, epoch: number, manifest: Manifest, size: number, uncombined: ReadonlySet<number>,
): Promise<{ redo: Redo; units: number }> {
  const groups = groupCount(manifest.batchCount, size);
  const redone: Partial<ManifestGroup>[] = [];
  let adopted = 0;
  let next = 0;
  for await (const group of manifestGroups(manifest, fetchText(ports))) {
    for (; next < group.group; next++) redone.push({ group: next });
    next++;
    if (group.failed.length > 0 || uncombined.has(group.group)) redone.push(group);
    else adopted += spanSize(batchesOfGroup(group.group, manifest.batchCount, size));
  }
  for (; next < groups; next++) redone.push({ group: next });
  const key = redoObject(jobId, epoch);
  const { body, indexAt } = writeLines(redone, 1, 1);
  await ports.payloads.put(key, body);
  return { redo: { key, indexAt, adopted, lastEpoch: manifest.epoch }, units: redone.length };
}

export function fetchText(ports: Ports): Fetch {
  return async (key) => Buffer.from(await ports.payloads.get(key)).toString('utf8');
}
