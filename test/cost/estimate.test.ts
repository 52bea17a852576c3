import { ASSUMPTIONS, CombineMode, estimate, EstimateInput } from '../../client/cost/estimate';
import { FORMULAS } from '../../client/cost/formulas';
import { CallOutcome, JobRow } from '../../lambda/protocol';
import { NO_USAGE, Usage } from '../../lambda/protocol/usage';
import { World } from '../../simulation/world';

const returned = (value: unknown): CallOutcome => ({ kind: 'returned', payload: JSON.stringify(value), requestId: 'r' });

const job = (items: number, more: Partial<EstimateInput> = {}): EstimateInput => ({ items, source: 'range', combineMode: 'COLLECT', request: { batchSize: 1 }, ...more });

/** A job in the virtual world whose every answer has the size that the estimate assumes. */
async function ran(input: EstimateInput, request: object): Promise<Usage> {
  const { resultBytes, partialBytes, batchSeconds, worker, combiner, workerTimeoutSeconds } = { ...ASSUMPTIONS, ...input.assumptions };
  const w: World = new World({
    combiner: input.combineMode === 'NONE' ? undefined : () => returned('y'.repeat(partialBytes - 2)),
    settings: { workerTimeoutSeconds, combineMode: input.combineMode, ...(input.childType && { fanOut: { childType: input.childType, maxConcurrency: 10_000 } }), functions: { worker, ...(input.combineMode !== 'NONE' && { combiner }) } } as World['settings'],
    child: () => ({ result: `"${'x'.repeat(resultBytes - 2)}"` }),
    worker: async () => {
      await w.clock.sleep(batchSeconds * 1000);
      return returned('x'.repeat(resultBytes - 2));
    },
  });
  expect((await w.run(request, 'a-job-that-was-estimated')).succeeded).toBe(true);
  return { ...NO_USAGE, ...(w.tasks.rows.get('j#a-job-that-was-estimated') as unknown as JobRow).usage };
}

describe('what is expected is what a job in which nothing goes wrong uses', () => {
  const names = { jobId: 'a-job-that-was-estimated', executionArn: 'arn:a-job-that-was-estimated', taskToken: 'token-0', bucket: 'bucket', owner: 'n10' };
  const COUNTS: (keyof Usage)[] = [
    'workerInvocations', 'combinerInvocations', 'dispatcherInvocations', 'monitorInvocations', 'stateTransitions', 'objectGets', 'objectPuts', 'tableWriteUnits', 'tableReadUnits',
    'expressRequests', 'expressMs',
  ];
  const modes: CombineMode[] = ['COLLECT', 'TREE', 'NONE'];
  const cases: [string, number, CombineMode, Partial<EstimateInput>, object][] = [0, 1, 64, 65, 5000].flatMap((batches) =>
    modes.map((mode): [string, number, CombineMode, Partial<EstimateInput>, object] => [`${batches} batches`, batches, mode, {}, {}]));
  cases.push(
    ['parameters', 200, 'COLLECT', { request: { batchSize: 1, parameters: { k: 1 } } }, { parameters: { k: 1 } }],
    ['large groups', 200, 'COLLECT', { assumptions: { resultBytes: 300 } }, {}],
    ['large groups, in a tree', 200, 'TREE', { assumptions: { resultBytes: 300, partialBytes: 9000 } }, {}],
    ['results of their own', 70, 'NONE', { assumptions: { resultBytes: 300_000 } }, {}],
    ['results by manifest', 700, 'COLLECT', { assumptions: { resultBytes: 7_000 } }, {}],
    ['a list', 200, 'COLLECT', { source: 'list' }, { items: { list: Array.from({ length: 200 }, (_, i) => i) } }],
  );

  for (const childType of ['STANDARD', 'EXPRESS'] as const) {
    cases.push(...[0, 1, 65, 5000].map((batches): typeof cases[number] => [`${batches} batches on a map, ${childType}`, batches, batches === 65 ? 'NONE' : 'COLLECT', { childType }, {}]));
  }
  cases.push(
    ['parameters, on a map', 200, 'COLLECT', { childType: 'STANDARD', request: { batchSize: 1, parameters: { k: 1 } } }, { parameters: { k: 1 } }],
    ['a list, on a map', 200, 'NONE', { childType: 'EXPRESS', source: 'list' }, { items: { list: Array.from({ length: 200 }, (_, i) => i) } }],
    ['results of 3 KB, on a map', 700, 'COLLECT', { childType: 'STANDARD', assumptions: { resultBytes: 3000 } }, {}],
  );

  test.each(cases)('%s (%i, %s)', async (_, batches, combineMode, more, request) => {
    // a leaf of 7 groups ends before its first heartbeat
    const input = job(batches, { combineMode, ...more, assumptions: { ...names, batchSeconds: 0.01, combinerSeconds: 0, ...more.assumptions } });
    const used = await ran(input, { items: { range: { start: 0, end: batches } }, ...request });
    const { usage } = estimate(input);
    const pick = (of: Usage) => Object.fromEntries(COUNTS.map((name) => [name, of[name]]));
    expect(pick(usage)).toEqual(pick(used));
    // clocks and log lines are no counts, but of the right size
    expect(usage.logBytes / used.logBytes).toBeGreaterThan(0.7);
    expect(usage.logBytes / used.logBytes).toBeLessThan(1.4);
  });

  test('nearly, where it depends on time: an hour of batches of 5 minutes', async () => {
    const assumptions = { ...names, batchSeconds: 290, workerTimeoutSeconds: 300, combinerSeconds: 0 };
    const input = job(1200, { assumptions, request: { batchSize: 1, maxConcurrency: 100 } });
    const used = await ran(input, { items: { range: { start: 0, end: 1200 } }, maxConcurrency: 100 });
    const { usage, seconds } = estimate(input);
    for (const name of ['workerInvocations', 'stateTransitions', 'monitorInvocations', 'workerMs', 'dispatcherMs', 'dispatcherInvocations', 'tableReadUnits'] as const) {
      expect([name, usage[name], Math.abs(usage[name] / used[name] - 1) < 0.1 || used[name]]).toEqual([name, usage[name], true]);
    }
    // heartbeats write where something changed: at most with every batch, here with 33 at once
    expect(usage.tableWriteUnits).toBeGreaterThan(used.tableWriteUnits);
    expect(usage.tableWriteUnits).toBeLessThan(1200 * 2 + 600);
    expect(seconds).toBeGreaterThan(12 * 290);
  });
});

