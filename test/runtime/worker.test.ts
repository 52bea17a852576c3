import { BatchResult, burstWorker, itemResults, WorkerEvent } from '../../runtime';

const event = (fields: object) => ({ jobId: 'job', batchId: 7, invocationAttempt: 1, deadlineMs: 1.9e12, ...fields }) as WorkerEvent;
const itemsOf = (result: unknown) => [...itemResults({ batchId: 7, state: 'succeeded', result } as BatchResult)];

test('one item after the other, of a range and of a list', async () => {
  const handler = burstWorker(async (item: number, { parameters, batchId }) => [item * (parameters as number), batchId]);
  expect(await handler(event({ range: { start: 1, end: 3 }, parameters: 10 }))).toEqual({ results: [[10, 7], [20, 7]], errors: [] });
  expect(await handler(event({ items: [4], parameters: 10 }))).toEqual({ results: [[40, 7]], errors: [] });
});

test('all items at once', async () => {
  const handler = burstWorker((items: number[]) => items.length, { unit: 'batch' });
  expect(await handler(event({ range: { start: 0, end: 5 } }))).toBe(5);
});

test('errors of items are reported, and the others count', async () => {
  const handler = burstWorker((item: number) => {
    if (item === 1) throw new RangeError('one');
    return item === 2 ? 2n : item === 3 ? undefined : item;
  });
  expect(itemsOf(await handler(event({ range: { start: 0, end: 5 } })))).toMatchObject([
    { index: 0, state: 'succeeded', result: 0 },
    { index: 1, state: 'failed', error: { errorType: 'RangeError', message: 'one', traceback: expect.stringContaining('worker.test') } },
    { index: 2, state: 'failed', error: { errorType: 'TypeError', message: expect.stringMatching(/BigInt/) } },
    { index: 3, state: 'succeeded', result: null },
    { index: 4, state: 'succeeded', result: 4 },
  ]);
});

test('an error may fail the batch', async () => {
  const done: number[] = [];
  const handler = burstWorker((item: number) => {
    done.push(item);
    if (item === 1) throw new RangeError('one');
  }, { errors: 'fail' });
  await expect(handler(event({ range: { start: 0, end: 5 } }))).rejects.toThrow(RangeError);
  expect(done).toEqual([0, 1]);
});

test('a task is one item, and its errors are its own', async () => {
  const handler = burstWorker(({ n }: { n: number }, { taskId }) => {
    if (n === 0) throw new RangeError('zero');
    return [taskId, n];
  });
  expect(await handler(event({ task: { id: 't', function: 'any', params: { n: 1 } } }))).toEqual(['t', 1]);
  await expect(handler(event({ task: { id: 't', function: 'any', params: { n: 0 } } }))).rejects.toThrow('zero');
});

test('listed functions are called by name, and no others', async () => {
  const handler = burstWorker({ add: (a: number, b: number) => a + b, negate: (a: number) => -a });
  const calls = [{ function: 'add', args: [1, 2] }, { function: 'constructor', args: [] }, { function: 'toString' }, 3];
  expect(itemsOf(await handler(event({ items: calls })))).toMatchObject([
    { result: 3 },
    { error: { errorType: 'FunctionNotListed', message: expect.stringContaining('"constructor", allowed: add, negate') } },
    { error: { errorType: 'FunctionNotListed' } },
    { error: { errorType: 'TypeError' } },
  ]);
  expect(await handler(event({ task: { id: 'a', function: 'negate', params: 4 } }))).toBe(-4);
  await expect(handler(event({ task: { id: 'a', function: 'eval', params: '1' } }))).rejects.toThrow('allowed: add, negate');
});

test('time that is left: of the call or of the job', async () => {
  const handler = burstWorker((_: number, batch) => batch.remainingMs());
  const left = async (fields: object) => itemsOf(await handler(event({ items: [0], ...fields }), { getRemainingTimeInMillis: () => 5000 }))[0].result;
  expect(await left({})).toBe(5000);
  expect(await left({ deadlineMs: Date.now() - 1000 })).toBeLessThan(0);
});

test('what cannot be a worker, other events and other results are refused', async () => {
  expect(() => burstWorker({ add: 3 } as any)).toThrow('add: not a function');
  expect(() => burstWorker(() => 1, { errors: 'ignore' as any })).toThrow('errors: got "ignore", allowed: "report", "fail"');
  await expect(burstWorker(() => 1)({ results: {} } as any)).rejects.toThrow(/not the event of a worker.*results.*range, items, task/);
  expect(() => itemsOf([1])).toThrow('burstWorker');
  expect(() => [...itemResults({ batchId: 1, state: 'missing' })]).toThrow('it is missing');
});
