import { Plan } from './model';
import { batchesOfGroup, itemsOfBatch, Span } from './plan';
import { Ports } from './ports';

/** The part of a worker event that carries a batch's items, as JSON text, for each batch of a group. */
export type GroupItems = (batch: number) => string;

/** Reads what the batches of one group are made of; flat in memory, whatever the input's size. */
export class ItemReader {
  private index?: Promise<DataView>;

  constructor(private readonly ports: Ports, private readonly plan: Plan, private readonly groups: Span) {}

  async group(group: number): Promise<GroupItems> {
    const { source, items, batchSize, batches } = this.plan;
    if (source.kind === 'range') {
      return (batch) => {
        const span = itemsOfBatch(batch, items, batchSize);
        return `"range":{"start":${source.start + span.start},"end":${source.start + span.end}}`;
      };
    }
    const lines = await this.lines(source.key, source.indexAt, group);
    const firstItem = batchesOfGroup(group, batches).start * batchSize;
    return (batch) => {
      const span = itemsOfBatch(batch, items, batchSize);
      return `"items":[${lines.slice(span.start - firstItem, span.end - firstItem).join(',')}]`;
    };
  }

  private async lines(key: string, indexAt: number, group: number): Promise<string[]> {
    this.index ??= this.ports.payloads
      .get(key, { from: indexAt + 8 * this.groups.start, to: indexAt + 8 * (this.groups.end + 1) })
      .then((bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    const index = await this.index;
    const offset = (g: number) => Number(index.getBigUint64(8 * (g - this.groups.start), true));
    const bytes = await this.ports.payloads.get(key, { from: offset(group), to: offset(group + 1) });
    return Buffer.from(bytes).toString('utf8').split('\n').slice(0, -1);
  }
}

/** A list as JSON Lines, with the index that `ItemReader` reads behind them. */
export function writeLines(list: unknown[], batchSize: number, groupSize: number): { body: Uint8Array; indexAt: number } {
  const perGroup = batchSize * groupSize;
  const chunks: Buffer[] = [];
  const offsets: number[] = [];
  let at = 0;
  for (let start = 0; start < list.length; start += perGroup) {
    const chunk = Buffer.from(list.slice(start, start + perGroup).map((item) => JSON.stringify(item) + '\n').join(''));
    offsets.push(at);
    chunks.push(chunk);
    at += chunk.length;
  }
  offsets.push(at);
  const index = Buffer.alloc(8 * offsets.length);
  offsets.forEach((offset, i) => index.writeBigUInt64LE(BigInt(offset), 8 * i));
  return { body: Buffer.concat([...chunks, index]), indexAt: at };
}
