import { strict as assert } from 'assert';
import * as fc from 'fast-check';
import { MAX_DEPTH } from '../../lambda/protocol';
import { writeLines } from '../../lambda/protocol/items';
import {
  batchCount, batchesOfGroup, childrenOfNode, dispatchDepth, groupCount, groupOfBatch, groupsOfLeaf, GROUP_SIZE, itemsOfBatch, JOIN_FAN_IN,
  joinLevels, MAX_WINDOW, MIN_WINDOW, Span, splitSpan, spanSize, staff, WIDE_WINDOW,
} from '../../lambda/protocol/plan';

const items = fc.integer({ min: 1, max: 1e9 });
const batchSize = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 1e9 }));
const leaves = fc.integer({ min: 1, max: 10_000 });

/** Some members of 0..n-1: both ends and what was drawn. */
const some = (n: number, drawn: number[]) => [...new Set([0, n - 1, ...drawn.map((x) => x % n)])];
const drawn = fc.array(fc.nat(), { maxLength: 20 });

/** Whether consecutive spans begin at 0, touch, are not empty, and end at n: then every number is in exactly one. */
function expectPartition(spanOf: (i: number) => Span, count: number, n: number, probes: number[]) {
  // plain assertions: jest's cost most of the time of tens of thousands of checks
  assert.equal(spanOf(0).start, 0);
  assert.equal(spanOf(count - 1).end, n);
  for (const i of some(count, probes)) {
    assert.ok(spanSize(spanOf(i)) > 0);
    if (i > 0) assert.equal(spanOf(i).start, spanOf(i - 1).end);
    if (i < count - 1) assert.equal(spanOf(i).end, spanOf(i + 1).start);
  }
}

test('every item is in exactly one batch, every batch in exactly one group', () => {
  fc.assert(fc.property(items, batchSize, drawn, (n, size, probes) => {
    const batches = batchCount(n, size);
    expectPartition((i) => itemsOfBatch(i, n, size), batches, n, probes);
    expectPartition((i) => batchesOfGroup(i, batches), groupCount(batches), batches, probes);
    for (const batch of some(batches, probes)) {
      const span = batchesOfGroup(groupOfBatch(batch), batches);
      assert.ok(batch >= span.start && batch < span.end && spanSize(span) <= GROUP_SIZE);
    }
  }), { numRuns: 2_000 });
});

test('every group belongs to exactly one leaf', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 16_000_000 }), leaves, drawn, (groups, wanted, probes) => {
    const count = Math.min(groups, wanted);
    expectPartition((l) => groupsOfLeaf(l, groups, count), count, groups, probes);
  }), { numRuns: 2_000 });
});

test('staff: never more calls than allowed, never so many leaves that their workers have no room', () => {
  const limit = fc.oneof(fc.integer({ min: 3, max: 200 }), fc.integer({ min: 3, max: 100_000 }));
  const most = fc.option(fc.integer({ min: 1, max: 100_000 }), { nil: undefined });
  fc.assert(fc.property(fc.integer({ min: 1, max: 156_250 }), most, limit, (groups, maxConcurrency, account) => {
    const { leaves: l, window } = staff(groups, maxConcurrency, account);
    expect(l).toBeGreaterThanOrEqual(1);
    expect(l).toBeLessThanOrEqual(groups);
    expect(window).toBeGreaterThanOrEqual(1);
    expect(window).toBeLessThanOrEqual((maxConcurrency ?? account) > 50_000 && groups > 800 ? WIDE_WINDOW : MAX_WINDOW);
    if (l > 1) expect(window).toBeGreaterThanOrEqual(MIN_WINDOW);
    expect(l * window).toBeLessThanOrEqual(maxConcurrency ?? Infinity);
    expect(l * (window + 1) + 1).toBeLessThanOrEqual(account);
  }), { numRuns: 2_000 });
});

test('staff: uses nearly all of the concurrency that there is', () => {
  for (const account of [100, 1_000, 10_000, 100_000]) {
    const { leaves: l, window } = staff(1e6, undefined, account);
    expect(l * window).toBeGreaterThan(0.94 * account);
  }
});

test('staff: one leaf fewer costs less than two per cent of the workers', () => {
  expect(staff(16, undefined, 1_000)).toEqual({ leaves: 15, window: 64 }); // 960 workers, where 16 leaves had 976
  expect(staff(141, undefined, 10_000)).toEqual({ leaves: 141, window: 64 }); // with 140 one leaf would have two groups, and take twice as long
  expect(staff(1e6, undefined, 10_000).leaves).toBeLessThan(10_000 / (MAX_WINDOW + 1));
});

test('staff: leaves are few enough to be started at once, in accounts of a hundred thousand too', () => {
  expect(staff(1e6, undefined, 100_000).leaves).toBeLessThan(900);
});

test.each([[1, [1]], [64, [1]], [65, [2, 1]], [4096, [64, 1]], [4097, [65, 2, 1]]])('%d groups have join levels %j', (groups, levels) => {
  expect(joinLevels(groups)).toEqual(levels);
});

test('every child of the join tree has exactly one parent', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 16_000_000 }), drawn, (groups, probes) => {
    let below = groups;
    joinLevels(groups).forEach((width, level) => {
      expectPartition((i) => childrenOfNode(level, i, groups), width, below, probes);
      for (const i of some(width, probes)) assert.ok(spanSize(childrenOfNode(level, i, groups)) <= JOIN_FAN_IN);
      below = width;
    });
    expect(below).toBe(1);
  }), { numRuns: 500 });
});

test('the fan-out reaches every leaf once, within the hops that Lambda allows', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 2, max: 1_000 }), (count, branching) => {
    const reached: number[] = [];
    const walk = (span: Span, depth: number): number => {
      if (spanSize(span) === 1) {
        reached.push(span.start);
        return depth;
      }
      const parts = splitSpan(span, branching);
      assert.ok(parts.length <= branching);
      return Math.max(...parts.map((part) => walk(part, depth + 1)));
    };
    const depth = walk({ start: 0, end: count }, 1);
    expect(depth).toBeLessThanOrEqual(dispatchDepth(count, branching));
    if (branching >= 8) expect(depth).toBeLessThanOrEqual(MAX_DEPTH);
    expect(reached).toEqual(Array.from({ length: count }, (_, i) => i));
  }), { numRuns: 100 });
});

test('16 million leaves are 5 dispatchers deep, 4 hops', () => {
  expect(dispatchDepth(64 ** 4, 64)).toBe(5);
});

test('a list\'s index gives each group its lines, whatever characters they hold', () => {
  fc.assert(fc.property(fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), (list, size) => {
    const { body, indexAt } = writeLines(list, size, 4);
    const view = new DataView(body.buffer, body.byteOffset + indexAt);
    const groups = Math.ceil(list.length / (size * 4));
    expect(body.length).toBe(indexAt + 8 * (groups + 1));
    const read = Array.from({ length: groups }, (_, g) => Buffer.from(body)
      .subarray(Number(view.getBigUint64(8 * g, true)), Number(view.getBigUint64(8 * g + 8, true))).toString().split('\n').slice(0, -1)
      .map((line) => JSON.parse(line)));
    expect(read.flat()).toEqual(list);
    expect(read.every((lines) => lines.length <= size * 4)).toBe(true);
  }));
});
