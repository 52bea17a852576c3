import { Row, Value } from './ports';

/** Size of a row in bytes, attribute names included, as the DynamoDB developer guide counts ("item sizes and formats"). */
export function rowBytes(row: Omit<Row, 'pk'>): number {
  return membersBytes(row, 0);
}

/** What a write of a row of this size costs: one unit per 1 KB begun. */
export function writeUnits(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / 1024));
}

/** What a read of one row costs: one unit per 4 KB begun, half of that where an older version may be given. No row costs as a small one. */
export function readUnits(bytes: number, isConsistent: boolean): number {
  return Math.max(1, Math.ceil(bytes / 4096)) * (isConsistent ? 1 : 0.5);
}

function membersBytes(value: { [name: string]: Value | undefined }, overhead: number): number {
  let sum = 0;
  for (const name in value) if (value[name] !== undefined) sum += Buffer.byteLength(name) + valueBytes(value[name]) + overhead;
  return sum;
}

function valueBytes(value: Value): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'number') return numberBytes(value);
  if (value === null || typeof value === 'boolean') return 1;
  if (value instanceof Set) return [...value].reduce((sum, member) => sum + numberBytes(member), 0);
  if (Array.isArray(value)) return value.reduce<number>((sum, element) => sum + 1 + valueBytes(element), 3);
  return 3 + membersBytes(value, 1);
}

/** One byte per two digits, and one more. */
function numberBytes(value: number): number {
  return Math.ceil(String(Math.abs(value)).replace('.', '').length / 2) + 1 + (value < 0 ? 1 : 0);
}
