import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { ListBucketsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetExecutionHistoryCommand, ListExecutionsCommand, ListMapRunsCommand } from '@aws-sdk/client-sfn';
import { Bench, bundle, deployOnEngine, untilRunning } from './harness';

/**
 * Jobs whose batches a Distributed Map runs, in an account that enforces its permissions, beside the same jobs on a tree. The engine
 * runs both types of children alike, and does not check what a state machine may do: the tests of the templates do.
 */
let bench: Bench;
let s3: S3Client;

beforeAll(async () => {
  bench = await deployOnEngine('npx ts-node -T test/e2e/map-app.ts', {
    environment: { COMBINER_CODE: bundle('test/e2e/functions/combiner/combiner.ts', 'e2e-combiner') },
  });
  s3 = new S3Client({ ...bench.config, forcePathStyle: true });
}, 240_000);

afterAll(() => bench?.engine.stop());

async function run(construct: string, request: object) {
  const { client } = bench.jobs[construct];
  const { jobId } = await client.submit({ request });
  const status = await client.wait(jobId, { pollMs: 100 });
  const batches: any[] = [];
  if (status.batchCount > 0) for await (const batch of client.results(jobId)) batches.push(batch);
  return { jobId, status, batches, result: status.status === 'SUCCEEDED' ? await client.result(jobId) as any : undefined };
}

/** What depends on which function instance or call it was. */
const comparable = (value: unknown) => JSON.parse(JSON.stringify(value, (name, member) => (['by', 'requestId', 'timing', 'startedAt', 'tookMs', 'startedMs'].includes(name) ? undefined : member)));

const LIST = [...Array.from({ length: 140 }, (_, i) => i / 7), 0.1 + 0.2, 1e21, 'quotes " and \\ and \u2028 \u0085 ☃'];

describe.each(['Standard', 'Express'])('with %s children', (type) => {
  test('a job gives what it gives on a tree', async () => {
    const requests = {
      range: { items: { range: { start: 5, end: 705 } }, parameters: { text: 'é"\u2028' } },
      list: { items: { list: LIST.slice(0, 142) }, batchSize: 3 },
      flaky: { items: { range: { start: 0, end: 30 } }, parameters: { misbehave: { 1: 'flaky' } } },
      empty: { items: { list: [] } },
    };
    for (const [name, request] of Object.entries(requests)) {
      const [tree, map] = await Promise.all([run('Tree', request), run(type, request)]);
      expect({ name, ...map.status }).toMatchObject({ name, status: 'SUCCEEDED', failed: 0, batchCount: tree.status.batchCount });
      expect(comparable(map.batches)).toEqual(comparable(tree.batches));
      expect(map.result.sum).toBe(tree.result.sum);
    }
  });

  test('tasks, by their functions; what fails is told like on a tree', async () => {
    const request = {
      parameters: { shared: 0.1 + 0.2 },
      toleratedFailurePercentage: 100,
      tasks: [
        { id: 'text', function: 'task', params: LIST.at(-1) },
        { id: 'exact', function: 'task', params: { number: 0.1 + 0.2 } },
        { id: 'flaky', function: 'task', params: { fail: 'once' } },
        { id: 'bad', function: 'task', params: { fail: 'always' } },
        { id: 'slow', function: 'task', params: { hang: true } },
        { function: 'worker' },
      ],
    };
    const [tree, map] = await Promise.all([run('Tree', request), run(type, request)]);
    expect(map.status).toMatchObject({ status: 'SUCCEEDED', failed: 3 });
    expect(map.result.exact.result.params.number).toBe(0.1 + 0.2);
    expect(map.result.bad.error).toEqual({ errorType: 'RangeError', message: 'bad cannot be done', attempts: 2, requestId: '' });
    const timeless = (result: any) => JSON.parse(JSON.stringify(comparable(result)).replace(/[0-9a-f-]{36}|after [\d.]+ s/g, ''));
    expect(timeless(map.result)).toEqual(timeless(tree.result));
  });
});

test('items of an object in S3', async () => {
  await s3.send(new PutObjectCommand({ Bucket: await inputBucket(), Key: 'items.jsonl', Body: Array.from({ length: 333 }, (_, i) => i * 3).join('\n') }));
  const request = { items: { s3: { uri: `s3://${await inputBucket()}/items.jsonl` } }, batchSize: 2 };
  const [tree, map] = [await run('Tree', request), await run('Standard', request)];
  expect(map.status).toMatchObject({ status: 'SUCCEEDED', batchCount: 167 });
  expect(comparable(map.batches)).toEqual(comparable(tree.batches));
});

test('a failure above the tolerance ends the job early, and only that batch runs again in a redrive', async () => {
  const { client } = bench.jobs.Standard;
  const mendedBy = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'burst-')), 'mended');
  const request = { items: { range: { start: 0, end: 400 } }, maxConcurrency: 2, parameters: { misbehave: { 3: 'brokenOnce' }, mendedBy, sleepMs: 50 } };
  const { jobId, status } = await run('Standard', request);
  expect(status).toMatchObject({ status: 'FAILED', failed: 1, reason: { code: 'TooManyFailures' } });
  expect(status.reason!.message).toContain('not mended yet');
  const before = await client.manifest(jobId);
  expect(before.succeededCount).toBeLessThan(39); // the others were not run any more
  fs.writeFileSync(mendedBy, '');
  await client.redrive(jobId);
  expect(await client.wait(jobId, { pollMs: 100 })).toMatchObject({ status: 'SUCCEEDED', epoch: 2, failed: 0 });
  expect((await client.result(jobId) as any).sum).toBe(sumOfSquares(400));
  const { mapRuns } = await bench.steps.send(new ListMapRunsCommand({ executionArn: executionOf('Standard', `${jobId}.e2`) }));
  const { executions } = await bench.steps.send(new ListExecutionsCommand({ mapRunArn: mapRuns![0].mapRunArn, maxResults: 1000 }));
  expect(executions).toHaveLength(40 - before.succeededCount);
});

