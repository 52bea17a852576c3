import { TableWorld, tableWorlds } from './worlds';
import { Condition, Row, Table } from '../../lambda/protocol';

const REFUSED = { name: 'RowRefused' };

/** What the protocol may rely on in any `Table`, case by case; table-model.test.ts has the same at random. */
describe.each(tableWorlds())('Table in %s', (_, start) => {
  let world: TableWorld;
  let table: Table;
  let keys = 0;
  const key = () => `row-${++keys}`;
  const read = (pk: string) => table.get(pk, { consistent: true });

  beforeAll(async () => {
    world = await start();
    table = world.table;
  }, 240_000);
  afterAll(() => world?.stop());

  describe('values', () => {
    test.each<[string, Row[string]]>([
      ['an empty string', ''],
      ['an empty list', []],
      ['an empty object', {}],
      ['null', null],
      ['false', false],
      ['zero', 0],
      ['a negative fraction', -0.125],
      ['the largest safe integer', Number.MAX_SAFE_INTEGER],
      ['the smallest safe integer', Number.MIN_SAFE_INTEGER],
      ['a time in ms', 1_795_258_608_123],
      ['text beyond ASCII', 'µ – 🦄'],
      ['a nested object', { plan: { source: { kind: 'range', start: 0 }, leaves: 3 }, list: [1, 'two', [3, { four: 4 }], null] }],
      ['a set of numbers', new Set([3, 1, 2])],
    ])('%s comes back as it was, from put and from update', async (__, value) => {
      const pk = key();
      expect(await table.put({ pk, value })).toStrictEqual({ ok: true, row: { pk, value } });
      expect(await read(pk)).toStrictEqual({ pk, value });
      expect(await table.getMany([pk])).toStrictEqual([{ pk, value }]);
      const other = key();
      expect(await table.update(other, { set: { value } })).toStrictEqual({ ok: true, row: { pk: other, value } });
      expect(await read(other)).toStrictEqual({ pk: other, value });
    });

    test('members that are undefined are absent, at every depth', async () => {
      const pk = key();
      const value = { here: 1, gone: undefined, deep: { gone: undefined } };
      const row = { pk, value: { here: 1, deep: {} } };
      expect(await table.put({ pk, value, gone: undefined })).toStrictEqual({ ok: true, row });
      expect(await read(pk)).toStrictEqual(row);
      // in an update, too: undefined sets nothing and removes nothing
      expect(await table.update(pk, { set: { value: undefined, more: value } })).toStrictEqual({ ok: true, row: { ...row, more: row.value } });
    });

    test('what was read or written is the caller\'s own: changing it does not change the row', async () => {
      const pk = key();
      const row = { pk, list: [1], set: new Set([1]) };
      const { row: answered } = await table.put(row);
      row.list.push(2);
      (answered!.list as number[]).push(3);
      (answered!.set as Set<number>).add(3);
      ((await read(pk))!.list as number[]).push(4);
      expect(await read(pk)).toStrictEqual({ pk, list: [1], set: new Set([1]) });
    });

    test.each<[string, Row[string]]>([
      ['a number that is none', NaN],
      ['infinity', Infinity],
      ['an integer that a number cannot hold exactly', 2 ** 53],
      ['an empty set', new Set<number>()],
    ])('%s is refused by put and by update', async (__, value) => {
      const pk = key();
      await expect(table.put({ pk, value })).rejects.toMatchObject(REFUSED);
      await expect(table.update(pk, { set: { value } })).rejects.toMatchObject(REFUSED);
      await expect(table.put({ pk, deep: [{ value }] })).rejects.toMatchObject(REFUSED);
      expect(await read(pk)).toBeUndefined();
    });
  });

  describe('put', () => {
    test('replaces the whole row', async () => {
      const pk = key();
      await table.put({ pk, old: 1 });
      await table.put({ pk, fresh: 2 });
      expect(await read(pk)).toStrictEqual({ pk, fresh: 2 });
    });

    test('if absent: the first wins, and the second gets the first one\'s row', async () => {
      const pk = key();
      const first = { pk, by: 'first', failed: [{ batchId: 1 }] };
      expect(await table.put(first, { absent: 'pk' })).toStrictEqual({ ok: true, row: first });
      expect(await table.put({ pk, by: 'second' }, { absent: 'pk' })).toStrictEqual({ ok: false, row: first });
      expect(await read(pk)).toStrictEqual(first);
    });

    test('if absent, by twenty at once: exactly one wins, all others see its row', async () => {
      const pk = key();
      const answers = await Promise.all(Array.from({ length: 20 }, (__, by) => table.put({ pk, by }, { absent: 'pk' })));
      expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
      const { by } = (await read(pk))!;
      expect(answers.every(({ row }) => row!.by === by)).toBe(true);
    });

    test('with a condition on a row that does not exist: refused, and no row to show', async () => {
      const pk = key();
      expect(await table.put({ pk, n: 1 }, { equals: ['n', 1] })).toStrictEqual({ ok: false, row: undefined });
      expect(await read(pk)).toBeUndefined();
    });
  });

  describe('update', () => {
    test('makes the row if there is none, and gives the whole new row', async () => {
      const pk = key();
      expect(await table.update(pk, { set: { a: 1 } })).toStrictEqual({ ok: true, row: { pk, a: 1 } });
      expect(await table.update(pk, { set: { b: 'x' }, remove: ['a', 'never'] })).toStrictEqual({ ok: true, row: { pk, b: 'x' } });
    });

    test('that changes nothing makes an empty row, or leaves the row as it is', async () => {
      const pk = key();
      expect(await table.update(pk, {})).toStrictEqual({ ok: true, row: { pk } });
      await table.update(pk, { set: { a: 1 } });
      expect(await table.update(pk, { set: { b: undefined } })).toStrictEqual({ ok: true, row: { pk, a: 1 } });
      expect(await table.update(pk, { set: {} }, { absent: 'a' })).toStrictEqual({ ok: false, row: { pk, a: 1 } });
    });

    test('refused by its condition: the stored row, unchanged', async () => {
      const pk = key();
      expect(await table.update(pk, { set: { a: 2 } }, { equals: ['a', 1] })).toStrictEqual({ ok: false, row: undefined });
      expect(await read(pk)).toBeUndefined();
      await table.put({ pk, a: 1, nested: { b: [1] } });
      const refused = await table.update(pk, { set: { a: 3 }, increment: { n: 1 }, addToSet: { s: [1] } }, { equals: ['a', 2] });
      expect(refused).toStrictEqual({ ok: false, row: { pk, a: 1, nested: { b: [1] } } });
      expect(await read(pk)).toStrictEqual(refused.row);
    });

    test('adds to a set: the new set comes back, of the right size, however often a member is added', async () => {
      const pk = key();
      const children = async (members: number[]) =>
        (await table.update(pk, { set: { ttl: 9 }, addToSet: { children: members } })).row!.children as Set<number>;
      expect(await children([5])).toStrictEqual(new Set([5]));
      expect(await children([5])).toStrictEqual(new Set([5]));
      expect((await children([1, 2, 3, 5])).size).toBe(4);
      expect((await children([3])).size).toBe(4);
      expect(new Set((await read(pk))!.children as Set<number>)).toStrictEqual(new Set([1, 2, 3, 5]));
    });

    test('64 who add one member each at once: exactly one of them sees the set full', async () => {
      const pk = key();
      const sizes = await Promise.all(Array.from({ length: 64 }, async (__, i) =>
        ((await table.update(pk, { addToSet: { children: [i] } })).row!.children as Set<number>).size));
      expect(sizes.filter((size) => size === 64)).toHaveLength(1);
    });

    test('increments: absent counts as 0', async () => {
      const pk = key();
      expect((await table.update(pk, { increment: { n: 2 } })).row!.n).toBe(2);
      expect((await table.update(pk, { increment: { n: -5 } })).row!.n).toBe(-3);
      await Promise.all(Array.from({ length: 10 }, () => table.update(pk, { increment: { n: 1 } })));
      expect((await read(pk))!.n).toBe(7);
    });

    test.each<[string, Parameters<Table['update']>[1]]>([
      ['increments what is no number', { increment: { text: 1 } }],
      ['adds to what is no set', { addToSet: { text: [1] } }],
      ['increments null', { increment: { nothing: 1 } }],
      ['adds to null', { addToSet: { nothing: [1] } }],
      ['adds nothing to a set', { addToSet: { fresh: [] } }],
      ['sets and removes the same attribute', { set: { text: 'y' }, remove: ['text'] }],
      ['sets and increments the same attribute', { set: { n: 1 }, increment: { n: 1 } }],
      ['changes the key', { set: { pk: 'other' } }],
      ['removes the key', { remove: ['pk'] }],
    ])('that %s is refused, and changes nothing', async (__, update) => {
      const pk = key();
      await table.put({ pk, text: 'x', nothing: null });
      await expect(table.update(pk, update)).rejects.toMatchObject(REFUSED);
      expect(await read(pk)).toStrictEqual({ pk, text: 'x', nothing: null });
    });
  });

  describe('conditions', () => {
    const row = { n: 5, text: 'five', nothing: null, list: [1] };
    test.each<[string, Condition, boolean]>([
      ['absent, of an attribute that is there', { absent: 'n' }, false],
      ['absent, of one that is not', { absent: 'm' }, true],
      ['absent, of one that is null: null is a value', { absent: 'nothing' }, false],
      ['equals', { equals: ['n', 5] }, true],
      ['equals another number', { equals: ['n', 6] }, false],
      ['equals a text that looks like the number', { equals: ['n', '5'] }, false],
      ['equals a text', { equals: ['text', 'five'] }, true],
      ['equals, of an attribute that is not there', { equals: ['m', 5] }, false],
      ['lessThan', { lessThan: ['n', 6] }, true],
      ['lessThan, not strictly', { lessThan: ['n', 5] }, false],
      ['lessThan, of a text', { lessThan: ['text', 99] }, false],
      ['lessThan, of an attribute that is not there', { lessThan: ['m', 5] }, false],
      ['all', { all: [{ equals: ['n', 5] }, { absent: 'm' }] }, true],
      ['all but one', { all: [{ equals: ['n', 5] }, { absent: 'text' }, { absent: 'm' }] }, false],
      ['any', { any: [{ equals: ['n', 1] }, { equals: ['n', 5] }] }, true],
      ['not any', { any: [{ equals: ['n', 1] }, { absent: 'n' }] }, false],
      ['all of one', { all: [{ equals: ['n', 5] }] }, true],
      ['one in one in one', { any: [{ all: [{ any: [{ lessThan: ['n', 6] }] }] }] }, true],
      ['any of alls', { any: [{ all: [{ absent: 'n' }, { absent: 'm' }] }, { all: [{ equals: ['text', 'five'] }, { lessThan: ['n', 9] }] }] }, true],
      ['an attribute whose name DynamoDB reserves', { absent: 'status' }, true],
    ])('%s', async (__, condition, holds) => {
      const pk = key();
      await table.put({ pk, ...row });
      const updated = await table.update(pk, { set: { done: true } }, condition);
      expect(updated).toStrictEqual({ ok: holds, row: { pk, ...row, ...(holds && { done: true }) } });
      const put = await table.put({ pk, replaced: true }, condition);
      expect(put).toStrictEqual({ ok: holds, row: holds ? { pk, replaced: true } : updated.row });
    });

    test.each<[string, Condition]>([['all', { all: [] }], ['any', { any: [] }]])('%s of nothing is refused', async (__, condition) => {
      const pk = key();
      await expect(table.put({ pk }, condition)).rejects.toMatchObject(REFUSED);
      await expect(table.put({ pk }, { any: [{ absent: 'pk' }, condition] })).rejects.toMatchObject(REFUSED);
      expect(await read(pk)).toBeUndefined();
    });
  });

  describe('size: a row holds up to 400 KB, names included', () => {
    const LIMIT = 400 * 1024;
    // pk 2 + its text; name 4
    const filler = (pk: string, total: number, char = 'x') => char.repeat((total - 2 - pk.length - 4) / Buffer.byteLength(char));

    test('exactly that is taken', async () => {
      const pk = 'full';
      await table.put({ pk, text: filler(pk, LIMIT) });
      expect((await read(pk))!.text).toHaveLength(LIMIT - 10);
    });

    test.each([['x', 1], ['é', 2]])('one more is refused by put, counted in bytes (%s)', async (char, bytes) => {
      const pk = `over${bytes}`;
      await expect(table.put({ pk, text: filler(pk, LIMIT + bytes + (LIMIT - 2 - pk.length - 4) % bytes, char) })).rejects.toMatchObject({
        name: 'RowRefused', message: expect.stringMatching(/size/i),
      });
      expect(await read(pk)).toBeUndefined();
    });

    test('an update that makes the row too large is refused, and leaves it', async () => {
      const pk = key();
      const half = 'x'.repeat(LIMIT / 2);
      await table.put({ pk, text: half });
      await expect(table.update(pk, { set: { more: half } })).rejects.toMatchObject({ name: 'RowRefused', message: expect.stringMatching(/size/i) });
      expect(Object.keys((await read(pk))!)).toEqual(['pk', 'text']);
    });
  });

  describe('getMany', () => {
    const stored = Array.from({ length: 250 }, (__, i) => `many-${i}`);
    beforeAll(() => Promise.all(stored.map((pk, n) => table.put({ pk, n, status: 'x', nested: { n } }))));
    const pks = (rows: Row[]) => rows.map(({ pk }) => pk).sort();

    test('no keys: no rows', async () => {
      expect(await table.getMany([])).toEqual([]);
    });

    test('more keys than one request takes, some without a row', async () => {
      const rows = await table.getMany([...stored, ...stored.map((pk) => `${pk}-missing`)]);
      expect(pks(rows)).toEqual([...stored].sort());
      expect(rows.every((row) => row.pk === `many-${row.n}`)).toBe(true);
    });

    test('a key that is given twice gives its row once, in one request or in several', async () => {
      expect(pks(await table.getMany(['many-1', 'many-2', 'many-1']))).toEqual(['many-1', 'many-2']);
      expect(pks(await table.getMany([...stored, ...stored]))).toEqual([...stored].sort());
    });

    test('only some attributes, and always the key', async () => {
      await table.put({ pk: 'bare' });
      expect(await table.getMany(['many-7'], ['n', 'status', 'none'])).toStrictEqual([{ pk: 'many-7', n: 7, status: 'x' }]);
      expect(await table.getMany(['many-7'], ['pk', 'n', 'n'])).toStrictEqual([{ pk: 'many-7', n: 7 }]);
      expect(await table.getMany(['bare'], ['n'])).toStrictEqual([{ pk: 'bare' }]);
      expect(await table.getMany(['bare'], [])).toStrictEqual([{ pk: 'bare' }]);
    });

    test('more than the 16 MB of one page: the rest is asked for again', async () => {
      const big = Array.from({ length: 60 }, (__, i) => `big-${i}`);
      const text = 'x'.repeat(390 * 1024);
      await Promise.all(Array.from({ length: 6 }, async (__, lane) => {
        for (let i = lane; i < big.length; i += 6) await table.put({ pk: big[i], text });
      }));
      const rows = await table.getMany(big);
      expect(pks(rows)).toEqual([...big].sort());
      expect(rows.every((row) => row.text === text)).toBe(true);
    });
  });
});
