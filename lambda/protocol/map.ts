import { InvalidRequest } from './errors';
import { commitGroup, committedUnits, GroupInProgress } from './group';
import { GroupItems, ItemReader, readIndex } from './items';
import { Epoch } from './join';
import { mapObject, mapOutput, Writer } from './keys';
import { GroupRow, JobRow, MapPlan, Plan, Reason } from './model';
import { batchesOfGroup, groupCount, groupOfBatch, spanSize } from './plan';
import { Ports } from './ports';
import { fetchText } from './redo';
import type { Settings } from './request';
import { sealIfAbsent } from './seal';
import { timedOut, tooManyFailures } from './tolerance';

/*
 * The fan-out by a Distributed Map: each batch is a group of its own, and a child execution does for it what a leaf does: calls the
 * worker, repeats, commits by one conditional put. Prepare writes the batches down, and who combines first completes what children left.
 */

/** Starts come at 100 or 1,000 a second, and the monitor reads all rows at the end. */
export const MAX_MAP_BATCHES = 1_000_000;
/** A state takes 256 KiB (Step Functions quotas); the rest is for what is passed along. */
const MAX_LINE_BYTES = 240 * 1024;
/** Rows of up to 256 KB read at a time, or none of their results. */
const PAGE = 1_000;
const COMMITS_AT_ONCE = 32;
/** What ends a Map Run of which too many children failed. */
const OVER_TOLERANCE = 'States.ExceedToleratedFailureThreshold';

/** What the Map state is told. */
export interface MapTurn {
  /** Object with a line per batch, and where Step Functions puts its list of children. */
  readonly items: string;
  readonly output: string;
  readonly maxConcurrency: number;
  readonly toleratedFailures: number;
  /** What all children need. */
  readonly job: Epoch & {
    readonly startedAt: number; readonly deadline: number; readonly ttl: number; readonly retries: number; readonly tail: string;
  };
}

/** One line: what a child needs of its batch, the texts as they go into the worker's event and the document. */
interface MapItem {
  readonly unit: number;
  readonly batch: number;
  readonly function: string;
  /** The beginning of the worker's event, up to the number of the call; and what comes after it and a comma. */
  readonly head: string;
  readonly event: string;
  /** Of unlike tasks; else empty. */
  readonly ids: string;
  readonly taskId?: string;
}

/** Undefined: a tree of dispatchers fans out. Throws `InvalidRequest` for more batches than a map takes. */
export function mapPlan(settings: Settings, batches: number, maxConcurrency: number | undefined, accountConcurrency: number): MapPlan | undefined {
  if (!settings.fanOut) return undefined;
  if (batches > MAX_MAP_BATCHES) {
    throw new InvalidRequest(`batchSize: got ${batches} batches, allowed: at most ${MAX_MAP_BATCHES} with FanOut.distributedMap(): use a larger batchSize, or FanOut.tree()`);
  }
  const { childType, maxConcurrency: most } = settings.fanOut;
  return { childType, maxConcurrency: Math.max(1, Math.min(most, maxConcurrency ?? Infinity, accountConcurrency)) };
}

export function mapTurn({ jobId, epoch, plan }: Pick<JobRow, 'jobId' | 'epoch' | 'plan'>): MapTurn | undefined {
  if (!plan.map) return undefined;
  const { startedAt, deadline, ttl, workerRetries: retries } = plan;
  return {
    items: mapObject(jobId, epoch),
    output: mapOutput(jobId, epoch),
    maxConcurrency: plan.map.maxConcurrency,
    toleratedFailures: plan.toleratedFailures,
    job: { jobId, epoch, startedAt, deadline, ttl, retries, tail: `,"deadlineMs":${deadline}}` },
  };
}

/** Writes down the batches of an epoch for its Map Run, in flat memory. Run again, it writes the same. */
export async function writeMapItems(ports: Ports, job: Epoch, plan: Plan): Promise<void> {
  if (!plan.map) return;
  const key = mapObject(job.jobId, job.epoch);
  if (plan.groups === 0) await ports.payloads.put(key, '');
  else await ports.payloads.putStream(key, mapLines(ports, job, plan));
}

