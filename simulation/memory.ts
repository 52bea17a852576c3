import { createHash } from 'node:crypto';
import { checkCondition, checkRow, checkUpdate } from './row-limits';
import {
  Condition, InputChanged, Inputs, InvalidInput, ListedObject, ObjectPart, ObjectUri, PayloadMissing, Payloads,
  Row, RowRefused, Table, Update, Value, WriteResult,
} from '../lambda/protocol';
import { readUnits, rowBytes, writeUnits } from '../lambda/protocol/row-size';

/** A table in memory that behaves as DynamoDB does; the contract tests hold it against the real ones. */
export class MemoryTable implements Table {
  readonly rows = new Map<string, Row>();
  /** What DynamoDB would have charged for so far. */
  readUnits = 0;
  writeUnits = 0;

  async get(pk: string, { consistent } = { consistent: true }): Promise<Row | undefined> {
    const row = this.rows.get(pk);
    this.readUnits += readUnits(row ? rowBytes(row) : 0, consistent);
    return copy(row);
  }

  async getMany(pks: string[], attributes?: string[]): Promise<Row[]> {
    return [...new Set(pks)].flatMap((pk) => {
      const row = copy(this.rows.get(pk));
      this.readUnits += readUnits(row ? rowBytes(row) : 0, true);
      if (!row) return [];
      if (!attributes) return [row];
      return [Object.fromEntries(['pk', ...attributes].filter((name) => row[name] !== undefined).map((name) => [name, row[name]])) as Row];
    });
  }

  async put(row: Row, condition?: Condition): Promise<WriteResult> {
    return this.write(row.pk, condition, () => row);
  }

  async update(pk: string, update: Update, condition?: Condition): Promise<WriteResult> {
    const { set = {}, remove = [], addToSet = {}, increment = {} } = update;
    checkUpdate(pk, update);
    return this.write(pk, condition, (old) => {
      const row: Row = { ...old, pk };
      for (const [name, value] of Object.entries(set)) if (value !== undefined) row[name] = value;
      for (const [name, members] of Object.entries(addToSet)) {
        const present = row[name] === undefined ? new Set<number>() : row[name];
        if (!(present instanceof Set)) throw new RowRefused(`update of ${pk} adds to ${name}, which is no set`);
        row[name] = new Set([...present, ...members]);
      }
      for (const [name, by] of Object.entries(increment)) {
        const present = row[name] === undefined ? 0 : row[name]; // null is a value
        if (typeof present !== 'number') throw new RowRefused(`update of ${pk} adds to ${name}, which is no number`);
        row[name] = present + by;
      }
      for (const name of remove) delete row[name];
      return row;
    });
  }

  private write(pk: string, condition: Condition | undefined, change: (old: Row | undefined) => Row): WriteResult {
    const old = this.rows.get(pk);
    if (condition) checkCondition(condition);
    const oldBytes = old ? rowBytes(old) : 0;
    if (condition && !holds(condition, old)) {
      this.writeUnits += writeUnits(oldBytes);
      return { ok: false, row: copy(old) };
    }
    const row = copy(change(old))!;
    this.writeUnits += writeUnits(Math.max(oldBytes, checkRow(row)));
    this.rows.set(pk, row);
    return { ok: true, row: copy(row)! };
  }
}

function holds(condition: Condition, row: Row | undefined): boolean {
  if ('absent' in condition) return row?.[condition.absent] === undefined;
  if ('equals' in condition) return row !== undefined && row[condition.equals[0]] === condition.equals[1];
  if ('lessThan' in condition) {
    const value = row?.[condition.lessThan[0]];
    return typeof value === 'number' && value < condition.lessThan[1];
  }
  return 'all' in condition ? condition.all.every((part) => holds(part, row)) : condition.any.some((part) => holds(part, row));
}

/** As stored: nobody shares an object with the table, and undefined members are gone. */
function copy(row: Row | undefined): Row | undefined {
  return row && (plain(row) as Row);
}

function plain(value: Value): Value {
  if (value instanceof Set) return new Set(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined).map(([k, v]) => [k, plain(v!)]));
  }
  return value;
}

/** A bucket in memory. */
export class MemoryPayloads implements Payloads {
  readonly objects = new Map<string, Buffer>();
  /** Requests so far. */
  gets = 0;
  puts = 0;

  async put(key: string, body: string | Uint8Array, options: { ifAbsent?: boolean } = {}): Promise<boolean> {
    this.puts++;
    if (options.ifAbsent && this.objects.has(key)) return false;
    this.objects.set(key, Buffer.from(body));
    return true;
  }

  async get(key: string, range?: { from: number; to: number }): Promise<Uint8Array> {
    if (!range || range.to > range.from) this.gets++;
    const object = this.objects.get(key);
    if (!object) throw new PayloadMissing(this.uri(key));
    return new Uint8Array(range ? object.subarray(range.from, range.to) : object);
  }

  async putStream(key: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const body: Uint8Array[] = [];
    for await (const chunk of chunks) body.push(chunk);
    await this.put(key, Buffer.concat(body));
  }

  uri(key: string): string {
    return `s3://bucket/${key}`;
  }
}

/** Users' buckets in memory: objects by `bucket/key`. */
export class MemoryInputs implements Inputs {
  readonly objects = new Map<string, Buffer>();
  gets = 0;
  /** Small, so that few objects make several pages. */
  pageSize = 10;

  async read({ bucket, key }: ObjectUri, { from, to }: { from: number; to: number }, version?: string): Promise<ObjectPart> {
    if (version === undefined || to > from) this.gets++;
    const object = this.objects.get(`${bucket}/${key}`);
    if (!object) throw new InvalidInput(`no object at s3://${bucket}/${key}`);
    const current = createHash('md5').update(object).digest('hex');
    if (version !== undefined && version !== current) throw new InputChanged(`s3://${bucket}/${key} was changed while the job used it`);
    return { bytes: object.subarray(from, to), size: object.length, version: current };
  }

  async* list({ bucket, key }: ObjectUri): AsyncGenerator<ListedObject[]> {
    const keys = [...this.objects.keys()].filter((path) => path.startsWith(`${bucket}/${key}`)).map((path) => path.slice(bucket.length + 1))
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    for (let at = 0; at < keys.length; at += this.pageSize) {
      yield keys.slice(at, at + this.pageSize).map((name) => ({ key: name, size: this.objects.get(`${bucket}/${name}`)!.length }));
    }
  }
}
