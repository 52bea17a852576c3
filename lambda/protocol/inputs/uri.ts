import { InvalidRequest } from '../errors';
import { ObjectUri } from '../ports';

/** What an object with items may hold. */
export const FORMATS = ['jsonl', 'csv', 'json'] as const;
export type Format = typeof FORMATS[number];

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const MAX_KEY_BYTES = 1024;
const BY_EXTENSION: { [extension: string]: Format } = { jsonl: 'jsonl', ndjson: 'jsonl', csv: 'csv', json: 'json' };
const COMPRESSED = new Set(['gz', 'gzip', 'zip', 'bz2', 'zst', 'xz']);

/** Splits `s3://bucket/key`; the key is taken as it is, nothing in it is decoded. */
export function parseUri(field: string, uri: string, keyMayBeEmpty: boolean): ObjectUri {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]*)(?:\/(.*))?$/s.exec(uri) ?? [];
  const isKey = (key !== '' || keyMayBeEmpty) && Buffer.byteLength(key) <= MAX_KEY_BYTES;
  if (BUCKET.test(bucket) && isKey) return { bucket, key };
  const form = keyMayBeEmpty ? 's3://bucket or s3://bucket/prefix' : 's3://bucket/key';
  throw new InvalidRequest(`${field}: got ${JSON.stringify(uri).slice(0, 100)}, allowed: ${form}, with a bucket name of 3 to 63 lower-case letters, digits, "-", "." and a key of at most ${MAX_KEY_BYTES} bytes`);
}

export const showUri = ({ bucket, key }: ObjectUri) => `s3://${bucket}/${key}`;

/** The format that a key's extension tells. */
export function formatOf(object: ObjectUri): Format {
  const name = object.key.slice(object.key.lastIndexOf('/') + 1);
  const extension = name.includes('.') ? name.slice(name.lastIndexOf('.') + 1).toLowerCase() : '';
  const format = Object.hasOwn(BY_EXTENSION, extension) ? BY_EXTENSION[extension] : undefined;
  if (format) return format;
  if (COMPRESSED.has(extension)) throw compressed(object);
  throw new InvalidRequest(`items.s3.format: got nothing, and the name ${JSON.stringify(name)} does not tell it; allowed: ${FORMATS.join(', ')}`);
}

export function compressed(object: ObjectUri, field = 'items.s3.uri'): InvalidRequest {
  return new InvalidRequest(`${field}: ${showUri(object)} is compressed; allowed: plain jsonl, csv or json, because every leaf reads only its own range of bytes: decompress it first`);
}
