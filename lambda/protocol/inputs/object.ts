import { indexObject } from '../keys';
import { ObjectUri, Ports } from '../ports';
import { findCsvRecords, readCsvHeader, readCsvRecords } from './csv';
import { ENTRY_BYTES, GroupIndex } from './group-index';
import { findElements, readElements } from './json';
import { findLines, readJsonLines } from './lines';
import { openText } from './text';
import { Format, showUri } from './uri';

/** How much of the index is read at once: the entries of a leaf's groups, mostly. */
const INDEX_WINDOW_BYTES = 256 * ENTRY_BYTES;

/** Items that stay in an object of the user's; every leaf reads its groups there. */
export interface ObjectSource {
  readonly kind: 'object';
  readonly object: ObjectUri;
  /** What the index is true of. */
  readonly version: string;
  readonly format: Format;
  /** Payload object with the first bytes of all groups and the end of the last, 8 bytes each, little-endian. */
  readonly index: string;
  /** CSV: bytes [start, end) of the header. */
  readonly header?: { readonly start: number; readonly end: number };
}

export interface Stored<S> {
  readonly source: S;
  readonly items: number;
}

export interface IndexOptions {
  readonly chunkBytes?: number;
  /** The request's field that names the object. */
  readonly field?: string;
  /** JSON Lines: called for each line that is not blank; throws if it cannot be used. */
  readonly check?: (line: string, number: number) => void;
}

/** Reads the object once, from its beginning to its end, and writes down where its groups begin. */
export async function indexItems(
  ports: Ports, jobId: string, { object, format }: { object: ObjectUri; format: Format }, batchSize: number, options: IndexOptions = {},
): Promise<Stored<ObjectSource>> {
  const text = await openText(ports, object, options.chunkBytes, options.field);
  const groups = new GroupIndex(showUri(object), batchSize);
  let header: ObjectSource['header'];
  switch (format) {
    case 'jsonl':
      await findLines(text, (start, end, line, number) => {
        options.check?.(line, number);
        groups.add(start, end);
      });
      break;
    case 'json': await findElements(text, groups.add); break;
    case 'csv': header = { start: text.start, end: await findCsvRecords(text, groups.add) };
  }
  // a second try, after a lost answer, may meet another version: it must not write over the index of the first
  const index = indexObject(jobId, ports.random.nonce());
  await ports.payloads.put(index, groups.bytes());
  ports.log.info('input indexed', { object: showUri(object), bytes: text.size, items: groups.items });
  return { source: { kind: 'object', object, version: text.version, format, index, ...(header && { header }) }, items: groups.items };
}

/** Reads the items of groups as JSON texts. */
export class ObjectReader {
  private header?: Promise<string[]>;
  private index: DataView = new DataView(new ArrayBuffer(0));
  private indexFrom = 0;

  constructor(private readonly ports: Ports, private readonly source: ObjectSource) {}

  async group(group: number): Promise<string[]> {
    const { format, header } = this.source;
    if (format === 'csv') this.header ??= this.read(header!.start, header!.end).then(readCsvHeader);
    const names = await this.header;
    const bytes = await this.read(...await this.rangeOf(group));
    if (names) return readCsvRecords(bytes, names);
    return format === 'jsonl' ? readJsonLines(bytes) : readElements(bytes);
  }

  private async rangeOf(group: number): Promise<[number, number]> {
    const at = ENTRY_BYTES * (group - this.indexFrom);
    if (at < 0 || at + 2 * ENTRY_BYTES > this.index.byteLength) {
      const from = ENTRY_BYTES * group;
      const { buffer, byteOffset, byteLength } = await this.ports.payloads.get(this.source.index, { from, to: from + INDEX_WINDOW_BYTES });
      this.index = new DataView(buffer, byteOffset, byteLength);
      this.indexFrom = group;
      return this.rangeOf(group);
    }
    return [Number(this.index.getBigUint64(at, true)), Number(this.index.getBigUint64(at + ENTRY_BYTES, true))];
  }

  private async read(from: number, to: number): Promise<Uint8Array> {
    return (await this.ports.inputs.read(this.source.object, { from, to }, this.source.version)).bytes;
  }
}
