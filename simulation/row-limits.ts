import { Condition, Row, RowRefused, Update, Value } from '../lambda/protocol';
import { rowBytes } from '../lambda/protocol/row-size';

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

/** Throws `RowRefused` for a row that is too large, or holds what DynamoDB has no value for. Returns its size. */
export function checkRow(row: Row): number {
  checkValue(row);
  const bytes = rowBytes(row);
  if (bytes > ROW_BYTES) throw new RowRefused(`item size of ${row.pk}: ${bytes} bytes, allowed: ${ROW_BYTES}`);
  return bytes;
}

function checkValue(value: Value | undefined): void {
  if (typeof value === 'number') {
    if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
      throw new RowRefused(`a number that JavaScript and DynamoDB both hold exactly, got ${value}`);
    }
  } else if (value instanceof Set) {
    if (value.size === 0) throw new RowRefused('a set has at least one member');
    value.forEach(checkValue);
  } else if (value !== null && typeof value === 'object') {
    Object.values(value).forEach(checkValue);
  }
}
