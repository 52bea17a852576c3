/** One step of the demonstration, and how long it took. */
export interface Phase {
  readonly name: string;
  readonly seconds: number;
}

/** Measures steps; several may run at the same time. */
export class Phases {
  readonly done: Phase[] = [];

  constructor(private readonly log: (line: string) => void) {}

  /** Runs a step, and says how long it took. A step that fails says its name. */
  async run<T>(name: string, step: () => Promise<T>): Promise<T> {
    const start = performance.now();
    try {
      const value = await step();
      const seconds = (performance.now() - start) / 1000;
      this.done.push({ name, seconds });
      this.log(`${name.padEnd(10)} ${seconds.toFixed(1).padStart(5)} s`);
      return value;
    } catch (error) {
      throw new Error(`${name} failed: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
}
