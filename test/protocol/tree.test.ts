import * as fc from 'fast-check';
import { CallOutcome, CombinerEvent, DispatchEvent, JobRow, Manifest, WorkerEvent } from '../../lambda/protocol';
import { batchResults, treeResults } from '../../lambda/protocol/results';
import { standingPartials } from '../../lambda/protocol/tree-end';
import { World, WorldOptions } from '../../simulation/world';

const returned = (value: unknown): CallOutcome => ({ kind: 'returned', payload: JSON.stringify(value), requestId: 'r' });
const threw = (message = 'boom'): CallOutcome => ({ kind: 'threw', errorType: 'Error', message, requestId: 'r' });
const range = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i);

interface TreeWorld extends World {
  /** Every call of the combiner. */
  readonly combined: CombinerEvent[];
}

interface TreeOptions extends Partial<WorldOptions> {
  readonly combine?: (event: CombinerEvent, answer: CallOutcome, calls: number) => CallOutcome;
}

/**
 * A world whose workers return their batch's number, and whose combiner puts lists of them behind one another: it shows what is
 * lost, twice or out of order.
 */
function world(options: TreeOptions = {}): TreeWorld {
  const combined: CombinerEvent[] = [];
  const { worker = ({ batchId }: WorkerEvent) => returned(batchId), combine = (_, answer) => answer } = options;
  const w: World = new World({
    ...options,
    settings: { combineMode: 'TREE', ...options.settings },
    combiner: (payload) => {
      const event = JSON.parse(payload) as CombinerEvent;
      combined.push(event);
      return combine(event, returned(joined(w, event)), combined.length);
    },
    worker: async (event) => {
      await w.clock.sleep(50 + w.random() * 100);
      return worker(event);
    },
  });
  return Object.assign(w, { combined });
}

function joined(w: World, { results }: CombinerEvent): unknown[] {
  if ('inline' in results) return results.inline.flat();
  if ('manifest' in results) throw new Error('a manifest in mode TREE');
  return w.payloads.objects.get(results.entries.slice('s3://bucket/'.length))!.toString().trimEnd().split('\n').flatMap((line) => {
    const { result, ref } = JSON.parse(line);
    return ref ? JSON.parse(w.payloads.objects.get(ref.key)!.toString()) : result ?? null;
  });
}

const result = (w: World, epoch = 1) => JSON.parse(w.payloads.objects.get(`jobs/job/e${epoch}/result.json`)!.toString());
const redrive = (w: World, epoch: number) => w.run({ redrive: { jobId: 'job' } }, `job.e${epoch}`);
const levels = (w: TreeWorld) => w.combined.map(({ tree }) => tree!.level);
const places = (w: TreeWorld) => w.combined.map(({ tree }) => `${tree!.level}/${tree!.index}`).sort();

