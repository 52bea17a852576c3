import { mkdtempSync, writeFileSync } from 'fs';
import { tmpdir } from 'os';
import * as path from 'path';
import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import { Bench, bundle, Deployed, deployOnEngine, overrideSettings, untilRunning } from './harness';
import { JobRunningError, NameTakenError, UnknownJobError } from '../../client';

/** What a user may do to a job besides starting it. */
let bench: Bench;
let job: Deployed;

beforeAll(async () => {
  bench = await deployOnEngine('npx ts-node -T test/e2e/app.ts', {
    environment: { COMBINER_CODE: bundle('test/e2e/functions/combiner/combiner.ts', 'e2e-combiner') },
  });
  job = bench.jobs.Node;
  await overrideSettings(bench, job, { leafStartGraceSeconds: 2, combineOnTimeout: true });
}, 240_000);

afterAll(() => bench?.engine.stop());

const sumOfSquares = (end: number) => Array.from({ length: end }, (_, n) => n * n).reduce((a, b) => a + b, 0);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('cancel: nothing new starts, the status is CANCELLED, what was committed stays readable, and a redrive ends the job', async () => {
  const { jobId } = await job.client.submit({ request: { items: { range: { start: 0, end: 2000 } }, batchSize: 5, parameters: { sleepMs: 150 } } });
  await untilRunning(job, jobId);
  await pause(1_500); // a group of 64 batches is committed by now
  await job.client.cancel(jobId);
  const status = await job.client.wait(jobId, { pollMs: 50 });
  expect(status).toMatchObject({ status: 'CANCELLED', running: 0 });
  await pause(5_000);
  const { finished } = await job.client.status(jobId);
  await pause(2_000);
  expect((await job.client.status(jobId)).finished).toBe(finished);
  const manifest = await job.client.manifest(jobId);
  expect(manifest).toMatchObject({ outcome: 'CANCELLED', batchCount: 400, failedCount: 0 });
  expect(manifest.succeededCount).toBe(finished); // those of unfinished groups, too
  expect(manifest.succeededCount).toBeLessThan(400);

  expect(await job.client.redrive(jobId)).toEqual({ jobId, epoch: 2 });
  expect(await job.client.wait(jobId, { pollMs: 100 })).toMatchObject({ status: 'SUCCEEDED', finished: 400 });
  expect(await job.client.result(jobId)).toMatchObject({ sum: sumOfSquares(2000), batches: 400 });
  await expect(job.client.cancel(jobId)).resolves.toBeUndefined();
  expect((await job.client.status(jobId)).status).toBe('SUCCEEDED');
});

test('redrive: only what failed runs again', async () => {
  const mendedBy = path.join(mkdtempSync(path.join(tmpdir(), 'burst-')), 'mended');
  const { jobId } = await job.client.submit({
    request: {
      items: { range: { start: 0, end: 1000 } },
      batchSize: 5,
      toleratedFailurePercentage: 5,
      parameters: { mendedBy, misbehave: { 3: 'brokenOnce', 150: 'brokenOnce' } },
    },
  });
  expect(await job.client.wait(jobId, { pollMs: 100 })).toMatchObject({ status: 'SUCCEEDED', failed: 2 });
  expect(await job.client.result(jobId)).toMatchObject({ failed: [3, 150] });
  const before = (await job.client.timeline(jobId)).batches;
  writeFileSync(mendedBy, '');
  await job.client.redrive(jobId);
  expect(await job.client.wait(jobId, { pollMs: 100 })).toMatchObject({ status: 'SUCCEEDED', failed: 0 });
  expect(await job.client.result(jobId)).toMatchObject({ failed: [], sum: sumOfSquares(1000), isComplete: true });
  const { batches, takenOver } = await job.client.timeline(jobId);
  expect([batches.map(({ batchId }) => batchId), takenOver]).toEqual([[3, 150], 198]);
  expect(batches.filter(({ batchId, failed }) => failed || !before[batchId].failed)).toEqual([]);
});

test('a job past its time has its partial results combined, and can be redriven', async () => {
  const { jobId } = await job.client.submit({
    request: { items: { range: { start: 0, end: 2000 } }, batchSize: 5, timeoutSeconds: 4, parameters: { sleepMs: 150 } },
  });
  expect(await job.client.wait(jobId, { pollMs: 100 })).toMatchObject({ status: 'TIMED_OUT', reason: { code: 'TimedOut' } });
  await expect(job.client.result(jobId)).rejects.toThrow('did not end within 4 s');
  expect(await job.client.result(jobId, { partial: true })).toMatchObject({ isTimedOut: true, isComplete: false, status: 'TIMED_OUT', batches: 400 });
});

test('a name is used once: the same request is the same job, another one is refused', async () => {
  const request = { items: { range: { start: 0, end: 20 } }, parameters: { a: 1, b: 2 } };
  const name = 'nightly';
  await job.client.submit({ request, name });
  await job.client.wait(name, { pollMs: 50 });
  const same = { parameters: { b: 2, a: 1 }, items: { range: { end: 20, start: 0 } } };
  expect(await job.client.submit({ request: same, name })).toEqual({ jobId: name });
  await expect(job.client.submit({ request: { ...request, batchSize: 1 }, name })).rejects.toThrow(NameTakenError);
  expect((await job.client.timeline(name)).batches).toHaveLength(2);
});

test('what cannot be done is refused with the reason', async () => {
  await expect(job.client.cancel('nobody')).rejects.toThrow(UnknownJobError);
  await expect(job.client.redrive('nobody')).rejects.toThrow(UnknownJobError);
  await expect(job.client.status('nobody')).rejects.toThrow('there is no job nobody');
  const { jobId } = await job.client.submit({ request: { items: { range: { start: 0, end: 2000 } }, parameters: { sleepMs: 200 } } });
  await untilRunning(job, jobId);
  await expect(job.client.redrive(jobId)).rejects.toThrow(JobRunningError);
  expect(await job.client.wait(jobId, { pollMs: 100 })).toMatchObject({ status: 'SUCCEEDED' });
  const executionArn = `${job.address.stateMachineArn.replace(':stateMachine:', ':execution:')}:${jobId}`;
  expect((await bench.steps.send(new DescribeExecutionCommand({ executionArn }))).status).toBe('SUCCEEDED');
});
