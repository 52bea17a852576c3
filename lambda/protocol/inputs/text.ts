import { InvalidInput } from '../errors';
import { ObjectUri, Ports } from '../ports';
import { compressed, showUri } from './uri';

/** How much of an object is asked for at once: few requests, little memory. */
export const CHUNK_BYTES = 8 * 1024 * 1024;
/** The monitor that reads the object lives 15 minutes. */
const MAX_READING_MS = 12 * 60_000;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
const GZIP = Buffer.from([0x1f, 0x8b]);
/** Enough of the object's beginning to know a mark and a compression by. */
const MARK_BYTES = 4;

/** A text object that is being read from its beginning to its end. */
export interface Text {
  /** The request's field that names the object. */
  readonly field: string;
  readonly object: ObjectUri;
  readonly size: number;
  readonly version: string;
  /** Where the text begins: behind a byte order mark, if there is one. */
  readonly start: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Opens an object and refuses what is no plain text. All of it is read from the same version, or the reading fails. */
export async function openText(ports: Ports, object: ObjectUri, chunkBytes = CHUNK_BYTES, field = 'items.s3.uri'): Promise<Text> {
  const startedAt = ports.clock.now();
  const { bytes: first, size, version, encoding } = await ports.inputs.read(object, { from: 0, to: Math.max(MARK_BYTES, chunkBytes) });
  if (size === 0) throw new InvalidInput(`${field}: ${showUri(object)} is empty (0 bytes)`);
  if (/gzip|deflate|br|zstd|compress/.test(encoding ?? '') || startsWith(first, GZIP)) throw compressed(object, field);
  const start = startsWith(first, BOM) ? BOM.length : 0;

  async function* chunks(): AsyncGenerator<Uint8Array> {
    const check = utf8Checker(object, start, field);
    let chunk = first.subarray(start);
    for (let at = first.length; ; at += chunk.length) {
      // the next range is on its way while this one is worked on
      const next = at < size ? ports.inputs.read(object, { from: at, to: Math.min(size, at + chunkBytes) }, version) : undefined;
      next?.catch(() => undefined); // met below, unless the reader stops before
      check(chunk, next === undefined);
      yield chunk;
      if (!next) return;
      const elapsed = ports.clock.now() - startedAt;
      if (elapsed > MAX_READING_MS) {
        throw new InvalidInput(`${field}: ${showUri(object)} is too large: ${at} of its ${size} bytes were read in ${Math.round(elapsed / 1000)} s, and all must be within ${MAX_READING_MS / 1000} s: split it, or make a job of s3Prefix with an object per item`);
      }
      chunk = (await next).bytes;
    }
  }
  return { field, object, size, version, start, chunks: chunks() };
}

function startsWith(bytes: Uint8Array, mark: Uint8Array): boolean {
  return mark.every((byte, i) => bytes[i] === byte);
}

/** Fails on the first byte that is not UTF-8: what a worker got otherwise would differ from the file without a word. */
function utf8Checker(object: ObjectUri, start: number, field: string): (chunk: Uint8Array, isLast: boolean) => void {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let at = start;
  return (chunk, isLast) => {
    try {
      strict.decode(chunk, { stream: !isLast });
    } catch {
      throw new InvalidInput(`${field}: ${showUri(object)} is not UTF-8 between bytes ${Math.max(0, at - 3)} and ${at + chunk.length}: save it as UTF-8`);
    }
    at += chunk.length;
  };
}

/** A piece of the text short enough for a message. */
export function excerpt(text: string): string {
  const trimmed = text.trim();
  return JSON.stringify(trimmed.length > 80 ? `${trimmed.slice(0, 80)}...` : trimmed);
}
