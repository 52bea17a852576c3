import { DescribeExecutionCommand, ListExecutionsCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { Bench, bundle, Deployed, deployOnEngine, overrideSettings, startExecution, untilRunning } from './harness';

let bench: Bench;

beforeAll(async () => {
  bench = await deployOnEngine('npx ts-node -T test/e2e/app.ts', {
    environment: { COMBINER_CODE: bundle('test/e2e/functions/combiner/combiner.ts', 'e2e-combiner') },
  });
  for (const job of Object.values(bench.jobs)) await overrideSettings(bench, job, { leafStartGraceSeconds: 2 });
}, 240_000);

afterAll(() => bench?.engine.stop());

/** Sum of the squares of start..end-1, without those of the batches that failed. */
function sumOfSquares(start: number, end: number, failed: number[] = [], batchSize = 10): number {
  let sum = 0;
  for (let n = start; n < end; n++) if (!failed.includes(Math.floor((n - start) / batchSize))) sum += n * n;
  return sum;
}

async function run(job: Deployed, request: unknown) {
  const { jobId } = await job.client.submit({ request });
  const status = await job.client.wait(jobId, { pollMs: 100 });
  return { jobId, status, result: status.status === 'SUCCEEDED' ? await job.client.result(jobId) as any : undefined };
}

async function executionError(job: Deployed, jobId: string) {
  const executionArn = `${job.address.stateMachineArn.replace(':stateMachine:', ':execution:')}:${jobId}`;
  for (;;) {
    const { status, error, cause } = await bench.steps.send(new DescribeExecutionCommand({ executionArn }));
    if (status !== 'RUNNING') return { status, error, cause };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe.each(['Node', 'Python'])('a job with a worker in %s', (language) => {
  let job: Deployed;
  beforeAll(() => { job = bench.jobs[language]; });

  test('gives the exact result of a range', async () => {
    const { status, result } = await run(job, { items: { range: { start: 100, end: 3125 } } });
    expect(status).toMatchObject({ status: 'SUCCEEDED', batchCount: 303, finished: 303, failed: 0 });
    expect(result).toMatchObject({ sum: sumOfSquares(100, 3125), batches: 303, failed: [], form: 'inline', isComplete: true });
    const { usage, cost } = status;
    expect(usage).toMatchObject({ workerInvocations: 303, combinerInvocations: 1, monitorInvocations: usage!.stateTransitions });
    expect(usage!.stateTransitions % 2).toBe(1); // three, and two for each look at a job that takes its time
    expect(usage!.stateTransitions).toBeGreaterThan(2);
    expect(usage!.tableWriteUnits).toBeGreaterThan(10);
    expect(usage!.dispatcherMs).toBeGreaterThan(0);
    expect(cost!.dollars).toBeGreaterThan(303 * 0.2 / 1e6);
    expect(cost!.unknown).toEqual([]); // the memory of the functions is known since synthesis
  });

  test('gives the exact result of a list', async () => {
    const list = Array.from({ length: 777 }, (_, i) => i * 3);
    const { result } = await run(job, { items: { list }, batchSize: 4 });
    expect(result).toMatchObject({ sum: list.reduce((sum, n) => sum + n * n, 0), batches: 195 });
  });

  test('repeats what failed once', async () => {
    const { result } = await run(job, { items: { range: { start: 0, end: 200 } }, parameters: { misbehave: { 3: 'flaky', 11: 'flaky' } } });
    expect(result).toMatchObject({ sum: sumOfSquares(0, 200), failed: [] });
  });

  test('records a batch that throws, is killed or runs past its time-out, and all the others count', async () => {
    const { status, result } = await run(job, {
      items: { range: { start: 0, end: 300 } },
      parameters: { misbehave: { 2: 'throw', 9: 'exit', 20: 'hang' } },
      toleratedFailurePercentage: 10,
    });
    expect(status).toMatchObject({ status: 'SUCCEEDED', failed: 3 });
    expect(result).toMatchObject({ sum: sumOfSquares(0, 300, [2, 9, 20]), failed: [2, 9, 20], isComplete: false });
    const byBatch = Object.fromEntries(result.failures.first.map((f: any) => [f.batchId, f]));
    expect(byBatch[2]).toMatchObject({ errorType: language === 'Node' ? 'TypeError' : 'ValueError', message: 'cannot work on batch 2', attempts: 2 });
    expect(byBatch[2].requestId).toMatch(/.+/);
    expect(byBatch[20].message).toMatch(/timed out/i);
    expect(byBatch[9].attempts).toBe(2);
  });

  test('fails with the worker\'s message where no failure is tolerated', async () => {
    const { jobId, status } = await run(job, { items: { range: { start: 0, end: 300 } }, parameters: { misbehave: { 5: 'throw' } } });
    expect(status.status).toBe('FAILED');
    const { status: execution, error, cause } = await executionError(job, jobId);
    expect(execution).toBe('FAILED');
    expect(error).toBe('TooManyFailures');
    expect(cause).toContain('cannot work on batch 5');
  });

  test('passes large results by manifest', async () => {
    const { result } = await run(job, { items: { range: { start: 0, end: 1000 } }, parameters: { bytes: 60_000 } });
    expect(result).toMatchObject({ sum: sumOfSquares(0, 1000), form: 'manifest', batches: 100 });
    const single = await run(job, { items: { range: { start: 0, end: 30 } }, parameters: { bytes: 2_000_000 } });
    expect(single.result).toMatchObject({ sum: sumOfSquares(0, 30), form: 'manifest' });
  });
});

test('a worker and its replica take turns', async () => {
  const { result } = await run(bench.jobs.Replicated, { items: { range: { start: 0, end: 1000 } } });
  expect(result).toMatchObject({ sum: sumOfSquares(0, 1000), batches: 100 });
  expect(Object.values(result.by)).toEqual([50, 50]);
});

describe('what goes wrong', () => {
  let job: Deployed;
  beforeAll(() => { job = bench.jobs.Node; });

  test('a wrong request fails the execution with the field, the value and what is allowed', async () => {
    const jobId = await startExecution(bench, job, { items: { range: { start: 0, end: 10 } }, batchSize: 0 });
    expect(await job.client.wait(jobId, { pollMs: 100 })).toMatchObject({ status: 'FAILED', reason: { code: 'InvalidRequest' } });
    expect(await executionError(job, jobId)).toMatchObject({
      status: 'FAILED', error: 'InvalidRequest', cause: 'batchSize: got 0, allowed: an integer from 1 to 1000000000',
    });
  });

  test('a combiner that throws fails the job and keeps the results', async () => {
    const { jobId, status } = await run(job, { items: { range: { start: 0, end: 10 } }, parameters: { combinerThrows: true } });
    expect(status).toMatchObject({ status: 'FAILED', reason: { code: 'CombinerFailed' } });
    expect(status.reason!.message).toContain('RangeError: cannot combine');
    expect((await job.client.manifest(jobId)).succeededCount).toBe(1);
  });

  test('an execution that is stopped from outside is ended as well', async () => {
    const { jobId } = await job.client.submit({ request: { items: { range: { start: 0, end: 5000 } }, parameters: { sleepMs: 300 } } });
    await untilRunning(job, jobId);
    await bench.steps.send(new StopExecutionCommand({
      executionArn: `${job.address.stateMachineArn.replace(':stateMachine:', ':execution:')}:${jobId}`,
    }));
    const status = await job.client.wait(jobId, { pollMs: 100 });
    expect(status).toMatchObject({ status: 'CANCELLED', reason: { code: 'ExecutionStopped' } });
  });
});

test('no execution is left running', async () => {
  for (const { address } of Object.values(bench.jobs)) {
    const { executions } = await bench.steps.send(new ListExecutionsCommand({ stateMachineArn: address.stateMachineArn, statusFilter: 'RUNNING' }));
    expect(executions).toEqual([]);
  }
});
