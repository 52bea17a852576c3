import { JobTimeline, TimedBatch } from '../../client';

/** One bar of the time-line; times in ms since the start of the job. */
export interface Bar {
  readonly kind: 'dispatcher' | 'batch' | 'combiner';
  readonly name: string;
  /** The row it is drawn in. */
  readonly row: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly attempts: number;
  readonly failed: boolean;
}

/** The time-line as rows of bars that do not overlap. */
export interface Rows {
  readonly names: readonly string[];
  readonly bars: readonly Bar[];
}

/** Dispatchers on top, one row each; then as many rows of workers as there were at once; the combiner below. */
export function rowsOf({ dispatchers, batches, combine }: JobTimeline): Rows {
  const names: string[] = [];
  const bars: Bar[] = [];
  for (const { leaf, attempt, startMs, endMs } of dispatchers) {
    const name = `dispatcher ${leaf}`;
    bars.push({ kind: 'dispatcher', name, row: names.length, startMs, endMs, attempts: attempt, failed: false });
    names.push(name);
  }
  const first = names.length;
  const { places, count } = pack(batches);
  for (let lane = 0; lane < count; lane++) names.push(`worker ${lane + 1}`);
  batches.forEach(({ batchId, startMs, durationMs, attempts, failed }, i) => bars.push({
    kind: 'batch', name: `batch ${batchId}`, row: first + places[i], startMs, endMs: startMs + durationMs, attempts, failed,
  }));
  if (combine) {
    bars.push({ kind: 'combiner', name: 'combiner', row: names.length, ...combine, attempts: 1, failed: false });
    names.push('combiner');
  }
  return { names, bars };
}

/** For each moment at which it changes, how many workers were running from then on. */
export function concurrency(batches: readonly TimedBatch[]): [ms: number, running: number][] {
  const changes = batches
    .flatMap(({ startMs, durationMs }) => [[startMs, 1], [startMs + durationMs, -1]])
    .sort(([a, up], [b, down]) => a - b || up - down);
  const steps = new Map<number, number>([[0, 0]]);
  let running = 0;
  for (const [ms, change] of changes) {
    running += change;
    steps.set(ms, running);
  }
  return [...steps];
}

/** Puts each batch into the first lane that is free when it starts. */
function pack(batches: readonly TimedBatch[]): { places: number[]; count: number } {
  const places: number[] = new Array(batches.length).fill(0);
  const freeAt: number[] = [];
  const order = batches.map((_batch, i) => i).sort((a, b) => batches[a].startMs - batches[b].startMs);
  for (const i of order) {
    const { startMs, durationMs } = batches[i];
    const free = freeAt.findIndex((ms) => ms <= startMs);
    const lane = free < 0 ? freeAt.length : free;
    freeAt[lane] = startMs + durationMs;
    places[i] = lane;
  }
  return { places, count: freeAt.length };
}
