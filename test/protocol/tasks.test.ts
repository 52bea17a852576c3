import { CallOutcome } from '../../lambda/protocol';
import { batchResults } from '../../lambda/protocol/results';
import { World, WorldOptions } from '../../simulation/world';

const returned = (value: unknown): CallOutcome => ({ kind: 'returned', payload: JSON.stringify(value), requestId: 'r' });
const threw = (message: string): CallOutcome => ({ kind: 'threw', errorType: 'Error', message, requestId: 'r' });
const taskTimeoutSeconds = { double: 20, resize: null };

/** A world with two registered functions: one doubles its params, the other says what it was told. */
function world(options: Partial<WorldOptions> = {}): World {
  return new World({
    worker: ({ task }) => (task!.function === 'double' ? returned(2 * (task!.params as number)) : returned(task!.params ?? null)),
    combiner: () => { throw new Error('a combiner knows nothing of unlike tasks'); },
    ...options,
    settings: { taskTimeoutSeconds, ...options.settings },
  });
}

const resultOf = (w: World, epoch = 1) => JSON.parse(w.payloads.objects.get(`jobs/job/e${epoch}/result.json`)!.toString());
const manifestOf = (w: World, epoch = 1) => JSON.parse(w.payloads.objects.get(`jobs/job/e${epoch}/manifest.json`)!.toString());
const upload = (w: World, lines: string[]) => {
  w.inputs.objects.set('uploads/tasks.jsonl', Buffer.from(lines.join('\n')));
  return { s3: { uri: 's3://uploads/tasks.jsonl' } };
};

test('each goes to the function that it names, with its id and params; the result is keyed by id', async () => {
  const w = world();
  const tasks = [{ id: 'a', function: 'double', params: 4 }, { function: 'resize', params: { w: 1 } }, { id: 'last/ü"', function: 'resize' }];
  expect(await w.run({ tasks, parameters: { p: 1 } })).toMatchObject({ succeeded: true, output: { batchCount: 3, result: 's3://bucket/jobs/job/e1/result.json' } });
  expect(resultOf(w)).toEqual({
    'a': { status: 'SUCCEEDED', result: 8 }, '1': { status: 'SUCCEEDED', result: { w: 1 } }, 'last/ü"': { status: 'SUCCEEDED', result: null },
  });
  const event = w.calls.find(({ task }) => task!.id === '1')!;
  expect(event).toEqual({ jobId: 'job', batchId: 1, invocationAttempt: 1, task: { id: '1', function: 'resize', params: { w: 1 } }, parameters: { p: 1 }, deadlineMs: expect.any(Number) });
});

test('params reach the function as they were sent, with or without an id', async () => {
  const texts: string[] = [];
  const w = world({ onCall: (payload) => texts.push(payload) });
  const lines = ['{"function":"resize","params":12345678901234567890}', '  {"params": 0.1000, "id": "x", "function": "resize"}', '{ "function" : "resize" }'];
  expect(await w.run({ tasks: upload(w, lines) })).toMatchObject({ succeeded: true });
  expect(texts.map((text) => /"task":(.*),"deadlineMs"/.exec(text)![1]).sort()).toEqual([
    '{"id":"0","function":"resize","params":12345678901234567890}', '{"id":"2", "function" : "resize" }', '{"params": 0.1000, "id": "x", "function": "resize"}',
  ]);
});

test('thousands of them from an object, of which each leaf reads its own', async () => {
  const w = world({ accountConcurrency: 200, settings: { maxWindow: 16 } });
  const lines = Array.from({ length: 1500 }, (_, i) => JSON.stringify({ id: `t${i}`, function: 'double', params: i }));
  expect(await w.run({ tasks: upload(w, lines) })).toMatchObject({ succeeded: true });
  expect(Object.entries(resultOf(w))).toEqual(lines.map((_, i) => [`t${i}`, { status: 'SUCCEEDED', result: 2 * i }]));
  expect(w.calls).toHaveLength(1500);
  const read = [];
  const fetch = async (key: string) => w.payloads.objects.get(key)!.toString();
  for await (const { taskId, result } of batchResults(manifestOf(w), fetch)) read.push([taskId, result]);
  expect(read).toEqual(lines.map((_, i) => [`t${i}`, 2 * i]));
});

