import { percentile } from './series';
import type { TimedBatch } from '../jobs/timeline';

/** How many batches took how long. */
export interface Histogram {
  /** In ms, one more than bins: each bin from its edge up to the next one, the last with its upper edge. */
  readonly edges: readonly number[];
  readonly succeeded: readonly number[];
  readonly failed: readonly number[];
  /** `log`: each bin is wider than the one before. */
  readonly scale: 'linear' | 'log';
}

const BINS = 30;
/** With a slowest batch so many times slower than the middle one, bins of one width would put nearly all into the first. */
const LONG_TAIL = 8;
const LOG_STEPS = [1, 1.5, 2, 3, 5, 7];

export function histogramOf(batches: readonly TimedBatch[]): Histogram {
  const sorted = Float64Array.from(batches, ({ durationMs }) => durationMs).sort();
  const [least, greatest] = [sorted[0] ?? 0, sorted[sorted.length - 1] ?? 0];
  const scale = greatest > LONG_TAIL * Math.max(1, percentile(sorted, 0.5)) ? 'log' : 'linear';
  const edges = scale === 'log' ? logEdges(least, greatest) : linearEdges(least, greatest);
  const succeeded: number[] = new Array(edges.length - 1).fill(0);
  const failed = [...succeeded];
  for (const batch of batches) (batch.failed ? failed : succeeded)[binOf(edges, batch.durationMs)]++;
  return { edges, succeeded, failed, scale };
}

/** Where a duration is among the bins, as a fraction: 2.5 is the middle of the third. */
export function placeIn({ edges }: Histogram, ms: number): number {
  const bin = binOf(edges, ms);
  return bin + (ms - edges[bin]) / (edges[bin + 1] - edges[bin]);
}

function binOf(edges: readonly number[], ms: number): number {
  let [low, high] = [0, edges.length - 1];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (edges[middle] <= ms) low = middle;
    else high = middle;
  }
  return low;
}

function linearEdges(least: number, greatest: number): number[] {
  const width = niceStep((greatest - least) / BINS);
  const first = Math.floor(least / width);
  const count = Math.max(1, Math.floor(greatest / width) + 1 - first);
  return Array.from({ length: count + 1 }, (_, i) => (first + i) * width);
}

/** The next of 1, 2, 5, 10, 20, ... ms. */
function niceStep(ms: number): number {
  let decade = 1;
  while (10 * decade < ms) decade *= 10;
  return [1, 2, 5, 10].map((factor) => factor * decade).find((step) => step >= ms)!;
}

function logEdges(least: number, greatest: number): number[] {
  const edges = least < 1 ? [0] : [];
  for (let decade = 1; (edges[edges.length - 1] ?? 0) <= greatest; decade *= 10) {
    for (const step of LOG_STEPS) {
      edges.push(step * decade);
      if (step * decade > greatest) break;
    }
  }
  let from = 0;
  while (edges[from + 1] <= least) from++; // empty bins before the first
  return edges.slice(from);
}
