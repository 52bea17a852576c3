import { batchesOfGroup, GROUP_SIZE, groupCount, groupsOfLeaf } from '../../lambda/protocol/plan';
import type { TimedBatch } from '../jobs/timeline';

/*
 * Too many batches to draw one by one: a row for each band of consecutive batches, and how many of them were running in each slice of
 * the time. A dispatcher has consecutive batches, too.
 */

export interface Band {
  readonly first: number;
  readonly end: number;
  /** Of the batches that ran: */
  readonly ran: number;
  readonly failed: number;
  readonly retried: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly workerMs: number;
  /** For each slice of the time, how many were running on average. */
  readonly running: Float64Array;
  /** For each slice, how many failed batches ended in it. */
  readonly failures: Uint32Array;
}

export interface Bands {
  readonly bands: readonly Band[];
  readonly sliceMs: number;
  /** Consecutive slices with the same shade, in order. */
  readonly runs: readonly Run[];
  /** Shade `i` + 1 is for up to `(i + 1) * perShade` running at a time. */
  readonly perShade: number;
}

export interface Run {
  readonly band: number;
  readonly from: number;
  readonly to: number;
  readonly shade: number;
}

const MOST_BANDS = 32;
const SLICES = 145;
export const SHADES = 6;

/**
 * @param leaves how many dispatchers share the batches, where the first batch is the first one's; otherwise undefined
 */
export function bandsOf(batches: readonly TimedBatch[], batchCount: number, leaves: number | undefined, endMs: number): Bands {
  const sliceMs = Math.max(1, endMs) / SLICES;
  const bands = spans(batchCount, leaves).map(({ first, end }) => ({
    first,
    end,
    ran: 0,
    failed: 0,
    retried: 0,
    startMs: Infinity,
    endMs: 0,
    workerMs: 0,
    running: new Float64Array(SLICES),
    failures: new Uint32Array(SLICES),
  }));
  const bandAt = new Uint16Array(groupCount(batchCount));
  bands.forEach(({ first, end }, i) => bandAt.fill(i, Math.floor(first / GROUP_SIZE), Math.ceil(end / GROUP_SIZE)));
  for (const { batchId, startMs, durationMs, attempts, failed } of batches) {
    const band = bands[bandAt[Math.floor(batchId / GROUP_SIZE)]];
    const stop = startMs + durationMs;
    band.ran++;
    band.workerMs += durationMs;
    band.startMs = Math.min(band.startMs, startMs);
    band.endMs = Math.max(band.endMs, stop);
    if (attempts > 1) band.retried++;
    if (failed) {
      band.failed++;
      band.failures[slice(stop)]++;
    }
    for (let i = slice(startMs), last = slice(stop); i <= last; i++) {
      band.running[i] += Math.max(0, Math.min(stop, i === SLICES - 1 ? Infinity : (i + 1) * sliceMs) - Math.max(startMs, i * sliceMs)) / sliceMs;
    }
  }
  const highest = bands.reduce((so, { running }) => Math.max(so, running.reduce((a, b) => Math.max(a, b), 0)), 0);
  const perShade = Math.max(highest, 1e-9) / SHADES;
  return { bands, sliceMs, perShade, runs: bands.flatMap(({ running }, band) => runsOf(running, band, perShade)) };

  function slice(ms: number): number {
    return Math.min(SLICES - 1, Math.floor(ms / sliceMs));
  }
}

/** Whole groups to a band, and whole dispatchers or whole parts of one. */
function spans(batchCount: number, leaves: number | undefined): { first: number; end: number }[] {
  const groups = groupCount(batchCount);
  const cuts: number[] = [];
  if (leaves === undefined || leaves > MOST_BANDS) {
    const units = leaves ?? groups;
    const perBand = Math.ceil(units / MOST_BANDS);
    for (let unit = 0; unit < units; unit += perBand) cuts.push(leaves === undefined ? unit : groupsOfLeaf(unit, groups, leaves).start);
  } else {
    const parts = Math.max(1, Math.floor(MOST_BANDS / leaves));
    for (let leaf = 0; leaf < leaves; leaf++) {
      const { start, end } = groupsOfLeaf(leaf, groups, leaves);
      for (let part = 0; part < parts; part++) cuts.push(start + Math.floor((part * (end - start)) / parts));
    }
  }
  const distinct = [...new Set(cuts)].filter((group) => group < groups);
  return distinct.map((group, i) => ({
    first: batchesOfGroup(group, batchCount).start, end: i + 1 < distinct.length ? batchesOfGroup(distinct[i + 1], batchCount).start : batchCount,
  }));
}

function runsOf(running: Float64Array, band: number, perShade: number): Run[] {
  const runs: Run[] = [];
  const shades = Array.from(running, (mean) => Math.min(SHADES, Math.ceil(mean / perShade - 1e-9)));
  for (let from = 0, to = 0; from < shades.length; from = to) {
    while (to < shades.length && shades[to] === shades[from]) to++;
    if (shades[from] > 0) runs.push({ band, from, to, shade: shades[from] });
  }
  return runs;
}
