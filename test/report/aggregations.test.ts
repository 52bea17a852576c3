import * as fc from 'fast-check';
import { TimedBatch } from '../../client';
import { bandsOf } from '../../client/report/bands';
import { FailureGroups } from '../../client/report/failures';
import { top } from '../../client/report/figures';
import { histogramOf, placeIn } from '../../client/report/histogram';
import { dispatcherRows, rowsOf } from '../../client/report/lanes';
import { concurrency, cumulated, most, percentile, startsOf, thinned } from '../../client/report/series';

/** What charts and tables are made of, for any job. */
const runs = (maxLength: number, times: { longest: number; latest: number } = { longest: 20, latest: 50 }) =>
  fc.array(fc.record({
    startMs: fc.nat(times.latest), durationMs: fc.nat(times.longest), attempts: fc.integer({ min: 1, max: 3 }), failed: fc.boolean(),
  }), { maxLength }).map((list) => list.map((batch, batchId): TimedBatch => ({ batchId, ...batch })));
const endOf = (batches: TimedBatch[]) => batches.reduce((so, { startMs, durationMs }) => Math.max(so, startMs + durationMs), 1);
const workerMs = (batches: TimedBatch[]) => batches.reduce((sum, { durationMs }) => sum + durationMs, 0);
const check = <T>(arbitrary: fc.Arbitrary<T>, property: (value: T) => void) => fc.assert(fc.property(arbitrary, property));

describe('concurrency', () => {
  test('counts at each moment how many run', () => {
    check(fc.tuple(runs(40), fc.nat(80)), ([batches, moment]) => {
      const now = concurrency(batches).filter(([ms]) => ms <= moment).at(-1)![1];
      expect(now).toBe(batches.filter(({ startMs, durationMs }) => startMs <= moment && moment < startMs + durationMs).length);
    });
  });

  test('has the sum of all durations below it', () => {
    check(runs(60), (batches) => {
      const steps = concurrency(batches);
      expect(steps.reduce((area, [ms, running], i) => area + running * ((steps[i + 1]?.[0] ?? ms) - ms), 0)).toBe(workerMs(batches));
    });
  });

  test('made of fewer points it keeps its peak, and is nowhere less', () => {
    check(fc.tuple(runs(60, { longest: 200, latest: 500 }), fc.integer({ min: 1, max: 20 })), ([batches, parts]) => {
      const steps = concurrency(batches);
      const thin = thinned(steps, endOf(batches), parts);
      expect(most(thin)).toBe(most(steps));
      for (const [at, running] of steps) expect(thin.filter(([ms]) => ms <= at).at(-1)![1]).toBeGreaterThanOrEqual(running);
    });
  });

  test('never more have started than there are, and all in the end', () => {
    check(runs(60, { longest: 9, latest: 1_234 }), (batches) => {
      const points = cumulated(startsOf(batches), endOf(batches), 7);
      expect(points).toHaveLength(8);
      expect(points.at(-1)![1]).toBe(batches.length);
      for (const [ms, count] of points) expect(count).toBe(batches.filter(({ startMs }) => startMs <= ms).length);
    });
  });
});

describe('the histogram', () => {
  test.each([['linear', 100], ['log', 1_000_000]])('has each batch in the one bin of its duration: %s', (_, longest) => {
    check(runs(80, { longest, latest: 9 }), (batches) => {
      const { edges, succeeded, failed } = histogramOf(batches);
      expect(edges).toHaveLength(succeeded.length + 1);
      expect(edges.slice(1).every((edge, i) => edge > edges[i])).toBe(true);
      expect(succeeded.length).toBeLessThanOrEqual(45);
      const isIn = (i: number) => ({ durationMs }: TimedBatch) => durationMs >= edges[i] && durationMs < edges[i + 1];
      const count = (i: number, isFailed: boolean) => batches.filter(isIn(i)).filter((batch) => batch.failed === isFailed).length;
      expect(succeeded).toEqual(succeeded.map((_count, i) => count(i, false)));
      expect(failed).toEqual(failed.map((_count, i) => count(i, true)));
      expect([...succeeded, ...failed].reduce((a, b) => a + b, 0)).toBe(batches.length);
    });
  });

  test('puts a duration where it is among the bins', () => {
    const took = (durationMs: number, batchId: number) => ({ batchId, startMs: 0, durationMs, attempts: 1, failed: false });
    const histogram = histogramOf([10, 20, 30].map(took));
    expect(histogram.edges[0]).toBe(10);
    expect([10, 20, 20.5].map((ms) => placeIn(histogram, ms))).toEqual([0, 10, 10.5]);
  });

  test('a percentile is a duration that so many do not exceed', () => {
    const upTo200 = Array.from({ length: 200 }, (_, i) => i + 1);
    expect([0.01, 0.5, 0.95, 0.99, 1].map((share) => percentile(upTo200, share))).toEqual([2, 100, 190, 198, 200]);
    expect(percentile([], 0.5)).toBe(0);
  });
});