test('the formulas that are shown are those that are calculated', () => {
  const input = [
    job(5000), job(5000, { childType: 'EXPRESS' }), job(65, { combineMode: 'TREE' }), job(0, { combineMode: 'NONE' }), job(1_000_000, { source: 'csv', assumptions: { batchSeconds: 700, inputBytes: 1e9, workerFunctions: 3 } }),
    job(3000, { source: 'listing', request: { batchSize: 7, parameters: 1 }, assumptions: { resultBytes: 300_000, partialBytes: 9000, accountConcurrency: 5000 } }),
  ];
  const { ceil, floor, min, max } = Math;
  for (const { steps } of input.map((one) => estimate(one))) {
    const values: { [name: string]: number } = { ceil, floor, min, max } as never;
    for (const { name, value, formula } of steps) {
      if (formula !== undefined) {
        const inWords = new Function(...Object.keys(values), `return Number(${formula})`) as (...args: number[]) => number;
        expect([name, inWords(...Object.values(values))]).toEqual([name, value]);
      }
      values[name] = value;
    }
    expect(steps.filter(({ formula }) => formula !== undefined)).toHaveLength(FORMULAS.length);
    expect(steps.filter(({ value }) => !Number.isFinite(value))).toEqual([]);
  }
});

test('10,000 batches of 1 s, by hand', () => {
  const { usage, cost, leaves, window, seconds } = estimate(job(10_000));
  // an account of 1,000: 15 leaves of 64 workers, a group in each turn of 1 s; the monitor starts them all
  expect([leaves, window, usage.workerInvocations, usage.workerMs, usage.dispatcherInvocations]).toEqual([15, 64, 10_000, 1e7, 15]);
  // 157 groups: 8 leaves of 10, 7 of 11 (the last group has 16 batches), and 0.3 s each
  expect(usage.dispatcherMs).toBeCloseTo(1000 * (8 * 10 + 7 * 11) + 15 * 300, 5);
  expect(seconds).toBeCloseTo(2 + 11 + 1, 5);
  const [requests, duration] = cost.lines;
  expect(requests.dollars).toBeCloseTo(0.002, 10); // 10,000 at 0.20 per million
  expect(duration).toMatchObject({ what: 'worker', quantity: 5000 }); // 10,000 s at half a GB
  expect(duration.dollars).toBeCloseTo(5000 * 0.0000166667, 10);
  expect(cost.overheadDollars).toBeCloseTo(0.0032, 4); // 162 GB-s of ours and 1,400 write units
  expect(cost.unknown).toEqual([]);
});
