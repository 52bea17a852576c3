import type { LeafRow } from './model';
import { JOIN_FAN_IN, Span } from './plan';

/** Batches of a group that have an end, and how many of them failed. */
export interface Done {
  finished: number;
  failed: number;
}

/** How far a leaf is with its groups: all below the cursor are committed and signalled; of the others it knows which are committed. */
export class Progress {
  private readonly committed = new Map<number, Done>();
  private readonly signalled = new Set<number>();
  private readonly below: Done;
  private at: number;

  constructor(private readonly groups: Span, row: Pick<LeafRow, 'cursor' | 'below'>) {
    this.at = row.cursor ?? groups.start;
    this.below = { ...row.below ?? { finished: 0, failed: 0 } };
  }

  get cursor(): number {
    return this.at;
  }

  get isDone(): boolean {
    return this.at >= this.groups.end;
  }

  isCommitted(unit: number): boolean {
    return unit < this.at || this.committed.has(unit);
  }

  commit(unit: number, done: Done): void {
    this.committed.set(unit, done);
  }

  /** Of all groups that are committed. */
  sum(): Done {
    const all = { ...this.below };
    for (const { finished, failed } of this.committed.values()) {
      all.finished += finished;
      all.failed += failed;
    }
    return all;
  }

  /** The leaf's groups, from the cursor on, below the join node that a group is below; empty until all of them are committed. */
  runOf(unit: number): number[] {
    const node = Math.floor(unit / JOIN_FAN_IN);
    const from = Math.max(this.at, node * JOIN_FAN_IN);
    const to = Math.min(this.groups.end, (node + 1) * JOIN_FAN_IN);
    const run = Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
    return run.every((g) => this.committed.has(g)) ? run : [];
  }

  /** Groups for which nothing is left to do; the cursor moves past those before which nothing is missing. */
  through(units: number[]): void {
    units.forEach((g) => this.signalled.add(g));
    while (this.signalled.delete(this.at)) {
      const done = this.committed.get(this.at)!;
      this.below.finished += done.finished;
      this.below.failed += done.failed;
      this.committed.delete(this.at);
      this.at++;
    }
  }

  /** For the leaf's row. */
  get row(): Required<Pick<LeafRow, 'cursor' | 'below'>> {
    return { cursor: this.at, below: { ...this.below } };
  }
}
