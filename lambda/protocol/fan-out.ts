import { DispatchEvent } from './model';
import { splitSpan } from './plan';
import { Ports } from './ports';

/** Lambda's loop detection drops a chain after about 16 hops; with 64 branches, 4 carry 16 million leaves. */
export const MAX_DEPTH = 8;

/** Splits leaves in at most `branching` parts and starts a dispatcher on each. */
export async function fanOut(ports: Ports, event: DispatchEvent): Promise<void> {
  if (event.depth >= MAX_DEPTH) {
    throw new Error(`fan-out of job ${event.jobId} is deeper than ${MAX_DEPTH} hops at leaves [${event.lo}, ${event.hi}): this is a defect of the planner`);
  }
  const parts = splitSpan({ start: event.lo, end: event.hi }, event.plan.branching);
  await Promise.all(parts.map((part) => ports.invoker.dispatch({ ...event, lo: part.start, hi: part.end, depth: event.depth + 1 })));
  ports.log.info('leaves dispatched', { leaves: event.hi - event.lo, invokes: parts.length, depth: event.depth });
}
