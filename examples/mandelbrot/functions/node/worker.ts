import { deflateSync } from 'zlib';
import { computeTile, readView, tileAt } from './tiles';

/** What the worker reads of its event. */
export interface TileBatch {
  /** The tiles to compute: indices, the end excluded. */
  readonly range: { readonly start: number; readonly end: number };
  /** A View. */
  readonly parameters?: unknown;
}

/** The result of a batch. */
export interface ComputedTiles {
  /** The index of the first tile. */
  readonly first: number;
  /** For each tile its iteration counts, two bytes each, low byte first, deflated, in Base64. */
  readonly tiles: readonly string[];
}

/** Computes the tiles of a range. */
export async function handler({ range, parameters }: TileBatch): Promise<ComputedTiles> {
  const view = readView(parameters);
  const tiles: string[] = [];
  for (let index = range.start; index < range.end; index++) {
    const counts = computeTile(view, tileAt(view, index));
    const bytes = Buffer.alloc(counts.length * 2);
    counts.forEach((count, pixel) => bytes.writeUInt16LE(count, pixel * 2));
    tiles.push(deflateSync(bytes).toString('base64'));
  }
  return { first: range.start, tiles };
}
