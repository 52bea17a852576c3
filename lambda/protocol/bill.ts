import type { Epoch } from './join';
import { jobKey, leafKey } from './keys';
import { JobRow, LeafRow } from './model';
import { innerDispatchers } from './plan';
import { Ports, Row } from './ports';
import { rowBytes, writeUnits } from './row-size';
import { MeteredPorts, PLATFORM_LOG_BYTES, StoredUsage, sumUsage } from './usage';

/** Leaf rows read at a time. */
const PAGE = 1_000;
/** The leaf that completes a job wakes the monitor before it writes its last figures: it is given this long, so often. */
const LAST_WORD_MS = 100;
const LAST_WORD_TRIES = 2;
/** A dispatcher that starts others has no row of its own: so long is assumed for each. */
export const INNER_DISPATCH_MS = 150;

/** What a job that has not ended used, by its row and those of its leaves. */
export function usageSoFar(row: Pick<JobRow, 'usage' | 'plan' | 'dispatchedAt'>, leaves: Pick<LeafRow, 'usage'>[]): StoredUsage {
  const inner = row.dispatchedAt === undefined || row.plan.groups === 0 ? 0 : innerDispatchers(row.plan.leaves, row.plan.branching);
  return sumUsage(row.usage, ...leaves.map(({ usage }) => usage), {
    dispatcherInvocations: inner, dispatcherMs: inner * INNER_DISPATCH_MS, logBytes: inner * PLATFORM_LOG_BYTES,
  });
}

/** What the row of a running job says was used, and the write that brought it there, which could not know its own size. */
export function carriedUsage(row: JobRow): StoredUsage {
  if (row.taskToken === undefined) return row.usage ?? {}; // of the last epoch, whole
  const then = { ...row, status: 'RUNNING', rootDone: undefined, sealed: undefined, combineStartedAt: undefined, combineEndedAt: undefined, result: undefined };
  return sumUsage(row.usage, { tableWriteUnits: writeUnits(rowBytes(then as unknown as Row)) });
}

/** Stores what this invocation used although it ends in an error; if it can. */
export async function keepUsage(ports: MeteredPorts, { jobId, epoch }: Epoch): Promise<void> {
  try {
    const row = await ports.store.tasks.get(jobKey(jobId), { consistent: true }) as unknown as JobRow | undefined;
    if (row?.epoch !== epoch || (row.taskToken === undefined && !row.plan?.map)) return;
    const usage = sumUsage(carriedUsage(row), ports.meter.used());
    await ports.store.tasks.update(row.pk, { set: { usage } }, { all: [{ equals: ['epoch', epoch] }, { absent: 'terminal' }] });
  } catch (error) {
    ports.log.warn('what was used cannot be kept', { error: String(error) });
  }
}

/**
 * What a job used, for the write that ends its epoch with these attributes: reads the rows of all leaves once. Does without
 * them where they cannot be read: figures never keep a job from ending.
 */
export async function finalUsage(ports: MeteredPorts, row: JobRow, ending: object): Promise<StoredUsage> {
  const leaves = await leafFigures(ports, row).catch((error: unknown): LeafRow[] => {
    ports.log.warn('what the leaves used cannot be read', { error: String(error) });
    return [];
  });
  const usage = usageSoFar({ ...row, usage: sumUsage(carriedUsage(row), ports.meter.used()) }, leaves);
  return sumUsage(usage, { tableWriteUnits: writeUnits(rowBytes({ ...row, ...ending, usage } as unknown as Row)) });
}

async function leafFigures(ports: Ports, row: JobRow): Promise<LeafRow[]> {
  const isWhole = row.rootDone === row.epoch;
  const found = new Map<string, LeafRow>();
  let keys = Array.from({ length: row.plan && row.plan.groups > 0 ? row.plan.leaves : 0 }, (_, leaf) => leafKey(row.jobId, row.epoch, leaf));
  for (let tries = 0; keys.length > 0; tries++) {
    for (let from = 0; from < keys.length; from += PAGE) {
      const page = await ports.store.tasks.getMany(keys.slice(from, from + PAGE), ['usage', 'done', 'endedAt']);
      for (const leaf of page as unknown as LeafRow[]) found.set(leaf.pk, leaf);
    }
    keys = keys.filter((pk) => found.has(pk) && !found.get(pk)!.done && found.get(pk)!.endedAt === undefined);
    if (!isWhole || tries === LAST_WORD_TRIES) break;
    if (keys.length > 0) await ports.clock.sleep(LAST_WORD_MS);
  }
  return [...found.values()];
}
