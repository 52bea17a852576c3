import * as fc from 'fast-check';
import { CallOutcome, WorkerEvent } from '../../lambda/protocol';
import { batchResults } from '../../lambda/protocol/results';
import { World, WorldOptions } from '../../simulation/world';

const returned = (value: unknown): CallOutcome => ({ kind: 'returned', payload: JSON.stringify(value), requestId: 'r' });
const threw = (message = 'boom'): CallOutcome => ({ kind: 'threw', errorType: 'Error', message, requestId: 'r' });
const countItems = ({ range, items }: WorkerEvent) => returned(range ? range.end - range.start : items!.length);

/** A world whose workers take some time and whose combiner returns all it was given. */
function world(options: Partial<WorldOptions> = {}): World {
  let w: World;
  const { worker = countItems } = options;
  w = new World({
    combiner: (payload) => returned(JSON.parse(payload)),
    ...options,
    worker: async (event) => {
      await w.clock.sleep(50 + w.random() * 100);
      return worker(event);
    },
  });
  return w;
}

function combined(w: World, epoch = 1): any {
  return JSON.parse(w.payloads.objects.get(`jobs/job/e${epoch}/result.json`)!.toString());
}

describe('a job', () => {
  test('gives every batch once to the worker and every result to the combiner, in order', async () => {
    const w = world({ worker: ({ batchId }) => returned(batchId) });
    const end = await w.run({ items: { range: { start: 5, end: 2005 } }, batchSize: 3, parameters: { k: 1 } });
    expect(end).toMatchObject({ succeeded: true, output: { status: 'SUCCEEDED', batchCount: 667, failedCount: 0 } });
    expect(combined(w)).toMatchObject({ isComplete: true, batchCount: 667, parameters: { k: 1 }, failures: { count: 0, first: [] } });
    expect(combined(w).results.inline).toEqual(Array.from({ length: 667 }, (_, i) => i));
    expect(w.calls).toHaveLength(667);
    const items = w.calls.flatMap(({ range }) => Array.from({ length: range!.end - range!.start }, (_, i) => range!.start + i)).sort((a, b) => a - b);
    expect(items).toEqual(Array.from({ length: 2000 }, (_, i) => 5 + i));
    expect(w.announced).toMatchObject([{ id: 'job-e1', detail: { status: 'SUCCEEDED' } }]);
    expect(w.crashes).toEqual([]);
  });

  test('of any size and list of any values is cut as its batch size says', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.jsonValue(), { maxLength: 400 }), fc.integer({ min: 1, max: 7 }), async (list, batchSize) => {
      const w = world({ worker: ({ items }) => returned(items) });
      const end = await w.run({ items: { list }, batchSize });
      expect(end.succeeded).toBe(true);
      expect(combined(w).results.inline.flat()).toEqual(JSON.parse(JSON.stringify(list)));
      expect(combined(w).results.inline).toHaveLength(Math.ceil(list.length / batchSize));
    }), { numRuns: 60 });
  });

  test('of no items ends at once, with an empty result', async () => {
    const w = world();
    expect((await w.run({ items: { range: { start: 3, end: 3 } } })).succeeded).toBe(true);
    expect(combined(w).results).toEqual({ inline: [], failed: [], missing: [] });
    expect(w.calls).toHaveLength(0);
  });

  test('never has more calls in flight than maxConcurrency, also when throttled', async () => {
    const w = world({ worker: () => (w.random() < 0.3 ? { kind: 'throttled' } : returned(1)) });
    expect((await w.run({ items: { range: { start: 0, end: 1000 } }, maxConcurrency: 70 })).succeeded).toBe(true);
    expect(w.peak).toBeLessThanOrEqual(70);
    expect(w.peak).toBeGreaterThan(35);
  });

  test('finishes in an account of 10 concurrent executions', async () => {
    const w = world({ accountConcurrency: 10 });
    expect((await w.run({ items: { range: { start: 0, end: 500 } } })).succeeded).toBe(true);
    expect(w.peak).toBeLessThanOrEqual(9);
  });

  test('uses no attempt for a throttle', async () => {
    const throttles = new Map<number, number>();
    const w = world({
      settings: { workerRetries: 0 },
      worker: ({ batchId }) => {
        const n = (throttles.get(batchId) ?? 0) + 1;
        throttles.set(batchId, n);
        return n < 6 ? { kind: 'throttled' } : returned(1);
      },
    });
    expect((await w.run({ items: { range: { start: 0, end: 100 } } })).succeeded).toBe(true);
    expect(Math.max(...w.calls.map((c) => c.invocationAttempt))).toBe(1);
  });
});

