/** Red, green and blue, 0 to 255 each. */
export type Colour = readonly [number, number, number];

/** How many counts it takes until colours repeat. */
const CYCLE = 64;

/** A colour for each iteration count from 0 to `maxIterations`; the last one, black, means inside. */
export function palette(maxIterations: number): Colour[] {
  return Array.from({ length: maxIterations + 1 }, (_, count) => (count === maxIterations ? [0, 0, 0] : colourOf(count / CYCLE)));
}

/** Three cosine waves, from deep blue over white to orange and back. */
function colourOf(turn: number): Colour {
  const wave = (phase: number) => Math.round(127.5 - 127.5 * Math.cos(2 * Math.PI * (turn + phase)));
  return [wave(0), wave(0.08), wave(0.2)];
}
