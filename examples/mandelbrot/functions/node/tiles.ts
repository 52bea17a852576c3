/** Width and height of a tile in pixels; those at the right and lower edge of the image may be smaller. */
export const TILE = 64;

/** What to draw: the parameters of a job. */
export interface View {
  /** Width of the image in pixels, 1 to 2,048. */
  readonly width: number;
  /** Height of the image in pixels, 1 to 2,048. */
  readonly height: number;
  /** The point of the complex plane in the middle of the image: real part, imaginary part. */
  readonly center: readonly [number, number];
  /** How much of the complex plane the image is wide. */
  readonly scale: number;
  /** After so many iterations a point counts as inside, 1 to 65,535. */
  readonly maxIterations: number;
}

/** A tile's place in the image, in pixels. */
export interface Tile {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const MOST_PIXELS = 2048;
const MOST_ITERATIONS = 65_535; // what two bytes hold

/**
 * The parameters of a job, checked.
 *
 * @throws an Error that names the parameter, the value received and what is allowed
 */
export function readView(parameters: unknown): View {
  const view = (parameters ?? {}) as Partial<View>;
  const complain = (name: keyof View, allowed: string) => {
    throw new Error(`parameters.${name} must be ${allowed}, got ${JSON.stringify(view[name])}`);
  };
  const isWhole = (value: unknown, most: number) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most;
  if (!isWhole(view.width, MOST_PIXELS)) complain('width', `a whole number from 1 to ${MOST_PIXELS}`);
  if (!isWhole(view.height, MOST_PIXELS)) complain('height', `a whole number from 1 to ${MOST_PIXELS}`);
  if (!isWhole(view.maxIterations, MOST_ITERATIONS)) complain('maxIterations', `a whole number from 1 to ${MOST_ITERATIONS}`);
  if (!Array.isArray(view.center) || view.center.length !== 2 || !view.center.every(Number.isFinite)) complain('center', 'two numbers, [real, imaginary]');
  if (!Number.isFinite(view.scale) || view.scale! <= 0) complain('scale', 'a number above 0');
  return view as View;
}

/** How many tiles the image has: the end of `items.range`. */
export function tileCount({ width, height }: View): number {
  return Math.ceil(width / TILE) * Math.ceil(height / TILE);
}

/** Tiles are numbered from 0, row by row. */
export function tileAt(view: View, index: number): Tile {
  const columns = Math.ceil(view.width / TILE);
  const x = (index % columns) * TILE;
  const y = Math.floor(index / columns) * TILE;
  return { x, y, width: Math.min(TILE, view.width - x), height: Math.min(TILE, view.height - y) };
}

/** The iteration counts of a tile, row by row. */
export function computeTile(view: View, tile: Tile): Uint16Array {
  const counts = new Uint16Array(tile.width * tile.height);
  for (let row = 0; row < tile.height; row++) {
    for (let column = 0; column < tile.width; column++) {
      counts[row * tile.width + column] = iterations(view, tile.x + column, tile.y + row);
    }
  }
  return counts;
}

/** How often z -> z * z + c can be repeated for a pixel before |z| exceeds 2; at most `maxIterations`. */
export function iterations({ width, height, center, scale, maxIterations }: View, x: number, y: number): number {
  // the same operations in the same order as in ../python/worker.py: both give the same counts to the last one
  const step = scale / width;
  const re = center[0] + (x + 0.5 - width / 2) * step;
  const im = center[1] - (y + 0.5 - height / 2) * step;
  let a = 0;
  let b = 0;
  let count = 0;
  while (count < maxIterations) {
    const aa = a * a;
    const bb = b * b;
    if (aa + bb > 4) break;
    b = 2 * a * b + im;
    a = aa - bb + re;
    count++;
  }
  return count;
}
