import { ObjectReader } from './inputs/object';
import { Plan, Task } from './model';
import { batchesOfGroup, itemsOfBatch, Span } from './plan';
import { Ports } from './ports';

/** What the batches of one group are made of. */
export interface GroupItems {
  /** Unlike tasks, in batch order. */
  readonly tasks?: Task[];
  /** The part of a worker event that carries a batch's items, as JSON text. */
  textOf(batch: number): string;
}

/** Reads what the batches of one group are made of; flat in memory, whatever the input's size. */
export class ItemReader {
  private objects?: ObjectReader;
  private index?: Promise<Index>;

  constructor(private readonly ports: Ports, private readonly plan: Plan, private readonly groups: Span) {}

  async group(group: number): Promise<GroupItems> {
    const { source, items, batchSize, batches } = this.plan;
    if (source.kind === 'range') {
      return {
        textOf: (batch) => {
          const span = itemsOfBatch(batch, items, batchSize);
          return `"range":{"start":${source.start + span.start},"end":${source.start + span.end}}`;
        },
      };
    }
    const lines = source.kind === 'lines' ? await this.lines(source.key, source.indexAt, group)
      : await (this.objects ??= new ObjectReader(this.ports, source)).group(group);
    const firstItem = batchesOfGroup(group, batches).start * batchSize;
    if (this.plan.taskFunctions) return taskItems(lines, firstItem);
    return {
      textOf: (batch) => {
        const span = itemsOfBatch(batch, items, batchSize);
        return `"items":[${lines.slice(span.start - firstItem, span.end - firstItem).join(',')}]`;
      },
    };
  }

  private async lines(key: string, indexAt: number, group: number): Promise<string[]> {
    // a later epoch's groups are scattered, so its index is read group by group
    if (this.plan.redo) return readLines(this.ports, key, await readIndex(this.ports, indexAt, key, { start: group, end: group + 1 }), group);
    this.index ??= readIndex(this.ports, indexAt, key, this.groups);
    return readLines(this.ports, key, await this.index, group);
  }
}

/** The tasks of a group. One that was sent without an id has its number as that. */
function taskItems(lines: string[], first: number): GroupItems {
  const given = lines.map((line) => JSON.parse(line) as Omit<Task, 'id'> & { readonly id?: string });
  const tasks = given.map((task, i): Task => ({ ...task, id: task.id ?? String(first + i) }));
  return {
    tasks,
    // as it was sent: a number of many digits would not survive being read and written
    textOf: (batch) => {
      const line = lines[batch - first];
      return `"task":${given[batch - first].id === undefined ? `{"id":"${batch}",${line.slice(line.indexOf('{') + 1)}` : line}`;
    },
  };
}

/** Where the lines of each group of a span begin; one more than there are groups. */
export interface Index {
  readonly first: number;
  readonly offsets: DataView;
}

export async function readIndex(ports: Ports, indexAt: number, key: string, span: Span): Promise<Index> {
  const bytes = await ports.payloads.get(key, { from: indexAt + 8 * span.start, to: indexAt + 8 * (span.end + 1) });
  return { first: span.start, offsets: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
}

export async function readLines(ports: Ports, key: string, { first, offsets }: Index, group: number): Promise<string[]> {
  const offset = (g: number) => Number(offsets.getBigUint64(8 * (g - first), true));
  const bytes = await ports.payloads.get(key, { from: offset(group), to: offset(group + 1) });
  return Buffer.from(bytes).toString('utf8').split('\n').slice(0, -1);
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
