import { appendFileSync } from 'fs';
import { GetFunctionConfigurationCommand, InvokeCommand, LambdaClient, TooManyRequestsException } from '@aws-sdk/client-lambda';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { Bench, bundle, Deployed, deployOnEngine, overrideSettings } from './harness';
import { processesOf } from './processes';

/**
 * Workers and dispatchers are killed at random while twenty jobs run, and on a crowded account calls are refused; every
 * result must be the exact one. CHAOS_SEED repeats the jobs and the order of the kills of a run (their timing is the machine's).
 */
const SEED = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000_000);
const JOBS = 20;
/** Jobs under way at a time. */
const LANES = 5;
const APP = 'npx ts-node -T test/e2e/app.ts';

let story: string[] = [];
const began = Date.now();
const tell = (line: string) => {
  story.push(`${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${line}`);
  if (process.env.CHAOS_STORY) appendFileSync(process.env.CHAOS_STORY, `${story[story.length - 1]}\n`);
};

/** Whether a process could be killed. */
function end(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false; // it has just ended
  }
}

/** Runs a test's body; when it fails, the seed and what happened are part of the error. */
const withStory = (body: () => Promise<void>) => async () => {
  story = [];
  try {
    await body();
  } catch (error) {
    (error as Error).message += `\n\nCHAOS_SEED=${SEED} runs these jobs and kills again. What happened:\n${story.slice(-120).join('\n')}`;
    throw error;
  }
};

const environment = () => ({ COMBINER_CODE: bundle('test/e2e/functions/combiner/combiner.ts', 'e2e-combiner') });
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

class Dice {
  private readonly generator;
  constructor(seed: number) {
    this.generator = xoroshiro128plus(seed);
  }

  between(least: number, most: number): number {
    return uniformInt(this.generator, least, most);
  }

  oneOf<T>(choices: readonly T[]): T {
    return choices[this.between(0, choices.length - 1)];
  }
}

/** The name of a job's worker function. */
async function workerOf(bench: Bench, { address }: Deployed): Promise<string> {
  const { Environment } = await bench.lambda.send(new GetFunctionConfigurationCommand({ FunctionName: address.dispatcher }));
  return Environment!.Variables!.WORKER_ARN.split(':').pop()!;
}

interface Job {
  readonly request: { items: object; batchSize: number; parameters: object };
  readonly sum: number;
  readonly batches: number;
}

/** A job of one to four groups that takes a second or a few, with its exact result. */
function randomJob(dice: Dice): Job {
  const batchSize = dice.between(1, 4);
  const batches = dice.between(60, 220);
  const start = dice.between(0, 1000);
  const numbers = Array.from({ length: batches * batchSize - dice.between(0, batchSize - 1) }, (_, i) => start + i);
  const flaky = Array.from({ length: dice.between(0, 3) }, () => dice.between(0, batches - 1));
  return {
    request: {
      items: dice.between(0, 1) ? { range: { start, end: start + numbers.length } } : { list: numbers },
      batchSize,
      parameters: {
        sleepMs: dice.between(5, 60),
        // in the row, in a group's object, or each in an object of its own
        bytes: dice.oneOf([0, 0, 500, 20_000]),
        misbehave: Object.fromEntries(flaky.map((batch) => [batch, 'flaky'])),
      },
    },
    sum: numbers.reduce((sum, n) => sum + n * n, 0),
    batches,
  };
}

/** Runs a job to its end and compares its result; returns the most attempts of any of its leaves. */
async function runExactly(deployed: Deployed, name: string, { request, sum, batches }: Job): Promise<number> {
  const { jobId } = await deployed.client.submit({ request, name });
  tell(`${jobId} starts: ${batches} batches, ${JSON.stringify(request.parameters)}`);
  const status = await deployed.client.wait(jobId, { pollMs: 200 });
  const result = status.status === 'SUCCEEDED' ? await deployed.client.result(jobId) : undefined;
  tell(`${jobId} ends: ${JSON.stringify({ ...status, startedAt: undefined, endedAt: undefined })}`);
  expect({ ...status, result }).toMatchObject({
    jobId, status: 'SUCCEEDED', batchCount: batches, finished: batches, failed: 0, result: { sum, batches, failed: [], isComplete: true },
  });
  const timeline = await deployed.client.timeline(jobId);
  expect(timeline.batches.map(({ batchId }) => batchId)).toEqual(Array.from({ length: batches }, (_, i) => i));
  return Math.max(...timeline.dispatchers.map(({ attempt }) => attempt));
}

