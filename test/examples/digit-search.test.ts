import { createHash } from 'crypto';
import { mkdir, mkdtemp, readFile, rm } from 'fs/promises';
import { createRequire } from 'module';
import * as path from 'path';
import * as fc from 'fast-check';
import { plainSearch } from '../../demo/plain-search';
import { FROM_SOURCES } from '../../demo/prepare';
import { build } from '../../examples/digit-search/functions/build';
import type { SearchAnswer } from '../../examples/digit-search/functions/node/combiner';
import { Digits, PIXELS, picture } from '../../examples/digit-search/functions/node/digits';
import { Nearest, byDistance, nearestOf, readK, vote } from '../../examples/digit-search/functions/node/search';
import type { Found, SearchBatch } from '../../examples/digit-search/functions/node/worker';
import { DataSet, readDataSet } from '../../examples/digit-search/functions/prepare';
import type { CombinerEvent } from '../../runtime';

type Worker = (event: SearchBatch) => Promise<Found>;
type Combiner = (event: CombinerEvent) => Promise<SearchAnswer>;

let folder: string;
let data: DataSet;
let worker: Worker;
let combiner: Combiner;

beforeAll(async () => {
  const scratch = path.join(__dirname, '..', '..', '.burst'); // within the repository: the bundles look for the AWS SDK from there
  await mkdir(scratch, { recursive: true });
  folder = await mkdtemp(path.join(scratch, 'digit-search-'));
  await build(folder, FROM_SOURCES);
  data = await readDataSet();
  const load = createRequire(__filename);
  ({ handler: worker } = load(path.join(folder, 'node', 'index.js')) as { handler: Worker });
  ({ handler: combiner } = load(path.join(folder, 'combiner', 'index.js')) as { handler: Combiner });
});

afterAll(async () => rm(folder, { recursive: true, force: true }));

/** Runs batches one after the other; those in `failing` fail. */
async function runJob(cuts: readonly number[], parameters?: { k?: number }, failing: readonly number[] = []): Promise<SearchAnswer> {
  const inline: unknown[] = [];
  for (let batch = 0; batch < cuts.length - 1; batch++) {
    const range = { start: cuts[batch], end: cuts[batch + 1] };
    inline.push(failing.includes(batch) ? null : JSON.parse(JSON.stringify(await worker({ range, parameters }))));
  }
  return combiner({
    jobId: 'job',
    status: 'SUCCEEDED',
    isComplete: failing.length === 0,
    isTimedOut: false,
    batchCount: inline.length,
    failures: { count: failing.length, first: [] },
    parameters,
    startedAt: new Date(0).toISOString(),
    elapsedSeconds: 1,
    results: { inline, failed: [...failing], missing: [] },
  });
}

const plain = ({ index, distance }: { index: number; distance: number }) => ({ index, distance });

describe('the digits', () => {
  test('are split into 100 queries, ten of each class, and 9,900 candidates', () => {
    expect(data.queries.labels).toHaveLength(100);
    expect(data.candidates.labels).toHaveLength(9_900);
    for (let digit = 0; digit < 10; digit++) {
      expect(data.queries.labels.filter((label) => label === digit)).toHaveLength(10);
    }
  });

  test('are always split in the same way', async () => {
    const again = await readDataSet();
    for (const part of ['queries', 'candidates'] as const) {
      expect(Buffer.compare(again[part].pixels, data[part].pixels)).toBe(0);
      expect(Buffer.compare(again[part].labels, data[part].labels)).toBe(0);
    }
    // a fingerprint, so that a change of the split does not go unnoticed
    expect(createHash('sha256').update(data.queries.pixels).digest('hex').slice(0, 16)).toBe('f89bfc8b2f36874e');
  });

  test('are those of the package, each once and without loss', async () => {
    const shapes = ({ pixels, labels }: Digits) => Array.from(labels, (label, i) => `${label} ${Buffer.from(picture(pixels, i)).toString('base64')}`);
    const original: string[] = [];
    for (let label = 0; label < 10; label++) {
      const file = require.resolve(`mnist/src/digits/${label}.json`);
      const { data: shades } = JSON.parse(await readFile(file, 'utf8')) as { data: number[] };
      const bytes = Uint8Array.from(shades, (shade) => Math.round(255 * shade));
      // three decimals, rounded half up or down, are all there is to lose
      expect(shades.every((shade, i) => Math.abs(bytes[i] / 255 - shade) < 0.000501)).toBe(true);
      for (let i = 0; i < bytes.length / PIXELS; i++) original.push(`${label} ${Buffer.from(picture(bytes, i)).toString('base64')}`);
    }
    expect([...shapes(data.queries), ...shapes(data.candidates)].sort().join() === original.sort().join()).toBe(true);
  });

  test('come in an order that puts several classes into each batch', () => {
    for (let start = 0; start < 9_900; start += 40) {
      expect(new Set(data.candidates.labels.subarray(start, start + 40)).size).toBeGreaterThan(4);
    }
  });
});