async function* mapLines(ports: Ports, job: Epoch, plan: Plan): AsyncGenerator<Uint8Array> {
  const parameters = plan.parametersKey === undefined ? '' : `,"parameters":${await fetchText(ports)(plan.parametersKey)}`;
  let lines: string[] = [];
  let chars = 0;
  for await (const { unit, batch, items } of batchesOf(ports, plan)) {
    const task = items.tasks?.[batch - batchesOfGroup(groupOfBatch(batch), plan.batches).start];
    const item: MapItem = {
      unit,
      batch,
      function: ports.invoker.functionOf(batch, task?.function),
      head: `{"jobId":${JSON.stringify(job.jobId)},"batchId":${batch},"invocationAttempt":`,
      event: items.textOf(batch) + parameters,
      ids: task ? `,"ids":[${JSON.stringify(task.id)}]` : '',
      ...(task && { taskId: task.id }),
    };
    const line = JSON.stringify(item).replace(/[\u0085\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`); // some readers take them for ends of lines
    const bytes = Buffer.byteLength(line);
    if (bytes > MAX_LINE_BYTES) {
      throw new InvalidRequest(`batch ${batch}: got an event of ${bytes} bytes as a JSON string, parameters included, allowed: at most ${MAX_LINE_BYTES} `
        + 'with FanOut.distributedMap(), because it passes through a state: use a smaller batchSize, put what is large into objects, or use FanOut.tree()');
    }
    lines.push(line);
    chars += line.length;
    if (chars < 1024 * 1024) continue;
    yield Buffer.from(`${lines.join('\n')}\n`);
    lines = [];
    chars = 0;
  }
  if (lines.length > 0) yield Buffer.from(`${lines.join('\n')}\n`);
}

interface UnitBatch {
  readonly unit: number;
  readonly batch: number;
  readonly items?: GroupItems;
}

/** Every batch that the epoch runs, with the items of the 64 batches around it: inputs are indexed by so many. */
async function* batchesOf(ports: Ports, plan: Plan): AsyncGenerator<UnitBatch & { readonly items: GroupItems }> {
  const reader = new ItemReader(ports, plan, { start: 0, end: groupCount(plan.batches) });
  let items: GroupItems | undefined;
  let held = -1;
  for await (const { unit, batch } of unitBatches(ports, plan)) {
    if (groupOfBatch(batch) !== held) {
      held = groupOfBatch(batch);
      items = await reader.group(held);
    }
    yield { unit, batch, items: items! };
  }
}

/** In the first epoch a batch is its own unit; a later one lists those that it runs. */
async function* unitBatches(ports: Ports, { redo, groups }: Plan): AsyncGenerator<UnitBatch> {
  if (!redo) {
    for (let unit = 0; unit < groups; unit++) yield { unit, batch: unit };
    return;
  }
  for (let start = 0; start < groups; start += PAGE) {
    const page = { start, end: Math.min(start + PAGE, groups) };
    const { offsets } = await readIndex(ports, redo.indexAt, redo.key, page);
    const [from, to] = [0, spanSize(page)].map((i) => Number(offsets.getBigUint64(8 * i, true)));
    const text = Buffer.from(await ports.payloads.get(redo.key, { from, to })).toString('utf8');
    for (const [i, line] of text.split('\n').slice(0, -1).entries()) yield { unit: start + i, batch: (JSON.parse(line) as { group: number }).group };
  }
}

/**
 * After the Map Run: every batch gets an end, or the job does. A child that ended without a row leaves a recorded failure, as a leaf that is
 * given up does; a run that ended early, by its tolerance, the deadline or an error, leaves its other batches without a result.
 */
export async function settleMap(ports: Ports, row: JobRow, error?: Reason): Promise<JobRow> {
  if (row.sealed || row.rootDone === row.epoch) return row;
  const missing: number[] = [];
  let failed = 0;
  let example: GroupRow['failed'][number] | undefined;
  for (let start = 0; start < row.plan.groups; start += PAGE) {
    const units = Array.from({ length: Math.min(PAGE, row.plan.groups - start) }, (_, i) => start + i);
    const there = new Map((await committedUnits(ports, row, units)).map((unit) => [unit.unit, unit]));
    for (const unit of units) {
      const committed = there.get(unit);
      failed += committed?.failed.length ?? 0;
      example ??= committed?.failed[0];
      if (!committed) missing.push(unit);
    }
  }
  const sealed = async (outcome: 'FAILED' | 'TIMED_OUT', reason: Reason) => (await sealIfAbsent(ports, row, outcome, reason))?.row ?? row;
  if (missing.length > 0) {
    if (ports.clock.now() >= row.plan.deadline) return sealed('TIMED_OUT', timedOut(row.plan));
    if (failed > row.plan.toleratedFailures) return sealed('FAILED', tooManyFailures(failed, row.plan, example));
    if (error) return sealed('FAILED', error.code === OVER_TOLERANCE ? childrenLost(row, missing.length) : { ...error, message: `the Distributed Map failed: ${error.code}: ${error.message}` });
    ports.log.error('child executions left no result', { batches: missing.length });
    await recordLost(ports, row, missing);
  }
  const written = await ports.store.tasks.update(row.pk, { set: { rootDone: row.epoch } }, { equals: ['epoch', row.epoch] });
  return written.row as unknown as JobRow | undefined ?? row;
}

const LOST = 'Child executions end so when they may not put into the results table, run out of their time (Express: 5 minutes, waits for free concurrency and retries included) '
  + 'or meet a limit of Step Functions: look at the failed ones of the Map Run, in the console of the job\'s execution';

function childrenLost(row: JobRow, missing: number): Reason {
  return { code: 'ChildrenLost', message: `more child executions ended without a result than failures are tolerated (${row.plan.toleratedFailures}); ${missing} batches have none. ${LOST}` };
}

async function recordLost(ports: Ports, row: JobRow, missing: number[]): Promise<void> {
  const { plan } = row;
  const writer: Writer = { jobId: row.jobId, epoch: row.epoch, leaf: 0, attempt: 0, owner: ports.random.nonce() };
  const wanted = new Set(missing);
  const record = async (unit: number, batch: number, items?: GroupItems) => {
    const task = items?.tasks?.[batch - batchesOfGroup(groupOfBatch(batch), plan.batches).start];
    const progress = new GroupInProgress(unit, batch, plan, task && [task.id]);
    progress.settle(batch, {
      text: 'null',
      bytes: 0,
      startedMs: 0,
      tookMs: 0,
      attempts: 0,
      failure: { batchId: batch, errorType: 'ChildLost', message: `the child execution of this batch ended without a result. ${LOST}`, attempts: 0, requestId: '' },
    });
    await commitGroup(ports, writer, plan, progress);
  };
  let commits: Promise<void>[] = [];
  const all: AsyncIterable<UnitBatch> = plan.taskFunctions ? batchesOf(ports, plan) : unitBatches(ports, plan);
  for await (const { unit, batch, items } of all) {
    if (!wanted.has(unit)) continue;
    if (commits.push(record(unit, batch, items)) < COMMITS_AT_ONCE) continue;
    await Promise.all(commits);
    commits = [];
  }
  await Promise.all(commits);
}
