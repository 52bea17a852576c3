import * as fc from 'fast-check';
import { LambdaModel } from '../../simulation/aws/lambda';
import { DEFAULTS, PARAMETERS } from '../../simulation/aws/parameters';
import { Partitions } from '../../simulation/aws/partitions';
import { PEERS } from '../../simulation/aws/peers';
import { runJob } from '../../simulation/aws/run';
import type { JobShape } from '../../simulation/aws/world';

const SMALL = { ...DEFAULTS, rampBurst: 10, rampPerSecond: 2 };
const shape = (batches: number, changes: Partial<JobShape> = {}): JobShape => ({
  batches, batchMs: 1_000, accountConcurrency: 1_000, workers: 1, seed: 7, ...changes,
});

describe('the model of Lambda', () => {
  test('starts no more environments than the ramp allows in any time, runs no more than the account does, and uses idle ones first', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(2_000), fc.boolean()), { maxLength: 200 }), fc.integer({ min: 1, max: 40 }), (steps, limit) => {
      const lambda = new LambdaModel(SMALL, limit);
      const starts: number[] = [];
      let [now, running, idle] = [0, 0, 0];
      for (const [ms, isCall] of steps) {
        now += ms;
        if (!isCall) {
          if (running === 0) continue;
          lambda.end('f');
          running--;
          idle++;
          continue;
        }
        const start = lambda.begin('f', now);
        if (start === 'cold') starts.push(now);
        if (idle > 0 && running < limit) expect(start).toBe('warm');
        if (start === 'warm') idle--;
        if (start) running++;
        expect(lambda.running).toBe(running);
        expect(running).toBeLessThanOrEqual(limit);
      }
      starts.forEach((from, i) => starts.slice(i).forEach((to, k) => expect(k + 1).toBeLessThanOrEqual(10 + (2 * (to - from)) / 1_000 + 1e-9)));
    }));
  });

  test('takes what was not used within ten seconds back, function by function', () => {
    const lambda = new LambdaModel(SMALL, 1_000);
    const burst = (name: string, now: number) => Array.from({ length: 50 }, () => lambda.begin(name, now)).filter((start) => start === 'cold').length;
    expect([burst('f', 0), burst('f', 0), burst('g', 0), burst('f', 3_000), burst('f', 1e9)]).toEqual([10, 0, 10, 6, 10]);
    expect(lambda.environments('f')).toBe(26);
  });

  test('partitions take their share of writes each, and keys keep to theirs', () => {
    const partitions = new Partitions({ ...DEFAULTS, tablePartitions: 2, partitionWrites: 100 });
    expect(Array.from({ length: 4 }, () => partitions.wait('a', 1, 0))).toEqual([0, 10, 20, 30]);
    expect(partitions.wait('b', 5, 0)).toBe(0);
    expect(partitions.wait('a', 1, 100)).toBe(0);
  });

  test('every parameter says where it is from', () => {
    for (const { value, source } of Object.values(PARAMETERS)) {
      expect(value).toBeGreaterThan(0);
      expect(source.length).toBeGreaterThan(20);
    }
  });
});

describe('a job in the model', () => {
  test('ends with every batch called once; the calls that are billed are those that were made', async () => {
    const outcome = await runJob(shape(640));
    // Prepare, Await, Combine; ten leaves
    expect(outcome).toMatchObject({ calls: 640, throttles: 0, bill: { transitions: 3, lambdaRequests: 3 + 10, expressRequests: 0, s3Puts: 2 } });
    // per leaf: a claim, a group of 3 KB or so, a signal, one report at least
    expect(outcome.bill.writeUnits).toBeGreaterThan(10 * 6);
    expect(outcome.bill.gbSeconds).toBeGreaterThan(10 * 1);
    expect(outcome.bill.logBytes).toBeGreaterThan(14 * 300);
    // what the job says of itself is counted elsewhere, and comes to nearly the same
    const { usage, bill } = outcome;
    expect(usage.workerInvocations).toBe(640);
    for (const [ours, theirs] of [
      [usage.tableWriteUnits, bill.writeUnits], [usage.tableReadUnits, bill.readUnits],
      [usage.dispatcherMs! + usage.monitorMs!, 1_000 * bill.gbSeconds],
    ]) {
      expect(ours! / theirs!).toBeGreaterThan(0.5);
      expect(ours! / theirs!).toBeLessThan(1.1);
    }
    expect(outcome.firstStartMs).toBeLessThan(outcome.lastStartMs);
    expect(outcome.lastStartMs + 1_000).toBeLessThan(outcome.combinedMs);
  });

  test('the same seed gives the same, another one another', async () => {
    const [first, again, other] = [await runJob(shape(200)), await runJob(shape(200)), await runJob(shape(200, { seed: 8 }))];
    expect(again).toEqual(first);
    expect(other.combinedMs).not.toBe(first.combinedMs);
  });

  test('a ramp that is too slow is met with 429s, and the job still ends', async () => {
    const outcome = await runJob(shape(2_000, { accountConcurrency: 3_000, values: { rampBurst: 100, rampPerSecond: 10 } }));
    expect(outcome.calls).toBe(2_000);
    expect(outcome.throttles).toBeGreaterThan(100);
  });
});

describe('other ways to run a job', () => {
  test('the physical limit is what arithmetic gives', async () => {
    const at = async (changes: Partial<JobShape>) => {
      const { firstStartMs, lastStartMs, combinedMs } = await PEERS.limit(shape(3_000, changes));
      return [lastStartMs - firstStartMs, combinedMs - lastStartMs].map(Math.round);
    };
    expect(await at({ accountConcurrency: 100_000, batchMs: 100_000 })).toEqual([20_000, 100_000]); // 1,000 at once, 2,000 at 100 a second
    expect(await at({ accountConcurrency: 100_000, batchMs: 100_000, workers: 2 })).toEqual([5_000, 100_000]); // 2,000 at once, 1,000 at 200 a second
    expect(await at({ accountConcurrency: 1_000, batchMs: 1_000 })).toEqual([2_000, 1_000]); // three waves
  });

  test('nobody is faster than the physical limit', async () => {
    for (const changes of [{}, { accountConcurrency: 200 }, { batchMs: 5_000, workers: 4, accountConcurrency: 5_000 }]) {
      const job = shape(1_500, changes);
      const floor = (await PEERS.limit(job)).combinedMs;
      const others = await Promise.all([runJob(job), ...Object.values(PEERS).map((peer) => peer(job))]);
      for (const { combinedMs } of others) expect(combinedMs).toBeGreaterThanOrEqual(floor);
    }
  });

  test('children of a Distributed Map start at their rate', async () => {
    const { firstStartMs, lastStartMs } = await PEERS['Distributed Map, Standard'](shape(500, { values: { spread: 0.001 } }));
    expect((lastStartMs - firstStartMs) / 1_000).toBeCloseTo(499 / 100 - 0.2, 1); // the first one starts its environment
  });
});