describe('the search', () => {
  /** Pictures of few shades and mostly background: many are at the same distance. */
  const shade = fc.constantFrom(0, 0, 0, 1, 255);
  const pictures = (count: fc.Arbitrary<number>) => count.chain((n) => fc.array(shade, { minLength: n * 4, maxLength: n * 4 }))
    .map((shades) => {
      const pixels = new Uint8Array((shades.length / 4) * PIXELS);
      shades.forEach((value, i) => { pixels[Math.floor(i / 4) * PIXELS + (i % 4) * 200] = value; });
      return pixels;
    });

  const few = fc.integer({ min: 1, max: 40 });

  test('finds what a sort of all distances finds, ties by index', () => {
    fc.assert(fc.property(pictures(fc.constant(1)), pictures(few), few, (query, candidates, k) => {
      const labels = new Uint8Array(candidates.length / PIXELS);
      const [expected] = plainSearch({ queries: { pixels: query, labels: new Uint8Array(1) }, candidates: { pixels: candidates, labels } }, k);
      expect(nearestOf(query, candidates, 0, k)).toEqual(expected);
    }));
  });

  test('gives the same in one run as in several, merged in any order', () => {
    const cut = fc.array(few, { maxLength: 6 });
    fc.assert(fc.property(pictures(fc.constant(1)), pictures(few), few, cut, fc.infiniteStream(fc.nat()), (query, candidates, k, cuts, order) => {
      const count = candidates.length / PIXELS;
      const bounds = [...new Set([0, count, ...cuts.filter((at) => at < count)])].sort((a, b) => a - b);
      const parts = bounds.slice(1).map((end, i) => nearestOf(query, candidates.subarray(bounds[i] * PIXELS, end * PIXELS), bounds[i], k));
      const merged = new Nearest(k);
      const ranked = parts.map((part) => ({ part, rank: order.next().value as number })).sort((a, b) => a.rank - b.rank);
      ranked.forEach(({ part }) => part.forEach((neighbour) => merged.offer(neighbour)));
      expect(merged.found).toEqual(nearestOf(query, candidates, 0, k));
    }));
  });

  test('ranks by distance, then by index', () => {
    const neighbours = fc.array(fc.record({ index: fc.nat(20), distance: fc.nat(3) }));
    fc.assert(fc.property(neighbours, few, (list, k) => {
      const nearest = new Nearest(k);
      list.forEach((neighbour) => nearest.offer(neighbour));
      expect(nearest.found).toEqual([...list].sort(byDistance).slice(0, k));
    }));
  });

  test('lets most neighbours decide, and the nearest of the leaders when several lead', () => {
    expect(vote([3, 5, 5])).toBe(5);
    expect(vote([7, 1, 1, 7])).toBe(7);
    expect(vote([9, 1, 7, 1, 7])).toBe(1);
    expect(vote([])).toBeUndefined();
    fc.assert(fc.property(fc.array(fc.nat(9), { minLength: 1 }), (labels) => {
      const votes = (label: number) => labels.filter((other) => other === label).length;
      const winner = vote(labels)!;
      expect(labels.every((label) => votes(label) < votes(winner) || labels.indexOf(label) >= labels.indexOf(winner))).toBe(true);
    }));
  });

  test.each([0, 41, 2.5, '5', NaN])('refuses k = %p', (k) => {
    expect(() => readK({ k: k as number })).toThrow(`parameters.k must be a whole number from 1 to 40, got ${JSON.stringify(k)}`);
  });

  test.each([undefined, null, {}])('looks for 5 with parameters %p', (parameters) => expect(readK(parameters)).toBe(5));
});