describe('combine mode TREE', () => {
  test('one group takes one call, whose answer is the result', async () => {
    const w = world();
    expect(await w.run({ items: { range: { start: 0, end: 64 } }, parameters: { p: 1 } })).toMatchObject({
      succeeded: true, output: { result: 's3://bucket/jobs/job/e1/result.json', batchCount: 64 },
    });
    expect(result(w)).toEqual(range(0, 64));
    expect(w.combined).toMatchObject([{
      jobId: 'job',
      status: 'RUNNING',
      isComplete: true,
      isTimedOut: false,
      batchCount: 64,
      parameters: { p: 1 },
      failures: { count: 0, first: [] },
      tree: { level: 0, index: 0, batches: { start: 0, end: 64 }, isFinal: true },
    }]);
  });

  test('no batches, one call with nothing', async () => {
    const w = world();
    expect((await w.run({ items: { range: { start: 0, end: 0 } } })).succeeded).toBe(true);
    expect(w.combined).toMatchObject([{ status: 'SUCCEEDED', tree: { isFinal: true }, results: { inline: [], failed: [], batches: [] } }]);
    expect(result(w)).toEqual([]);
  });

  test('never more than 64 results, in order, each combined once on each level; a single one is passed on without a call', async () => {
    const w = world();
    const batches = 64 * 64 * 2 + 1; // three nodes, the last over one group of one batch
    expect((await w.run({ items: { range: { start: 0, end: batches } } })).succeeded).toBe(true);
    expect(result(w)).toEqual(range(0, batches));
    expect(Math.max(...w.combined.map(({ results }) => ('inline' in results ? results.inline.length : 0)))).toBe(64);
    expect(levels(w).filter((level) => level === 0)).toHaveLength(129);
    expect(places(w).filter((place) => !place.startsWith('0/'))).toEqual(['1/0', '1/1', '2/0']);
    expect(w.combined.filter(({ tree }) => tree!.isFinal)).toMatchObject([{ tree: { level: 2, batches: { start: 0, end: batches } } }]);
    expect(w.combined.find(({ tree }) => tree!.level === 2)!.results).toMatchObject({
      batches: [{ start: 0, end: 4096 }, { start: 4096, end: 8192 }, { start: 8192, end: 8193 }],
    });
    expect(w.calls).toHaveLength(batches);
    expect(w.crashes).toEqual([]);
  });

  test('calls of the combiner take the place of worker calls: both together keep to maxConcurrency, also in an account of 10', async () => {
    for (const options of [{ maxConcurrency: 5 }, {}]) {
      let combining = 0;
      let peak = 0;
      const combine = (_: CombinerEvent, answer: CallOutcome) => {
        peak = Math.max(peak, w.running + ++combining);
        combining--;
        return answer;
      };
      const w: TreeWorld = world({ accountConcurrency: 10, combine });
      expect((await w.run({ items: { range: { start: 0, end: 400 } }, ...options })).succeeded).toBe(true);
      expect(peak).toBeLessThanOrEqual(options.maxConcurrency ?? 9);
      expect(result(w)).toEqual(range(0, 400));
    }
  });

  test('failed batches within the tolerance come as in COLLECT, and are summed up', async () => {
    const w = world({ worker: ({ batchId }) => (batchId % 50 === 7 ? threw('bad') : returned(batchId)) });
    expect(await w.run({ items: { range: { start: 0, end: 200 } }, toleratedFailurePercentage: 2 }))
      .toMatchObject({ succeeded: true, output: { failedCount: 4 } });
    expect(w.combined.find(({ tree }) => tree!.level === 0 && tree!.index === 1)).toMatchObject({
      isComplete: false, failures: { count: 1, first: [{ batchId: 107, message: 'bad', attempts: 3 }] }, results: { failed: [107] },
    });
    expect(w.combined.find(({ tree }) => tree!.isFinal)).toMatchObject({
      isComplete: false, failures: { count: 4, first: [7, 57, 107, 157].map((batchId) => ({ batchId })) },
    });
    expect(result(w)).toEqual(range(0, 200).map((batch) => (batch % 50 === 7 ? null : batch)));
  });

  test('results and partial results too large for an event are one per line in an object', async () => {
    const big = 'y'.repeat(200_000);
    const w = world({ worker: ({ batchId }) => returned(batchId === 3 ? [`${batchId}${big.repeat(2)}`] : [`${batchId}${big}`]) });
    expect((await w.run({ items: { range: { start: 0, end: 130 } } })).succeeded).toBe(true);
    expect(result(w).map((text: string) => parseInt(text))).toEqual(range(0, 130));
    expect(w.combined.map(({ tree, results }) => [tree!.level, Object.keys(results)[0]]).sort()).toEqual([[0, 'entries'], [0, 'entries'], [0, 'inline'], [1, 'entries']]);
    const { entries } = w.combined.find(({ tree }) => tree!.level === 1)!.results as { entries: string };
    const text = (key: string) => w.payloads.objects.get(key)!.toString();
    const read = [];
    for await (const { batchId, state } of treeResults(text(entries.slice('s3://bucket/'.length)), async (key) => text(key))) read.push([batchId, state]);
    expect(read).toEqual([[0, 'succeeded'], [64, 'succeeded'], [128, 'succeeded']]);
  });
});