test('a job that is cancelled starts nothing more, and keeps what it has', async () => {
  const { client } = bench.jobs.Express;
  const { jobId } = await client.submit({ request: { items: { range: { start: 0, end: 5000 } }, maxConcurrency: 4, parameters: { sleepMs: 300 } } });
  await untilRunning(bench.jobs.Express, jobId, 2);
  await client.cancel(jobId);
  expect(await client.wait(jobId, { pollMs: 100 })).toMatchObject({ status: 'CANCELLED' });
  const { succeededCount } = await client.manifest(jobId);
  expect(succeededCount).toBeGreaterThan(0);
  expect(succeededCount).toBeLessThan(400);
});

test('a job past its deadline says so', async () => {
  const { status } = await run('Standard', { items: { range: { start: 0, end: 1000 } }, maxConcurrency: 2, timeoutSeconds: 3, parameters: { sleepMs: 200 } });
  expect(status).toMatchObject({ status: 'TIMED_OUT', reason: { code: 'TimedOut' } });
});

test('a result too large for a state is that batch\'s failure', async () => {
  const { status, batches } = await run('Standard', { items: { range: { start: 0, end: 10 } }, toleratedFailurePercentage: 100, parameters: { bytes: 300_000 } });
  expect(status).toMatchObject({ status: 'SUCCEEDED', failed: 1 });
  expect(batches[0].failure).toMatchObject({ errorType: 'ResultTooLarge', attempts: 1 });
});

test('an event too large for a state fails the job before anything runs', async () => {
  const { status } = await run('Standard', { items: { range: { start: 0, end: 10 } }, parameters: 'x'.repeat(247_000) });
  expect(status).toMatchObject({ status: 'FAILED', reason: { code: 'InvalidRequest', message: expect.stringMatching(/^batch 0: got an event of \d+ bytes.*allowed: at most 245760 /) } });
});

test.each(['batch', 'finished'] as const)('results come while the job runs, in the order of %s', async (order) => {
  const { client } = bench.jobs.Standard;
  const { jobId } = await client.submit({ request: { items: { range: { start: 0, end: 600 } }, maxConcurrency: 4, parameters: { sleepMs: 200 } } });
  const seen: number[] = [];
  let early = 0;
  for await (const { batchId } of client.results(jobId, { order, pollMs: 100 })) {
    if (seen.push(batchId) === 10) early = (await client.status(jobId)).finished;
  }
  expect(early).toBeLessThan(60);
  expect(order === 'batch' ? seen : seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i));
});

test('no payload is in the history of the execution, and the bill counts the children', async () => {
  const { jobId, status } = await run('Standard', { items: { range: { start: 0, end: 200 } }, parameters: { secret: 'needle' } });
  const { events } = await bench.steps.send(new GetExecutionHistoryCommand({ executionArn: executionOf('Standard', jobId), maxResults: 1000 }));
  expect(JSON.stringify(events!.slice(2))).not.toContain('needle'); // the first two have the request itself
  // 4 for each child; Prepare, the map and Combine
  expect(status.usage).toMatchObject({ workerInvocations: 20, stateTransitions: 4 * 20 + 3, dispatcherInvocations: 0, expressRequests: 0 });
  const express = await run('Express', { items: { range: { start: 0, end: 200 } } });
  expect(express.status.usage).toMatchObject({ workerInvocations: 20, stateTransitions: 20 + 3, expressRequests: 20 });
  expect(express.status.cost!.lines.map(({ unit }) => unit)).toContain('requests (Express)');
});

test('a batch that was committed before counts once', async () => {
  const { client, address } = bench.jobs.Express;
  const dynamo = new DynamoDBClient(bench.config);
  const { jobId } = await client.submit({ request: { items: { range: { start: 0, end: 40 } }, parameters: { sleepMs: 1_500 } } });
  await untilRunning(bench.jobs.Express, jobId, 0);
  const pk = { S: `j#${jobId}#e1#g2` };
  const data = '{"first":2,"entries":[{"result":{"squares":[7],"by":"other"}}],"started":[1],"took":[1],"attempts":[1]}';
  const number = (n: number) => ({ N: String(n) });
  await dynamo.send(new PutItemCommand({
    TableName: address.resultsTable,
    Item: {
      pk,
      unit: number(2),
      group: number(2),
      first: number(2),
      count: number(1),
      attempt: number(1),
      failed: { L: [] },
      data: { S: data },
      bytes: number(10),
      ttl: number(2e9),
    },
  }));
  expect(await client.wait(jobId, { pollMs: 100 })).toMatchObject({ status: 'SUCCEEDED', failed: 0, finished: 4 });
  expect((await dynamo.send(new GetItemCommand({ TableName: address.resultsTable, Key: { pk } }))).Item!.data.S).toBe(data);
  const result = await client.result(jobId) as any;
  expect(result.sum).toBe(sumOfSquares(20) + 7 + sumOfSquares(40) - sumOfSquares(30));
});

function sumOfSquares(end: number): number {
  let sum = 0;
  for (let n = 0; n < end; n++) sum += n * n;
  return sum;
}

function executionOf(construct: string, name: string): string {
  return `${bench.jobs[construct].address.stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
}

async function inputBucket(): Promise<string> {
  return (await s3.send(new ListBucketsCommand({}))).Buckets!.find(({ Name }) => /inputs/.test(Name!))!.Name!;
}
