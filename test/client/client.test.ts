import { createServer } from 'http';
import { AddressInfo } from 'net';
import { CreateAccessKeyCommand, IAMClient } from '@aws-sdk/client-iam';
import {
  AccessDeniedError, AddressError, BatchResult, BurstClient, CredentialsError, FollowOptions, InvalidRequestError, JobStatus, UnknownJobError,
} from '../../client';
import { Bench, bundle, Deployed, deployOnEngine, overrideSettings, startExecution, untilRunning } from '../e2e/harness';

/** The client against a deployed app: what it reads while a job runs, how it finds it, and what it says when it cannot. */
let bench: Bench;
let job: Deployed;
let requests: string[];

/** Passes everything on to the engine and notes what was asked for. */
const counter = createServer(async (request, response) => {
  const body: Buffer[] = [];
  for await (const chunk of request) body.push(chunk as Buffer);
  requests.push(String(request.headers['x-amz-target'] ?? `${request.method} ${request.url}`).replace(/^.*\./, ''));
  const { host, ...headers } = request.headers as Record<string, string>;
  const answer = await fetch(`${bench.engine.endpoint}${request.url}`, { method: request.method, headers, body: body.length ? Buffer.concat(body) : undefined });
  response.writeHead(answer.status, Object.fromEntries([...answer.headers].filter(([name]) => !/^(transfer-encoding|content-length|connection)$/.test(name))));
  response.end(Buffer.from(await answer.arrayBuffer()));
});
const counted = () => new BurstClient({ ...bench.config, endpoint: `http://127.0.0.1:${(counter.address() as AddressInfo).port}`, address: job.address });

beforeAll(async () => {
  bench = await deployOnEngine('npx ts-node -T test/e2e/app.ts', {
    environment: { COMBINER_CODE: bundle('test/e2e/functions/combiner/combiner.ts', 'e2e-combiner') },
  });
  job = bench.jobs.Node;
  await overrideSettings(bench, job, { leafStartGraceSeconds: 2 });
  await new Promise<void>((resolve) => counter.listen(0, '127.0.0.1', resolve));
}, 240_000);

beforeEach(() => { requests = []; });

afterAll(() => {
  counter.close();
  return bench?.engine.stop();
});

/** 8 groups of quick batches. */
const QUICK = { items: { range: { start: 0, end: 500 } }, batchSize: 1 };
/** Slow enough to be read while it runs: many groups, few at a time. */
const SLOW = { ...QUICK, maxConcurrency: 16, parameters: { sleepMs: 150 } };

async function read(jobId: string, options: FollowOptions = {}): Promise<{ batches: BatchResult[]; statuses: string[] }> {
  const batches: BatchResult[] = [];
  const statuses: string[] = [];
  for await (const batch of job.client.results(jobId, { pollMs: 200, ...options })) {
    if (batch.batchId % 64 === 0) statuses.push((await job.client.status(jobId)).status);
    batches.push(batch);
  }
  return { batches, statuses };
}

