import { InvalidInput } from '../errors';
import { excerpt, Text } from './text';
import { showUri } from './uri';

/** Where a record is, in bytes from the object's beginning; from the end of the one before it to its own. */
export type Found = (start: number, end: number) => void;
/** `line`: what it says; `number`: from 1, blank lines counted. */
export type FoundLine = (start: number, end: number, line: string, number: number) => void;

/** A worker's event takes no more (6 MB, Lambda quotas), so no record can be used that is longer. It bounds memory, too. */
export const MAX_RECORD_BYTES = 6 * 1024 * 1024;
const NEWLINE = 10;

/** Finds the lines of JSON Lines; blank ones are skipped, each other one must be JSON. */
export async function findLines(text: Text, found: FoundLine): Promise<void> {
  let start = text.start;
  let number = 0;
  let isEmpty = true;
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  const hold = (bytes: Uint8Array) => {
    held.push(bytes);
    heldBytes += bytes.length;
    if (heldBytes > MAX_RECORD_BYTES) throw tooLong(text, `line ${number + 1}`);
  };
  const take = () => {
    const line = Buffer.concat(held).toString('utf8');
    number++;
    if (line.trim() !== '') {
      checkJson(text, `line ${number}`, line, 'one JSON value per line');
      found(start, start + heldBytes, line, number);
      isEmpty = false;
    }
    start += heldBytes;
    held = [];
    heldBytes = 0;
  };
  for await (const chunk of text.chunks) {
    let at = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, at)) {
      hold(chunk.subarray(at, end + 1));
      take();
      at = end + 1;
    }
    if (at < chunk.length) hold(chunk.subarray(at));
  }
  if (heldBytes > 0) take();
  if (isEmpty) throw new InvalidInput(`${text.field}: ${showUri(text.object)} holds nothing but blank lines`);
}

/** The JSON texts of a run of lines. */
export function readJsonLines(bytes: Uint8Array): string[] {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
    .split('\n').map((line) => line.trim()).filter((line) => line !== '');
}

/** Throws an error with the place and the beginning of what is not JSON. */
export function checkJson(text: Text, place: string, json: string, allowed: string): void {
  try {
    JSON.parse(json);
  } catch (error) {
    throw new InvalidInput(`${text.field}: ${place} of ${showUri(text.object)}: got ${excerpt(json)}, allowed: ${allowed} (${(error as Error).message})`);
  }
}

export function tooLong(text: Text, place: string): InvalidInput {
  return new InvalidInput(`${text.field}: ${place} of ${showUri(text.object)}: got over ${MAX_RECORD_BYTES} bytes, allowed: at most that, since a worker's event takes no more`);
}
