import { Settled, settledOf } from './group';
import { Index, readIndex, readLines, writeLines } from './items';
import { redoObject } from './keys';
import { Manifest, ManifestGroup, Redo } from './model';
import { Span } from './plan';
import { Ports } from './ports';
import { Fetch, groupDocument, isWhole, linesByGroup } from './results';

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
    const { group, lines } = JSON.parse(line) as RedoLine;
    const good = new Map<number, Settled>();
    for (const last of lines) {
      const settled = settledOf(await groupDocument(last, fetchText(this.ports)), last.failed);
      settled.filter(([, { failure }]) => !failure).forEach(([batch, result]) => good.set(batch, result));
    }
    return { group, good };
  }
}

/** What the last manifest says of a group. */
interface RedoLine {
  readonly group: number;
  readonly lines: readonly ManifestGroup[];
}

/** Lists the groups of which the last manifest lacks something, and those that still are to be combined, and stores the list. `size`: batches per group. */
export async function writeRedo(
  ports: Ports, jobId: string, epoch: number, manifest: Manifest, size: number, uncombined: ReadonlySet<number>,
): Promise<{ redo: Redo; units: number }> {
  const redone: RedoLine[] = [];
  let adopted = 0;
  for await (const { group, lines } of linesByGroup(manifest, size, fetchText(ports))) {
    const isGood = isWhole(lines, manifest.batchCount, size) && lines.every(({ failed }) => failed.length === 0);
    if (!isGood || uncombined.has(group)) redone.push({ group, lines });
    else adopted += lines[0].count;
  }
  const key = redoObject(jobId, epoch);
  const { body, indexAt } = writeLines(redone, 1, 1);
  await ports.payloads.put(key, body);
  return { redo: { key, indexAt, adopted, lastEpoch: manifest.epoch }, units: redone.length };
}

export function fetchText(ports: Ports): Fetch {
  return async (key) => Buffer.from(await ports.payloads.get(key)).toString('utf8');
}
