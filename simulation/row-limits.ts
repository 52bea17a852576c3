import { Condition, Row, RowRefused, Update, Value } from '../lambda/protocol';

/** DynamoDB's limit for an item, attribute names included. */
const ROW_BYTES = 400 * 1024;

/** What DynamoDB refuses whatever is stored. */
export function checkUpdate(pk: string, { set = {}, remove = [], addToSet = {}, increment = {} }: Update): void {
  const changed = [...Object.keys(set), ...remove, ...Object.keys(addToSet), ...Object.keys(increment)];
  if (changed.includes('pk')) throw new RowRefused(`update of ${pk}: the key of a row cannot change`);
  if (new Set(changed).size < changed.length) throw new RowRefused(`update of ${pk} names an attribute twice: ${changed}`);
  if (Object.values(addToSet).some((members) => members.length === 0)) throw new RowRefused(`update of ${pk} adds nothing to a set`);
}

export function checkCondition(condition: Condition): void {
  const parts = 'all' in condition ? condition.all : 'any' in condition ? condition.any : undefined;
  if (parts?.length === 0) throw new RowRefused('a condition of no parts');
  parts?.forEach(checkCondition);
}

/** Throws `RowRefused` for a row that is too large, or holds what DynamoDB has no value for. */
export function checkRow(row: Row): void {
  const bytes = membersSize(row, 0);
  if (bytes > ROW_BYTES) throw new RowRefused(`item size of ${row.pk}: ${bytes} bytes, allowed: ${ROW_BYTES}`);
}

/** As the DynamoDB developer guide counts, "item sizes and formats". */
function sizeOf(value: Value): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'number') return numberSize(value);
  if (value === null || typeof value === 'boolean') return 1;
  if (value instanceof Set) {
    if (value.size === 0) throw new RowRefused('a set has at least one member');
    return [...value].reduce((sum, member) => sum + numberSize(member), 0);
  }
  if (Array.isArray(value)) return value.reduce<number>((sum, element) => sum + 1 + sizeOf(element), 3);
  return 3 + membersSize(value, 1);
}

function membersSize(value: { [name: string]: Value | undefined }, overhead: number): number {
  let sum = 0;
  for (const name in value) if (value[name] !== undefined) sum += Buffer.byteLength(name) + sizeOf(value[name]) + overhead;
  return sum;
}

/** One byte per two digits, and one more. */
function numberSize(value: number): number {
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
    throw new RowRefused(`a number that JavaScript and DynamoDB both hold exactly, got ${value}`);
  }
  return Math.ceil(String(Math.abs(value)).replace('.', '').length / 2) + 1 + (value < 0 ? 1 : 0);
}
