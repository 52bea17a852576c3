import { Architecture, dollars, lines } from './bill';
import type { Context, Report } from './suite';
import { count, figure, Table } from './table';
import { PRICES } from '../client/cost/price';
import { Billed, distributedMap, inline, version1 } from '../simulation/aws/peers';
import { runJob } from '../simulation/aws/run';
import type { JobShape } from '../simulation/aws/world';

const SIZES = [64, 1_000, 1_200, 10_000];
const BATCH_MS = 1_000;
const LIMIT = 1_000;
const WINDOWS = [8, 32, 64];
const DURATIONS_S = [0.1, 1, 10, 30, 60, 120, 240, 480, 720];
const CURVE_BATCHES = 10_000;
/** One that the first environments fill, and one that waits for Lambda's ramp. */
const CURVE_LIMITS = [1_000, 10_000];
/** Express executions end after five minutes. */
const EXPRESS_MAX_MS = 300_000;
const OURS = 'burst-compute';
const EXPRESS = 'Distributed Map, Express';
const STANDARD = 'Distributed Map, Standard';

interface System {
  readonly run: (shape: JobShape) => Promise<Billed>;
  readonly architecture: Architecture;
}

const SYSTEMS: { readonly [name: string]: System } = {
  [OURS]: { run: runJob, architecture: 'arm64' },
  [EXPRESS]: { run: distributedMap('Express'), architecture: 'x86_64' },
  [STANDARD]: { run: distributedMap('Standard'), architecture: 'x86_64' },
  'inline counter': { run: inline, architecture: 'arm64' },
  'burst-compute v1': { run: version1, architecture: 'x86_64' },
};

const shape = (batches: number, changes: Partial<JobShape> = {}): JobShape =>
  ({ batches, batchMs: BATCH_MS, accountConcurrency: LIMIT, workers: 1, seed: 1, ...changes });

/** What a job costs beyond its workers: every billable call counted, and priced by the price sheet. */
export async function cost(context: Context): Promise<Report> {
  const bills: { batches: number; system: string; bill: Billed['bill']; perThousand: number }[] = [];
  for (const batches of context.quick ? SIZES.slice(0, 2) : SIZES) {
    for (const [system, { run, architecture }] of Object.entries(SYSTEMS)) {
      context.progress(`cost: ${count(batches)} batches, ${system}`);
      const { bill } = await run(shape(batches));
      bills.push({ batches, system, bill, perThousand: (dollars(bill, architecture) * 1_000) / batches });
    }
  }
  const sizes = [...new Set(bills.map(({ batches }) => batches))];
  const of = (batches: number, system: string) => bills.find((b) => b.batches === batches && b.system === system)!;
  const perThousand: Table = {
    title: `Dollars of orchestration per 1,000 batches of ${BATCH_MS / 1_000} s, logs counted, workers not (counted in simulation)`,
    columns: ['batches', ...Object.keys(SYSTEMS), `${EXPRESS} : ${OURS}`, `${STANDARD} : ${OURS}`],
    rows: sizes.map((batches) => [
      count(batches),
      ...Object.keys(SYSTEMS).map((system) => figure(of(batches, system).perThousand)),
      figure(of(batches, EXPRESS).perThousand / of(batches, OURS).perThousand),
      figure(of(batches, STANDARD).perThousand / of(batches, OURS).perThousand),
    ]),
  };
  const detail = sizes.map((batches): Table => {
    const priced = Object.entries(SYSTEMS).map(([system, { architecture }]) => lines(of(batches, system).bill, architecture));
    return {
      title: `The bill of ${count(batches)} batches: quantity, and dollars`,
      columns: ['line', ...Object.keys(SYSTEMS)],
      rows: priced[0].map(({ what }, i) => [what, ...priced.map((column) => `${count(Math.round(column[i].quantity * 10) / 10)} = ${figure(column[i].dollars)}`)]),
    };
  });
  const curves: Curve[] = [];
  for (const limit of CURVE_LIMITS) curves.push(await overDurations(context, limit));
  return {
    tables: [perThousand, ...detail, ...curves.map(({ table }) => table)],
    data: { prices: { region: PRICES.region, date: PRICES.date }, bills, curves: curves.map(({ limit, points }) => ({ limit, points })) },
  };
}

interface Point {
  readonly seconds: number;
  [series: string]: number | undefined;
}

interface Curve {
  readonly limit: number;
  readonly points: Point[];
  readonly table: Table;
}

/** Batches that last longer cost their leaves more; Distributed Map does not care. */
async function overDurations(context: Context, limit: number): Promise<Curve> {
  const points: Point[] = [];
  for (const seconds of context.quick ? DURATIONS_S.slice(0, 2) : DURATIONS_S) {
    const point: Point = { seconds };
    const job = shape(context.quick ? 1_000 : CURVE_BATCHES, { batchMs: seconds * 1_000, accountConcurrency: limit });
    for (const window of WINDOWS) {
      context.progress(`cost: batches of ${seconds} s, limit ${limit}, window ${window}`);
      point[`window ${window}`] = (dollars((await runJob({ ...job, window })).bill, 'arm64') * 1_000) / job.batches;
    }
    for (const system of [EXPRESS, STANDARD]) {
      if (system === EXPRESS && seconds * 1_000 > EXPRESS_MAX_MS) continue;
      point[system] = (dollars((await SYSTEMS[system].run(job)).bill, 'x86_64') * 1_000) / job.batches;
    }
    points.push(point);
  }
  const series = [...WINDOWS.map((window) => `window ${window}`), EXPRESS, STANDARD];
  const cheaper = (window: string, peer: string) => {
    const known = points.filter((p) => p[peer] !== undefined);
    const after = known.findIndex((p) => p[window]! > p[peer]!);
    if (after < 0) return `${peer} is dearer up to ${known[known.length - 1].seconds} s`;
    if (after === 0) return `${peer} is cheaper from ${points[0].seconds} s on`;
    return `${peer} becomes cheaper at ${crossing(known[after - 1], known[after], window, peer)} s`;
  };
  return {
    limit,
    points,
    table: {
      title: `Dollars of orchestration per 1,000 batches by how long a batch takes: ${count(CURVE_BATCHES)} batches, limit ${count(limit)} (counted in simulation)`,
      columns: ['s per batch', ...series],
      rows: points.map((point) => [String(point.seconds), ...series.map((name) => (point[name] === undefined ? '-' : figure(point[name])))]),
      notes: WINDOWS.map((window) => `Window ${window}: ${[EXPRESS, STANDARD].map((peer) => cheaper(`window ${window}`, peer)).join('; ')}.`),
    },
  };
}

/** Where two lines between two durations meet: whole seconds. */
function crossing(from: Point, to: Point, one: string, other: string): number {
  const gap = (point: Point) => point[one]! - point[other]!;
  return Math.round(from.seconds + ((to.seconds - from.seconds) * gap(from)) / (gap(from) - gap(to)));
}