describe('worker and combiner, bundled', () => {
  const batches = Array.from({ length: 249 }, (_, batch) => Math.min(batch * 40, 9_900));

  test('find for 100 queries in 248 batches what a plain search finds', async () => {
    const answer = await runJob(batches);
    const expected = plainSearch(data, 5);
    expect(answer.k).toBe(5);
    expect(answer.queries.map(({ neighbours }) => neighbours.map(plain))).toEqual(expected);
    expect(answer.queries.map(({ label }) => label)).toEqual([...data.queries.labels]);
    for (const { neighbours } of answer.queries) {
      for (const { index, label } of neighbours) expect(label).toBe(data.candidates.labels[index]);
    }
    const right = answer.queries.filter(({ neighbours, label }) => vote(neighbours.map((neighbour) => neighbour.label)) === label).length;
    expect(answer.accuracy).toBe(right / 100);
    expect(answer.accuracy).toBeGreaterThan(0.9);
    expect(answer.missingBatches).toEqual([]);
  });

  test('find the same however the candidates are cut, for each k', async () => {
    const some = 600; // of the real candidates; each run searches them all
    const subset: DataSet = {
      queries: data.queries,
      candidates: { pixels: data.candidates.pixels.subarray(0, some * PIXELS), labels: data.candidates.labels.subarray(0, some) },
    };
    const places = fc.array(fc.integer({ min: 1, max: some - 1 }), { maxLength: 12 });
    await fc.assert(fc.asyncProperty(places, fc.integer({ min: 1, max: 40 }), async (cuts, k) => {
      const answer = await runJob([...new Set([0, ...cuts, some])].sort((a, b) => a - b), { k });
      expect(answer.queries.map(({ neighbours }) => neighbours.map(plain))).toEqual(plainSearch(subset, k));
    }), { numRuns: 8 });
  });

  test('leave out the candidates of batches that failed, and name them', async () => {
    const answer = await runJob([0, 40, 80, 120], { k: 1 }, [1]);
    expect(answer.missingBatches).toEqual([1]);
    expect(answer.queries.every(({ neighbours: [{ index }] }) => index < 40 || index >= 80)).toBe(true);
  });

  test('read nothing when nothing was searched', async () => {
    const answer = await runJob([0, 40], {}, [0]);
    expect(answer).toMatchObject({ accuracy: 0, missingBatches: [0] });
    expect(answer.queries[0]).toEqual({ label: 0, neighbours: [] });
  });

  test('say how many candidates there are when asked for more', async () => {
    await expect(worker({ range: { start: 9_880, end: 9_920 } })).rejects.toThrow('there are 9900 candidates, asked for 9880 to 9920: let items.range end at 9900');
  });

  test('say what is wrong with the parameters', async () => {
    await expect(worker({ range: { start: 0, end: 40 }, parameters: { k: 0 } })).rejects.toThrow('parameters.k must be');
  });

  test('stay far below the limits of Lambda', async () => {
    const result = JSON.stringify(await worker({ range: { start: 0, end: 40 }, parameters: { k: 5 } }));
    expect(result.length * 248).toBeLessThan(4 * 1024 * 1024); // all results fit into the combiner's event
  });
});