describe('twenty jobs while workers and dispatchers are killed', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await deployOnEngine(APP, { environment: environment() });
    await overrideSettings(bench, bench.jobs.Node, {
      // several leaves in two levels; batches that are hit again and again, and leaves that wait for a slot here, are not given up
      leafStartGraceSeconds: 3, maxWindow: 4, branching: 2, workerRetries: 30, maxLeafRestarts: 50,
    });
  }, 240_000);
  afterAll(() => bench?.engine.stop());

  test('every result is the exact one', withStory(async () => {
    const dice = new Dice(SEED);
    const jobs = Array.from({ length: JOBS }, () => randomJob(dice));
    const { address } = bench.jobs.Node;
    const worker = await workerOf(bench, bench.jobs.Node);
    const kills = { worker: 0, dispatcher: 0 };
    /** Kills one process of a function, or all of them. */
    const kill = (role: 'worker' | 'dispatcher', chance: Dice, all: boolean) => {
      const pids = processesOf(bench.engine, role === 'worker' ? worker : address.dispatcher).sort((one, other) => one - other);
      const victims = all || pids.length === 0 ? pids : [chance.oneOf(pids)];
      kills[role] += victims.filter(end).length;
      if (victims.length > 0) tell(`${victims.length} of ${pids.length} ${role} processes killed`);
    };
    let running = true;
    const workersDie = async (chance: Dice) => {
      while (running) {
        await sleep(chance.between(200, 1_500));
        kill('worker', chance, chance.between(1, 10) === 1);
      }
    };
    // a dead leaf is missed for some 10 s; killed all the time, none would get on
    const dispatchersDie = async (chance: Dice) => {
      for (let times = chance.oneOf([0, 1, 1, 1, 2]); times > 0; times--) {
        await sleep(chance.between(300, 2_000));
        kill('dispatcher', chance, chance.between(1, 5) === 1);
      }
    };
    const attempts: number[] = [];
    const killers = [workersDie(new Dice(SEED + 1))];
    try {
      const queue = [...jobs.entries()];
      await Promise.all(Array.from({ length: LANES }, async () => {
        for (let next = queue.shift(); next; next = queue.shift()) {
          const [index, job] = next;
          killers.push(dispatchersDie(new Dice(SEED + 100 + index)));
          attempts.push(await runExactly(bench.jobs.Node, `chaos-${index}`, job));
        }
      }));
    } finally {
      running = false;
      await Promise.all(killers);
    }
    tell(JSON.stringify({ kills, attempts }));
    // the chaos was real: processes of both kinds died at work, and leaves were repaired
    expect(kills.worker).toBeGreaterThan(20);
    expect(kills.dispatcher).toBeGreaterThan(5);
    expect(Math.max(...attempts)).toBeGreaterThan(1);
  }), 240_000);
});

describe('an account with six slots, of which others take their share', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await deployOnEngine(APP, { concurrency: 6, environment: environment() });
    // 429s use up no attempt: there is none to spare
    await overrideSettings(bench, bench.jobs.Node, { leafStartGraceSeconds: 3, workerRetries: 0, maxLeafRestarts: 50 });
  }, 240_000);
  afterAll(() => bench?.engine.stop());

  test('two jobs at a time and direct calls: refused calls are repeated, every result is exact', withStory(async () => {
    const dice = new Dice(SEED);
    const worker = await workerOf(bench, bench.jobs.Node);
    const lambda = new LambdaClient({ ...bench.config, maxAttempts: 1 });
    const others = { returned: 0, refused: 0 };
    let running = true;
    const other = async () => {
      const Payload = Buffer.from(JSON.stringify({ batchId: 0, range: { start: 0, end: 1 }, parameters: { sleepMs: 300 } }));
      while (running) {
        try {
          await lambda.send(new InvokeCommand({ FunctionName: worker, Payload }));
          others.returned++;
        } catch (error) {
          if (!(error instanceof TooManyRequestsException)) throw error;
          others.refused++;
        }
        await sleep(100);
      }
    };
    const calls = Promise.all([other(), other()]);
    try {
      const jobs = Array.from({ length: 4 }, () => randomJob(dice)).map((job) => ({
        ...job, request: { ...job.request, parameters: { ...job.request.parameters, misbehave: {} } },
      }));
      const queue = [...jobs.entries()];
      await Promise.all(Array.from({ length: 2 }, async () => {
        for (let next = queue.shift(); next; next = queue.shift()) {
          await runExactly(bench.jobs.Node, `crowded-${next[0]}`, next[1]);
          const { batches } = await bench.jobs.Node.client.timeline(`crowded-${next[0]}`);
          expect(batches.filter(({ attempts }) => attempts !== 1)).toEqual([]);
        }
      }));
    } finally {
      running = false;
      await calls;
      lambda.destroy();
    }
    tell(JSON.stringify(others));
    // it was crowded indeed
    expect(others.refused).toBeGreaterThan(5);
    expect(others.returned).toBeGreaterThan(5);
  }), 240_000);
});
