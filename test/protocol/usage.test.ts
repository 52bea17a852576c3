import * as fc from 'fast-check';
import { CallOutcome, JobRow } from '../../lambda/protocol';
import { rowBytes } from '../../lambda/protocol/row-size';
import { NO_USAGE, Usage } from '../../lambda/protocol/usage';
import { World, WorldOptions } from '../../simulation/world';

const returned = (value: unknown): CallOutcome => ({ kind: 'returned', payload: JSON.stringify(value), requestId: 'r' });

function world(options: Partial<WorldOptions> = {}, batchMs = 100): World {
  const w: World = new World({
    combiner: () => returned('ok'),
    ...options,
    worker: async (event) => {
      await w.clock.sleep(batchMs);
      return options.worker ? options.worker(event) : returned(event.batchId);
    },
  });
  return w;
}

const usageOf = (w: World): Usage => ({ ...NO_USAGE, ...(w.tasks.rows.get('j#job') as unknown as JobRow).usage });

/** What the world saw, without asking the runtime. */
function seen(w: World) {
  return {
    workerInvocations: w.calls.length,
    tableReadUnits: w.tasks.readUnits + w.results.readUnits,
    tableWriteUnits: w.tasks.writeUnits + w.results.writeUnits,
    objectGets: w.payloads.gets,
    objectPuts: w.payloads.puts,
  };
}

describe('what a job used', () => {
  test.each([
    ['one batch', { items: { range: { start: 0, end: 1 } } }],
    ['two groups and parameters', { items: { range: { start: 0, end: 65 } }, parameters: { k: 1 } }],
    ['a list, several batches to an item', { items: { list: Array.from({ length: 1000 }, (_, i) => ({ i })) }, batchSize: 3 }],
    ['many leaves', { items: { range: { start: 0, end: 6000 } } }], // one heartbeat on the way, none at the end
    ['nothing', { items: { range: { start: 0, end: 0 } } }],
  ])('is what was asked for, exactly, when nothing goes wrong: %s', async (_, request) => {
    for (const combiner of [undefined, () => returned('ok')]) {
      const w = world({ combiner });
      expect((await w.run(request)).succeeded).toBe(true);
      expect(usageOf(w)).toMatchObject(seen(w));
      expect(usageOf(w)).toMatchObject({ stateTransitions: 3, monitorInvocations: 3, dispatcherInvocations: w.events.length });
      expect(usageOf(w).combinerInvocations).toBe(combiner ? 1 : 0);
    }
  });

  test('in long jobs counts heartbeats, looks of the monitor and leaves that hand over', async () => {
    const w = world({ settings: { workerTimeoutSeconds: 300 } }, 290_000);
    expect((await w.run({ items: { range: { start: 0, end: 700 } }, maxConcurrency: 100 })).succeeded).toBe(true);
    const usage = usageOf(w);
    expect(w.events.length).toBeGreaterThan(2);
    expect(usage).toMatchObject({ ...seen(w), dispatcherInvocations: w.events.length });
    const rounds = (w.tasks.rows.get('j#job') as unknown as JobRow).tokenRound!;
    expect(rounds).toBeGreaterThan(3);
    expect(usage).toMatchObject({ stateTransitions: 3 + 2 * rounds, monitorInvocations: 3 + 2 * rounds });
    // 700 calls of 290 s, and a leaf for as long as its own
    expect(usage.workerMs / 700).toBeGreaterThanOrEqual(290_000);
    expect(usage.workerMs / 700).toBeLessThan(290_050);
    expect(usage.dispatcherMs).toBeGreaterThan(2 * 7 * 290_000 * 0.99);
  });

  test('counts each call of a batch that was repeated, and none that was throttled', async () => {
    const w = world({
      worker: ({ batchId, invocationAttempt }) => (w.random() < 0.2 ? { kind: 'throttled' }
        : batchId % 10 === 0 && invocationAttempt === 1 ? { kind: 'threw', errorType: 'Error', message: '', requestId: 'r' } : returned(1)),
    });
    expect((await w.run({ items: { range: { start: 0, end: 200 } } })).succeeded).toBe(true);
    expect(usageOf(w).workerInvocations).toBe(220);
  });

  test('has all of a job that failed: the look of Combine, Finish and the Fail state, and the combiner that threw', async () => {
    const w = world({ combiner: () => ({ kind: 'threw', errorType: 'Error', message: 'no', requestId: 'r' }) });
    expect((await w.run({ items: { range: { start: 0, end: 100 } } })).succeeded).toBe(false);
    expect(usageOf(w)).toMatchObject({ ...seen(w), combinerInvocations: 1, stateTransitions: 5, monitorInvocations: 4 });
  });

  test('is never said to be more than it was, whatever dies', async () => {
    await fc.assert(fc.asyncProperty(fc.integer({ min: 0, max: 6000 }), fc.integer(), fc.boolean(), async (dies, seed, fails) => {
      const w: World = world({
        seed,
        settings: { repairIntervalSeconds: 10, leafStartGraceSeconds: 5 },
        dispatcherDies: () => (w.events.length < 4 ? dies : undefined),
        deliveries: () => (w.random() < 0.2 ? 2 : 1),
        worker: ({ batchId }) => (fails && batchId === 3 ? { kind: 'threw', errorType: 'Error', message: '', requestId: 'r' } : returned(batchId)),
      });
      await w.run({ items: { range: { start: 0, end: 1500 } }, maxConcurrency: 200 });
      const usage = usageOf(w);
      const tooMuch = Object.entries(seen(w)).filter(([name, most]) => usage[name as keyof Usage] > most);
      expect(tooMuch).toEqual([]);
      expect(usage.workerInvocations).toBeGreaterThan(0);
    }), { numRuns: 15 });
  });
});

test('sizes of rows are counted as DynamoDB counts them', () => {
  // the examples of the developer guide, "DynamoDB item sizes and formats": names and values in UTF-8, digits in pairs and one byte, 3 bytes and 1 for each member of a map or list
  expect(rowBytes({ pk: 'abc' })).toBe(5);
  expect(rowBytes({ ü: 'ü' })).toBe(4);
  expect(rowBytes({ n: 27 })).toBe(1 + 2);
  expect(rowBytes({ n: -27 })).toBe(1 + 3);
  expect(rowBytes({ b: true, z: null })).toBe(4);
  expect(rowBytes({ m: { a: 'x' }, l: ['y'] })).toBe((1 + 3 + 1 + 1 + 1) + (1 + 3 + 1 + 1));
});
