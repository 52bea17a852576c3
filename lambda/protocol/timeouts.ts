import { InvalidRequest } from './errors';
import { Ports } from './ports';
import type { Settings } from './request';

/** A supervising leaf lives 15 minutes and needs its margin. */
const MAX_WORKER_TIMEOUT_SECONDS = 13 * 60;
/** An Express child execution lives 5 minutes, and commits after its call. */
const MAX_EXPRESS_TIMEOUT_SECONDS = 270;

/** The longest time-out of the functions that work on a job's batches: of the worker, or of those that its tasks name. */
export async function workerTimeoutSeconds(ports: Ports, settings: Settings, taskFunctions?: string[]): Promise<number> {
  const check = (name: string, seconds: number) => checked(name, seconds, settings.fanOut?.childType === 'EXPRESS');
  if (!taskFunctions) return check('worker', settings.workerTimeoutSeconds ?? await ports.invoker.workerTimeoutSeconds());
  const timeouts = await Promise.all(taskFunctions.map(async (name) =>
    check(`task function ${name}`, settings.taskTimeoutSeconds?.[name] ?? await ports.invoker.taskTimeoutSeconds(name))));
  return Math.max(0, ...timeouts);
}

function checked(name: string, seconds: number, isExpress: boolean): number {
  if (isExpress && seconds > MAX_EXPRESS_TIMEOUT_SECONDS) {
    throw new InvalidRequest(`${name} time-out: got ${seconds} s, allowed: at most ${MAX_EXPRESS_TIMEOUT_SECONDS} s, because an Express child execution lives 5 minutes: use smaller batches, or ChildType.STANDARD`);
  }
  if (seconds <= MAX_WORKER_TIMEOUT_SECONDS) return seconds;
  throw new InvalidRequest(`${name} time-out: got ${seconds} s, allowed: at most ${MAX_WORKER_TIMEOUT_SECONDS} s, because a leaf that runs for 15 minutes waits for it: use smaller batches`);
}
