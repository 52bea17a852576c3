import { combineTree } from './tree';
import { CombinerEvent, readResults } from '../../../../runtime';

/** Sums all squares, whichever way the results come, and passes on what it was told. */
export const handler = async (event: CombinerEvent) => {
  if ((event.parameters as { combinerThrows?: boolean } | undefined)?.combinerThrows) throw new RangeError('cannot combine');
  if (event.tree) return combineTree(event);
  let sum = 0;
  let batches = 0;
  const failed: number[] = [];
  const by: Record<string, number> = {};
  for await (const { batchId, state, result } of readResults(event)) {
    if (batchId !== batches++) throw new Error(`batch ${batchId} out of order`);
    if (state !== 'succeeded') {
      failed.push(batchId);
      continue;
    }
    const { squares, by: name = '' } = result as { squares: number[]; by?: string };
    sum += squares.reduce((a, b) => a + b, 0);
    by[name] = (by[name] ?? 0) + 1;
  }
  const { results, ...rest } = event;
  return { ...rest, sum, batches, failed, by, form: 'inline' in results ? 'inline' : 'manifest' };
};
