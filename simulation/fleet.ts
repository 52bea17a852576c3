import { Worker } from 'node:worker_threads';
import { bundle, BundleOptions } from './bundle';
import { FaultKind } from './faults';
import type { Job, Tally } from './runner';
import type { Report } from './simulation';

export interface Figures {
  seeds: number;
  steps: number;
  faults: { [kind in FaultKind]?: number };
  ends: { [end: string]: number };
  /** The first failing seeds, lowest first. */
  failed: Report[];
}

export interface FleetOptions extends BundleOptions {
  readonly from: number;
  readonly seeds: number;
  readonly threads?: number;
  /** End with the first failing seeds. */
  readonly stopAtFailure?: boolean;
  readonly onProgress?: (figures: Figures) => void;
}

/** Seeds handed to a thread at a time; fewer where the first failure ends the run. */
const PORTION = 100;
const SMALL_PORTION = 20;

/** Runs seeds on several threads. */
export async function simulate({ from, seeds, threads = 2, stopAtFailure = false, onProgress, ...options }: FleetOptions): Promise<Figures> {
  const code = await bundle(options);
  const figures: Figures = { seeds: 0, steps: 0, faults: {}, ends: {}, failed: [] };
  const end = from + seeds;
  let next = from;
  await Promise.all(Array.from({ length: threads }, async () => {
    const worker = new Worker(code, { eval: true });
    try {
      while (next < end && !(stopAtFailure && figures.failed.length > 0)) {
        const job = { from: next, to: Math.min(next + (stopAtFailure ? SMALL_PORTION : PORTION), end) };
        next = job.to;
        add(figures, await ask(worker, job));
        onProgress?.(figures);
      }
    } finally {
      await worker.terminate();
    }
  }));
  figures.failed.sort((a, b) => a.seed - b.seed);
  return figures;
}

/** The story of one seed. */
export async function replay(seed: number, options: BundleOptions = {}): Promise<Report> {
  const worker = new Worker(await bundle(options), { eval: true });
  try {
    return (await ask(worker, { from: seed, to: seed + 1, isTraced: true })).failed[0];
  } finally {
    await worker.terminate();
  }
}

function ask(worker: Worker, job: Job): Promise<Tally> {
  return new Promise((resolve, reject) => {
    worker.removeAllListeners();
    worker.once('message', resolve).once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the thread with seeds ${job.from} to ${job.to - 1} ended with ${code}`)));
    worker.postMessage(job);
  });
}

function add(figures: Figures, tally: Tally): void {
  figures.seeds += tally.seeds;
  figures.steps += tally.steps;
  figures.failed.push(...tally.failed);
  for (const [kind, count] of Object.entries(tally.faults)) figures.faults[kind as FaultKind] = (figures.faults[kind as FaultKind] ?? 0) + count;
  for (const [name, count] of Object.entries(tally.ends)) figures.ends[name] = (figures.ends[name] ?? 0) + count;
}
