import { CombinerEvent, readResults } from '../../../../runtime';

/** What is combined so far: `runs` are the batches behind one another, so that one lost, twice or out of order shows; `forms` counts calls. */
export interface Combined {
  sum: number;
  runs: [start: number, end: number][];
  failed: number[];
  forms: Record<string, number>;
  padding?: string;
}

/** Puts squares, or what this function made of them, behind one another. */
export async function combineTree(event: CombinerEvent): Promise<Combined> {
  const { sleepMs = 0, padding = 0 } = (event.parameters as { combiner?: { sleepMs?: number; padding?: number } } | undefined)?.combiner ?? {};
  if (sleepMs) await new Promise((resolve) => setTimeout(resolve, sleepMs));
  const form = `${Math.min(1, event.tree!.level)}-${Object.keys(event.results)[0]}`;
  const all: Combined = { sum: 0, runs: [], failed: [], forms: { [form]: 1 }, ...(padding && { padding: 'x'.repeat(padding) }) };
  for await (const { batchId, state, result } of readResults(event)) {
    if (state !== 'succeeded') all.failed.push(batchId);
    const part = state !== 'succeeded' ? { sum: 0, runs: [[batchId, batchId + 1]] } as Partial<Combined>
      : event.tree!.level > 0 ? result as Combined : ofBatch(batchId, (result as { squares: number[] }).squares);
    all.sum += part.sum!;
    all.failed.push(...part.failed ?? []);
    for (const [start, end] of part.runs!) {
      const last = all.runs[all.runs.length - 1];
      if (last?.[1] === start) last[1] = end;
      else all.runs.push([start, end]);
    }
    for (const [name, calls] of Object.entries(part.forms ?? {})) all.forms[name] = (all.forms[name] ?? 0) + calls;
  }
  return all;
}

function ofBatch(batchId: number, squares: number[]): Partial<Combined> {
  return { sum: squares.reduce((a, b) => a + b, 0), runs: [[batchId, batchId + 1]] };
}
