import { CallOutcome } from '../../lambda/protocol';
import type { Manifest, ManifestGroup } from '../../lambda/protocol/model';
import { batchResults } from '../../lambda/protocol/results';
import { World, WorldOptions } from '../../simulation/world';

/** A job that ends early keeps every batch that has an end, whether its group of 64 is whole or not. */

const returned = (value: unknown): CallOutcome => ({ kind: 'returned', payload: JSON.stringify(value), requestId: 'r' });
const threw: CallOutcome = { kind: 'threw', errorType: 'Error', message: 'boom', requestId: 'r' };

function world(options: Partial<WorldOptions>): World {
  const w: World = new World({
    combiner: (payload) => returned(JSON.parse(payload)),
    ...options,
    worker: async (event) => {
      await w.clock.sleep(50 + w.random() * 100);
      return options.worker!(event);
    },
  });
  return w;
}

const text = (w: World, key: string) => w.payloads.objects.get(key)!.toString();
const manifestOf = (w: World, epoch = 1) => JSON.parse(text(w, `jobs/job/e${epoch}/manifest.json`)) as Manifest;

async function statesOf(w: World, epoch = 1): Promise<Map<number, string>> {
  const states = new Map<number, string>();
  for await (const { batchId, state } of batchResults(manifestOf(w, epoch), async (key) => text(w, key))) states.set(batchId, state);
  return states;
}

describe.each([['small', 1], ['large', 'x'.repeat(1_000)]])('a job with %s results', (_, result) => {
  test('that fails keeps what was finished, and why it failed; a redrive runs the rest alone', async () => {
    let isMended = false;
    const w = world({ worker: ({ batchId }) => (batchId === 150 && !isMended ? threw : returned(result)), settings: { workerRetries: 0 } });
    expect(await w.run({ items: { range: { start: 0, end: 1000 } }, maxConcurrency: 20 })).toMatchObject({ succeeded: false, verdict: { errorName: 'TooManyFailures' } });
    const manifest = manifestOf(w);
    expect(manifest).toMatchObject({ outcome: 'FAILED', failedCount: 1 });
    const states = await statesOf(w);
    expect(states.size).toBe(1000);
    expect(states.get(150)).toBe('failed');
    const finished = [...states].filter(([, state]) => state === 'succeeded').map(([batch]) => batch);
    expect(finished.length).toBe(manifest.succeededCount);
    // each leaf stores what it has as soon as it hears of the end: only calls under way are lost
    expect(w.calls.length - finished.length - 1).toBeLessThanOrEqual(20);

    isMended = true;
    const before = w.calls.length;
    expect(await w.run({ redrive: { jobId: 'job' } }, 'job.e2')).toMatchObject({ succeeded: true });
    expect(w.calls.slice(before).map(({ batchId }) => batchId).sort((a, b) => a - b))
      .toEqual([...states].filter(([, state]) => state !== 'succeeded').map(([batch]) => batch));
    expect([...(await statesOf(w, 2)).values()]).toEqual(new Array(1000).fill('succeeded'));
  });
});

test('a redrive that fails again keeps what both epochs finished, a run of batches to a line', async () => {
  const bad = new Set([10, 40]);
  const w = world({ worker: ({ batchId }) => (bad.has(batchId) ? threw : returned(batchId)), settings: { workerRetries: 0, maxWindow: 1 } });
  await w.run({ items: { range: { start: 0, end: 100 } }, maxConcurrency: 1 });
  expect(lines(w, 1)).toEqual([[0, 11, true]]);
  bad.delete(10);
  await w.run({ redrive: { jobId: 'job' } }, 'job.e2');
  expect(lines(w, 2)).toEqual([[0, 41, true]]);
  expect(manifestOf(w, 2)).toMatchObject({ succeededCount: 40, failedCount: 1 });
  bad.delete(40);
  expect(await w.run({ redrive: { jobId: 'job' } }, 'job.e3')).toMatchObject({ succeeded: true });
  expect(lines(w, 3)).toEqual([[0, 64, undefined], [64, 36, undefined]]);
  expect(w.calls).toHaveLength(102);
});

const lines = (w: World, epoch: number) =>
  manifestOf(w, epoch).groups!.map(({ first, count, unfinished }: ManifestGroup) => [first, count, unfinished]);

test('a job that runs out of time gives its combiner the finished batches of unfinished groups, too', async () => {
  const w = world({ worker: ({ batchId }) => returned(batchId), settings: { combineOnTimeout: true, maxWindow: 2 } });
  await w.run({ items: { range: { start: 0, end: 10_000 } }, maxConcurrency: 2, timeoutSeconds: 61 });
  expect(w.status()).toBe('TIMED_OUT');
  const { results } = JSON.parse(text(w, 'jobs/job/e1/result.json'));
  const given = (results.inline as (number | null)[]).filter((result) => result !== null);
  expect(given.length % 64).not.toBe(0);
  expect(w.calls.length - given.length).toBeLessThanOrEqual(2);
});

test('a group that is whole but was not committed before the end is not run again, and finished from then on', async () => {
  // the row of the last group comes too late
  const w = world({ worker: ({ batchId }) => returned(batchId), settings: { maxWindow: 1 } });
  const put = w.results.put.bind(w.results);
  let isLate = true;
  w.results.put = async (row, condition) => {
    if (isLate && row.group === 1) await w.clock.sleep(100_000);
    return put(row, condition);
  };
  await w.run({ items: { range: { start: 0, end: 100 } }, maxConcurrency: 1, timeoutSeconds: 30 });
  expect(lines(w, 1)).toEqual([[0, 64, undefined], [64, 36, true]]);
  isLate = false;
  expect(await w.run({ redrive: { jobId: 'job' } }, 'job.e2')).toMatchObject({ succeeded: true });
  expect(lines(w, 2)).toEqual([[0, 64, undefined], [64, 36, undefined]]);
  expect(w.calls).toHaveLength(100);
});

test('what ended a job is known, even if the leaf that ended it dies right after', async () => {
  const w = world({ worker: ({ batchId }) => (batchId === 20 ? threw : returned(batchId)), settings: { workerRetries: 0, maxWindow: 1 } });
  const update = w.tasks.update.bind(w.tasks);
  w.tasks.update = async (pk, what, condition) => {
    if (what.set?.endedAt !== undefined && pk.includes('#l')) return new Promise(() => {});
    return update(pk, what, condition);
  };
  await Promise.race([w.run({ items: { range: { start: 0, end: 1000 } }, maxConcurrency: 1 }), w.clock.sleep(60_000)]);
  expect(manifestOf(w)).toMatchObject({ outcome: 'FAILED', failedCount: 1, succeededCount: 20 });
});
