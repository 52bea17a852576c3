import { PayloadsWorld, payloadsWorlds } from './worlds';
import { Payloads } from '../../lambda/protocol';

/** What the protocol may rely on in any `Payloads`. */
describe.each(payloadsWorlds)('Payloads in %s', (_, start) => {
  let world: PayloadsWorld;
  let payloads: Payloads;
  let keys = 0;
  const key = () => `jobs/job-1/e1/object-${++keys}.json`;
  const text = async (name: string, range?: { from: number; to: number }) => Buffer.from(await payloads.get(name, range)).toString('utf8');

  beforeAll(async () => {
    world = await start();
    payloads = world.payloads;
  }, 240_000);
  afterAll(() => world?.stop());

  test.each([['text', '{"a":"µ🦄"}'], ['nothing', ''], ['a megabyte', 'x'.repeat(1024 * 1024)]])('%s comes back as it was', async (__, body) => {
    const name = key();
    expect(await payloads.put(name, body)).toBe(true);
    expect(await text(name)).toBe(body);
  });

  test('every byte comes back as it was', async () => {
    const name = key();
    const bytes = Uint8Array.from({ length: 1024 }, (__, i) => i % 256);
    await payloads.put(name, bytes);
    expect(Buffer.from(await payloads.get(name)).equals(bytes)).toBe(true);
    expect(Buffer.from(await payloads.get(name, { from: 127, to: 385 })).equals(bytes.subarray(127, 385))).toBe(true);
  });

  test('what was written or read is the caller\'s own', async () => {
    const name = key();
    const bytes = Buffer.from('abc');
    await payloads.put(name, bytes);
    bytes[0] = 0;
    (await payloads.get(name))[1] = 0;
    (await payloads.get(name, { from: 1, to: 3 }))[0] = 0;
    expect(await text(name)).toBe('abc');
  });

  test('a put overwrites, unless it asks not to', async () => {
    const name = key();
    expect(await payloads.put(name, 'first', { ifAbsent: true })).toBe(true);
    expect(await payloads.put(name, 'second', { ifAbsent: true })).toBe(false);
    expect(await text(name)).toBe('first');
    expect(await payloads.put(name, 'third')).toBe(true);
    expect(await text(name)).toBe('third');
  });

  test('if absent, by ten at once: exactly one wins, and its object stays', async () => {
    const name = key();
    const won = await Promise.all(Array.from({ length: 10 }, (__, i) => payloads.put(name, `by ${i}`, { ifAbsent: true })));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await text(name)).toBe(`by ${won.indexOf(true)}`);
  });

  test.each<[string, number, number, string]>([
    ['the beginning', 0, 3, '012'],
    ['a middle', 3, 6, '345'],
    ['one byte', 9, 10, '9'],
    ['all', 0, 10, '0123456789'],
    ['past the end', 7, 100, '789'],
    ['nothing', 4, 4, ''],
    ['nothing at the end', 10, 10, ''],
    ['beyond the end', 10, 20, ''],
    ['far beyond the end', 1000, 2000, ''],
  ])('a range: %s', async (__, from, to, expected) => {
    const name = key();
    await payloads.put(name, '0123456789');
    expect(await text(name, { from, to })).toBe(expected);
  });

  test('a range of an empty object is empty', async () => {
    const name = key();
    await payloads.put(name, '');
    expect(await text(name, { from: 0, to: 5 })).toBe('');
  });

  test('no such object: PayloadMissing that names it, also for a range', async () => {
    const name = key();
    const missing = { name: 'PayloadMissing', message: expect.stringContaining(payloads.uri(name)) };
    await expect(payloads.get(name)).rejects.toMatchObject(missing);
    await expect(payloads.get(name, { from: 0, to: 5 })).rejects.toMatchObject(missing);
  });

  test('the address is one that tools understand', () => {
    expect(payloads.uri('jobs/a/e1/manifest.json')).toBe('s3://bucket/jobs/a/e1/manifest.json');
  });
});
