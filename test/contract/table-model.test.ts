import * as fc from 'fast-check';
import { TableWorld, tableWorlds } from './worlds';
import { Condition, Row, Table, Update, Value } from '../../lambda/protocol';
import { MemoryTable } from '../../simulation/memory';

/**
 * The simulation proves the protocol on `MemoryTable`; that is worth as much as the two are alike. Random writes under random conditions
 * must have the same outcome and leave the same rows in memory and in DynamoDB.
 */

/** Few names and few values, so that conditions hold as often as not. `status` is a word that DynamoDB reserves. */
const name = fc.constantFrom('a', 'b', 'status');
const number = fc.integer({ min: -3, max: 3 });
const text = fc.constantFrom('', 'x', '1');
const set = fc.uniqueArray(number, { minLength: 1, maxLength: 4 }).map((members) => new Set(members));
const value: fc.Arbitrary<Value> = fc.oneof(
  { weight: 4, arbitrary: number },
  { weight: 2, arbitrary: text },
  { weight: 2, arbitrary: set },
  { weight: 1, arbitrary: fc.constantFrom(null, true, false) },
  { weight: 1, arbitrary: fc.array(number, { maxLength: 2 }) },
  { weight: 1, arbitrary: fc.dictionary(name, fc.option(number, { nil: undefined }), { maxKeys: 2 }) },
);

const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.record({ absent: fc.oneof(name, fc.constant('pk')) }),
    fc.record({ equals: fc.tuple(name, fc.oneof(number, text)) }),
    fc.record({ lessThan: fc.tuple(name, number) }),
    fc.record({ all: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ any: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }),
  ),
}));

const attributes = fc.dictionary(name, fc.option(value, { nil: undefined, freq: 8 }), { maxKeys: 3 });
const update: fc.Arbitrary<Update> = fc.record({
  set: attributes,
  remove: fc.uniqueArray(name, { maxLength: 1 }),
  addToSet: fc.dictionary(name, fc.array(number, { minLength: 1, maxLength: 3 }), { maxKeys: 1 }),
  increment: fc.dictionary(name, number, { maxKeys: 1 }),
}, { requiredKeys: [] });

const guard = fc.option(condition, { nil: undefined });
const step = fc.oneof(
  fc.record({ put: attributes, condition: guard }),
  fc.record({ update, condition: guard }),
);
type Step = { put: Record<string, Value | undefined>; condition?: Condition } | { update: Update; condition?: Condition };

/** The outcome as a value, so that refusals can be compared, too. */
async function outcome(table: Table, pk: string, what: Step) {
  try {
    return 'put' in what ? await table.put({ ...what.put, pk } as Row, what.condition) : await table.update(pk, what.update, what.condition);
  } catch (error) {
    return `refused: ${(error as Error).name}`;
  }
}

describe.each(tableWorlds().filter(([where]) => where !== 'memory'))('memory and %s', (_, start) => {
  let world: TableWorld;
  beforeAll(async () => { world = await start(); }, 240_000);
  afterAll(() => world?.stop());

  test('agree on random writes under random conditions', async () => {
    let rows = 0;
    const seen = { done: 0, conditionFailed: 0, refused: 0 };
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
      const memory = new MemoryTable();
      const pk = `random-${rows++}`;
      for (const what of steps) {
        const expected = await outcome(memory, pk, what);
        expect(await outcome(world.table, pk, what)).toStrictEqual(expected);
        expect(await world.table.get(pk, { consistent: true })).toStrictEqual(await memory.get(pk));
        seen[typeof expected === 'string' ? 'refused' : expected.ok ? 'done' : 'conditionFailed']++;
      }
    }), { numRuns: 150 });
    // each way of ending was really tried
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(30);
  });
});
