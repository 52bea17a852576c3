import type { TimedBatch } from '../jobs/timeline';

/** A moment in ms since the start of the job, and how many from then on. */
export type Step = readonly [ms: number, count: number];

const ordered = (values: Iterable<number>) => Float64Array.from(values).sort();
export const startsOf = (batches: readonly TimedBatch[]) => ordered(batches.map(({ startMs }) => startMs));
export const endsOf = (batches: readonly TimedBatch[]) => ordered(batches.map(({ startMs, durationMs }) => startMs + durationMs));

/** For each moment at which it changes, how many workers were running from then on. */
export function concurrency(batches: readonly TimedBatch[]): Step[] {
  const [starts, ends] = [startsOf(batches), endsOf(batches)];
  const steps: [number, number][] = starts[0] === 0 ? [] : [[0, 0]];
  for (let started = 0, ended = 0; ended < ends.length;) {
    const ms = Math.min(starts[started] ?? Infinity, ends[ended]);
    while (starts[started] === ms) started++;
    while (ends[ended] === ms) ended++;
    steps.push([ms, started - ended]);
  }
  return steps.length > 0 ? steps : [[0, 0]];
}

export const most = (steps: readonly Step[]) => steps.reduce((so, [, count]) => Math.max(so, count), 0);

/** At most `parts` steps up to `endMs`, each with the most that there were in its part of the time: no peak is lost. */
export function thinned(steps: readonly Step[], endMs: number, parts: number): Step[] {
  if (steps.length <= parts) return [...steps];
  const thin: Step[] = [];
  let running = 0;
  for (let part = 0, next = 0; part < parts; part++) {
    const [from, to] = [(part * endMs) / parts, ((part + 1) * endMs) / parts];
    let highest = next < steps.length && steps[next][0] === from ? 0 : running;
    for (; next < steps.length && (steps[next][0] < to || part === parts - 1); next++) {
      running = steps[next][1];
      highest = Math.max(highest, running);
    }
    thin.push([from, highest]);
  }
  return thin;
}

/** How many of the sorted moments are not after each of `parts` + 1 points of the time up to `endMs`. */
export function cumulated(sorted: Float64Array, endMs: number, parts: number): Step[] {
  const points: Step[] = [];
  for (let part = 0, count = 0; part <= parts; part++) {
    const ms = part === parts ? endMs : (part * endMs) / parts; // not a hair below, for want of digits
    while (count < sorted.length && sorted[count] <= ms) count++;
    points.push([ms, count]);
  }
  return points;
}

/** The least value that so large a share of the sorted ones does not exceed. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  return sorted.length === 0 ? 0 : sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}
