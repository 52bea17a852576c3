import { batchResults, BatchResult } from '../../lambda/protocol/results';
import { ChildItem, StateError, World, WorldOptions } from '../../simulation/world';

/** Jobs that a Distributed Map fans out: what Prepare writes for it, and what is made of what its children leave. */
function world(child: WorldOptions['child'], options: Partial<WorldOptions> = {}): World {
  return new World({
    worker: () => { throw new Error('children call the workers'); },
    ...options,
    child,
    settings: { fanOut: { childType: 'STANDARD', maxConcurrency: 10_000 }, ...options.settings },
  });
}

const range = (end: number) => ({ items: { range: { start: 0, end } } });
const lines = (w: World, epoch = 1): ChildItem[] => w.payloads.objects.get(`jobs/job/e${epoch}/map.jsonl`)!.toString().split('\n').slice(0, -1)
  .map((line) => JSON.parse(line) as ChildItem);
const echo = ({ event }: ChildItem) => ({ result: `{${event}}` });
const job = (w: World) => w.tasks.rows.get('j#job') as any;

async function resultsOf(w: World, epoch = 1): Promise<BatchResult[]> {
  const read: BatchResult[] = [];
  const manifest = JSON.parse(w.payloads.objects.get(`jobs/job/e${epoch}/manifest.json`)!.toString());
  for await (const batch of batchResults(manifest, async (key) => w.payloads.objects.get(key)!.toString())) read.push(batch);
  return read;
}

test('a line for each batch, with the text of its event, as the worker gets it from a dispatcher', async () => {
  const w = world(echo);
  expect(await w.run({ ...range(205), batchSize: 10, parameters: { p: [1] } })).toMatchObject({ succeeded: true });
  expect(lines(w)).toHaveLength(21);
  expect(lines(w)[20]).toEqual({ unit: 20, batch: 20, function: 'worker', head: '{"jobId":"job","batchId":20,"invocationAttempt":', event: '"range":{"start":200,"end":205},"parameters":{"p":[1]}', ids: '' });
  expect((await resultsOf(w)).map(({ result }) => (result as any).range.start)).toEqual(Array.from({ length: 21 }, (_, i) => 10 * i));
});

test('items of an object are copied as they are, over the bounds of 64 batches', async () => {
  const w = world(echo);
  const items = Array.from({ length: 200 }, (_, i) => `{"n": ${i}, "long": 12345678901234567890}`);
  w.inputs.objects.set('uploads/items.jsonl', Buffer.from(items.join('\n')));
  expect(await w.run({ items: { s3: { uri: 's3://uploads/items.jsonl' } }, batchSize: 3 })).toMatchObject({ succeeded: true, output: { batchCount: 67 } });
  expect(lines(w).map(({ event }) => event)).toEqual(Array.from({ length: 67 }, (_, i) => `"items":[${items.slice(3 * i, 3 * i + 3).join(',')}]`));
});

test('ends of lines that only some readers know are none', async () => {
  const w = world(echo);
  await w.run({ items: { list: ['a\u2028b\u2029c\u0085d'] } });
  expect(w.payloads.objects.get('jobs/job/e1/map.jsonl')!.toString()).not.toMatch(/[\u0085\u2028\u2029]/);
  expect((await resultsOf(w))[0].result).toEqual({ items: ['a\u2028b\u2029c\u0085d'] });
});

test('a child that left nothing is a recorded failure, which counts', async () => {
  const lost = world((item) => (item.batch === 70 ? undefined : echo(item)));
  expect(await lost.run({ ...range(100), toleratedFailurePercentage: 1 })).toMatchObject({ succeeded: true, output: { failedCount: 1 } });
  expect((await resultsOf(lost))[70]).toMatchObject({ state: 'failed', failure: { errorType: 'ChildLost', message: expect.stringContaining('the Map Run') } });
  const intolerant = world((item) => (item.batch === 70 ? undefined : echo(item)));
  expect(await intolerant.run(range(100))).toMatchObject({ succeeded: false, verdict: { errorName: 'TooManyFailures' } });
});

test('a map that ends early leaves the other batches without a result', async () => {
  const w = world((item) => {
    if (item.batch === 11) throw new StateError('States.ExceedToleratedFailureThreshold', 'too many');
    return item.batch === 10 ? { failure: 'cannot' } : echo(item);
  });
  expect(await w.run(range(100))).toMatchObject({ succeeded: false, verdict: { errorName: 'TooManyFailures', message: expect.stringContaining('1 of 100 batches failed') } });
  expect((await resultsOf(w)).filter(({ state }) => state === 'missing')).toHaveLength(89);
});

test.each([
  ['its children were lost', 'States.ExceedToleratedFailureThreshold', 'ChildrenLost', 'may not put into the results table'],
  ['it could not read', 'States.ItemReaderFailed', 'States.ItemReaderFailed', 'the Distributed Map failed: States.ItemReaderFailed: Access Denied'],
])('a map that failed because %s fails the job and says so', async (_, error, code, message) => {
  const w = world(() => { throw new StateError(error, 'Access Denied'); });
  expect(await w.run(range(100))).toMatchObject({ succeeded: false, verdict: { errorName: code, message: expect.stringContaining(message) } });
});

test('a map that failed after its last child counts for nothing', async () => {
  const w = world((item) => {
    if (item.batch === 99) w.results.rows.set('j#job#e1#g99', { ...w.results.rows.get('j#job#e1#g98')!, pk: 'j#job#e1#g99', unit: 99, group: 99, first: 99 });
    if (item.batch === 99) throw new StateError('States.ResultWriterFailed', 'Access Denied');
    return echo(item);
  });
  expect(await w.run(range(100))).toMatchObject({ succeeded: true });
});

