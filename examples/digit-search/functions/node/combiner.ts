import { readFileSync } from 'fs';
import * as path from 'path';
import { CombinerEvent, readResults } from 'cdk-burst-compute/runtime';
import { FILES } from './digits';
import { Nearest, Neighbour, SearchParameters, readK, vote } from './search';
import type { Found } from './worker';

/** One query and what was found. */
export interface QueryAnswer {
  /** Which digit it really is. */
  readonly label: number;
  /** Which digit its neighbours say it is; absent when nothing was searched. */
  readonly predicted?: number;
  /** Nearest first. */
  readonly neighbours: readonly LabelledNeighbour[];
}

/** A neighbour, and which digit it is. */
export interface LabelledNeighbour extends Neighbour {
  readonly label: number;
}

/** The answer of the job. */
export interface SearchAnswer {
  readonly k: number;
  /** In the order of the queries. */
  readonly queries: readonly QueryAnswer[];
  /** The share of queries that were read rightly, 0 to 1. */
  readonly accuracy: number;
  /** Batches that failed: their candidates were compared with nothing. */
  readonly missingBatches: readonly number[];
}

/** Merges the nearest of all batches. */
export async function handler(event: CombinerEvent): Promise<SearchAnswer> {
  const labels = readLabels(FILES.candidateLabels);
  const k = readK(event.parameters as SearchParameters);
  const { nearest, missingBatches } = await merge(event, k);
  const queries = Array.from(readLabels(FILES.queryLabels), (label, query): QueryAnswer => {
    const neighbours = nearest[query].found.map((neighbour) => ({ ...neighbour, label: labels[neighbour.index] }));
    return { label, predicted: vote(neighbours.map((neighbour) => neighbour.label)), neighbours };
  });
  const right = queries.filter(({ label, predicted }) => label === predicted).length;
  return { k, queries, accuracy: right / queries.length, missingBatches };
}

async function merge(event: CombinerEvent, k: number) {
  const nearest = Array.from(readLabels(FILES.queryLabels), () => new Nearest(k));
  const missingBatches: number[] = [];
  for await (const { batchId, state, result } of readResults(event)) {
    if (state !== 'succeeded') {
      missingBatches.push(batchId);
      continue;
    }
    (result as Found).forEach((found, query) => {
      for (let i = 0; i < found.length; i += 2) nearest[query].offer({ index: found[i], distance: found[i + 1] });
    });
  }
  return { nearest, missingBatches };
}

function readLabels(file: string): Uint8Array {
  return readFileSync(path.join(__dirname, file));
}
