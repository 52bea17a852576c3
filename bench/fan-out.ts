import type { Context, Report } from './suite';
import { count, figure, Table } from './table';
import { PARAMETERS, ParameterName } from '../simulation/aws/parameters';
import { PEERS } from '../simulation/aws/peers';
import { runJob } from '../simulation/aws/run';
import type { JobShape, Times } from '../simulation/aws/world';

const SIZES = [100, 1_000, 10_000, 100_000, 1_000_000];
const LIMITS = [1_000, 10_000, 100_000];
const WORKERS = [1, 8];
const BATCH_MS = 1_000;
/** v1 and a lone client need hours beyond this, and many million retries of the event queue. */
const LARGEST_OF_EVENTS = 100_000;
const OURS = 'burst-compute';
const EXPRESS = 'Distributed Map, Express';
const EVENT_PEERS = ['client, 64 threads', 'burst-compute v1'];
const SEEDS = [1, 2, 3];

interface Line {
  readonly batches: number;
  readonly limit: number;
  readonly workers: number;
  readonly system: string;
  readonly times: Times;
  /** End of the job against the physical limit's: median, least and most of the seeds. */
  readonly ofLimit: number;
}

/** How fast a job spreads, in a model of AWS, beside other ways to run it. */
export async function fanOut(context: Context): Promise<Report> {
  const lines: Line[] = [];
  for (const limit of LIMITS) {
    for (const workers of WORKERS) {
      for (const batches of context.quick ? SIZES.slice(0, 3) : SIZES) {
        context.progress(`fan-out: ${count(batches)} batches, limit ${count(limit)}, ${workers} workers`);
        lines.push(...await compare({ batches, batchMs: BATCH_MS, accountConcurrency: limit, workers, seed: SEEDS[0] }));
      }
    }
  }
  const repeats = await repeated(context);
  const sensitivity = await sensitivities(context);
  return { tables: [...LIMITS.map((limit) => timesTable(lines, limit)), repeats, ...sensitivity, parameterTable()], data: { lines } };
}

async function compare(shape: JobShape): Promise<Line[]> {
  const { batches, accountConcurrency: limit, workers } = shape;
  const floor = await PEERS.limit(shape);
  const line = (system: string, times: Times): Line => ({ batches, limit, workers, system, times, ofLimit: times.combinedMs / floor.combinedMs });
  const lines = [line('limit', floor), line(OURS, await runJob(shape))];
  for (const [system, peer] of Object.entries(PEERS)) {
    if (system === 'limit' || (EVENT_PEERS.includes(system) && batches > LARGEST_OF_EVENTS)) continue;
    lines.push(line(system, await peer(shape)));
  }
  return lines;
}

function timesTable(lines: Line[], limit: number): Table {
  const systems = [...new Set(lines.map(({ system }) => system))];
  return {
    title: `Seconds to first start / last start / combined, batches of ${BATCH_MS / 1000} s, account limit ${count(limit)} (simulated)`,
    columns: ['batches', 'workers', ...systems, `${OURS} : limit`, `${OURS} : ${EXPRESS}`],
    rows: SIZES.flatMap((batches) => WORKERS.flatMap((workers) => {
      const of = (system: string) => lines.find((l) => l.limit === limit && l.batches === batches && l.workers === workers && l.system === system);
      const [ours, express] = [of(OURS), of(EXPRESS)];
      if (!ours || !express) return [];
      return [[
        count(batches), String(workers),
        ...systems.map((system) => seconds(of(system)?.times)),
        figure(ours.ofLimit), figure(ours.times.combinedMs / express.times.combinedMs),
      ]];
    })),
  };
}

function seconds(times: Times | undefined): string {
  return times ? [times.firstStartMs, times.lastStartMs, times.combinedMs].map((ms) => figure(ms / 1000)).join(' / ') : '-';
}

/** The same with other seeds: how much of a figure is chance. */
async function repeated(context: Context): Promise<Table> {
  const rows: string[][] = [];
  for (const [batches, limit] of [[1_000, 1_000], [10_000, 10_000]]) {
    const values: number[] = [];
    for (const seed of SEEDS) {
      context.progress(`fan-out: seed ${seed}`);
      const shape = { batches, batchMs: BATCH_MS, accountConcurrency: limit, workers: 1, seed };
      values.push((await runJob(shape)).combinedMs / (await PEERS.limit(shape)).combinedMs);
    }
    values.sort((a, b) => a - b);
    rows.push([count(batches), count(limit), ...values.map(figure)]);
  }
  return { title: `Chance: ${OURS} : limit with three seeds, one worker function`, columns: ['batches', 'limit', 'least', 'median', 'most'], rows };
}

/** Each parameter halved and doubled: which of the assumptions the comparison hangs on. */
async function sensitivities(context: Context): Promise<Table[]> {
  const shape: JobShape = { batches: 10_000, batchMs: BATCH_MS, accountConcurrency: 10_000, workers: 8, seed: SEEDS[0] };
  const rows: string[][] = [];
  for (const name of Object.keys(PARAMETERS) as ParameterName[]) {
    context.progress(`fan-out: sensitivity to ${name}`);
    const at = async (factor: number) => {
      const varied = { ...shape, values: { [name]: PARAMETERS[name].value * factor } };
      const [ours, floor, express] = [await runJob(varied), await PEERS.limit(varied), await PEERS[EXPRESS](varied)];
      return [ours.combinedMs / 1000, ours.combinedMs / floor.combinedMs, ours.combinedMs / express.combinedMs];
    };
    const [half, double] = [await at(0.5), await at(2)];
    rows.push([name, ...half.map(figure), ...double.map(figure)]);
  }
  const head = (factor: string) => [`${factor}: s`, ': limit', `: ${EXPRESS}`];
  return [{
    title: `Sensitivity: ${count(shape.batches)} batches, limit ${count(shape.accountConcurrency)}, ${shape.workers} worker functions; time to combined and its ratios with one parameter halved, and doubled`,
    columns: ['parameter', ...head('half'), ...head('double')],
    rows,
  }];
}

function parameterTable(): Table {
  return {
    title: 'Parameters of the model',
    columns: ['parameter', 'value', 'unit', 'basis', 'source'],
    rows: Object.entries(PARAMETERS).map(([name, { value, unit, basis, source }]) => [name, count(value), unit, basis, source]),
  };
}
