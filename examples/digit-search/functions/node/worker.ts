import { open, readFile } from 'fs/promises';
import * as path from 'path';
import { FILES, PIXELS, picture } from './digits';
import { SearchParameters, nearestOf, readK } from './search';

/** What the worker reads of its event. */
export interface SearchBatch {
  /** The candidates to look at: indices, the end excluded. */
  readonly range: { readonly start: number; readonly end: number };
  readonly parameters?: SearchParameters | null;
}

/** The result of a batch: for each query the nearest candidates of the range, nearest first, as index, distance, index, distance, ... */
export type Found = number[][];

const QUERIES = readFile(path.join(__dirname, FILES.queryPixels)); // once per process: the same for each batch

/** Compares the candidates of a range with all queries. */
export async function handler({ range, parameters }: SearchBatch): Promise<Found> {
  const k = readK(parameters);
  const [queries, candidates] = await Promise.all([QUERIES, readCandidates(range.start, range.end)]);
  return Array.from({ length: queries.length / PIXELS }, (_, query) =>
    nearestOf(picture(queries, query), candidates, range.start, k).flatMap(({ index, distance }) => [index, distance]));
}

async function readCandidates(start: number, end: number): Promise<Uint8Array> {
  const file = await open(path.join(__dirname, FILES.candidatePixels));
  try {
    const pixels = new Uint8Array((end - start) * PIXELS);
    const { bytesRead } = await file.read(pixels, 0, pixels.length, start * PIXELS);
    if (bytesRead < pixels.length) {
      const { size } = await file.stat();
      throw new RangeError(`there are ${size / PIXELS} candidates, asked for ${start} to ${end}: let items.range end at ${size / PIXELS}`);
    }
    return pixels;
  } finally {
    await file.close();
  }
}
