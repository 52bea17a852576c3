import { carriedUsage } from './bill';
import { claimLeaf } from './claim';
import { JobState } from './errors';
import { commitGroup, committedUnits, GroupInProgress, Settled } from './group';
import { ItemReader } from './items';
import { Epoch, rootComplete, signalJoin } from './join';
import { jobKey, leafKey, nodeKey } from './keys';
import { DispatchEvent, JobRow, LeafRow } from './model';
import { readPart } from './part';
import { childrenOfNode, groupsOfLeaf, JOIN_FAN_IN, joinLevels, spanSize } from './plan';
import { Ports } from './ports';
import { RedoReader } from './redo';
import { sealEarly } from './seal';
import { timedOut, tooManyFailures } from './tolerance';
import { orSeal, rootEvent, Turn, waitSeconds } from './turn';
import { metered, sumUsage } from './usage';

/** Rows read at a time. */
const PAGE = 1_000;

/**
 * Looks a job over: past its deadline or over its tolerance it is sealed; leaves that died or never started are started again;
 * a join that lost a signal is made whole. Every step may be repeated, and may race with whatever is still alive.
 */
export async function repair(world: Ports, turn: Epoch & { readonly round: number }): Promise<Turn> {
  const ports = metered(world, 'monitor', 1);
  const { jobId, epoch } = turn;
  const row = await ports.store.tasks.get(jobKey(jobId), { consistent: true }) as unknown as JobRow | undefined;
  if (!row || row.epoch !== epoch) throw new JobState(`job ${jobId} is in epoch ${row?.epoch ?? 'none'}, not ${epoch}: this execution is out of date`);
  let mended = false;
  if (!row.sealed && row.rootDone !== epoch) {
    if (ports.clock.now() >= row.plan.deadline) {
      await sealEarly(ports, turn, 'TIMED_OUT', timedOut(row.plan));
    } else {
      await orSeal(ports, turn, async () => { mended = await mendLeaves(ports, row); });
    }
  }
  return {
    jobId,
    epoch,
    round: turn.round + 1,
    waitSeconds: waitSeconds(row, ports.clock.now(), mended ? 'soon' : 'quiet'),
    usage: sumUsage(carriedUsage(row), ports.meter.used()),
  };
}

async function mendLeaves(ports: Ports, row: JobRow): Promise<boolean> {
  let mended = 0;
  let failed = 0;
  let done = 0;
  for (let from = 0; from < row.plan.leaves; from += PAGE) {
    const leaves = Array.from({ length: Math.min(PAGE, row.plan.leaves - from) }, (_, i) => from + i);
    const keys = leaves.map((leaf) => leafKey(row.jobId, row.epoch, leaf));
    const found = new Map((await ports.store.tasks.getMany(keys)).map((r) => [r.pk, r as unknown as LeafRow]));
    for (const leaf of leaves) {
      const state = found.get(leafKey(row.jobId, row.epoch, leaf));
      failed += state?.counts?.failed ?? 0;
      if (state?.done) done++;
      else if (await mendLeaf(ports, row, leaf, state)) mended++;
    }
  }
  if (failed > row.plan.toleratedFailures) {
    await sealEarly(ports, row, 'FAILED', tooManyFailures(failed, row.plan));
  } else if (done === row.plan.leaves) {
    await mendJoin(ports, row);
  }
  if (mended > 0) ports.log.warn('leaves started again', { leaves: mended });
  return mended > 0;
}