describe('a worker that fails', () => {
  test('is called again up to workerRetries, and its result counts once', async () => {
    const w = world({ worker: ({ invocationAttempt }) => (invocationAttempt < 3 ? threw() : returned('ok')) });
    expect((await w.run({ items: { range: { start: 0, end: 130 } } })).succeeded).toBe(true);
    expect(w.calls).toHaveLength(390);
    expect(combined(w).results.inline).toEqual(new Array(130).fill('ok'));
  });

  test('for good ends the job, at once and with its message, where none is tolerated', async () => {
    const w = world({ worker: ({ batchId }) => (batchId === 7 ? threw('no such picture') : returned(1)) });
    const end = await w.run({ items: { range: { start: 0, end: 5000 } }, maxConcurrency: 10 });
    expect(end).toMatchObject({ succeeded: false, verdict: { errorName: 'TooManyFailures' } });
    expect((end as any).verdict.message).toContain('1 of 5000 batches failed, 0 are tolerated');
    expect((end as any).verdict.message).toContain('batch 7: Error: no such picture (calls: 3');
    expect(w.calls.length).toBeLessThan(500);
    expect(w.status()).toBe('FAILED');
    expect(w.announced).toMatchObject([{ detail: { status: 'FAILED' } }]);
  });

  test('is recorded and passed to the combiner where it is tolerated', async () => {
    const w = world({ worker: ({ batchId }) => (batchId % 50 === 7 ? threw('bad') : returned(batchId)) });
    const end = await w.run({ items: { range: { start: 0, end: 200 } }, toleratedFailurePercentage: 2 });
    expect(end).toMatchObject({ succeeded: true, output: { failedCount: 4 } });
    const event = combined(w);
    expect(event).toMatchObject({ isComplete: false, failures: { count: 4 } });
    expect(event.failures.first[0]).toEqual({ batchId: 7, errorType: 'Error', message: 'bad', attempts: 3, requestId: 'r' });
    expect(event.results.failed).toEqual([7, 57, 107, 157]);
    expect(event.results.inline[7]).toBeNull();
    expect(event.results.inline[8]).toBe(8);
  });

  test('returns too much or no JSON: that is its batch\'s failure, which says so', async () => {
    const w = world({
      settings: { toleratedFailurePercentage: 100 },
      worker: ({ batchId }) => (batchId === 0 ? { kind: 'returned', payload: `"${'x'.repeat(6 * 1024 * 1024)}"`, requestId: 'r' }
        : batchId === 1 ? { kind: 'returned', payload: 'undefined', requestId: 'r' } : returned(1)),
    });
    await w.run({ items: { range: { start: 0, end: 3 } } });
    expect(combined(w).failures.first.map((f: any) => f.errorType)).toEqual(['ResultTooLarge', 'ResultNotJson']);
  });

  test('that may not be called ends the job with Lambda\'s words', async () => {
    const w = world({ worker: () => ({ kind: 'refused', errorType: 'AccessDeniedException', message: 'not authorized' }) });
    const end = await w.run({ items: { range: { start: 0, end: 500 } } });
    expect(end).toMatchObject({ succeeded: false, verdict: { errorName: 'WorkerRefused' } });
    expect((end as any).verdict.message).toContain('AccessDeniedException: not authorized');
  });
});

