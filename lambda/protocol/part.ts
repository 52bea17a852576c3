import { Settled } from './group';
import { partObject, Writer } from './keys';
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

/** What predecessors of a leaf left of groups that are not open yet, and what it leaves itself. */
export class Parts {
  private readonly settled = new Map<number, Settled>();
  private readonly tries = new Map<number, Tries>();
  private text = '';
  private weight = 0;
  private count = 0;

  /** `keys`: as they stand on the leaf's row. */
  constructor(private readonly ports: Ports, private readonly writer: Writer, public keys: readonly string[]) {}

  /** Returns what the combiner was called in vain for. */
  async load(): Promise<Required<Part>['combining']> {
    const combining: Required<Part>['combining'] = [];
    for (const key of this.keys) {
      const part = await readPart(this.ports, key);
      part.settled.forEach(([batch, settled]) => this.settled.set(batch, settled));
      part.tries.forEach(([batch, tries]) => this.tries.set(batch, tries));
      combining.push(...part.combining ?? []);
      this.weight = weight(part);
    }
    return combining;
  }

  /** What is known of a batch whose group is opened; from then on it is the group's. */
  take(batch: number): { settled?: Settled; tries?: Tries } {
    const [settled, tries] = [this.settled.get(batch), this.tries.get(batch)];
    this.settled.delete(batch);
    this.tries.delete(batch);
    return { settled, tries };
  }

  /** Stores what is not committed, in the place of earlier parts, once `keys` are on the row. Returns whether the leaf has got on. */
  async leave(open: Part): Promise<boolean> {
    const part = { ...open, settled: [...this.settled, ...open.settled], tries: [...this.tries, ...open.tries] };
    const text = JSON.stringify(part);
    const before = this.weight;
    const now = weight(part);
    if (now === 0 || text === this.text) return false;
    const key = partObject(this.writer, this.count++);
    await this.ports.payloads.put(key, text);
    [this.text, this.weight, this.keys] = [text, now, [key]];
    return now > before;
  }
}

/** Grows with whatever a leaf gets done, unless calls are under way, of which nothing is stored. */
function weight({ settled, tries, combining = [] }: Part): number {
  return settled.reduce((sum, [, { attempts }]) => sum + attempts + 1, 0) + [...tries, ...combining].reduce((sum, [, { calls }]) => sum + calls, 0);
}