describe('lanes', () => {
  test('never have two batches at the same time, and are no more than batches at once', () => {
    check(runs(40), (batches) => {
      const { bars, names } = rowsOf({ startedAt: new Date(0), slots: 1, takenOver: 0, dispatchers: [], batches });
      expect(bars.map(({ name }) => name)).toEqual(batches.map(({ batchId }) => `batch ${batchId}`));
      for (const a of bars) {
        for (const b of bars) expect(a === b || a.row !== b.row || a.endMs <= b.startMs || b.endMs <= a.startMs).toBe(true);
      }
      if (batches.every(({ durationMs }) => durationMs > 0)) expect(names).toHaveLength(most(concurrency(batches)));
    });
  });

  test('of many dispatchers, some share a row', () => {
    const dispatchers = Array.from({ length: 100 }, (_, leaf) => ({ leaf, attempt: 1, startMs: leaf, endMs: 1_000 - leaf }));
    const { bars, perRow } = dispatcherRows({ startedAt: new Date(0), slots: 1, takenOver: 0, dispatchers, batches: [] });
    expect([perRow, bars.length]).toEqual([5, 20]);
    expect(bars[1]).toMatchObject({ name: 'dispatchers 5–9', startMs: 5, endMs: 995 });
  });
});

describe('bands', () => {
  const jobs = fc.tuple(runs(400, { longest: 300, latest: 900 }), fc.nat(3_000), fc.option(fc.integer({ min: 1, max: 80 }), { nil: undefined }));

  test('have each batch once, all of its time, and each failure', () => {
    check(jobs, ([batches, missing, leaves]) => {
      const count = Math.max(1, batches.length + missing);
      const { bands, sliceMs } = bandsOf(batches, count, leaves && Math.min(leaves, Math.ceil(count / 64)), endOf(batches));
      expect(bands.length).toBeLessThanOrEqual(32);
      expect([bands[0].first, bands.at(-1)!.end]).toEqual([0, count]);
      bands.slice(1).forEach(({ first }, i) => expect(first).toBe(bands[i].end));
      const sum = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);
      expect(sum(bands.map(({ ran }) => ran))).toBe(batches.length);
      expect(sum(bands.map(({ running }) => sum(running) * sliceMs))).toBeCloseTo(workerMs(batches), 4);
      expect(sum(bands.map(({ failures }) => sum(failures)))).toBe(batches.filter(({ failed }) => failed).length);
      for (const { first, end, failed } of bands) {
        expect(failed).toBe(batches.filter((batch) => batch.failed && batch.batchId >= first && batch.batchId < end).length);
      }
    });
  });

  test('are shaded by how many run', () => {
    check(jobs, ([batches, missing]) => {
      const { bands, runs: shaded, perShade } = bandsOf(batches, Math.max(1, batches.length + missing), undefined, endOf(batches));
      const shadeAt = (band: number, slice: number) => shaded.find((run) => run.band === band && run.from <= slice && slice < run.to)?.shade ?? 0;
      const somewhere = bands.flatMap((band, i) => [0, 40, 144].map((slice) => [shadeAt(i, slice), band.running[slice] / perShade]));
      for (const [shade, exact] of somewhere) expect(Math.abs(shade - exact - 0.5)).toBeLessThanOrEqual(0.5 + 1e-6);
    });
  });
});

test('failures that differ in numbers only are one kind, the most frequent first, and the memory for them is bounded', () => {
  const groups = new FailureGroups();
  const failure = { attempts: 3, requestId: 'r' };
  for (let batchId = 0; batchId < 10; batchId++) groups.add({ ...failure, batchId, errorType: 'E', message: `item ${batchId}, 1.5 of 0xff` });
  groups.add({ ...failure, batchId: 10, errorType: 'F', message: 'item 1, 1.5 of 0xff' });
  expect(groups.all.map(({ errorType, count, examples }) => [errorType, count, examples.map(({ batchId }) => batchId)])).toEqual([['E', 10, [0, 1, 2, 3, 4]], ['F', 1, [10]]]);
  for (let n = 0; n < 5_000; n++) groups.add({ ...failure, batchId: n, errorType: 'G', message: 'x'.repeat(n) });
  expect(groups.all).toHaveLength(1_001);
  expect(groups.all.reduce((sum, { count }) => sum + count, 0)).toBe(5_011);
});

test('the first of an order are the first of all', () => {
  check(runs(50), (batches) => {
    const byDuration = (a: TimedBatch, b: TimedBatch) => b.durationMs - a.durationMs || a.batchId - b.batchId;
    const many = Array.from({ length: 60 }, (_, copy) => batches.map((batch) => ({ ...batch, batchId: copy * 100 + batch.batchId }))).flat();
    expect(top(many, 10, byDuration)).toEqual([...many].sort(byDuration).slice(0, 10));
  });
});
