import * as fc from 'fast-check';
import { CallOutcome } from '../../../lambda/protocol';
import { World, WorldOptions } from '../../../simulation/world';

const returned = (value: unknown): CallOutcome => ({ kind: 'returned', payload: JSON.stringify(value), requestId: 'r' });

function world(options: Partial<WorldOptions> = {}): World {
  const w: World = new World({
    combiner: (payload) => returned(JSON.parse(payload)),
    worker: async ({ items }) => {
      await w.clock.sleep(50 + w.random() * 100);
      return returned(items);
    },
    ...options,
  });
  return w;
}

const list = Array.from({ length: 1_500 }, (_, i) => ({ i }));
const lines = Buffer.from(list.map((item) => JSON.stringify(item)).join('\n'));
const request = { items: { s3: { uri: 's3://data/items.jsonl' } }, batchSize: 2, maxConcurrency: 40 };
const combined = (w: World, epoch = 1) => JSON.parse(w.payloads.objects.get(`jobs/job/e${epoch}/result.json`)!.toString()).results.inline.flat();

test('a leaf that dies half-way, whenever that is: its successor reads on from the object', async () => {
  await fc.assert(fc.asyncProperty(fc.integer({ min: 0, max: 6_000 }), fc.integer(), async (dies, seed) => {
    const w: World = world({ seed, dispatcherDies: () => (w.events.length === 1 ? dies : undefined) });
    w.inputs.objects.set('data/items.jsonl', lines);
    expect((await w.run(request)).succeeded).toBe(true);
    expect(combined(w)).toEqual(list);
  }), { numRuns: 20 });
});

test('an object that changes half-way ends the job, and says so', async () => {
  const w: World = world({
    worker: async ({ items }) => {
      await w.clock.sleep(1_000);
      w.inputs.objects.set('data/items.jsonl', Buffer.from(lines.toString().replace('1499', '9999')));
      return returned(items);
    },
  });
  w.inputs.objects.set('data/items.jsonl', lines);
  expect(await w.run(request)).toMatchObject({
    succeeded: false, verdict: { errorName: 'InputChanged', message: expect.stringContaining('s3://data/items.jsonl was changed while the job used it') },
  });
  expect(w.status()).toBe('FAILED');
});

test('a redrive reads the groups again that had failures, scattered as they are', async () => {
  let isBroken = true;
  const w: World = world({
    settings: { workerRetries: 0 },
    worker: async ({ batchId, items }) => {
      await w.clock.sleep(50);
      return isBroken && batchId % 200 === 3 ? { kind: 'threw', errorType: 'Error', message: 'boom', requestId: 'r' } : returned(items);
    },
  });
  w.inputs.objects.set('data/items.jsonl', lines);
  expect((await w.run(request)).succeeded).toBe(false);
  isBroken = false;
  expect(await w.run({ redrive: { jobId: 'job' } }, 'job.e2')).toMatchObject({ succeeded: true, output: { epoch: 2, failedCount: 0 } });
  expect(combined(w, 2)).toEqual(list);
});

test('a listing of many pages is cut as the batch size says', async () => {
  const w = world();
  const keys = Array.from({ length: 333 }, (_, i) => `in/${String(i).padStart(4, '0')}`);
  for (const key of keys) w.inputs.objects.set(`data/${key}`, Buffer.from(key));
  expect(await w.run({ items: { s3Prefix: { uri: 's3://data/in/' } }, batchSize: 7 })).toMatchObject({ succeeded: true, output: { batchCount: 48 } });
  expect(combined(w)).toEqual(keys.map((key) => ({ bucket: 'data', key, size: key.length })));
});
