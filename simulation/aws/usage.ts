import { Row, Value } from '../../lambda/protocol';

/** What a job is billed for, the workers' own running time and logs aside, which are the same whoever calls them. */
export interface Bill {
  /** Lambda requests of our functions; of workers: only those beyond one per batch. */
  lambdaRequests: number;
  /** GB-seconds of our functions. */
  gbSeconds: number;
  writeUnits: number;
  readUnits: number;
  s3Puts: number;
  s3Gets: number;
  /** Of Standard executions. */
  transitions: number;
  expressRequests: number;
  expressGbSeconds: number;
  /** Bytes of log lines, those of Lambda itself included. */
  logBytes: number;
}

export const emptyBill = (): Bill => ({
  lambdaRequests: 0, gbSeconds: 0, writeUnits: 0, readUnits: 0, s3Puts: 0, s3Gets: 0, transitions: 0, expressRequests: 0, expressGbSeconds: 0, logBytes: 0,
});

/** START, END and REPORT lines that Lambda writes for one call of a function: the text format, UUIDs and figures in. */
export const PLATFORM_LOG_BYTES = 96 + 52 + 210;

/** Size of a row as DynamoDB counts it: names and values in UTF-8, numbers at two digits a byte (DynamoDB item sizes). */
export function rowBytes(row: Row | undefined): number {
  return row === undefined ? 0 : membersBytes(row);
}

function membersBytes(members: { [name: string]: Value | undefined }): number {
  return Object.entries(members).reduce((sum, [name, value]) => (value === undefined ? sum : sum + Buffer.byteLength(name) + valueBytes(value)), 0);
}

function valueBytes(value: Value): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'number') return 1 + Math.ceil(String(Math.abs(value)).replace(/\.|^0+/g, '').length / 2) + (value < 0 ? 1 : 0);
  if (value === null || typeof value === 'boolean') return 1;
  if (value instanceof Set) return [...value].reduce((sum, member) => sum + valueBytes(member), 3);
  if (Array.isArray(value)) return value.reduce((sum: number, member) => sum + 1 + valueBytes(member), 3);
  return membersBytes(value) + 3 + Object.keys(value).length;
}

/** On-demand units of a write: 1 KB each, by the larger of what was and what is there; a refused write counts by what is there. */
export const writeUnits = (before: Row | undefined, after: Row | undefined): number =>
  Math.max(1, Math.ceil(Math.max(rowBytes(before), rowBytes(after)) / 1024));

/** On-demand units of a read: 4 KB each, half of that where it need not be consistent. */
export const readUnits = (row: Row | undefined, isConsistent: boolean): number =>
  Math.max(1, Math.ceil(rowBytes(row) / 4096)) * (isConsistent ? 1 : 0.5);
