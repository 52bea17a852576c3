import { GetItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { Bench, bundle, Deployed, deployOnEngine, overrideSettings, untilRunning } from './harness';
import { killFunction } from './processes';
import type { JobRow } from '../../lambda/protocol';

/** Dispatchers are killed and doubled while jobs of several leaves run; each result must still be exact. */
let bench: Bench;
let job: Deployed;

beforeAll(async () => {
  bench = await deployOnEngine('npx ts-node -T test/e2e/app.ts', {
    environment: { COMBINER_CODE: bundle('test/e2e/functions/combiner/combiner.ts', 'e2e-combiner') },
  });
  job = bench.jobs.Node;
  // 3 leaves of 4 calls each, in two levels, on a machine that could also do with one leaf
  await overrideSettings(bench, job, { leafStartGraceSeconds: 2, maxWindow: 4, branching: 2 });
}, 240_000);

afterAll(() => bench?.engine.stop());

const BATCHES = 240;
const request = { items: { range: { start: 0, end: BATCHES } }, batchSize: 1, parameters: { sleepMs: 40 } };
const SUM = Array.from({ length: BATCHES }, (_, n) => n * n).reduce((a, b) => a + b, 0);

async function jobRow(jobId: string): Promise<JobRow> {
  const { Item } = await new DynamoDBClient(bench.config).send(new GetItemCommand({ TableName: job.address.tasksTable, Key: { pk: { S: `j#${jobId}` } } }));
  return unmarshall(Item!) as JobRow;
}

test('several leaves in two levels give the exact result', async () => {
  const { jobId } = await job.client.submit({ request });
  const status = await job.client.wait(jobId, { pollMs: 100 });
  expect({ reason: status.reason, ...status }).toMatchObject({ status: 'SUCCEEDED', leaves: 3 });
  expect(await job.client.result(jobId)).toMatchObject({ sum: SUM, batches: BATCHES });
  const { dispatchers, batches } = await job.client.timeline(jobId);
  expect(dispatchers.map((d) => d.leaf)).toEqual([0, 1, 2]);
  expect(batches.every((batch) => batch.attempts === 1)).toBe(true);
});

test('all dispatchers killed half-way: their leaves are repaired, nothing is lost or counted twice', async () => {
  const { jobId } = await job.client.submit({ request });
  await untilRunning(job, jobId, 20);
  expect(killFunction(bench.engine, job.address.dispatcher)).toBeGreaterThan(0);
  const status = await job.client.wait(jobId, { pollMs: 100 });
  expect(status).toMatchObject({ status: 'SUCCEEDED', failed: 0 });
  expect(await job.client.result(jobId)).toMatchObject({ sum: SUM, batches: BATCHES });
  expect(Math.max(...(await job.client.timeline(jobId)).dispatchers.map((d) => d.attempt))).toBeGreaterThan(1);
});

test('every dispatcher event delivered again and again: no second leaf works on the same groups', async () => {
  const { jobId } = await job.client.submit({ request });
  await untilRunning(job, jobId, 20);
  const { plan } = await jobRow(jobId);
  const event = { jobId, epoch: 1, depth: 0, expect: 0, hop: 0, plan };
  for (const [lo, hi] of [[0, 3], [0, 1], [1, 2], [2, 3], [0, 3]]) {
    await bench.lambda.send(new InvokeCommand({ FunctionName: job.address.dispatcher, InvocationType: 'Event', Payload: Buffer.from(JSON.stringify({ ...event, lo, hi })) }));
  }
  const status = await job.client.wait(jobId, { pollMs: 100 });
  expect(status).toMatchObject({ status: 'SUCCEEDED', failed: 0 });
  expect(await job.client.result(jobId)).toMatchObject({ sum: SUM, batches: BATCHES });
  const { dispatchers, batches } = await job.client.timeline(jobId);
  expect(dispatchers.map((d) => d.attempt)).toEqual([1, 1, 1]);
  expect(batches.every((batch) => batch.attempts === 1)).toBe(true);
});

test('an event that arrives after the job has ended starts nothing', async () => {
  const { jobId } = await job.client.submit({ request: { ...request, items: { range: { start: 0, end: 5 } } } });
  await job.client.wait(jobId, { pollMs: 100 });
  const before = await jobRow(jobId);
  const event = { jobId, epoch: 1, lo: 0, hi: 1, depth: 0, expect: 1, hop: 0, plan: before.plan };
  await bench.lambda.send(new InvokeCommand({ FunctionName: job.address.dispatcher, Payload: Buffer.from(JSON.stringify(event)) }));
  expect(await jobRow(jobId)).toEqual(before);
  expect(await job.client.result(jobId)).toMatchObject({ batches: 5, sum: 30 });
});