test('past the deadline a job is timed out, and keeps what it has', async () => {
  const w = world((item) => {
    if (item.batch === 40) throw new StateError('States.ExceedToleratedFailureThreshold', 'late');
    return echo(item);
  });
  jumpAtBatch(w, 40);
  expect(await w.run({ ...range(100), timeoutSeconds: 1 })).toMatchObject({ succeeded: false, verdict: { errorName: 'TimedOut' } });
  expect((await resultsOf(w)).filter(({ state }) => state === 'succeeded')).toHaveLength(40);
});

test('a redrive runs failed and missing batches alone, and all results stand in order', async () => {
  const isBad = new Set([3, 64, 130]);
  const w = world((item) => (isBad.has(item.batch) ? { failure: 'cannot' } : item.batch === 131 ? undefined : echo(item)));
  await w.run(range(200));
  isBad.clear();
  const again = world(echo);
  Object.assign(again, { tasks: w.tasks, results: w.results, payloads: w.payloads });
  expect(await again.run({ redrive: { jobId: 'job' } }, 'job.e2')).toMatchObject({ succeeded: true, output: { epoch: 2, failedCount: 0 } });
  expect(lines(again, 2).map(({ unit, batch }) => [unit, batch])).toEqual([[0, 3], [1, 64], [2, 130], [3, 131]]);
  expect((await resultsOf(again, 2)).map(({ result }) => (result as any).range.start)).toEqual(Array.from({ length: 200 }, (_, i) => i));
});

test('a redrive under another fan-out is refused', async () => {
  const w = world(() => ({ failure: 'cannot' }));
  await w.run(range(10));
  const tree = new World({ worker: () => ({ kind: 'returned', payload: '1', requestId: 'r' }) });
  Object.assign(tree, { tasks: w.tasks, results: w.results, payloads: w.payloads });
  expect(await tree.run({ redrive: { jobId: 'job' } }, 'job.e2')).toMatchObject({ succeeded: false, verdict: { errorName: 'InvalidRequest', message: expect.stringContaining('another fanOut') } });
});

describe('tasks', () => {
  const settings = { taskTimeoutSeconds: { a: 20 } };

  test('carry their ids, and those that were not run are listed', async () => {
    const w = world((item) => {
      if (item.batch === 66) throw new StateError('States.ExceedToleratedFailureThreshold', 'too many');
      return item.batch === 65 ? { failure: 'cannot' } : { result: item.taskId === 't1' ? '1' : '0' };
    }, { settings: { ...settings, fanOut: { childType: 'EXPRESS', maxConcurrency: 5 } } });
    await w.run({ tasks: Array.from({ length: 70 }, (_, i) => ({ id: `t${i}`, function: 'a' })) });
    const result = JSON.parse(w.payloads.objects.get('jobs/job/e1/result.json')!.toString());
    expect(Object.keys(result)).toEqual(Array.from({ length: 70 }, (_, i) => `t${i}`));
    expect([result.t1, result.t65.status, result.t69]).toEqual([{ status: 'SUCCEEDED', result: 1 }, 'FAILED', { status: 'NOT_RUN' }]);
  });
});

test('the smallest of all limits holds', async () => {
  const concurrency = async (fanOut: number, prop: number | undefined, account: number, request?: number) => {
    const w = world(echo, { accountConcurrency: account, settings: { fanOut: { childType: 'STANDARD', maxConcurrency: fanOut }, maxConcurrency: prop } });
    await w.run({ ...range(3), maxConcurrency: request });
    return job(w).plan.map.maxConcurrency;
  };
  expect(await concurrency(10_000, undefined, 1000)).toBe(1000);
  expect(await concurrency(70, 90, 1000)).toBe(70);
  expect(await concurrency(70, 60, 1000)).toBe(60);
  expect(await concurrency(70, 60, 1000, 50)).toBe(50);
});

test('what passes through a state has its limits, and says what to do', async () => {
  const large = world(echo);
  expect(await large.run({ items: { list: ['"'.repeat(70_000)] } })).toMatchObject({
    succeeded: false, verdict: { errorName: 'InvalidRequest', message: expect.stringMatching(/^batch 0: got an event of \d+ bytes as a JSON string.*use a smaller batchSize/) },
  });
  const many = world(echo);
  expect(await many.run(range(1_000_001))).toMatchObject({
    succeeded: false, verdict: { message: 'batchSize: got 1000001 batches, allowed: at most 1000000 with FanOut.distributedMap(): use a larger batchSize, or FanOut.tree()' },
  });
  const slow = world(echo, { settings: { fanOut: { childType: 'EXPRESS', maxConcurrency: 1 }, workerTimeoutSeconds: 300 } });
  expect(await slow.run(range(1))).toMatchObject({ succeeded: false, verdict: { message: expect.stringContaining('worker time-out: got 300 s, allowed: at most 270 s') } });
});

test('the bill adds up what the rows of the children say', async () => {
  const w = world((item) => (item.batch === 1 ? { failure: 'cannot' } : echo(item)));
  await w.run({ ...range(10), toleratedFailurePercentage: 50 });
  // nine of four transitions, and seven of the one that failed; Prepare, the map and Combine
  expect(job(w).usage).toMatchObject({ workerInvocations: 10, workerMs: 50, stateTransitions: 9 * 4 + 7 + 3, monitorInvocations: 2 });
  expect(job(w).usage.tableWriteUnits).toBeGreaterThan(10);
  expect(job(w).usage.dispatcherInvocations).toBeUndefined();
});

/** Lets the deadline pass before a batch. */
function jumpAtBatch(w: World, batch: number): void {
  const put = w.results.put.bind(w.results);
  w.results.put = async (row, condition) => {
    if (row.unit === batch - 1) await w.clock.sleep(2_000);
    return put(row, condition);
  };
}
