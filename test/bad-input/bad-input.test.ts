import { ANSWERS, DISPATCH_EVENTS, MONITOR_EVENTS } from './events';
import { FILES, TASK_FILES } from './files';
import { PROPS } from './props';
import { REQUESTS, TASKS } from './requests';
import { CallOutcome, checkMonitorEvent } from '../../lambda/protocol';
import { World, WorldOptions } from '../../simulation/world';
import { newBurst, newStack } from '../src/support';

/**
 * Whatever is wrong gets an error that names it. Under virtual time a job that hung would run the test out of events, not out of
 * patience, and fail it.
 */
const returned = (value: unknown): CallOutcome => ({ kind: 'returned', payload: JSON.stringify(value), requestId: 'r' });
const world = (options: Partial<WorldOptions> = {}) => new World({
  worker: ({ batchId }) => returned(batchId), combiner: (payload) => returned(JSON.parse(payload).results.inline), ...options,
});

test('there are at least 80', () => {
  const tables = [REQUESTS, TASKS, FILES, TASK_FILES, PROPS, DISPATCH_EVENTS, MONITOR_EVENTS, ANSWERS];
  expect(tables.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThanOrEqual(80);
});

/** Runs a request that must be refused, beside a job that is done. */
async function refused(request: unknown, message: string, code: string, prepare: (w: World) => void = () => undefined) {
  const w = world({ settings: { taskTimeoutSeconds: { double: 20, resize: null } } });
  await w.run({ items: { list: [1, 2] } }, 'done');
  const before = [structuredClone(w.tasks.rows.get('j#done')), new Map(w.payloads.objects)] as const;
  prepare(w);
  w.calls.length = 0;
  const end = await w.run(request);
  expect(end).toMatchObject({ succeeded: false, verdict: { errorName: expect.stringMatching(new RegExp(`^(${code})$`)) } });
  expect((end as any).verdict.message).toContain(message);
  expect(w.status()).toBe('FAILED');
  expect(w.calls).toEqual([]);
  // what was done is as it was
  expect(w.tasks.rows.get('j#done')).toEqual(before[0]);
  for (const [key, object] of before[1]) expect([key, w.payloads.objects.get(key)]).toEqual([key, object]);
}

describe('a request', () => {
  test.each(REQUESTS)('%j ends the job with "%s"', (request, message) => refused(request, message, 'InvalidRequest'));
});

describe('unlike tasks with', () => {
  test.each(TASKS)('%s', (_, request, message) => refused(request, message, 'InvalidRequest|InvalidInput'));
});

describe('a file with', () => {
  test.each(FILES)('%s', (_, format, text, message) =>
    refused({ items: { s3: { uri: 's3://data/items', format } } }, message, message.includes('compressed') ? 'InvalidRequest' : 'InvalidInput', (w) => {
      w.inputs.objects.set('data/items', Buffer.from(text));
    }));

  test.each(TASK_FILES)('%s', (_, lines, message) => refused({ tasks: { s3: { uri: 's3://uploads/tasks.jsonl' } } }, message, 'InvalidInput', (w) => {
    w.inputs.objects.set('uploads/tasks.jsonl', Buffer.from(lines.join('\n')));
  }));
});

describe('props', () => {
  test.each(PROPS)('%j', (props, message) => {
    expect(() => newBurst(newStack(), props)).toThrow(new Error(`${message} (in 'Stack/Burst')`));
  });
});

describe('a dispatcher that is sent', () => {
  test.each(DISPATCH_EVENTS)('%s says so, and the job that runs meanwhile is none the worse', async (_, event, message) => {
    const errors: string[] = [];
    const w: World = world({
      settings: { maxWindow: 4 },
      worker: async ({ batchId }) => {
        await w.clock.sleep(500);
        if (batchId === 7) await w.send(event(w.events[0])).catch((error: Error) => errors.push(`${error.name}: ${error.message}`));
        return returned(batchId);
      },
    });
    expect(await w.run({ items: { range: { start: 0, end: 300 } } })).toMatchObject({ succeeded: true });
    expect(errors).toEqual([expect.stringContaining(message)]);
    expect(JSON.parse(w.payloads.objects.get('jobs/job/e1/result.json')!.toString())).toEqual(Array.from({ length: 300 }, (__, i) => i));
    expect(w.calls).toHaveLength(300);
    expect([...w.tasks.rows.keys()].filter((pk) => !/^j#job(#e1#[ln].*)?$/.test(pk))).toEqual([]);
  });
});

describe('a monitor that is sent', () => {
  test.each(MONITOR_EVENTS)('%j', (event, message) => {
    expect(() => checkMonitorEvent(event)).toThrow(message);
  });
});

describe('a worker that returns', () => {
  test.each(ANSWERS)('%s: the failure of its batch, and the other results stand', async (_, payload, message) => {
    const w = world({
      worker: ({ batchId }) => (batchId === 1 ? { kind: 'returned', payload, requestId: 'r' } : returned(batchId)), settings: { toleratedFailurePercentage: 50 },
    });
    expect(await w.run({ items: { list: [1, 2, 3] } })).toMatchObject({ succeeded: true, output: { failedCount: 1 } });
    expect(JSON.parse(w.payloads.objects.get('jobs/job/e1/result.json')!.toString())).toEqual([0, null, 2]);
    expect(JSON.parse(w.payloads.objects.get('jobs/job/e1/manifest.json')!.toString()).groups[0].failed).toMatchObject([{ batchId: 1, message: expect.stringContaining(message) }]);
  });
});
