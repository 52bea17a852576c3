import { Settled } from './group';
import { Ports } from './ports';
import { fetchText } from './redo';

/** How a batch without an answer stands. */
export interface Tries {
  /** Calls that ran, or may have. */
  calls: number;
  /** Calls after which the worker is known to have failed. */
  failures: number;
  /** Calls of which nobody knows. */
  unknowns: number;
}

/** What a leaf leaves to its successor, beside committed groups: a batch that keeps failing must come to its end, too. */
export interface Part {
  readonly settled: [batch: number, settled: Settled][];
  readonly tries: [batch: number, tries: Tries][];
  /** Of the combiner, by the key of what it was to give. */
  readonly combining?: [key: string, tries: Tries][];
}

export async function readPart(ports: Ports, key: string): Promise<Part> {
  return JSON.parse(await fetchText(ports)(key)) as Part;
}

export function triesOf({ calls, failures, unknowns }: Tries): Tries {
  return { calls, failures, unknowns };
}

/** Grows with whatever a leaf gets done; the same weight, nothing new. */
export function weight({ settled, tries, combining = [] }: Part): number {
  return settled.reduce((sum, [, { attempts }]) => sum + attempts + 1, 0) + [...tries, ...combining].reduce((sum, [, { calls }]) => sum + calls, 0);
}
