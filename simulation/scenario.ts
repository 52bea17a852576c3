import { FaultKind, FaultRates } from './faults';
import { Settings } from '../lambda/protocol';

/** What a seed stands for: a job, the limits around it, and what goes wrong. */
export interface Scenario {
  readonly kind: 'calm' | 'gentle' | 'storm';
  readonly batches: number;
  readonly request: { [field: string]: unknown };
  readonly settings: Settings;
  /** Lines of the object that the request points to; absent: its items are in the request. */
  readonly input?: string;
  readonly accountConcurrency: number;
  /** Batches whose worker always throws. */
  readonly poison: ReadonlySet<number>;
  readonly workerMs: number;
  /** How long a request is under way at most, in each direction. */
  readonly latencyMs: number;
  /** How many of the first combiner calls fail. */
  readonly combinerThrows: number;
  /** Only those for this level of the tree of partial results, or above it. */
  readonly combinerThrowsFrom: number;
  readonly dispatcherMs: number;
  readonly monitorMs: number;
  readonly rates: FaultRates;
  /** Faults happen up to so long after the start. */
  readonly faultsMs: number;
  readonly skewMs: number;
  /** When to stop the execution from outside, and how it is said to have ended; ABORTED is also how a job is cancelled. */
  readonly stop?: { readonly atMs: number; readonly after: 'start' | 'combine'; readonly status: 'ABORTED' | 'TIMED_OUT' };
  /** When to try a redrive; each after the one before. */
  readonly redrivesAtMs: number[];
  /** The deadline is so far away that the job has no excuse to miss it. */
  readonly hasTime: boolean;
}

/** Faults that lose nothing: without others, nobody may have to wait for a time-out. */
const HARMLESS: FaultKind[] = ['double event', 'throttle worker', 'worker throws', 'stale read', 'skew', 'double notice'];
const HARMFUL: FaultKind[] = [
  ...HARMLESS, 'crash', 'kill', 'freeze', 'slow', 'refuse write', 'lose answer', 'unknown outcome', 'late write', 'fail read', 'drop event', 'delay event',
  'lose call', 'lose result', 'refuse worker', 'throttle monitor', 'lose monitor',
];
/** Chance per occasion; the occasions of some kinds are rare. */
const RARE: Partial<Record<FaultKind, number>> = { 'kill': 0.1, 'freeze': 0.004, 'skew': 0.5, 'throttle monitor': 0.2, 'lose monitor': 0.1, 'double notice': 0.3 };
const LONG_SECONDS = 4 * 3600;
export const INPUT = 's3://input/items.jsonl';

/** `scale`: how many batches a group has, compared with the smallest. */
export function scenarioOf(random: () => number, scale: number): Scenario {
  const below = (n: number) => Math.floor(random() * n);
  const chance = (p: number) => random() < p;
  const pick = <T>(...values: T[]) => values[below(values.length)];

  const kind = chance(0.06) ? 'calm' : chance(0.3) ? 'gentle' : 'storm';
  const batches = (chance(0.02) ? 0 : chance(0.4) ? 1 + below(8) : chance(0.8) ? 1 + below(30) : 1 + below(70)) * scale;
  const batchSize = pick(1, 1, 1, 2, 3);
  const items = Math.max(0, batches * batchSize - (batchSize > 1 ? below(batchSize) : 0));
  const hasTime = !chance(0.08);
  const faultsMs = kind === 'calm' ? 0 : 1000 * pick(10, 30, 60, 120);
  const rates: { [kind in FaultKind]?: number } = {};
  for (const fault of kind === 'calm' ? [] : kind === 'gentle' ? HARMLESS : HARMFUL) {
    if (chance(0.45)) rates[fault] = RARE[fault] ?? pick(0.004, 0.015, 0.06);
  }
  const poison = new Set<number>();
  if (chance(0.2)) for (let i = 1 + below(3); i > 0; i--) poison.add(below(batches));
  const settings: Settings = {
    branching: pick(2, 3, 64),
    timeoutSeconds: LONG_SECONDS,
    workerRetries: pick(0, 1, 2, 3),
    toleratedFailurePercentage: pick(0, 0, 10, 30, 100),
    resultRetentionSeconds: 7 * 86_400,
    repairIntervalSeconds: pick(5, 6, 8),
    workerTimeoutSeconds: 8,
    leafStartGraceSeconds: pick(5, 8),
    maxLeafRestarts: pick(2, 5, 5),
    ...(chance(0.5) && { startPatienceSeconds: pick(1, 30) }),
    maxWindow: scale * pick(1, 2, 3, 5),
    combineOnTimeout: chance(0.5),
  };
  const scenario: Scenario = {
    kind,
    batches,
    request: {
      items: chance(0.2) ? { list: Array.from({ length: items }, (_, i) => 1000 + i) } : { range: { start: 1000, end: 1000 + items } },
      batchSize,
      ...(chance(0.6) && { maxConcurrency: scale * (1 + below(12)) }),
      ...(chance(0.3) && { parameters: { p: 1 } }),
      ...(!hasTime && { timeoutSeconds: 5 + below(60) }),
    },
    settings,
    accountConcurrency: pick(1000, 1000, scale * 30, 10),
    poison,
    latencyMs: kind === 'gentle' ? pick(12, 80, 80) : pick(12, 12, 80),
    workerMs: pick(20, 300, 1500, 4000),
    combinerThrows: chance(0.12) ? 1 + below(4) : 0,
    combinerThrowsFrom: 0,
    dispatcherMs: 1000 * pick(48, 60, 120, 900),
    monitorMs: 150_000,
    rates,
    faultsMs,
    skewMs: pick(500, 4_000, 40_000),
    ...(chance(0.12) && kind !== 'calm' && { stop: { ...pick({ atMs: below(3_000), after: 'start' }, { atMs: below(40_000), after: 'start' }, { atMs: below(200), after: 'combine' }), status: pick('ABORTED', 'ABORTED', 'TIMED_OUT') } }),
    redrivesAtMs: chance(0.25) && kind !== 'calm' ? Array.from({ length: 1 + below(2) }, () => below(pick(10_000, 60_000, 300_000))).sort((a, b) => a - b) : [],
    hasTime,
  };
  // drawn last, so that a seed is the same job in every mode
  const hasInput = chance(0.15) && items > 0; // an empty object is refused
  return {
    ...scenario,
    combinerThrowsFrom: scenario.combinerThrows > 2 ? 1 : 0,
    ...(hasInput && {
      request: { ...scenario.request, items: { s3: { uri: INPUT } } },
      input: Array.from({ length: items }, (_, i) => `${1000 + i}\n`).join(''),
    }),
    settings: {
      ...settings,
      ...(chance(0.4) && { combineMode: 'TREE', combinerTimeoutSeconds: 8 }),
      ...(chance(0.3) && { speculativeExecution: true }),
    },
  };
}
