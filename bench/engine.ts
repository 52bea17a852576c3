import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { dollars, lines, PricedLine } from './bill';
import { Counted, Counter, Counts } from './engine/count';
import { Deployed, deployed, OWN_FUNCTIONS, setVariables } from './engine/deploy';
import { digestOf } from './engine/functions/digest';
import { answerOf } from './engine/functions/work';
import { Spread, spread } from './statistics';
import type { Context, Report } from './suite';
import { count, figure, Table } from './table';

/** Workers that sleep leave the machine to the engine, which takes about 2 ms of a core for a call: with four of 50 ms per core it has time left. */
const SLOTS_PER_CORE = 4;
const MOST_SLOTS = 16;
const BATCHES = 1_200;
/** How long a worker takes, and how often all systems are measured in turn. */
const DURATIONS = [{ sleepMs: 50, runs: 5 }, { sleepMs: 10, runs: 3 }, { sleepMs: 200, runs: 3 }];
const SIZES = [64, BATCHES];
const QUICK = { batches: 96, durations: [{ sleepMs: 10, runs: 1 }], sizes: [64] };
const POLL_MS = 20;
/** A system that has lost a batch does not end; so many times the floor, and a minute, are enough. */
const PATIENCE = 20;
const OURS = 'burst-compute';
const V1 = 'burst-compute v1';
const LOOP = 'plain loop';

/** Runs so many batches and gives the milliseconds until their result was there; an error unless it is exact. */
type System = (batches: number) => Promise<number>;

interface Measured {
  readonly sleepMs: number;
  readonly batches: number;
  readonly floorMs: number;
  /** By system, a time per run. */
  readonly ms: { readonly [system: string]: number[] };
}

/** The same batches on the same engine with as many slots, one system after the other; and what a job costs there, counted from outside. */
export async function engine(context: Context): Promise<Report> {
  const slots = Math.min(MOST_SLOTS, SLOTS_PER_CORE * availableParallelism());
  const { batches, durations, sizes } = context.quick ? QUICK : { batches: BATCHES, durations: DURATIONS, sizes: SIZES };
  context.progress('engine: deploying');
  const bench = await deployed(slots);
  try {
    const measured: Measured[] = [];
    for (const { sleepMs, runs } of durations) measured.push(await inTurn(context, bench, { slots, batches, sleepMs, runs }));
    const mapped = await checkMap(context, bench, batches, slots);
    const [{ sleepMs, ms }] = measured;
    const callMs = (spread(ms[LOOP]).median * slots) / batches - sleepMs;
    const counts = await counted(context, bench, sizes.map((size) => ({ batches: size, sleepMs, slots, callMs })));
    return { tables: [timesTable(measured, slots, mapped), countsTable(counts, slots)], data: { slots, measured, counts } };
  } finally {
    await bench.engine.stop();
  }
}

async function inTurn(
  { progress }: Context, bench: Deployed, { slots, batches, sleepMs, runs }: { slots: number; batches: number; sleepMs: number; runs: number },
): Promise<Measured> {
  await setVariables(bench, bench.workers, { SLEEP_MS: String(sleepMs) });
  const systems = systemsOn(bench, slots, sleepMs);
  for (const system of Object.values(systems)) await system(4 * slots); // starts all processes
  const ms: { [system: string]: number[] } = Object.fromEntries(Object.keys(systems).map((name) => [name, []]));
  for (let run = 0; run < runs; run++) {
    for (const [name, system] of Object.entries(systems)) {
      progress(`engine: ${sleepMs} ms, run ${run + 1} of ${runs}, ${name}`);
      ms[name].push(await system(batches));
    }
  }
  return { sleepMs, batches, floorMs: (sleepMs * batches) / slots, ms };
}

function systemsOn(bench: Deployed, slots: number, sleepMs: number): { readonly [name: string]: System } {
  const limitMs = (batches: number) => 60_000 + (PATIENCE * sleepMs * batches) / slots;
  return {
    [LOOP]: (batches) => loop(bench, batches, slots),
    [OURS]: (batches) => job(bench, 'tree', batches, limitMs(batches)),
    [V1]: (batches) => execution(bench, bench.version1, { batches }, limitMs(batches), async (_name, output) =>
      checked(V1, batches, JSON.parse(output))),
  };
}

const job = (bench: Deployed, kind: 'tree' | 'map', batches: number, limitMs: number) => execution(
  bench, bench[kind].address.stateMachineArn, { items: { range: { start: 0, end: batches } } }, limitMs,
  async (name) => checked(kind, batches, await bench[kind].client.result(name)),
);

/** From the start of an execution until its result is read. */
async function execution(
  { config }: Deployed, stateMachineArn: string, input: object, limitMs: number, result: (name: string, output: string) => Promise<void>,
): Promise<number> {
  const steps = new SFNClient(config);
  const name = randomUUID();
  const startedAt = performance.now();
  const { executionArn } = await steps.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }));
  for (;;) {
    const { status, output, error, cause } = await steps.send(new DescribeExecutionCommand({ executionArn }));
    if (status === 'SUCCEEDED') {
      await result(name, output!);
      return performance.now() - startedAt;
    }
    if (status !== 'RUNNING') throw new Error(`${name} of ${stateMachineArn} is ${status}: ${error} ${cause}`);
    if (performance.now() - startedAt > limitMs) throw new Error(`${name} of ${stateMachineArn} runs for more than ${Math.round(limitMs / 1_000)} s`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Calls the worker from here, one call per slot at a time, and keeps nothing: what the engine gives at best. */
async function loop({ config, workers: [FunctionName] }: Deployed, batches: number, slots: number): Promise<number> {
  const lambda = new LambdaClient({ ...config, maxAttempts: 1 });
  const answers = new Array<number | null>(batches).fill(null);
  let next = 0;
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: slots }, async () => {
    while (next < batches) {
      const batchId = next++;
      const { Payload } = await lambda.send(new InvokeCommand({ FunctionName, Payload: Buffer.from(JSON.stringify({ batchId })) }));
      answers[batchId] = JSON.parse(Buffer.from(Payload!).toString()) as number;
    }
  }));
  const ms = performance.now() - startedAt;
  checked(LOOP, batches, { digest: digestOf(answers) });
  return ms;
}

