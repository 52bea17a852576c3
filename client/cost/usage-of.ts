import { Cost, costOf } from './price';
import { usageSoFar } from '../../lambda/protocol/bill';
import type { JobRow, LeafRow } from '../../lambda/protocol/model';
import { NO_USAGE, StoredUsage, sumUsage, Usage } from '../../lambda/protocol/usage';

export interface JobUsage {
  /** What the job used, counted by its own functions: of all its epochs once it has ended, so far while it runs. */
  readonly usage: Usage;
  readonly cost: Cost;
}

/**
 * What a job used and what that costs, by its row. `leaves`: what was read of the rows of its leaves, and how many leaves each
 * of them stands for; `children`: what those of a Distributed Map used. A job that has ended needs none.
 */
export function usageOf(row: JobRow, leaves: Pick<LeafRow, 'usage'>[] = [], scale = 1, children?: StoredUsage): JobUsage {
  const isOver = row.terminal?.epoch === row.epoch;
  const times = (value: number) => Math.round(2 * value * scale) / 2; // there are halves of units
  const scaled = leaves.map(({ usage = {} }) => ({ usage: Object.fromEntries(Object.entries(usage).map(([name, value]) => [name, times(value)])) }));
  const used = isOver || !row.plan ? row.usage : sumUsage(usageSoFar(row, scaled), children);
  return { usage: { ...NO_USAGE, ...used }, cost: costOf(used ?? {}, row.functions) };
}
