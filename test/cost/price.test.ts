import { costOf, priceOf, PRICES } from '../../client/cost/price';
import { usageOf } from '../../client/cost/usage-of';
import { JobRow } from '../../lambda/protocol';

const line = (cost: ReturnType<typeof costOf>, what: string) => cost.lines.filter((one) => one.what === what).map(({ dollars }) => dollars);

test('every price says for what, since when and from where', () => {
  for (const price of Object.values(PRICES.prices)) {
    expect(price).toEqual({ dollars: expect.any(Number), per: expect.any(Number), unit: expect.any(String), seen: expect.stringMatching(/^(20\d\d-\d\d|undated)$/), source: expect.stringMatching(/^https:/) });
  }
  expect(PRICES).toMatchObject({ region: 'us-east-1', date: expect.stringMatching(/^20\d\d-\d\d-\d\d$/) });
});

test('a million of each, as the price list says', () => {
  expect(priceOf('lambdaRequest', 1e6)).toBeCloseTo(0.2, 12);
  expect(priceOf('tableWriteUnit', 1e6)).toBeCloseTo(0.625, 12);
  expect(priceOf('tableReadUnit', 1e6)).toBeCloseTo(0.125, 12);
  expect(priceOf('objectPut', 1e6)).toBeCloseTo(5, 12);
  expect(priceOf('objectGet', 1e6)).toBeCloseTo(0.4, 12);
  expect(priceOf('stateTransition', 1e6)).toBeCloseTo(25, 12);
  expect(priceOf('expressRequest', 1e6)).toBeCloseTo(1, 12);
});

test('GB-seconds count memory, architecture and time', () => {
  const usage = { workerInvocations: 1, workerMs: 10_000, dispatcherInvocations: 1, dispatcherMs: 10_000 };
  const arm = costOf(usage, { worker: { memoryMegabytes: 1769, architecture: 'arm64' } });
  const x86 = costOf(usage, { worker: { memoryMegabytes: 1769, architecture: 'x86_64' } });
  expect(line(arm, 'worker')[1]).toBeCloseTo(10 * (1769 / 1024) * 0.0000133334, 12);
  expect(line(x86, 'worker')[1]).toBeCloseTo(10 * (1769 / 1024) * 0.0000166667, 12);
  expect(line(x86, 'dispatcher')[1]).toBeCloseTo(10 * 0.0000133334, 12); // ours have 1 GB of arm64
  expect(x86.dollars - x86.overheadDollars).toBeCloseTo(line(x86, 'worker').reduce((sum, dollars) => sum! + dollars!, 0)!, 12);
});

test('what is not known is said, and left out of the sum', () => {
  const cost = costOf({ workerInvocations: 1_000_000, workerMs: 5 });
  expect(cost.unknown).toEqual(['worker: the memory of the function is unknown']);
  expect(cost.dollars).toBeCloseTo(0.2 + line(cost, 'worker')[2]!, 10); // and the lines that Lambda logs of each call
  expect(cost.lines[1]).toEqual({ what: 'worker', quantity: 5, unit: 'ms', note: 'the memory of the function is unknown' });
});

test('a running job adds up its leaves, one that has ended knows already', () => {
  const plan = { leaves: 4, branching: 64, groups: 9 };
  const row = { epoch: 1, dispatchedAt: 1, plan, usage: { monitorInvocations: 2, tableReadUnits: 0.5 } } as unknown as JobRow;
  const leaves = [{ usage: { workerInvocations: 10, dispatcherInvocations: 1 } }, { usage: { workerInvocations: 20, dispatcherInvocations: 1 } }];
  // two leaves that stand for four; the monitor started them
  expect(usageOf(row, leaves, 2).usage).toMatchObject({
    workerInvocations: 60, dispatcherInvocations: 4, monitorInvocations: 2, tableReadUnits: 0.5, stateTransitions: 0,
  });
  expect(usageOf({ ...row, terminal: { epoch: 1, status: 'SUCCEEDED' } }, leaves, 2).usage).toMatchObject({ workerInvocations: 0, monitorInvocations: 2 });
});