function checked(system: string, batches: number, result: unknown): void {
  const expected = digestOf(Array.from({ length: batches }, (_, batchId) => answerOf(batchId)));
  if ((result as { digest?: string }).digest !== expected) throw new Error(`${system}: wrong result for ${batches} batches: ${JSON.stringify(result)}`);
}

/** The engine's Distributed Map is a pool of threads: its time says nothing, its result has to be right. */
async function checkMap({ progress }: Context, bench: Deployed, batches: number, slots: number): Promise<number> {
  progress('engine: Distributed Map');
  await setVariables(bench, bench.workers.slice(0, 1), { SLEEP_MS: '10' });
  await job(bench, 'map', batches, 60_000 + (PATIENCE * 50 * batches) / slots);
  return batches;
}

async function counted({ progress }: Context, bench: Deployed, jobs: readonly Counted[]): Promise<Counts[]> {
  await setVariables(bench, bench.workers.slice(0, 1), { SLEEP_MS: String(jobs[0].sleepMs) });
  const counter = await Counter.before(bench);
  try {
    const run = (batches: number) => async () => {
      const { jobId } = await bench.tree.client.submit({ request: { items: { range: { start: 0, end: batches } } } });
      await bench.tree.client.wait(jobId, { pollMs: 100 });
      checked(OURS, batches, await bench.tree.client.result(jobId));
      return jobId;
    };
    await run(4 * jobs[0].slots)(); // starts all processes
    const counts: Counts[] = [];
    for (const one of jobs) {
      progress(`engine: counting ${count(one.batches)} batches`);
      counts.push(await counter.count(one, run(one.batches)));
    }
    return counts;
  } finally {
    counter.stop();
  }
}

function timesTable(measured: Measured[], slots: number, mapped: number): Table {
  const ratio = ({ ms }: Measured, system: string, to: readonly number[]) => ends(spread(ms[system].map((value, run) => value / to[run])));
  const floors = ({ ms, floorMs }: Measured) => ms[OURS].map(() => floorMs);
  return {
    title: `Seconds until the result of ${count(measured[0].batches)} batches, ${slots} slots for workers, ${OWN_FUNCTIONS} for all else (measured on the local engine)`,
    columns: ['ms per batch', 'runs', 'floor', LOOP, OURS, V1, `${OURS} : floor`, `${V1} : floor`, `${OURS} : ${LOOP}`, `${V1} : ${OURS}`],
    rows: measured.map((one) => [
      String(one.sleepMs), String(one.ms[OURS].length), figure(one.floorMs / 1_000),
      ...[LOOP, OURS, V1].map((system) => ends(spread(one.ms[system].map((ms) => ms / 1_000)))),
      ratio(one, OURS, floors(one)), ratio(one, V1, floors(one)), ratio(one, OURS, one.ms[LOOP]), ratio(one, V1, one.ms[OURS]),
    ]),
    notes: [
      'Median (least to most) of runs in turn, ratios within one turn. Every result was compared with what it has to be, batch by batch.',
      `\`FanOut.distributedMap()\` ran, too, with ${count(mapped)} batches, all right. Its time is not given: the engine's Map is a pool of threads, and says nothing about AWS.`,
    ],
  };
}

function countsTable(counts: Counts[], slots: number): Table {
  const ways = ['engine', 'own', 'simulation'] as const;
  const bills = counts.flatMap((one) => ways.map((way) => one[way]));
  const priced = bills.map((bill) => lines(bill, 'arm64'));
  const sums = bills.map((bill) => dollars(bill, 'arm64'));
  const kinds = priced[0].map((_, i) => i).filter((i) => priced.some((column) => column[i].quantity !== 0));
  const names = { engine: 'from outside', own: 'by the job itself', simulation: 'in simulation' };
  return {
    title: `A job's cost beyond its workers, counted three ways: quantity, and dollars; 1 leaf with a window of ${slots} (on the local engine)`,
    columns: ['line', ...counts.flatMap(({ batches }) => ways.map((way) => `${count(batches)} batches, ${names[way]}`))],
    rows: [
      ...kinds.map((i) => [priced[0][i].what, ...priced.map((column) => line(column[i]))]),
      ['dollars', ...sums.map((sum) => figure(sum))],
      ['of the count from outside', ...sums.map((sum, i) => figure(sum / sums[i - (i % ways.length)]))],
    ],
    notes: [`In none of them: ${[...new Set(counts.flatMap(({ unbilled }) => unbilled))].join(', ') || 'nothing'}.`],
  };
}

const line = ({ quantity, dollars: price }: PricedLine) => `${count(Math.round(quantity * 100) / 100)} = ${figure(price)}`;
const ends = ({ median, min, max }: Spread) => (min === max ? figure(median) : `${figure(median)} (${figure(min)} to ${figure(max)})`);