const squareOf = ({ result }: BatchResult) => (result as { squares: number[] }).squares[0];
const expectSquares = (batches: BatchResult[], count: number) => {
  expect(batches.map(({ batchId }) => batchId).sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
  for (const batch of batches) expect(squareOf(batch)).toBe(batch.batchId ** 2);
};

describe('results', () => {
  test.each(['batch', 'finished'] as const)('come while the job runs, each once, in order %s', async (order) => {
    const { jobId } = await job.client.submit({ request: SLOW });
    const { batches, statuses } = await read(jobId, { order });
    expectSquares(batches, 500);
    if (order === 'batch') expect(batches.map(({ batchId }) => batchId)).toEqual([...batches.keys()]);
    expect(statuses).toHaveLength(8);
    expect(statuses[0]).toBe('RUNNING');
    expect((await job.client.wait(jobId)).status).toBe('SUCCEEDED');
    expectSquares((await read(jobId, { order })).batches, 500); // and the same once more from the manifest
  });

  test('of a job that was cancelled say what is missing, and those of its redrive come in order while it runs', async () => {
    const { jobId } = await job.client.submit({ request: SLOW });
    for await (const { batchId } of job.client.results(jobId, { pollMs: 100 })) if (batchId === 70) break;
    expect((await read(jobId, { follow: false })).batches.every(({ state }) => state === 'succeeded')).toBe(true);
    await job.client.cancel(jobId);
    const { batches } = await read(jobId);
    expect(batches.map(({ batchId }) => batchId)).toEqual([...Array(500).keys()]);
    const missing = batches.filter(({ state }) => state === 'missing').length;
    expect(missing).toBeGreaterThan(0);
    expect(await job.client.manifest(jobId)).toMatchObject({ succeededCount: 500 - missing, failedCount: 0 });

    expect(await job.client.redrive(jobId)).toEqual({ jobId, epoch: 2 });
    const redriven = await read(jobId);
    expect(redriven.statuses[0]).toBe('RUNNING');
    expectSquares(redriven.batches, 500);
    expect(redriven.batches.map(({ batchId }) => batchId)).toEqual([...Array(500).keys()]);
    expect((await job.client.wait(jobId)).epoch).toBe(2);
    const listed = [];
    for await (const summary of job.client.list()) listed.push(summary);
    expect(listed.filter((summary) => summary.jobId === jobId)).toMatchObject([{ status: 'SUCCEEDED', batchCount: 500 }]);
    expect(listed[0].jobId).toBe(jobId); // the latest first
  });

  test('failures say what failed and why, in the end and before', async () => {
    const { jobId } = await job.client.submit({
      request: { ...SLOW, toleratedFailurePercentage: 5, parameters: { sleepMs: 150, misbehave: { 3: 'throw', 490: 'exit' } } },
    });
    const failed: number[] = [];
    let first: string | undefined;
    for await (const { batchId, message } of job.client.failures(jobId, { pollMs: 200 })) {
      first ??= `${(await job.client.status(jobId)).status} ${message}`;
      failed.push(batchId);
    }
    expect([first, failed]).toEqual(['RUNNING cannot work on batch 3', [3, 490]]);
  });

  test('a job that never had a plan has none', async () => {
    expect((await read(await startExecution(bench, job, { items: 5 }))).batches).toEqual([]);
  });
});

describe('what is plainly wrong is refused before anything is asked', () => {
  test.each<[string, unknown, string | undefined, string, string]>([
    ['a value', { items: { range: { start: 5, end: 1 } } }, undefined, 'items.range', 'the request is refused: items.range: got {"start":5,"end":1}, allowed: start <= end'],
    ['an unknown field', { items: { range: { start: 0, end: 1 } }, batchsize: 3 }, undefined, 'batchsize', 'batchsize: unknown field, allowed here: items'],
    ['a task', { tasks: [{ function: 'a' }, { id: 'b' }] }, undefined, 'tasks.1.function', 'tasks.1.function: got nothing'],
    ['a redrive', { redrive: 'job' }, undefined, 'redrive', 'redrive: got {"redrive":"job"}'],
    ['no object', undefined, undefined, 'request', 'request: got nothing, allowed: an object'],
    ['a name', QUICK, 'a.b', 'name', 'name: got "a.b", allowed: 1 to 75 letters'],
  ])('%s', async (_, request, name, field, says) => {
    const refused = counted().submit({ request, name });
    await expect(refused).rejects.toThrow(InvalidRequestError);
    await expect(refused).rejects.toMatchObject({ field, message: expect.stringContaining(says) });
    expect(requests).toEqual([]);
  });
});

describe('what it costs to watch', () => {
  test('two requests per look, however large the job', async () => {
    const client = counted();
    const { jobId } = await client.submit({ request: SLOW });
    await untilRunning(job, jobId, 1);
    requests = [];
    const looks: JobStatus[] = [];
    await client.wait(jobId, { pollMs: 100, onProgress: (status) => looks.push(status) });
    expect(looks.length).toBeGreaterThan(5);
    expect(requests.filter((name) => name === 'GetItem')).toHaveLength(looks.length);
    expect(requests.filter((name) => name === 'BatchGetItem').length).toBeLessThanOrEqual(looks.length);
    expect(new Set(requests)).toEqual(new Set(['GetItem', 'BatchGetItem']));
  });

  test('results read each row once beside that', async () => {
    const client = counted();
    const { jobId } = await client.submit({ request: SLOW });
    await untilRunning(job, jobId, 1);
    requests = [];
    const groups = new Set<number>();
    for await (const { batchId } of client.results(jobId, { pollMs: 300 })) groups.add(Math.floor(batchId / 64));
    expect(groups.size).toBe(8);
    const looks = requests.filter((name) => name === 'GetItem').length;
    expect(requests.filter((name) => name === 'BatchGetItem').length).toBeLessThanOrEqual(2 * looks + 8);
    expect(requests.filter((name) => !name.endsWith('GetItem'))).toHaveLength(1); // the manifest
  });

  test('everything can be given up, and the job goes on', async () => {
    const { jobId } = await job.client.submit({ request: SLOW });
    const given = () => AbortSignal.timeout(300);
    await expect(job.client.wait(jobId, { signal: given() })).rejects.toMatchObject({ name: 'AbortError' });
    const reading = async () => { for await (const batch of job.client.results(jobId, { signal: given() })) expect(batch.state).toBe('succeeded'); };
    await expect(reading()).rejects.toMatchObject({ name: 'AbortError' });
    await expect(job.client.status(jobId, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    expect((await job.client.wait(jobId)).status).toBe('SUCCEEDED');
  });
});

describe('a BurstCompute is found', () => {
  test('by its state machine alone, with the Region of its ARN', async () => {
    const { region, ...config } = bench.config;
    const { stateMachineArn } = job.address;
    expect(await new BurstClient({ ...config, stateMachineArn }).address()).toEqual(job.address);
    const execution = `${stateMachineArn.replace(':stateMachine:', ':execution:')}:some-job`;
    expect(await new BurstClient({ ...config, stateMachineArn: execution }).address()).toEqual(job.address);
    expect(() => new BurstClient({ ...config, stateMachineArn, region: 'eu-west-1' })).toThrow('is in us-east-1, not in eu-west-1');
  });

  test('by its stack and construct, and by the value of the output', async () => {
    const byStack = (stack: string, construct?: string) => new BurstClient({ ...bench.config, stack, construct }).address();
    expect(await byStack('E2e', 'Node')).toEqual(job.address);
    expect(await byStack('E2e', 'E2e/Node')).toEqual(job.address);
    await expect(byStack('E2e')).rejects.toThrow(/several.*\n {2}E2e\/Imported/);
    await expect(byStack('E2e', 'Nope')).rejects.toThrow('there is no BurstCompute Nope');
    await expect(byStack('Nowhere')).rejects.toThrow('there is no stack Nowhere in us-east-1');
    expect(await new BurstClient({ ...bench.config, address: JSON.stringify(job.address) }).address()).toEqual(job.address);
  });

  test('or the reason is said', async () => {
    expect(() => new BurstClient({})).toThrow('give exactly one of stateMachineArn, stack and address: got none');
    expect(() => new BurstClient({ stateMachineArn: 'Burst' })).toThrow(AddressError);
    const stateMachineArn = job.address.stateMachineArn.replace(/[^:]+$/, 'Nobody');
    await expect(new BurstClient({ ...bench.config, stateMachineArn }).status('x')).rejects.toThrow('there is no state machine');
    await expect(new BurstClient({ ...bench.config, stateMachineArn: job.address.stateMachineArn }).status('x')).rejects.toThrow(UnknownJobError);
  });
});

test('the grants are enough for the client, knowing the state machine alone, and each is needed', async () => {
  const iam = new IAMClient(bench.config);
  const as = async (UserName: string) => {
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
    const credentials = { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
    return new BurstClient({ endpoint: bench.config.endpoint, credentials, stateMachineArn: job.address.stateMachineArn });
  };
  const [starter, reader] = [await as('starter'), await as('reader')];
  const list = Array.from({ length: 500 }, (_, i) => ({ i, padding: 'x'.repeat(600) })); // is uploaded
  const { jobId } = await starter.submit({ request: { items: { list }, parameters: { sleepMs: 300 }, batchSize: 1, maxConcurrency: 8 } });
  await untilRunning(job, jobId, 1);
  await expect(reader.cancel(jobId)).rejects.toThrow(AccessDeniedError);
  await expect(reader.submit({ request: QUICK })).rejects.toThrow(/not allowed.*StartExecution.*grantStart/);
  await starter.cancel(jobId);
  expect(await reader.wait(jobId)).toMatchObject({ status: 'CANCELLED' });
  for await (const { state } of reader.results(jobId)) expect(state).not.toBe('failed');
  for await (const failure of reader.failures(jobId)) expect(failure).toBeUndefined();
  for await (const summary of reader.list({ limit: 1 })) expect(summary.jobId).toBe(jobId);
  await expect(reader.redrive(jobId)).rejects.toThrow(AccessDeniedError);
  expect(await starter.redrive(jobId)).toEqual({ jobId, epoch: 2 });
  await starter.cancel(jobId);
});

describe('what is wrong on the way to AWS is said', () => {
  test.each([
    ['ExpiredTokenException', 'have expired'], ['UnrecognizedClientException', 'are not accepted'], ['AccessDeniedException', 'grantReadResults'],
  ])('%s', async (type, says) => {
    const refusing = createServer((_, response) => {
      response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify({ __type: type, message: 'said by AWS' }));
    });
    await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`;
    const failing = new BurstClient({ ...bench.config, endpoint, address: job.address }).status('x');
    await expect(failing).rejects.toThrow(says);
    await expect(failing).rejects.toThrow('said by AWS');
    refusing.close();
  });

  test('credentials that cannot be found', async () => {
    const credentials = () => Promise.reject(Object.assign(new Error('no provider had any'), { name: 'CredentialsProviderError' }));
    await expect(new BurstClient({ ...bench.config, credentials, address: job.address }).status('x')).rejects.toThrow(CredentialsError);
  });
});
