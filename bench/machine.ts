import { cpus, loadavg } from 'node:os';

/** Where figures were taken; those that depend on it are never given without. */
export interface Machine {
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  /** Load of the last minute when the run began. */
  readonly load: number;
}

export function machine(): Machine {
  const all = cpus();
  return { node: process.version, cpu: all[0]?.model ?? 'unknown', cores: all.length, load: Math.round(loadavg()[0] * 100) / 100 };
}
