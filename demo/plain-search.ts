import type { SearchAnswer } from '../examples/digit-search/functions/node/combiner';
import { PIXELS } from '../examples/digit-search/functions/node/digits';
import { Neighbour } from '../examples/digit-search/functions/node/search';
import { DataSet } from '../examples/digit-search/functions/prepare';

/**
 * The same search as simply as it can be written, in one process: all distances, sorted, the first k. It shares no code with the
 * worker and the combiner, so that what they return can be checked against it.
 */
export function plainSearch({ queries, candidates }: DataSet, k: number): Neighbour[][] {
  return Array.from(queries.labels, (_label, query) => {
    const all: Neighbour[] = [];
    for (let index = 0; index < candidates.labels.length; index++) {
      let distance = 0;
      for (let pixel = 0; pixel < PIXELS; pixel++) {
        const difference = queries.pixels[query * PIXELS + pixel] - candidates.pixels[index * PIXELS + pixel];
        distance += difference * difference;
      }
      all.push({ index, distance });
    }
    return all.sort((a, b) => a.distance - b.distance || a.index - b.index).slice(0, k);
  });
}

/** What is different between the answer of a job and the plain search, in words; empty when every neighbour is the same. */
export function differences(answer: SearchAnswer, data: DataSet, expected: readonly Neighbour[][]): string[] {
  const found: string[] = [];
  if (answer.queries.length !== expected.length) found.push(`${answer.queries.length} queries answered instead of ${expected.length}`);
  expected.forEach((neighbours, query) => {
    const { neighbours: got = [], label } = answer.queries[query] ?? {};
    if (label !== data.queries.labels[query]) found.push(`query ${query}: labelled ${label} instead of ${data.queries.labels[query]}`);
    for (let rank = 0; rank < Math.max(neighbours.length, got.length); rank++) {
      const [is, ought] = [describe(got[rank]), describe(neighbours[rank])];
      if (is !== ought) found.push(`query ${query}, neighbour ${rank + 1}: ${is} instead of ${ought}`);
    }
    got.filter(({ index, label: read }) => read !== data.candidates.labels[index])
      .forEach(({ index, label: read }) => found.push(`query ${query}: candidate ${index} labelled ${read} instead of ${data.candidates.labels[index]}`));
  });
  return found;
}

function describe(neighbour?: Neighbour): string {
  return neighbour ? `candidate ${neighbour.index} at ${neighbour.distance}` : 'none';
}