describe('results', () => {
  test('too large for the event come by manifest, and large ones one by one', async () => {
    const big = 'y'.repeat(300_000);
    const w = world({ worker: ({ batchId }) => returned(batchId % 10 === 0 ? `${batchId}${big}` : batchId) });
    expect((await w.run({ items: { range: { start: 0, end: 200 } } })).succeeded).toBe(true);
    const event = combined(w);
    expect(event.results.manifest).toBe('s3://bucket/jobs/job/e1/manifest.json');
    const fetch = async (key: string) => w.payloads.objects.get(key)!.toString();
    const seen = [];
    for await (const r of batchResults(JSON.parse(await fetch('jobs/job/e1/manifest.json')), fetch)) seen.push(r);
    expect(seen.map((r) => r.batchId)).toEqual(Array.from({ length: 200 }, (_, i) => i));
    expect(seen.every((r) => r.result === (r.batchId % 10 === 0 ? `${r.batchId}${big}` : r.batchId))).toBe(true);
  });

  test('whose combiner fails leave the job FAILED, and stay', async () => {
    const w = world({ combiner: () => threw('cannot merge') });
    const end = await w.run({ items: { range: { start: 0, end: 10 } } });
    expect(end).toMatchObject({ succeeded: false, verdict: { errorName: 'CombinerFailed' } });
    expect(w.status()).toBe('FAILED');
    expect(w.payloads.objects.has('jobs/job/e1/manifest.json')).toBe(true);
  });
});

