import { GetFunctionConfigurationCommand, LambdaClient, PutFunctionConcurrencyCommand, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { CREDENTIALS, REGION } from './worlds';
import { Engine } from '../../engine';
import { LambdaInvoker } from '../../lambda/aws/invoker';
import { killFunction, processesOf } from '../e2e/processes';
import { createFunction, until } from '../engine/support';

/** What the protocol may rely on in `Invoker`: a leaf decides by these outcomes alone. */
const CONCURRENCY = 6;
const WORKER = `exports.handler = async (event) => {
  switch (event.do) {
    case 'void': return;
    case 'throw': { class TooWide extends Error { constructor(m) { super(m); this.name = 'TooWide'; } } throw new TooWide('4 m are too wide'); }
    case 'exit': process.exit(3);
    case 'wait': await new Promise((done) => setTimeout(done, event.ms));
  }
  return { got: event };
};`;

let engine: Engine;
let lambda: LambdaClient;
const invoker = (worker: string) => new LambdaInvoker(
  new LambdaClient({ ...config(), maxAttempts: 1 }), lambda, { workers: [worker], tasks: { brief: 'brief' }, combiner: 'worker', dispatcher: 'dispatcher' },
);
const config = () => ({ endpoint: engine.endpoint, region: REGION, credentials: CREDENTIALS });
const call = (event: object, worker = 'worker') => invoker(worker).callWorker(JSON.stringify(event));

beforeAll(async () => {
  engine = await Engine.start({ concurrency: CONCURRENCY });
  lambda = new LambdaClient(config());
  for (const name of ['worker', 'brief', 'stopped', 'dispatcher']) await createFunction(engine.endpoint, name, WORKER);
  await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'brief', Timeout: 1 }));
}, 240_000);
afterAll(() => engine?.stop());

test('returned: the payload as text, with a request id', async () => {
  const outcome = await call({ text: 'µ🦄', deep: { list: [1, null] } });
  expect(outcome).toEqual({ kind: 'returned', payload: expect.any(String), requestId: expect.stringMatching(/.+/) });
  expect(JSON.parse((outcome as { payload: string }).payload)).toEqual({ got: { text: 'µ🦄', deep: { list: [1, null] } } });
});

test('returned nothing: the payload is null', async () => {
  expect(await call({ do: 'void' })).toMatchObject({ kind: 'returned', payload: 'null' });
});

test('threw: with the error\'s own name and message, and the request id for its log', async () => {
  expect(await call({ do: 'throw' })).toEqual({ kind: 'threw', errorType: 'TooWide', message: '4 m are too wide', requestId: expect.stringMatching(/.+/) });
});

test('exited: threw', async () => {
  expect(await call({ do: 'exit' })).toMatchObject({ kind: 'threw', errorType: 'Runtime.ExitError', message: expect.stringMatching(/exited/i) });
});

test('killed from outside, as when it runs out of memory: threw, at once', async () => {
  const started = Date.now();
  const outcome = call({ do: 'wait', ms: 20_000 }, 'brief');
  await until(() => processesOf(engine, 'brief').length > 0);
  killFunction(engine, 'brief');
  expect(await outcome).toMatchObject({ kind: 'threw' });
  expect(Date.now() - started).toBeLessThan(10_000);
});

test('ran past its time-out: threw, and the message says so', async () => {
  expect(await call({ do: 'wait', ms: 20_000 }, 'brief')).toMatchObject({ kind: 'threw', message: expect.stringMatching(/timed out/i) });
});

test('it works again after each of these', async () => {
  expect(await call({ do: 'void' }, 'brief')).toMatchObject({ kind: 'returned' });
});

test('throttled: the function may not run at all', async () => {
  await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName: 'stopped', ReservedConcurrentExecutions: 0 }));
  expect(await call({}, 'stopped')).toEqual({ kind: 'throttled' });
});

test('throttled: the account is full; what runs is not disturbed', async () => {
  const outcomes = await Promise.all(Array.from({ length: 3 * CONCURRENCY }, () => call({ do: 'wait', ms: 2_000 })));
  const of = (kind: string) => outcomes.filter((outcome) => outcome.kind === kind).length;
  expect(of('returned')).toBe(CONCURRENCY);
  expect(of('throttled')).toBe(2 * CONCURRENCY);
  expect(await call({})).toMatchObject({ kind: 'returned' });
});

test('refused: there is no such function', async () => {
  expect(await call({}, 'nobody')).toEqual({ kind: 'refused', errorType: 'ResourceNotFoundException', message: expect.stringContaining('nobody') });
});

test('aborted: the outcome is unknown, and known at once', async () => {
  const abort = new AbortController();
  const started = Date.now();
  const outcome = invoker('worker').callWorker(JSON.stringify({ do: 'wait', ms: 3_000 }), abort.signal);
  setTimeout(() => abort.abort(), 200);
  expect(await outcome).toMatchObject({ kind: 'unknown' });
  expect(Date.now() - started).toBeLessThan(2_000);
  expect(await invoker('worker').callWorker('{}', abort.signal)).toMatchObject({ kind: 'unknown' });
});

test('the combiner is called as the worker is', async () => {
  expect(await invoker('nobody').callCombiner('{"do":"void"}')).toMatchObject({ kind: 'returned', payload: 'null' });
});

test('dispatch comes back before the dispatcher has run', async () => {
  const started = Date.now();
  await invoker('worker').dispatch({ do: 'wait', ms: 3_000 });
  expect(Date.now() - started).toBeLessThan(2_000);
  await until(() => processesOf(engine, 'dispatcher').length > 0);
});

test('knows the account\'s limit and the worker\'s time-out', async () => {
  expect(await invoker('worker').accountConcurrency()).toBe(CONCURRENCY);
  const { FunctionArn } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: 'brief' }));
  expect(await invoker(FunctionArn!).workerTimeoutSeconds()).toBe(1);
  await expect(invoker('nobody').workerTimeoutSeconds()).rejects.toMatchObject({ name: 'NotAllowed', message: expect.stringContaining('nobody') });
});
