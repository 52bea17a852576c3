/** Repeated measurements of one thing: the middle, and how far they lie apart. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
}

export function spread(values: readonly number[]): Spread {
  if (values.length === 0) throw new Error('no measurements: repeat at least once');
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  const median = Number.isInteger(half) ? (sorted[half - 1] + sorted[half]) / 2 : sorted[Math.floor(half)];
  return { median, min: sorted[0], max: sorted[sorted.length - 1], runs: sorted.length };
}

/** Ratios of two things measured in turn, pair by pair: what slows the machine down slows both. */
export async function paired(runs: number, a: () => Promise<number>, b: () => Promise<number>): Promise<{ a: Spread; b: Spread; ratio: Spread }> {
  const pairs: [number, number][] = [];
  for (let i = 0; i < runs; i++) pairs.push([await a(), await b()]);
  return { a: spread(pairs.map(([x]) => x)), b: spread(pairs.map(([, y]) => y)), ratio: spread(pairs.map(([x, y]) => x / y)) };
}