describe('what is lost is mended', () => {
  test('a dispatcher that never starts', async () => {
    let lost = 0;
    const w = world({ deliveries: (e) => (e.hi - e.lo === 1 && e.expect === 0 && lost++ < 2 ? 0 : 1), settings: { repairIntervalSeconds: 10 } });
    expect((await w.run({ items: { range: { start: 0, end: 2000 } }, maxConcurrency: 320 })).succeeded).toBe(true);
    expect(w.events.length).toBeGreaterThan(5); // for 5 leaves
    expect(w.calls).toHaveLength(2000);
  });

  test('an inner node that dies before it has started its leaves', async () => {
    const w = world({ dispatcherDies: (e) => (e.hi - e.lo > 1 ? 0 : undefined), settings: { branching: 4 } });
    expect((await w.run({ items: { range: { start: 0, end: 2000 } } })).succeeded).toBe(true);
    expect(w.events.filter((e) => e.hi - e.lo > 1).length).toBe(4);
    expect(combined(w).results.inline).toEqual(new Array(2000).fill(1));
  });

  test('a leaf that dies half-way, whenever that is', async () => {
    await fc.assert(fc.asyncProperty(fc.integer({ min: 0, max: 6000 }), fc.integer(), async (dies, seed) => {
      const w: World = world({ seed, dispatcherDies: () => (w.events.length === 1 ? dies : undefined), worker: ({ batchId }) => returned(batchId) });
      expect((await w.run({ items: { range: { start: 0, end: 1500 } }, maxConcurrency: 40 })).succeeded).toBe(true);
      expect(combined(w).results.inline).toEqual(Array.from({ length: 1500 }, (_, i) => i));
    }), { numRuns: 40 });
  });

  test('a leaf that was taken for dead and comes back: its results do not count twice', async () => {
    const w: World = world({
      settings: { repairIntervalSeconds: 6, leafStartGraceSeconds: 1 },
      // the first dispatcher's heartbeats stop reaching the table, but the dispatcher lives on
      worker: async ({ batchId }) => {
        const leaf = w.tasks.rows.get('j#job#e1#l0');
        if (leaf?.attempt === 1) leaf.leaseUntil = 0;
        await w.clock.sleep(5_000);
        return returned(batchId);
      },
    });
    expect((await w.run({ items: { range: { start: 0, end: 300 } }, maxConcurrency: 20 })).succeeded).toBe(true);
    expect(w.tasks.rows.get('j#job#e1#l0')!.attempt).toBeGreaterThan(1);
    expect(combined(w).results.inline).toEqual(Array.from({ length: 300 }, (_, i) => i));
  });

  test('every dispatcher event delivered twice: no batch is run by two leaves', async () => {
    const w = world({ deliveries: () => 2 });
    expect((await w.run({ items: { range: { start: 0, end: 1000 } }, maxConcurrency: 200 })).succeeded).toBe(true);
    expect(w.calls).toHaveLength(1000);
  });

  test('a leaf that always dies: its batches fail with a reason, and the job ends', async () => {
    const w = world({ dispatcherDies: (e) => (e.hi - e.lo === 1 && e.lo === 0 ? 60 : undefined), settings: { toleratedFailurePercentage: 60 } });
    const end = await w.run({ items: { range: { start: 0, end: 500 } }, maxConcurrency: 100 });
    expect(end.succeeded).toBe(true);
    const event = combined(w);
    expect(event.failures.count).toBeGreaterThan(0);
    expect(event.failures.first[0]).toMatchObject({ errorType: 'LeafLost' });
    expect(event.failures.first[0].message).toContain('started 6 times');
  });

  test('events that a full account drops for half an hour are sent again until one arrives, and no oftener than once a minute', async () => {
    const w: World = world({ deliveries: () => (w.clock.now() - start > 25 * 60_000 ? 1 : 0) });
    const start = w.clock.now();
    expect((await w.run({ items: { range: { start: 0, end: 60 } } })).succeeded).toBe(true);
    expect(w.events.length).toBeGreaterThan(5);
    expect(w.events.length).toBeLessThan(28);
  });

  test('a leaf near its own end hands over what it has, and nothing is run twice', async () => {
    const w: World = world({
      worker: async ({ batchId }) => {
        await w.clock.sleep(50_000);
        return returned(batchId);
      },
      settings: { workerTimeoutSeconds: 700 },
    });
    expect((await w.run({ items: { range: { start: 0, end: 150 } }, maxConcurrency: 10 })).succeeded).toBe(true);
    expect(Math.max(...w.events.map((e) => e.hop))).toBeGreaterThan(1);
    expect(w.calls).toHaveLength(150);
    expect(combined(w).results.inline).toEqual(Array.from({ length: 150 }, (_, i) => i));
  });

  test('a job past its deadline is TIMED_OUT and starts nothing more', async () => {
    const w: World = world({ worker: async () => { await w.clock.sleep(20_000); return returned(1); } });
    const end = await w.run({ items: { range: { start: 0, end: 1000 } }, maxConcurrency: 5, timeoutSeconds: 90 });
    expect(end).toMatchObject({ succeeded: false, verdict: { errorName: 'TimedOut' } });
    expect(w.status()).toBe('TIMED_OUT');
    expect(w.calls.length).toBeLessThan(30);
  });
});

test('a job that runs out of time has its partial results combined where that is wanted', async () => {
  const w: World = world({
    worker: async ({ batchId }) => {
      await w.clock.sleep(1_000);
      return returned(batchId);
    },
    settings: { combineOnTimeout: true },
  });
  const end = await w.run({ items: { range: { start: 0, end: 1000 } }, maxConcurrency: 5, timeoutSeconds: 90 });
  expect(end).toMatchObject({ succeeded: false, verdict: { errorName: 'TimedOut' } });
  expect(w.tasks.rows.get('j#job')).toMatchObject({ status: 'TIMED_OUT', result: 's3://bucket/jobs/job/e1/result.json' });
  const { status, isTimedOut, isComplete, results } = combined(w);
  expect({ status, isTimedOut, isComplete }).toEqual({ status: 'TIMED_OUT', isTimedOut: true, isComplete: false });
  const there = results.inline.flatMap((result: number | null) => (result === null ? [] : [result]));
  expect(there.length).toBeGreaterThan(0);
  expect(there.length + results.missing.length).toBe(1000);
  expect(there).toEqual(Array.from({ length: 1000 }, (_, i) => i).filter((i) => !results.missing.includes(i)));
});

