import { Epoch, wakeJob } from './join';
import { jobKey } from './keys';
import { JobRow, Outcome, Reason, Seal } from './model';
import { Ports } from './ports';

/** The row as it stands after somebody's seal: ours or an earlier one. Undefined: the epoch is over. */
export async function sealIfAbsent(
  ports: Ports, job: Epoch, outcome: Outcome, reason?: Reason, also: { [attribute: string]: string | number } = {},
): Promise<{ row: JobRow; seal: Seal } | undefined> {
  const sealed = { epoch: job.epoch, outcome, ...(reason && { reason: { ...reason } }) };
  const written = await ports.store.tasks.update(
    jobKey(job.jobId),
    { set: { sealed, ...also } },
    { all: [{ equals: ['epoch', job.epoch] }, { absent: 'sealed' }] },
  );
  const row = written.row as unknown as JobRow | undefined;
  if (!row || row.epoch !== job.epoch || !row.sealed) return undefined;
  return { row, seal: row.sealed };
}

/** Ends an epoch early and wakes the state machine, which does the rest. */
export async function sealEarly(ports: Ports, job: Epoch, outcome: Outcome, reason: Reason): Promise<void> {
  const sealed = await sealIfAbsent(ports, job, outcome, reason);
  if (sealed) await wakeJob(ports, sealed.row);
}

export function isOver(row: JobRow): boolean {
  return row.terminal?.epoch === row.epoch;
}
