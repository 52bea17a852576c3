import { jobKey, nodeKey } from './keys';
import { JobRow } from './model';
import { childrenOfNode, JOIN_FAN_IN, joinLevels, spanSize } from './plan';
import { Ports } from './ports';

export interface Epoch {
  readonly jobId: string;
  readonly epoch: number;
}

export interface Tree extends Epoch {
  readonly plan: { readonly groups: number; readonly ttl: number };
}

/**
 * Tells the join tree that these children of one node are complete, and its parents in turn. A set-add, so a signal that
 * comes twice changes nothing, and a repeated signal to a full node is passed on again: that heals a lost one above it.
 */
export async function signalJoin(ports: Ports, job: Tree, level: number, children: number[]): Promise<void> {
  if (!await addToNode(ports, job, level, children)) return;
  if (level + 1 < joinLevels(job.plan.groups).length) return signalJoin(ports, job, level + 1, [Math.floor(children[0] / JOIN_FAN_IN)]);
  await rootComplete(ports, job);
}

/** Adds children to their one node; whether it has all of its children now. */
export async function addToNode(ports: Ports, job: Tree, level: number, children: number[]): Promise<boolean> {
  const index = Math.floor(children[0] / JOIN_FAN_IN);
  const written = await ports.store.tasks.update(nodeKey(job.jobId, job.epoch, level, index), {
    set: { ttl: job.plan.ttl },
    addToSet: { children },
  });
  const complete = written.ok ? (written.row.children as Set<number>).size : 0;
  return complete === spanSize(childrenOfNode(level, index, job.plan.groups));
}

/** Notes that every group is committed, and wakes the state machine. Decides nothing: the monitor seals. */
export async function rootComplete(ports: Ports, job: Epoch): Promise<void> {
  const written = await ports.store.tasks.update(
    jobKey(job.jobId), { set: { rootDone: job.epoch } }, { equals: ['epoch', job.epoch] },
  );
  if (written.ok) await wakeJob(ports, written.row as unknown as JobRow);
}

/**
 * Wakes whoever waits for this job. Token and `rootDone` / `sealed` stand on one row, so of a waiter that stores its token
 * and a finisher that stores its mark, whoever writes second sees both, and wakes.
 */
export async function wakeJob(ports: Ports, row: JobRow): Promise<void> {
  if (row.taskToken === undefined || await ports.workflow.wake(row.taskToken)) return;
  const now = await ports.store.tasks.get(row.pk, { consistent: true }) as unknown as JobRow | undefined;
  if (now?.epoch === row.epoch && now.taskToken !== undefined && now.taskToken !== row.taskToken) {
    await ports.workflow.wake(now.taskToken);
  }
}