test('a job of very many batches that runs out of time is not forced into one event', async () => {
  const w: World = world({ settings: { combineOnTimeout: true } });
  await w.run({ items: { range: { start: 0, end: 1_000_000 } }, maxConcurrency: 64, timeoutSeconds: 10 });
  expect(w.status()).toBe('TIMED_OUT');
  expect(combined(w)).toMatchObject({ isTimedOut: true, results: { manifest: 's3://bucket/jobs/job/e1/manifest.json' } });
});

describe('stragglers', () => {
  const calls = async (speculativeExecution: boolean) => {
    const counts = new Map<number, number>();
    const w: World = world({
      settings: { speculativeExecution },
      worker: async ({ batchId }) => {
        const call = (counts.get(batchId) ?? 0) + 1;
        counts.set(batchId, call);
        if (batchId % 60 === 7 && call === 1) await w.clock.sleep(50_000);
        return returned({ batchId, call, large: 'z'.repeat(batchId === 7 ? 300_000 : 0) });
      },
    });
    const start = w.clock.now();
    expect((await w.run({ items: { range: { start: 0, end: 128 } } })).succeeded).toBe(true);
    const seconds = (w.clock.now() - start) / 1000;
    expect(combined(w).results.inline.map((r: any) => r.batchId)).toEqual(Array.from({ length: 128 }, (_, i) => i));
    return { seconds, calls: w.calls.length, winners: [7, 67, 127].map((batch) => combined(w).results.inline[batch].call) };
  };

  test('are called once more where that is wanted, the first answer wins, and the job does not wait for the other', async () => {
    expect(await calls(true)).toMatchObject({ calls: 131, winners: [2, 2, 2] });
    expect((await calls(true)).seconds).toBeLessThan(20);
  });

  test('are waited for where it is not', async () => {
    expect(await calls(false)).toMatchObject({ calls: 128, winners: [1, 1, 1] });
    expect((await calls(false)).seconds).toBeGreaterThan(50);
  });
});

