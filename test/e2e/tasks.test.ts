import { S3Client, PutObjectCommand } from '@aws-sdk/client-s3';
import { Bench, bundle, deployOnEngine, overrideSettings, untilRunning } from './harness';
import { killFunction } from './processes';

/** Jobs of unlike tasks, in an account that enforces its permissions. */
let bench: Bench;

beforeAll(async () => {
  bench = await deployOnEngine('npx ts-node -T test/e2e/app.ts', {
    environment: { COMBINER_CODE: bundle('test/e2e/functions/combiner/combiner.ts', 'e2e-combiner') },
  });
  await overrideSettings(bench, bench.jobs.Node, { leafStartGraceSeconds: 2, maxWindow: 4 });
}, 240_000);

afterAll(() => bench?.engine.stop());

async function run(request: object, construct = 'Node') {
  const { client } = bench.jobs[construct];
  const { jobId } = await client.submit({ request });
  const status = await client.wait(jobId, { pollMs: 100 });
  return { jobId, status, result: await client.result(jobId, { partial: true }) as Record<string, any> };
}

test('functions in Node and Python side by side, each task with its own params, status and result', async () => {
  const { status, result } = await run({
    parameters: { shared: true },
    toleratedFailurePercentage: 100,
    tasks: [
      { id: 'flaky', function: 'brief', params: { fail: 'once' } },
      { id: 'bad', function: 'brief', params: { fail: 'always' } },
      { id: 'slow', function: 'brief', params: { hang: true } },
      { id: 'large', function: 'brief', params: { bytes: 400_000 } },
      { function: 'python', params: [1, 2] },
    ],
  });
  expect(status).toMatchObject({ status: 'SUCCEEDED', batchCount: 5, failed: 3 });
  expect(result.flaky).toMatchObject({ status: 'SUCCEEDED', result: { id: 'flaky', name: 'brief', params: { fail: 'once' }, parameters: { shared: true } } });
  expect(result.flaky.result).not.toHaveProperty('range');
  expect(result.bad).toEqual({ status: 'FAILED', error: { errorType: 'RangeError', message: 'bad cannot be done', attempts: 2, requestId: expect.stringMatching(/.+/) } });
  expect(result.slow).toMatchObject({ status: 'FAILED', error: { message: expect.stringMatching(/timed out/i) } });
  expect(result.large).toEqual({ status: 'SUCCEEDED', resultUri: expect.stringMatching(/^s3:\/\//) });
  // a worker for ranges knows nothing of tasks: its own error says so
  expect(result['4']).toMatchObject({ status: 'FAILED', error: { errorType: 'KeyError' } });
});

test('hundreds from an object, while the dispatchers are killed', async () => {
  const job = bench.jobs.Node;
  const s3 = new S3Client({ ...bench.config, forcePathStyle: true });
  const tasks = Array.from({ length: 200 }, (_, i) => ({ id: `t${i}`, function: 'brief', params: { i, sleepMs: 100 } }));
  await s3.send(new PutObjectCommand({ Bucket: job.address.payloadBucket, Key: 'jobs/uploads/upload/tasks.jsonl', Body: tasks.map((task) => JSON.stringify(task)).join('\n') }));
  const { jobId } = await job.client.submit({ request: { tasks: { s3: { uri: `s3://${job.address.payloadBucket}/jobs/uploads/upload/tasks.jsonl` } } } });
  await untilRunning(job, jobId, 1);
  killFunction(bench.engine, job.address.dispatcher);
  expect(await job.client.wait(jobId, { pollMs: 100 })).toMatchObject({ status: 'SUCCEEDED', failed: 0 });
  const result = await job.client.result(jobId) as Record<string, any>;
  expect(Object.keys(result)).toEqual(tasks.map(({ id }) => id));
  for (const { id, params } of tasks) expect(result[id]).toMatchObject({ status: 'SUCCEEDED', result: { id, params } });
});

test('an imported function, of which only Lambda knows the time-out', async () => {
  const { status } = await run({ tasks: [{ function: 'imported' }], toleratedFailurePercentage: 100 }, 'Imported');
  expect(status).toMatchObject({ status: 'SUCCEEDED', failed: 1 });
});

test('a list too large for a request is uploaded', async () => {
  const tasks = Array.from({ length: 300 }, (_, i) => ({ id: `t${i}`, function: 'brief', params: { i, text: 'é'.repeat(600) } }));
  const { status, result } = await run({ tasks });
  expect(status).toMatchObject({ status: 'SUCCEEDED', batchCount: 300 });
  expect(result.t299).toMatchObject({ status: 'SUCCEEDED', result: { params: tasks[299].params } });
});

test('a job that fails early still says what became of each', async () => {
  const tasks = [{ id: 'bad', function: 'brief', params: { fail: 'always' } }, ...Array.from({ length: 80 }, (_, i) => ({ id: `t${i}`, function: 'brief', params: { sleepMs: 300 } }))];
  const { status, result } = await run({ tasks, maxConcurrency: 1 });
  expect(status).toMatchObject({ status: 'FAILED', reason: { code: 'TooManyFailures' } });
  expect(Object.keys(result)).toHaveLength(81);
  expect(result.t79).toEqual({ status: 'NOT_RUN' });
});

test('a name that is not registered ends the job before anything runs', async () => {
  const job = bench.jobs.Node;
  const { jobId } = await job.client.submit({ request: { tasks: [{ function: 'nobody' }] } });
  expect(await job.client.wait(jobId, { pollMs: 100 })).toMatchObject({
    status: 'FAILED', reason: { code: 'InvalidRequest', message: 'tasks.0.function: got "nobody", allowed: brief, python; register it with the construct\'s prop taskFunctions' },
  });
});