describe('a combiner that fails', () => {
  test('is called again, throttles aside up to twice', async () => {
    const tried = new Map<string, number>();
    const w = world({
      combine: ({ tree }, answer) => {
        const key = `${tree!.level}/${tree!.index}`;
        const n = (tried.get(key) ?? 0) + 1;
        tried.set(key, n);
        return n < 4 ? { kind: 'throttled' } : n < 6 ? threw() : answer;
      },
    });
    expect((await w.run({ items: { range: { start: 0, end: 200 } } })).succeeded).toBe(true);
    expect([...tried.values()]).toEqual([6, 6, 6, 6, 6]);
    expect(result(w)).toEqual(range(0, 200));
  });

  test('for lack of concurrency does not hold up the workers', async () => {
    let workersDone = 0;
    const w: TreeWorld = world({
      combine: (_, answer) => {
        if (w.clock.now() - start < 60_000) return { kind: 'throttled' };
        workersDone ||= w.calls.length;
        return answer;
      },
    });
    const start = w.clock.now();
    expect((await w.run({ items: { range: { start: 0, end: 6400 } }, maxConcurrency: 64 })).succeeded).toBe(true);
    expect(workersDone).toBe(6400);
    expect(result(w)).toEqual(range(0, 6400));
  });

  test('for good ends the job with its words; the results stay, and a redrive combines only what is not combined', async () => {
    let isBroken = true;
    const w = world({ combine: ({ tree }, answer) => (isBroken && tree!.level === 0 && tree!.index === 2 ? threw('cannot merge') : answer) });
    const end = await w.run({ items: { range: { start: 0, end: 64 * 66 } } });
    expect(end).toMatchObject({ succeeded: false, verdict: { errorName: 'CombinerFailed' } });
    expect((end as any).verdict.message).toContain('Error: cannot merge (request id r; 3 calls for group 2)');
    expect(w.status()).toBe('FAILED');
    const manifest = JSON.parse(w.payloads.objects.get('jobs/job/e1/manifest.json')!.toString());
    let there = 0;
    for await (const { state } of batchResults(manifest, async (key) => w.payloads.objects.get(key)!.toString())) if (state === 'succeeded') there++;
    expect(there).toBeGreaterThan(64);
    isBroken = false;
    await w.clock.run(w.clock.sleep(10_000)); // calls that were under way
    const [calls, combined] = [w.calls.length, w.combined.length];
    expect((await redrive(w, 2)).succeeded).toBe(true);
    expect(result(w, 2)).toEqual(range(0, 64 * 66));
    expect(w.calls.length - calls).toBe(64 * 66 - there);
    const again = w.combined.slice(combined).map(({ tree }) => `${tree!.level}/${tree!.index}`);
    expect(again).toContain('0/2');
    expect(new Set(again).size).toBe(again.length);
  });

  test('returns no JSON: that is its failure, which says so', async () => {
    const w = world({ combine: () => ({ kind: 'returned', payload: 'undefined', requestId: 'r' }) });
    expect(await w.run({ items: { range: { start: 0, end: 10 } } })).toMatchObject({ succeeded: false, verdict: { errorName: 'CombinerFailed', message: expect.stringContaining('ResultNotJson') } });
  });

  test('that may not be called ends the job with Lambda\'s words', async () => {
    const w = world({ combine: () => ({ kind: 'refused', errorType: 'AccessDeniedException', message: 'not authorized' }) });
    expect(await w.run({ items: { range: { start: 0, end: 10 } } })).toMatchObject({ succeeded: false, verdict: { errorName: 'NotAllowed', message: expect.stringContaining('refused to run the combiner') } });
  });
});