describe('redrive', () => {
  const request = { items: { range: { start: 0, end: 1000 } }, maxConcurrency: 100, parameters: { p: 1 } };
  const redrive = { redrive: { jobId: 'job' } };

  test('runs only failed batches again, takes the others over, and gives the result of all', async () => {
    let broken = true;
    const w = world({
      worker: ({ batchId }) => (broken && batchId % 100 === 5 ? threw() : returned(batchId)),
      settings: { toleratedFailurePercentage: 5 },
    });
    expect((await w.run(request)).succeeded).toBe(true);
    expect(combined(w).failures.count).toBe(10);
    broken = false;
    const before = w.calls.length;
    expect(await w.run(redrive, 'job.e2')).toMatchObject({ succeeded: true, output: { epoch: 2, batchCount: 1000, failedCount: 0 } });
    expect(w.calls.slice(before).map((call) => call.batchId).sort((a, b) => a - b)).toEqual(Array.from({ length: 10 }, (_, i) => 100 * i + 5));
    expect(w.calls[before]).toMatchObject({ parameters: { p: 1 } });
    expect(combined(w, 2)).toMatchObject({ isComplete: true, failures: { count: 0 }, parameters: { p: 1 } });
    expect(combined(w, 2).results.inline).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(w.announced.map(({ id }) => id)).toEqual(['job-e1', 'job-e2']);
  });

  test('of a list gives each batch its own items', async () => {
    let broken = true;
    const list = Array.from({ length: 500 }, (_, i) => `item ${i}`);
    const w = world({ worker: ({ batchId, items }) => (broken && batchId === 130 ? threw() : returned(items)) });
    expect((await w.run({ items: { list }, batchSize: 2 })).succeeded).toBe(false);
    broken = false;
    expect((await w.run(redrive, 'job.e2')).succeeded).toBe(true);
    expect(combined(w, 2).results.inline.flat()).toEqual(list);
  });

  test('goes on where a job that failed early or ran out of time had stopped, as often as need be', async () => {
    let slow = true;
    const w: World = world({
      worker: async ({ batchId }) => {
        await w.clock.sleep(slow ? 10_000 : 10);
        return returned(batchId);
      },
    });
    expect((await w.run({ ...request, maxConcurrency: 20, timeoutSeconds: 100 })).succeeded).toBe(false);
    const first = w.calls.length;
    expect((await w.run(redrive, 'job.e2')).succeeded).toBe(false);
    slow = false;
    expect(await w.run(redrive, 'job.e3')).toMatchObject({ succeeded: true, output: { epoch: 3 } });
    expect(combined(w, 3).results.inline).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(w.calls.length).toBeLessThan(1000 + 2 * first);
  });

  test('after a combiner that failed only combines again', async () => {
    let broken = true;
    const w = world({ combiner: (payload) => (broken ? threw('no') : returned(JSON.parse(payload))), worker: ({ batchId }) => returned(batchId) });
    expect((await w.run(request)).succeeded).toBe(false);
    broken = false;
    expect((await w.run(redrive, 'job.e2')).succeeded).toBe(true);
    expect(w.calls).toHaveLength(1000);
    expect(combined(w, 2).results.inline).toHaveLength(1000);
  });

  test('keeps failures that fail again, and gives up on leaves that die in the new epoch, too', async () => {
    let dies = false;
    const w = world({
      worker: ({ batchId }) => (batchId % 100 === 5 ? threw() : returned(batchId)),
      settings: { toleratedFailurePercentage: 50 },
      dispatcherDies: () => (dies ? 30 : undefined),
    });
    expect((await w.run(request)).succeeded).toBe(true);
    dies = true;
    expect(await w.run(redrive, 'job.e2')).toMatchObject({ succeeded: true, output: { failedCount: 10 } });
    expect(combined(w, 2).failures.first[0]).toMatchObject({ batchId: 5, errorType: 'LeafLost' });
    expect(combined(w, 2).results.inline.filter((r: number | null) => r !== null)).toHaveLength(990);
  });

  test.each([
    ['a job that does not exist', { redrive: { jobId: 'nobody' } }, 'nobody.e2', 'redrive.jobId: got "nobody", allowed: a job'],
    ['another name than the next', redrive, 'jobs.e2', 'allowed: job.e2 for the next redrive'],
    ['an epoch that has been', redrive, 'job.e1', 'allowed: job.e2 for the next redrive'],
    ['more than the job', { redrive: { jobId: 'job' }, batchSize: 1 }, 'job.e2', 'and nothing else'],
  ])('of %s is refused, and the job stays as it is', async (_, input, name, message) => {
    const w = world();
    await w.run(request);
    const end = await w.run(input, name);
    expect((end as any).verdict.message).toContain(message);
    expect(w.tasks.rows.get('j#job')).toMatchObject({ status: 'SUCCEEDED', epoch: 1 });
    expect(w.tasks.rows.has('j#nobody')).toBe(false);
  });
});

describe('a request', () => {
  test('the field of Step Functions itself is allowed', async () => {
    const end = await world().run({ items: { list: [1] }, AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID: 'x' });
    expect(end.succeeded).toBe(true);
  });

  test('a name that was used is refused, and the first job stays as it is', async () => {
    const w = world();
    await w.run({ items: { list: [1] } });
    w.tasks.rows.get('j#job')!.executionArn = 'arn:another';
    expect(await w.run({ items: { list: [2] } })).toMatchObject({ succeeded: false, verdict: { errorName: 'JobExists' } });
    expect(w.status()).toBe('SUCCEEDED');
  });
});
