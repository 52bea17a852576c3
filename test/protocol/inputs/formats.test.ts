import * as fc from 'fast-check';
import { delivered, object, ports } from './support';
import { indexItems, ObjectReader } from '../../../lambda/protocol/inputs/object';
import { Format } from '../../../lambda/protocol/inputs/uri';
import { GROUP_SIZE } from '../../../lambda/protocol/plan';

async function expectDelivered(text: string, format: Format, batchSize: number, chunkBytes: number, expected: unknown[]) {
  const groups = await delivered(text, format, batchSize, chunkBytes);
  expect(groups.flat()).toEqual(expected);
  expect(groups.slice(0, -1).every((group) => group.length === batchSize * GROUP_SIZE)).toBe(true);
}

const chunkBytes = fc.oneof(fc.integer({ min: 4, max: 40 }), fc.constant(100_000));
const batchSize = fc.integer({ min: 1, max: 3 });
const newline = fc.constantFrom('\n', '\r\n');
const bom = fc.constantFrom('', '\uFEFF');
const blank = fc.constantFrom('', '\n', '\r\n', '\n\n');
const values = <T>(item: fc.Arbitrary<T>) => fc.array(item, { minLength: 1, maxLength: 300, size: 'max' });
/** As JSON keeps it. */
const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const space = fc.constantFrom('', ' ', '\n', '\r\n\t ');
const RUNS = { numRuns: 60 };

describe('every item arrives exactly once and in order', () => {
  test('of JSON Lines', () => fc.assert(fc.asyncProperty(values(json), batchSize, chunkBytes, newline, bom, blank, fc.boolean(),
    async (items, size, chunk, end, mark, between, isEnded) => {
      const text = mark + items.map((item) => JSON.stringify(item)).join(end + between) + (isEnded ? end : '');
      await expectDelivered(text, 'jsonl', size, chunk, items);
    }), RUNS));

  test('of a JSON array', () => fc.assert(fc.asyncProperty(values(json), batchSize, chunkBytes, bom, space, space, fc.constantFrom(undefined, 2),
    async (items, size, chunk, mark, before, after, indent) => {
      const text = `${mark}${before}[${items.map((item) => before + JSON.stringify(item, null, indent) + after).join(',')}]${after}`;
      await expectDelivered(text, 'json', size, chunk, items);
    }), RUNS));

  const field = fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.constantFrom('', '"', 'a\nb', 'a\r\nb', ',', '""\n""', ' x ', '1,2', '\r'));
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  const plain = (text: string) => (/[",\r\n\uFEFF]/.test(text) || text === '' ? quoted(text) : text);
  const name = fc.oneof(field, fc.constantFrom('__proto__', '1', 'constructor')).filter((text) => text.trim() !== '');
  const table = fc.integer({ min: 1, max: 4 }).chain((columns) => fc.tuple(
    fc.uniqueArray(name, { minLength: columns, maxLength: columns }), values(fc.array(field, { minLength: columns, maxLength: columns })),
  ));
  test('of CSV', () => fc.assert(fc.asyncProperty(table, batchSize, chunkBytes, newline, bom, blank, fc.boolean(), fc.boolean(),
    async ([names, records], size, chunk, end, mark, between, isEnded, isQuoted) => {
      const line = (fields: string[]) => fields.map(isQuoted ? quoted : plain).join(',');
      const text = mark + [names, ...records].map(line).join(end + between) + (isEnded ? end : '');
      const groups = await delivered(text, 'csv', size, chunk);
      expect(groups.flat().map((item) => Object.entries(item as object).sort())).toEqual(
        records.map((record) => names.map((column, i) => [column, record[i]]).sort()));
    }), RUNS));
});

describe('what stands in the text reaches the worker as it is', () => {
  test('numbers too long for JavaScript', async () => {
    const world = ports();
    world.inputs.objects.set('data/items', Buffer.from('[12345678901234567890, 1.0]'));
    const { source } = await indexItems(world.ports, 'job', { object, format: 'json' }, 1);
    expect(await new ObjectReader(world.ports, source).group(0)).toEqual(['12345678901234567890', '1.0']);
  });

  test('columns in the order of the header, whatever their names', async () => {
    const world = ports();
    world.inputs.objects.set('data/items', Buffer.from('b,2,1,__proto__\nw,x,y,z\n'));
    const { source } = await indexItems(world.ports, 'job', { object, format: 'csv' }, 1);
    expect(await new ObjectReader(world.ports, source).group(0)).toEqual(['{"b":"w","2":"x","1":"y","__proto__":"z"}']);
  });
});

describe('no items at all', () => {
  test.each<[Format, string]>([['json', ' [ \n ] '], ['json', '\uFEFF[]'], ['csv', 'a,b'], ['csv', 'a,b\r\n\r\n']])('%s %j', async (format, text) => {
    expect(await delivered(text, format, 1, 100)).toEqual([]);
  });
});

describe('what is wrong is named', () => {
  test('a group too large for the memory of a dispatcher', async () => {
    const text = `${JSON.stringify('x'.repeat(1_100_000))}\n`.repeat(66);
    await expect(delivered(text, 'jsonl', 1, 8_000_000)).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: expect.stringMatching(/^s3:\/\/data\/items: got over 67108864 bytes in the 64 batches from number 0 on, allowed: at most that/),
    });
  });

  test('an object that is another one by the time it is read', async () => {
    const world = ports();
    world.inputs.objects.set('data/items', Buffer.from('1\n2\n3\n'));
    const { source } = await indexItems(world.ports, 'job', { object, format: 'jsonl' }, 1);
    world.inputs.objects.set('data/items', Buffer.from('4\n5\n6\n'));
    await expect(new ObjectReader(world.ports, source).group(0)).rejects.toMatchObject({ name: 'InputChanged' });
  });
});
