import { Interrupted } from './errors';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs something that a Ctrl-C gives up in order; a second one ends the process at once. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>, message: string): Promise<T> {
  const controller = new AbortController();
  const stop = () => controller.abort();
  for (const name of SIGNALS) process.once(name, stop);
  try {
    return await work(controller.signal);
  } catch (error) {
    if (controller.signal.aborted) throw new Interrupted(message);
    throw error;
  } finally {
    for (const name of SIGNALS) process.removeListener(name, stop);
  }
}
