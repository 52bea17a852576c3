import { dollars, lines } from '../../bench/bill';
import { paired, spread } from '../../bench/statistics';
import { distributedMap, inline, limit, version1 } from '../../simulation/aws/peers';
import { emptyBill } from '../../simulation/aws/usage';
import type { JobShape } from '../../simulation/aws/world';

/** Nothing is left to chance, and only what is named takes time. */
const shape = (batches: number): JobShape => ({
  batches,
  batchMs: 1_000,
  accountConcurrency: 1_000,
  workers: 1,
  seed: 1,
  values: {
    spread: 1e-9,
    coldStartMs: 1e-9,
    initMs: 150,
    invokeMs: 20,
    childMs: 50,
    asyncAcceptMs: 10,
    asyncHopMs: 1e-9,
    tableMs: 1e-9,
    transitionMs: 1e-9,
  },
});

describe('what peers are billed for', () => {
  test('Distributed Map, Standard: a start and a state for each child, the map itself, the combiner', async () => {
    const { bill } = await distributedMap('Standard')(shape(7));
    expect(bill).toEqual({ ...emptyBill(), transitions: 7 + 7 + 1 + 1, s3Gets: 1, s3Puts: 2 });
  });

  test('Distributed Map, Express: a start and a request for each child, and its time in steps of 100 ms of 64 MB', async () => {
    const { bill } = await distributedMap('Express')(shape(7));
    expect(bill).toMatchObject({ transitions: 7 + 1 + 1, expressRequests: 7, s3Gets: 1, s3Puts: 2, lambdaRequests: 0, writeUnits: 0 });
    expect(bill.expressGbSeconds).toBeCloseTo(7 * 1.1 * 0.0625, 9); // 1,070 ms each
  });

  test('the first burst-compute: a root and sqrt(N) dispatchers, a row per batch, four states per look', async () => {
    const { bill, combinedMs } = await version1(shape(9));
    const looks = (bill.transitions - 1 - 3) / 4 + 1; // the last one does not wait; the combiner is one more
    expect(looks).toBe(Math.floor(combinedMs / 1_000) + 1);
    expect(bill).toMatchObject({ writeUnits: 9, lambdaRequests: 1 + 3 + looks });
    expect(bill.readUnits).toBe(looks + 1); // nine rows are less than 4 KB
    // 20 + 3 x 10 ms of the root, 3 x 10 ms of each dispatcher, the last of which finds the root's environment idle; a monitor that is new once
    expect(bill.gbSeconds).toBeCloseTo(0.25 * (3 * 0.15 + 0.05 + 3 * 0.03) + 0.125 * 0.15, 2);
  });

  test('the inline design: two writes per batch, a dispatcher per thousand', async () => {
    const { bill } = await inline(shape(130));
    // 64 invokes at a time: three rounds of 10 ms, after 150 ms of loading
    expect(bill).toMatchObject({ writeUnits: 260, lambdaRequests: 1, transitions: 2, readUnits: Math.ceil((130 * 150) / 4096) });
    expect(bill.gbSeconds).toBeCloseTo(0.18, 2);
  });

  test('the physical limit has no bill', async () => {
    expect((await limit(shape(10))).bill).toEqual(emptyBill());
  });
});

describe('prices', () => {
  test('1,000 Express children of about a second come to what the price list gives', async () => {
    const { bill } = await distributedMap('Express')(shape(1_000));
    // 1,002 transitions, 1,000 requests, 1,000 x 1.1 s x 64 MB, three requests of S3
    expect(dollars(bill, 'x86_64')).toBeCloseTo(0.02505 + 0.001 + 1_100 * 0.0625 * 0.00001667 + 0.0000104, 6);
  });

  test('every line of a bill has a price', () => {
    const one = Object.fromEntries(Object.keys(emptyBill()).map((name) => [name, 1_000_000])) as unknown as ReturnType<typeof emptyBill>;
    const priced = lines(one, 'arm64');
    expect(priced).toHaveLength(Object.keys(emptyBill()).length);
    for (const line of priced) expect(line).toMatchObject({ quantity: 1_000_000, dollars: expect.any(Number) });
    expect(priced.every((line) => line.dollars > 0)).toBe(true);
    expect(dollars(one, 'arm64')).toBeLessThan(dollars(one, 'x86_64'));
  });
});

describe('measurements', () => {
  test('the middle of several, and their ends', () => {
    expect(spread([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5, runs: 3 });
    expect(spread([4, 1, 3, 2]).median).toBe(2.5);
    expect(() => spread([])).toThrow('repeat at least once');
  });

  test('pairs are taken in turn, and compared pair by pair', async () => {
    const order: string[] = [];
    const take = (name: string, values: number[]) => async () => {
      order.push(name);
      return values.shift()!;
    };
    const result = await paired(3, take('a', [10, 40, 20]), take('b', [5, 10, 20]));
    expect(order.join('')).toBe('ababab');
    expect(result.ratio).toEqual({ median: 2, min: 1, max: 4, runs: 3 });
  });
});
