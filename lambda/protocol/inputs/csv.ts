import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CsvError, Info, parse, Options } from 'csv-parse';
import { parse as parseSync } from 'csv-parse/sync';
import { InvalidInput } from '../errors';
import { Found, MAX_RECORD_BYTES, tooLong } from './lines';
import { excerpt, Text } from './text';
import { showUri } from './uri';

/** The same for the one who finds the records and the one who reads them. Records are arrays here: as objects, `__proto__` would be lost. */
const OPTIONS: Options = {
  record_delimiter: ['\r\n', '\n'], // not found out from the first one: a leaf sees only a part of the file
  skip_empty_lines: true,
  max_record_size: MAX_RECORD_BYTES,
};

/** Finds the records below the header; a quoted field may hold line breaks. Returns where the header ends. */
export async function findCsvRecords(text: Text, found: Found): Promise<number> {
  let headerEnd: number | undefined;
  let end = text.start;
  let line = 0;
  const onRecord = (record: string[], info: Info): null => {
    const start = end;
    end = text.start + info.bytes;
    line = info.lines;
    if (headerEnd === undefined) {
      checkHeader(text, record);
      headerEnd = end;
    } else {
      found(start, end);
    }
    return null; // nothing is passed on
  };
  await pipeline(
    Readable.from(text.chunks, { objectMode: false }),
    parse({ ...OPTIONS, on_record: onRecord as unknown as Options['on_record'] }),
    async (records: AsyncIterable<unknown>) => { for await (const _ of records); },
  ).catch((error) => { throw error instanceof CsvError ? explain(text, error, line + 1) : error; });
  if (headerEnd === undefined) throw new InvalidInput(`items.s3.uri: ${showUri(text.object)} holds nothing but blank lines, allowed: a header line and a line per item`);
  return headerEnd;
}

/** The names of the columns. */
export function readCsvHeader(bytes: Uint8Array): string[] {
  return parseSync(Buffer.from(bytes), OPTIONS)[0] as unknown as string[];
}

/** The records of a run of bytes as JSON objects; every value is a string, the names stand in the order of the columns. */
export function readCsvRecords(bytes: Uint8Array, header: string[]): string[] {
  const names = header.map((name) => `${JSON.stringify(name)}:`);
  const records = parseSync(Buffer.from(bytes), OPTIONS) as unknown as string[][];
  return records.map((record) => `{${record.map((value, i) => names[i] + JSON.stringify(value)).join(',')}}`);
}

function checkHeader(text: Text, names: string[]): void {
  const wrong = (problem: string) => new InvalidInput(`items.s3.uri: header of ${showUri(text.object)}: ${problem}, allowed: a line with a different name for each column; got ${excerpt(names.join(','))}`);
  const missing = names.findIndex((name) => name.trim() === '');
  if (missing >= 0) throw wrong(`column ${missing + 1} has no name`);
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  if (repeated !== undefined) throw wrong(`two columns are named ${JSON.stringify(repeated)}`);
}

/** `begin`: where the record begins that is wrong, blank lines aside. */
function explain(text: Text, error: CsvError, begin: number): InvalidInput {
  const { lines, record } = error as CsvError & { lines?: number; record?: string[] };
  if (error.code === 'CSV_MAX_RECORD_SIZE') return tooLong(text, `line ${begin}`);
  if (error.code === 'CSV_QUOTE_NOT_CLOSED') {
    return new InvalidInput(`items.s3.uri: line ${begin} of ${showUri(text.object)}: got a quote that is not closed up to the end, allowed: quotes as in RFC 4180`);
  }
  const got = record === undefined ? '' : `got ${excerpt(record.join(','))}, `;
  return new InvalidInput(`items.s3.uri: line ${lines} of ${showUri(text.object)}: ${got}allowed: as many fields as the header has, and quotes as in RFC 4180 (${error.message})`);
}
