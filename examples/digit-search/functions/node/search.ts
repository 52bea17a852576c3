import { PIXELS, picture } from './digits';

/** How many neighbours are looked for when the parameters do not say. */
export const DEFAULT_K = 5;

/** More would make the results of the batches larger than what they search. */
const MOST_K = 40;

/** Parameters of a job. */
export interface SearchParameters {
  /** How many neighbours of each query to find, 1 to 40. @default 5 */
  readonly k?: number;
}

/** A candidate that is near to a query. */
export interface Neighbour {
  /** Its index among all candidates. */
  readonly index: number;
  /** Its squared Euclidean distance over all pixels: a whole number, at most 784 x 255 x 255. */
  readonly distance: number;
}

/**
 * The k of the parameters.
 *
 * @throws an Error that names the value when it is not a whole number from 1 to 40
 */
export function readK(parameters: SearchParameters | undefined | null): number {
  const k = parameters?.k ?? DEFAULT_K;
  if (!Number.isInteger(k) || k < 1 || k > MOST_K) {
    throw new Error(`parameters.k must be a whole number from 1 to ${MOST_K}, got ${JSON.stringify(k)}: ask for instance for {"k": ${DEFAULT_K}}`);
  }
  return k;
}

/** The nearer one comes first; of two at the same distance, the one with the lower index. */
export function byDistance(a: Neighbour, b: Neighbour): number {
  return a.distance - b.distance || a.index - b.index;
}

/** The k nearest seen so far, nearest first. */
export class Nearest {
  readonly found: Neighbour[] = [];

  constructor(private readonly k: number) {}

  offer(candidate: Neighbour): void {
    const { found, k } = this;
    if (found.length === k && byDistance(candidate, found[k - 1]) > 0) return;
    let place = found.length;
    while (place > 0 && byDistance(candidate, found[place - 1]) < 0) place--;
    found.splice(place, 0, candidate);
    if (found.length > k) found.pop();
  }
}

/**
 * Compares one query with a run of candidates.
 *
 * @param candidates the pixels of the run
 * @param first the index of its first candidate among all candidates
 */
export function nearestOf(query: Uint8Array, candidates: Uint8Array, first: number, k: number): Neighbour[] {
  const nearest = new Nearest(k);
  for (let i = 0; i < candidates.length / PIXELS; i++) {
    nearest.offer({ index: first + i, distance: squaredDistance(query, picture(candidates, i)) });
  }
  return nearest.found;
}

function squaredDistance(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let pixel = 0; pixel < PIXELS; pixel++) {
    const difference = a[pixel] - b[pixel];
    sum += difference * difference;
  }
  return sum;
}

/** The label that most neighbours have; of several such labels, the one whose neighbour comes first. */
export function vote(labels: readonly number[]): number | undefined {
  const votes = new Map<number, number>(); // keeps the order in which labels come
  for (const label of labels) votes.set(label, (votes.get(label) ?? 0) + 1);
  const most = Math.max(...votes.values());
  return [...votes.keys()].find((label) => votes.get(label) === most);
}