async function mendLeaf(ports: Ports, row: JobRow, leaf: number, state: LeafRow | undefined): Promise<boolean> {
  const now = ports.clock.now();
  const graceMs = row.graceSeconds * 1000;
  const attempt = state?.attempt ?? 0;
  // an event that is still queued is given its time, or each round would add another
  const sentAt = state?.dispatchedAt ?? row.dispatchedAt ?? row.plan.startedAt;
  const isLost = attempt === 0 ? now - sentAt > graceMs
    : (state!.leaseUntil ?? 0) < now && (!wasSent(state!) || now - state!.dispatchedAt! > graceMs);
  if (!isLost) return false;
  const pk = leafKey(row.jobId, row.epoch, leaf);
  const written = await ports.store.tasks.update(
    pk,
    { set: { dispatchedAt: now, ttl: row.ttl }, ...(state?.released ? {} : { increment: { dispatches: 1 } }) },
    attempt === 0 ? { absent: 'attempt' } : { equals: ['attempt', attempt] },
  );
  if (!written.ok) return true; // somebody claimed it meanwhile
  const event: DispatchEvent = { ...rootEvent(row), lo: leaf, hi: leaf + 1, expect: attempt };
  // an account that is full may keep events from arriving for long: that is no fault of the leaf
  const mayWait = attempt === 0 && now - (row.dispatchedAt ?? row.plan.startedAt) < row.startPatienceSeconds * 1000;
  if (!mayWait && ((written.row as unknown as LeafRow).dispatches ?? 0) > row.maxRestarts) {
    if (state?.givenUp) await sealEarly(ports, row, 'FAILED', { code: 'LeafLost', message: `partial results could not be combined: ${lostMessage(leaf, attempt, row.maxRestarts)}` });
    else await giveUpLeaf(ports, event, attempt, row.maxRestarts);
  } else {
    ports.log.warn('leaf started again', { leaf, attempt, dispatches: written.row.dispatches });
    await ports.invoker.dispatch(event);
  }
  return true;
}

/** Whether the monitor has started this leaf again since it last ended or let go. */
function wasSent(state: LeafRow): boolean {
  return state.dispatchedAt !== undefined && (state.released !== true || state.dispatchedAt > (state.endedAt ?? 0));
}

/** Commits what a leaf left: what it had finished, and a recorded failure for each of its other batches. */
async function giveUpLeaf(ports: Ports, event: DispatchEvent, attempt: number, restarts: number): Promise<void> {
  const claim = await claimLeaf(ports, event);
  if (!claim) return;
  const { writer, row } = claim;
  ports.log.error('leaf given up', { leaf: event.lo, attempt });
  const carried = new Map<number, Settled>();
  for (const key of row.parts ?? []) {
    (await readPart(ports, key)).settled.forEach(([batch, settled]) => carried.set(batch, settled));
  }
  const { start, end } = groupsOfLeaf(event.lo, event.plan.groups, event.plan.leaves);
  const redo = event.plan.redo && new RedoReader(ports, event.plan.redo, { start, end });
  const items = event.plan.taskFunctions && new ItemReader(ports, event.plan, { start, end });
  for (let at = row.cursor ?? start; at < end;) {
    const stop = Math.min(end, (Math.floor(at / JOIN_FAN_IN) + 1) * JOIN_FAN_IN);
    const run = Array.from({ length: stop - at }, (_, i) => at + i);
    const there = await committed(ports, event, run);
    for (const unit of run.filter((u) => !there.has(u))) {
      const { group, good } = redo ? await redo.adopt(unit) : { group: unit, good: new Map<number, Settled>() };
      const progress = new GroupInProgress(unit, group, event.plan, (await items?.group(group))?.tasks?.map(({ id }) => id));
      good.forEach((settled, batch) => progress.settle(batch, settled));
      for (let batch = progress.first; batch < progress.first + progress.count; batch++) {
        progress.settle(batch, carried.get(batch) ?? lostBatch(batch, event.lo, attempt, restarts));
      }
      await commitGroup(ports, writer, event.plan, progress);
    }
    if (!event.plan.tree) await signalJoin(ports, event, 0, run);
    at = stop;
  }
  if (event.plan.tree) {
    // the combiner is a dispatcher's to call: the leaf is started again, now with nothing but that to do
    await ports.store.tasks.update(
      leafKey(event.jobId, event.epoch, event.lo), { set: { givenUp: true, dispatches: 0, leaseUntil: 0 } }, { equals: ['owner', writer.owner] },
    );
    return;
  }
  await ports.store.tasks.update(leafKey(event.jobId, event.epoch, event.lo), { set: { done: true, cursor: end } }, { equals: ['owner', writer.owner] });
}