describe('what is lost while combining is mended', () => {
  test('a leaf that dies half-way, whenever that is', async () => {
    await fc.assert(fc.asyncProperty(fc.integer({ min: 0, max: 9000 }), fc.integer(), async (dies, seed) => {
      const died = new Set<number>();
      const diesOnce = ({ lo, hi }: DispatchEvent) => (hi - lo === 1 && died.size < died.add(lo).size ? dies : undefined);
      const w: TreeWorld = world({ seed, dispatcherDies: diesOnce });
      expect((await w.run({ items: { range: { start: 0, end: 64 * 65 + 3 } }, maxConcurrency: 100 })).succeeded).toBe(true);
      expect(result(w)).toEqual(range(0, 64 * 65 + 3));
    }), { numRuns: 8 });
  });

  test('every dispatcher event delivered twice: no unit is combined twice', async () => {
    const w = world({ deliveries: () => 2 });
    expect((await w.run({ items: { range: { start: 0, end: 1000 } }, maxConcurrency: 200 })).succeeded).toBe(true);
    expect(new Set(places(w)).size).toBe(w.combined.length);
  });

  test('a leaf that always dies: its batches fail, and if it cannot even combine them, the job does', async () => {
    const w = world({ dispatcherDies: (e) => (e.hi - e.lo === 1 && e.lo === 0 ? 60 : undefined), settings: { toleratedFailurePercentage: 60 } });
    expect(await w.run({ items: { range: { start: 0, end: 500 } }, maxConcurrency: 100 })).toMatchObject({ succeeded: false, verdict: { errorName: 'LeafLost' } });
  });

  test('a leaf that was given up and then comes up has its failures combined', async () => {
    const w: TreeWorld = world({
      dispatcherDies: (e) => (e.hi - e.lo === 1 && e.lo === 0 && !w.tasks.rows.get('j#job#e1#l0')?.givenUp ? 60 : undefined), settings: { toleratedFailurePercentage: 60 },
    });
    expect((await w.run({ items: { range: { start: 0, end: 500 } }, maxConcurrency: 100 })).succeeded).toBe(true);
    const final = w.combined.find(({ tree }) => tree!.isFinal)!;
    expect(final.failures.count).toBeGreaterThan(0);
    expect(final.failures.first[0]).toMatchObject({ errorType: 'LeafLost' });
    expect(result(w).filter((x: unknown) => x === null)).toHaveLength(final.failures.count);
  });

  test('a leaf whose time is up hands what it was to combine over, with the calls made in vain', async () => {
    let n = 0;
    const w: TreeWorld = world({ settings: { combinerTimeoutSeconds: 780 }, combine: (_, answer) => (n++ === 1 ? threw() : answer) });
    expect((await w.run({ items: { range: { start: 0, end: 64 * 40 } }, maxConcurrency: 1 })).succeeded).toBe(true);
    expect(Math.max(...w.events.map((e) => e.hop))).toBeGreaterThan(0);
    expect(result(w)).toEqual(range(0, 64 * 40));
    expect(w.calls).toHaveLength(64 * 40);
  });
});

describe('redrive', () => {
  test('runs failed batches and combines only on their way to the root', async () => {
    let isBroken = true;
    const bad = [5, 4200];
    const w = world({ worker: ({ batchId }) => (isBroken && bad.includes(batchId) ? threw() : returned(batchId)) });
    const batches = 64 * 64 * 3;
    expect((await w.run({ items: { range: { start: 0, end: batches } }, toleratedFailurePercentage: 1 })).succeeded).toBe(true);
    isBroken = false;
    w.combined.length = 0;
    w.calls.length = 0;
    expect((await redrive(w, 2)).succeeded).toBe(true);
    expect(w.calls.map(({ batchId }) => batchId).sort()).toEqual(bad.map(String).map(Number).sort());
    expect(places(w)).toEqual(['0/0', '0/65', '1/0', '1/1', '2/0']);
    expect(result(w, 2)).toEqual(range(0, batches));
    w.combined.length = 0;
    expect((await redrive(w, 3)).succeeded).toBe(true); // nothing to run again
    expect(w.combined).toEqual([]);
    expect(result(w, 3)).toEqual(range(0, batches));
  });

  test('of a job that lacks nothing but the last partial result calls no worker, and the combiner once', async () => {
    let isBroken = true;
    const w = world({ combine: ({ tree }, answer) => (isBroken && tree!.isFinal ? threw() : answer) });
    expect((await w.run({ items: { range: { start: 0, end: 64 * 64 * 2 } } })).succeeded).toBe(false);
    isBroken = false;
    w.combined.length = 0;
    w.calls.length = 0;
    expect((await redrive(w, 2)).succeeded).toBe(true);
    expect(w.calls).toEqual([]);
    expect(places(w)).toEqual(['2/0']);
    expect(result(w, 2)).toEqual(range(0, 64 * 64 * 2));
  });
});

