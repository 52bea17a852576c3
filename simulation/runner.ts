import { parentPort } from 'node:worker_threads';
import { FaultKind } from './faults';
import { Report, Simulation } from './simulation';

/** Seeds to run: [from, to). */
export interface Job {
  readonly from: number;
  readonly to: number;
  /** Tell the story of each. */
  readonly isTraced?: boolean;
}

/** What they came to. */
export interface Tally {
  readonly seeds: number;
  readonly steps: number;
  readonly faults: { readonly [kind in FaultKind]?: number };
  readonly ends: { readonly [end: string]: number };
  readonly failed: Report[];
}

/** Reports of failing seeds that are kept. */
const KEPT = 5;

async function run({ from, to, isTraced = false }: Job): Promise<Tally> {
  const faults: { [kind in FaultKind]?: number } = {};
  const ends: { [end: string]: number } = {};
  const failed: Report[] = [];
  let steps = 0;
  for (let seed = from; seed < to; seed++) {
    const report = await new Simulation(seed, isTraced).run();
    steps += report.steps;
    const end = report.epochs > 1 ? `${report.end} after redrive` : report.end;
    ends[end] = (ends[end] ?? 0) + 1;
    for (const [kind, count] of Object.entries(report.faults)) faults[kind as FaultKind] = (faults[kind as FaultKind] ?? 0) + count;
    if (report.violations.length > 0 || isTraced) failed.push(report);
  }
  return { seeds: to - from, steps, faults, ends, failed: isTraced ? failed : failed.slice(0, KEPT) };
}

parentPort?.on('message', (job: Job) => void run(job).then((tally) => parentPort!.postMessage(tally)));
