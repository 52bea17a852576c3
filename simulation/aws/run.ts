import { Worker } from 'node:worker_threads';
import type { JobShape, Outcome } from './world';
import { bundle } from '../bundle';

let code: Promise<string> | undefined;

/** Runs one job of the real core in a thread of its own. */
export async function runJob(shape: JobShape): Promise<Outcome> {
  code ??= bundle({ scale: 'real', entry: 'aws/runner.ts' });
  const worker = new Worker(await code, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 6_000 } });
  try {
    return await new Promise<Outcome>((resolve, reject) => {
      worker.once('message', ({ outcome, error }: { outcome?: Outcome; error?: string }) => (outcome ? resolve(outcome) : reject(new Error(error))));
      worker.once('error', reject);
      worker.postMessage(shape);
    });
  } finally {
    await worker.terminate();
  }
}