describe('a job that runs out of time', () => {
  const slow = (settings: object) => {
    const w: TreeWorld = world({
      settings,
      worker: async ({ batchId }) => {
        await w.clock.sleep(1_000);
        return returned(batchId);
      },
    });
    return w;
  };

  test('gives the partial results that are there to a last call', async () => {
    const w = slow({ combineOnTimeout: true });
    expect(await w.run({ items: { range: { start: 0, end: 2000 } }, maxConcurrency: 5, timeoutSeconds: 90 })).toMatchObject({ succeeded: false, verdict: { errorName: 'TimedOut' } });
    const last = w.combined[w.combined.length - 1];
    expect(last).toMatchObject({ status: 'TIMED_OUT', isTimedOut: true, isComplete: false, batchCount: 2000, tree: { isFinal: true, batches: { start: 0, end: 2000 } } });
    const { batches, inline } = last.results as { batches: { start: number; end: number }[]; inline: number[][] };
    expect(batches.length).toBeGreaterThan(2);
    expect(inline).toEqual(batches.map(({ start, end }) => range(start, end)));
    expect(result(w)).toEqual(inline.flat());
  });

  test('gives the last call nothing that was committed after the manifest, should it be made again', async () => {
    const w = world();
    await w.run({ items: { range: { start: 0, end: 200 } } });
    const row = w.tasks.rows.get('j#job') as unknown as JobRow;
    const manifest = JSON.parse(w.payloads.objects.get('jobs/job/e1/manifest.json')!.toString()) as Manifest;
    const standing = async (groups: number[]) =>
      (await standingPartials(w.ports(), row, { ...manifest, groups: manifest.groups!.filter(({ group }) => groups.includes(group)) }))
        .map(({ level, index }) => `${level}/${index}`);
    expect(await w.clock.run(standing([0, 1, 2, 3]))).toEqual(['1/0']);
    expect(await w.clock.run(standing([0, 2]))).toEqual(['0/0', '0/2']);
    expect(await w.clock.run(standing([]))).toEqual([]);
  });

  test('and is redriven takes over what was combined', async () => {
    const w = slow({});
    expect((await w.run({ items: { range: { start: 0, end: 1000 } }, maxConcurrency: 5, timeoutSeconds: 90 })).succeeded).toBe(false);
    const before = places(w);
    expect(before.length).toBeGreaterThan(2);
    w.combined.length = 0;
    for (let epoch = 2; !(await redrive(w, epoch)).succeeded; epoch++) expect(epoch).toBeLessThan(9);
    expect(places(w).filter((place) => before.includes(place))).toEqual([]);
    expect(new Set(places(w)).size).toBe(w.combined.length);
  });
});

test('a job that was not combined in the mode TREE can be redriven in it', async () => {
  let isBroken = true;
  const w = world({ settings: { combineMode: 'COLLECT' }, worker: ({ batchId }) => (isBroken && batchId === 70 ? threw() : returned(batchId)) });
  expect((await w.run({ items: { range: { start: 0, end: 200 } } })).succeeded).toBe(false);
  isBroken = false;
  Object.assign(w.settings, { combineMode: 'TREE' });
  expect((await redrive(w, 2)).succeeded).toBe(true);
  expect(result(w, 2)).toEqual(range(0, 200));
});