test('a failed one is recorded under its id, and the others stand', async () => {
  const w = world({
    worker: ({ task }) => (task!.id === 'bad' ? threw('no such picture') : returned('x'.repeat(300_000))),
    settings: { toleratedFailurePercentage: 100, workerRetries: 1 },
  });
  await w.run({ tasks: [{ id: 'bad', function: 'resize' }, { id: 'large', function: 'resize' }] });
  expect(resultOf(w)).toEqual({
    bad: { status: 'FAILED', error: { errorType: 'Error', message: 'no such picture', attempts: 2, requestId: 'r' } },
    large: { status: 'SUCCEEDED', resultUri: expect.stringMatching(/^s3:\/\/bucket\/jobs\/job\/e1\/batches\/1\//) },
  });
  expect(manifestOf(w).groups[0].failed).toMatchObject([{ batchId: 0, taskId: 'bad' }]);
});

test('a job that ends early tells of each what became of it; a redrive runs the rest', async () => {
  let isMended = false;
  const w = world({
    worker: ({ task, batchId }) => (batchId === 3 && !isMended ? threw('boom') : returned(task!.id)), settings: { workerRetries: 0, maxWindow: 1 },
  });
  const tasks = Array.from({ length: 130 }, (_, i) => ({ id: `t${i}`, function: 'double', params: i }));
  expect(await w.run({ tasks, maxConcurrency: 1 })).toMatchObject({ succeeded: false, verdict: { errorName: 'TooManyFailures' } });
  const early = resultOf(w);
  expect(Object.keys(early)).toEqual(tasks.map(({ id }) => id));
  expect(early).toMatchObject({ t0: { status: 'SUCCEEDED', result: 't0' }, t3: { status: 'FAILED', error: { message: 'boom' } }, t129: { status: 'NOT_RUN' } });
  expect(manifestOf(w).groups[0]).toMatchObject({ first: 0, count: 4, failed: [{ batchId: 3, taskId: 't3' }] });
  isMended = true;
  expect(await w.run({ redrive: { jobId: 'job' } }, 'job.e2')).toMatchObject({ succeeded: true });
  expect(resultOf(w, 2)).toEqual(Object.fromEntries(tasks.map(({ id }) => [id, { status: 'SUCCEEDED', result: id }])));
});

test('are priced by the size of their own functions, after a redrive, too', async () => {
  const worker = { memoryMegabytes: 512, architecture: 'arm64' as const };
  const task = { memoryMegabytes: 128, architecture: 'arm64' as const };
  const w = world({ worker: () => threw('boom'), settings: { functions: { worker, task } } });
  await w.run({ tasks: [{ function: 'double', params: 1 }] });
  expect(w.tasks.rows.get('j#job')!.functions).toEqual({ worker: task });
  await w.run({ redrive: { jobId: 'job' } }, 'job.e2');
  expect(w.tasks.rows.get('j#job')).toMatchObject({ epoch: 2, functions: { worker: task } });
});

test('of a leaf that is given up, too, each failure has its id', async () => {
  const w = world({ dispatcherDies: () => 5, settings: { toleratedFailurePercentage: 100, startPatienceSeconds: 0, maxLeafRestarts: 0 } });
  expect(await w.run({ tasks: [{ id: 'a', function: 'double', params: 1 }] })).toMatchObject({ succeeded: true });
  expect(resultOf(w)).toEqual({ a: { status: 'FAILED', error: expect.objectContaining({ errorType: 'LeafLost' }) } });
  expect(manifestOf(w).groups[0].failed).toMatchObject([{ taskId: 'a' }]);
});

test('none of them are no work', async () => {
  const w = world();
  expect(await w.run({ tasks: [] })).toMatchObject({ succeeded: true, output: { batchCount: 0 } });
  expect(resultOf(w)).toEqual({});
});

test('a redrive asks for functions that are gone', async () => {
  const w = world({ worker: () => threw('boom') });
  await w.run({ tasks: [{ function: 'double', params: 1 }] });
  delete (w.settings as { taskTimeoutSeconds?: object }).taskTimeoutSeconds;
  expect(await w.run({ redrive: { jobId: 'job' } }, 'job.e2')).toMatchObject({ succeeded: false });
  expect(w.crashes).toEqual([]);
});