function lostBatch(batch: number, leaf: number, attempt: number, restarts: number): Settled {
  return {
    text: 'null',
    bytes: 0,
    startedMs: 0,
    tookMs: 0,
    attempts: 0,
    failure: {
      batchId: batch,
      errorType: 'LeafLost',
      message: lostMessage(leaf, attempt, restarts),
      attempts: 0,
      requestId: '',
    },
  };
}

function lostMessage(leaf: number, attempt: number, restarts: number): string {
  return `the dispatcher of this batch (leaf ${leaf}) was started ${restarts + 1} times `
    + `${attempt === 0 ? 'and never came up' : 'and did not get on'}: look into the log group of the dispatcher function`;
}

async function committed(ports: Ports, job: Epoch, units: number[]): Promise<Set<number>> {
  return new Set((await committedUnits(ports, job, units)).map(({ unit }) => unit));
}

/** Every leaf is done, the root is not: repeats what signals are missing, from the root down, into incomplete nodes only. */
async function mendJoin(ports: Ports, row: JobRow): Promise<void> {
  if (row.plan.tree) return mendTree(ports, row);
  const root = joinLevels(row.plan.groups).length - 1;
  if (await mendNode(ports, row, root, 0)) await rootComplete(ports, row);
}

async function mendNode(ports: Ports, row: JobRow, level: number, index: number): Promise<boolean> {
  const span = childrenOfNode(level, index, row.plan.groups);
  const node = await ports.store.tasks.get(nodeKey(row.jobId, row.epoch, level, index), { consistent: true });
  const present = node?.children as Set<number> | undefined;
  if ((present?.size ?? 0) === spanSize(span)) return true;
  const missing = Array.from({ length: spanSize(span) }, (_, i) => span.start + i).filter((child) => !present?.has(child));
  const complete: number[] = [];
  if (level === 0) {
    const there = await committed(ports, row, missing);
    complete.push(...missing.filter((unit) => there.has(unit)));
    const absent = missing.filter((unit) => !there.has(unit));
    if (absent.length > 0) await reopenLeaves(ports, row, absent);
  } else {
    for (const child of missing) if (await mendNode(ports, row, level - 1, child)) complete.push(child);
  }
  if (complete.length > 0) await signalJoin(ports, row, level, complete);
  return complete.length === missing.length;
}

/** In combine mode TREE leaves alone tell the join; all of them go on from their first group, and repeat what is missing. */
async function mendTree(ports: Ports, row: JobRow): Promise<void> {
  const now = await ports.store.tasks.get(row.pk, { consistent: true }) as unknown as JobRow;
  if (now.epoch !== row.epoch || now.sealed || now.rootDone === row.epoch) return; // the last of them ended while we looked
  ports.log.error('every leaf is done, yet the job is not');
  for (let leaf = 0; leaf < row.plan.leaves; leaf++) await reopenLeaf(ports, row, leaf);
}

/** A leaf that says it is done but has a group without a row did not tell the truth: it goes on from there. */
async function reopenLeaves(ports: Ports, row: JobRow, units: number[]): Promise<void> {
  for (const unit of units) {
    const leaf = Math.ceil(((unit + 1) * row.plan.leaves) / row.plan.groups) - 1;
    ports.log.error('a leaf that is done has a group without results', { leaf, unit });
    await reopenLeaf(ports, row, leaf);
  }
}

async function reopenLeaf(ports: Ports, row: JobRow, leaf: number): Promise<void> {
  await ports.store.tasks.update(leafKey(row.jobId, row.epoch, leaf), {
    set: { cursor: groupsOfLeaf(leaf, row.plan.groups, row.plan.leaves).start, leaseUntil: 0, below: { finished: 0, failed: 0 } }, remove: ['done'],
  });
}
