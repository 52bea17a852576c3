/** Who does what: pure arithmetic from the size of the input to batches, groups, leaves and the join tree. */

/** Batches per group: the unit of commit, and of the index of an input. Under a Distributed Map a batch is committed alone. */
export const GROUP_SIZE = 64;
/** Above this the monitor would read and write for minutes at the end; a larger batchSize is the better answer. */
export const MAX_BATCHES = 10_000_000;
/** Children per join node. */
export const JOIN_FAN_IN = 64;
/** Worker calls that one leaf keeps in flight, at most and (where limits allow) at least. */
export const MAX_WINDOW = 64;
/** The most where so many leaves would be needed that Lambda could not start all at once; each call costs the leaf a third of a millisecond. */
export const WIDE_WINDOW = 128;
export const MIN_WINDOW = 32;
/** Environments that Lambda starts at once for one function (Lambda scaling behavior), less those that start the leaves. */
const MANY_LEAVES = 900;
/** So much of the workers may be given up for fewer leaves, which are what a job pays for. */
const SPARED = 0.02;

/** A run of consecutive numbers, end exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export function batchCount(items: number, batchSize: number): number {
  return Math.ceil(items / batchSize);
}

/** Batches that are committed together. */
export function groupSize(plan: { readonly map?: unknown }): number {
  return plan.map ? 1 : GROUP_SIZE;
}

export function groupCount(batches: number, size = GROUP_SIZE): number {
  return Math.ceil(batches / size);
}

/** The items of a batch, counted from 0. */
export function itemsOfBatch(batch: number, items: number, batchSize: number): Span {
  return { start: batch * batchSize, end: Math.min((batch + 1) * batchSize, items) };
}

export function batchesOfGroup(group: number, batches: number, size = GROUP_SIZE): Span {
  return { start: group * size, end: Math.min((group + 1) * size, batches) };
}

export function groupOfBatch(batch: number): number {
  return Math.floor(batch / GROUP_SIZE);
}

/** Exact for groups x leaves up to 2^53, far above what a job may have. */
export function groupsOfLeaf(leaf: number, groups: number, leaves: number): Span {
  return { start: Math.floor((leaf * groups) / leaves), end: Math.floor(((leaf + 1) * groups) / leaves) };
}

export interface Staffing {
  readonly leaves: number;
  /** Worker calls that each leaf keeps in flight. */
  readonly window: number;
}

/** Under a Distributed Map. */
export const NO_LEAVES: Staffing = { leaves: 0, window: 0 };

/**
 * How many leaves with which window, so that leaves x window never exceeds `maxConcurrency`, and leaves and their
 * workers and one more function fit in the account: leaves (window + 1) + 1 <= accountConcurrency. Leaves that took the
 * slots which their own workers need would wait for ever. Of nearly as many workers those that need nearly the fewest waves, and
 * then the fewest leaves.
 */
export function staff(groups: number, maxConcurrency: number | undefined, accountConcurrency: number, maxWindow?: number): Staffing {
  const staffing = staffed(groups, maxConcurrency, accountConcurrency, maxWindow ?? MAX_WINDOW);
  return maxWindow === undefined && staffing.leaves > MANY_LEAVES ? staffed(groups, maxConcurrency, accountConcurrency, WIDE_WINDOW) : staffing;
}

function staffed(groups: number, maxConcurrency: number | undefined, accountConcurrency: number, maxWindow: number): Staffing {
  const minWindow = Math.min(MIN_WINDOW, maxWindow);
  const wanted = maxConcurrency ?? Infinity;
  const most = Math.max(1, Math.min(groups, wanted, Math.floor((accountConcurrency - 1) / 2)));
  const window = (leaves: number) => Math.max(1, Math.min(
    maxWindow,
    Math.floor(wanted / leaves),
    Math.floor((accountConcurrency - 1) / leaves) - 1,
  ));
  const choices: Staffing[] = [{ leaves: 1, window: window(1) }];
  for (let leaves = 2; leaves <= most && window(leaves) >= minWindow; leaves++) choices.push({ leaves, window: window(leaves) }); // they only shrink
  const workers = choices.reduce((best, choice) => Math.max(best, choice.leaves * choice.window), 0);
  const good = choices.filter((choice) => choice.leaves * choice.window >= (1 - SPARED) * workers);
  // one after the other, in the leaf that has most to do
  const waves = (choice: Staffing) => Math.ceil((Math.ceil(groups / choice.leaves) * GROUP_SIZE) / choice.window);
  const least = good.reduce((best, choice) => Math.min(best, waves(choice)), Infinity);
  return good.find((choice) => (1 - SPARED) * waves(choice) <= least)!;
}

/** How many nodes each level of the join tree has, from the level above the groups to the root. */
export function joinLevels(groups: number): number[] {
  const levels: number[] = [];
  let width = groups;
  do {
    width = Math.ceil(width / JOIN_FAN_IN);
    levels.push(width);
  } while (width > 1);
  return levels;
}

/** The children of a join node: groups on level 0, nodes of the level below above that. */
export function childrenOfNode(level: number, index: number, groups: number): Span {
  const below = level === 0 ? groups : joinLevels(groups)[level - 1];
  return { start: index * JOIN_FAN_IN, end: Math.min((index + 1) * JOIN_FAN_IN, below) };
}

export function spanSize(span: Span): number {
  return span.end - span.start;
}

/** Splits a span into at most `parts` spans of nearly the same size, none empty. */
export function splitSpan(span: Span, parts: number): Span[] {
  const size = spanSize(span);
  const n = Math.min(parts, size);
  return Array.from({ length: n }, (_, i) => ({
    start: span.start + Math.floor((i * size) / n),
    end: span.start + Math.floor(((i + 1) * size) / n),
  }));
}

/** Dispatcher hops from the root to a leaf; a leaf alone is 1. */
export function dispatchDepth(leaves: number, branching: number): number {
  let depth = 1;
  for (let reach = 1; reach < leaves; reach *= branching) depth++;
  return depth;
}

/** How many dispatchers only start others. The first ones are started by the monitor. */
export function innerDispatchers(leaves: number, branching: number): number {
  const below = (part: Span): number => (spanSize(part) <= 1 ? 0 : 1 + splitSpan(part, branching).reduce((sum, half) => sum + below(half), 0));
  return splitSpan({ start: 0, end: leaves }, branching).reduce((sum, part) => sum + below(part), 0);
}
