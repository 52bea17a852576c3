import type { Table } from './table';

export interface Context {
  /** Small sizes only, to try the bench itself. */
  readonly quick: boolean;
  readonly progress: (what: string) => void;
}

export interface Report {
  readonly tables: readonly Table[];
  /** What the tables are made of, for machines. */
  readonly data: unknown;
}

export type Benchmark = (context: Context) => Promise<Report>;
