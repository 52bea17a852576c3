import { Bench, bundle, Deployed, deployOnEngine, overrideSettings, untilRunning } from './harness';
import { killFunction } from './processes';

/** Jobs whose results are combined as a tree, while they run. */
let bench: Bench;
let job: Deployed;

beforeAll(async () => {
  bench = await deployOnEngine('npx ts-node -T test/e2e/app.ts', {
    environment: { COMBINER_CODE: bundle('test/e2e/functions/combiner/combiner.ts', 'e2e-combiner') },
  });
  job = bench.jobs.Tree;
}, 240_000);

afterAll(() => bench?.engine.stop());

const sumOfSquares = (end: number) => ((end - 1) * end * (2 * end - 1)) / 6;

async function run(request: object, whileRunning?: (jobId: string) => Promise<void>) {
  const { jobId } = await job.client.submit({ request });
  await whileRunning?.(jobId);
  const status = await job.client.wait(jobId, { pollMs: 100 });
  return { jobId, status, result: status.status === 'SUCCEEDED' ? await job.client.result(jobId) as any : undefined };
}

test('65 groups are combined one by one, then by two nodes, the second of which has one group only, then by the root', async () => {
  const batches = 64 * 64 + 10;
  const { status, result } = await run({ items: { range: { start: 0, end: batches } }, batchSize: 1 });
  expect(status).toMatchObject({ status: 'SUCCEEDED', batchCount: batches, failed: 0 });
  expect(result).toEqual({ sum: sumOfSquares(batches), runs: [[0, batches]], failed: [], forms: { '0-inline': 65, '1-inline': 2 } });
}, 240_000);

test('large results and large partial results come as an object of lines', async () => {
  const { result } = await run({
    items: { range: { start: 0, end: 300 } }, batchSize: 1, parameters: { bytes: 80_000, combiner: { padding: 1_500_000 } },
  });
  expect(result).toMatchObject({ sum: sumOfSquares(300), runs: [[0, 300]], failed: [], forms: { '0-entries': 4, '0-inline': 1, '1-entries': 1 } });
}, 120_000);

describe('with dispatchers that are missed soon', () => {
  beforeAll(() => overrideSettings(bench, job, { leafStartGraceSeconds: 2, maxWindow: 4, branching: 2 }));

  test('all of them killed while they combine: nothing is lost or counted twice', async () => {
    const { jobId, status, result } = await run(
      { items: { range: { start: 0, end: 400 } }, batchSize: 1, parameters: { combiner: { sleepMs: 1_000 } } },
      async (id) => {
        await untilRunning(job, id, 200);
        expect(killFunction(bench.engine, job.address.dispatcher)).toBeGreaterThan(0);
      },
    );
    expect(status).toMatchObject({ status: 'SUCCEEDED', failed: 0 });
    expect(result).toMatchObject({ sum: sumOfSquares(400), runs: [[0, 400]] });
    expect(Math.max(...(await job.client.timeline(jobId)).dispatchers.map(({ attempt }) => attempt))).toBeGreaterThan(1);
  }, 120_000);
});

test('a combiner that throws ends the job with its words, and keeps the results', async () => {
  const { jobId, status } = await run({ items: { range: { start: 0, end: 100 } }, batchSize: 1, parameters: { combinerThrows: true } });
  expect(status).toMatchObject({ status: 'FAILED', reason: { code: 'CombinerFailed' } });
  expect(status.reason!.message).toContain('RangeError: cannot combine');
  expect((await job.client.manifest(jobId)).succeededCount).toBeGreaterThanOrEqual(36);
}, 120_000);
