import type { JobTimeline, TimedBatch } from '../jobs/timeline';

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

/** More dispatchers than this share rows. */
const MOST_DISPATCHERS = 24;

/** Dispatchers on top, one row each; then as many rows of workers as there were at once; the combiner below. */
export function rowsOf(timeline: JobTimeline): Rows {
  const { batches } = timeline;
  const rows = dispatcherRows(timeline);
  const { places, count } = pack(batches);
  const names = [...rows.names, ...Array.from({ length: count }, (_, lane) => `worker ${lane + 1}`)];
  const bars = batches.map((batch, i): Bar => ({
    kind: 'batch',
    name: nameOf(batch),
    row: rows.names.length + places[i],
    startMs: batch.startMs,
    endMs: batch.startMs + batch.durationMs,
    attempts: batch.attempts,
    failed: batch.failed,
  }));
  return withCombiner({ names, bars: [...rows.bars, ...bars] }, timeline);
}

/** A row for each dispatcher; of many, one for so many with consecutive numbers, from the first start to the last end. */
export function dispatcherRows({ dispatchers }: JobTimeline): Rows & { readonly perRow: number } {
  const perRow = Math.max(1, Math.ceil(dispatchers.length / MOST_DISPATCHERS));
  const bars = Array.from({ length: Math.ceil(dispatchers.length / perRow) }, (_, row): Bar => {
    const part = dispatchers.slice(row * perRow, (row + 1) * perRow);
    const [first, last] = [part[0], part[part.length - 1]];
    return {
      kind: 'dispatcher',
      name: first === last ? `dispatcher ${first.leaf}` : `dispatchers ${first.leaf}–${last.leaf}`,
      row,
      startMs: Math.min(...part.map(({ startMs }) => startMs)),
      endMs: Math.max(...part.map(({ endMs }) => endMs)),
      attempts: Math.max(...part.map(({ attempt }) => attempt)),
      failed: false,
    };
  });
  return { names: bars.map(({ name }) => name), bars, perRow };
}

export function withCombiner({ names, bars }: Rows, { combine }: JobTimeline): Rows {
  if (combine === undefined) return { names, bars };
  return {
    names: [...names, 'combiner'],
    bars: [...bars, { kind: 'combiner', name: 'combiner', row: names.length, ...combine, attempts: 1, failed: false }],
  };
}

const MOST_CHARS = 60;

/** 'batch 7', of unlike tasks with the task's id. */
export function nameOf({ batchId, taskId }: { readonly batchId: number; readonly taskId?: string }): string {
  return `batch ${batchId}${taskId === undefined ? '' : ` (${taskId.length > MOST_CHARS ? `${taskId.slice(0, MOST_CHARS)}…` : taskId})`}`;
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
