import { keepUsage } from './bill';
import { CombinerFailed, JobNotSucceeded, JobState, NotAllowed, Transient } from './errors';
import { announce, caughtError, endJob, JobOutput, output } from './finish';
import { INLINE_BYTES } from './inline';
import { Epoch } from './join';
import { jobKey, manifestObject, resultObject } from './keys';
import { FIRST_FAILURES, surveyGroups, writeManifest } from './manifest';
import { settleMap } from './map';
import { CombinerEvent, Failure, JobRow, Manifest } from './model';
import { Budget, CallOutcome, Ports } from './ports';
import { fetchText } from './redo';
import { batchResults, Fetch, manifestGroups } from './results';
import { isOver, sealIfAbsent } from './seal';
import { writeTaskResults } from './task-results';
import { tooManyFailures } from './tolerance';
import { lastEvent, rootResult, Standing, standingPartials } from './tree-end';
import { restingLeaves } from './unfinished';
import { metered, MeteredPorts } from './usage';
import { backoff } from './window';

/** `null,` and a number of up to 8 digits with its comma. */
const EMPTY_BYTES = 14;
/** Group objects fetched at a time. */
const FETCHES = 16;
/** What the monitor needs after the combiner has answered. */
const END_MARGIN_MS = 30_000;

export interface CombineSettings {
  readonly hasCombiner: boolean;
  /** The combiner's own time-out; a call is started only while that is left. */
  readonly combinerTimeoutSeconds: number;
  /** Whether a job that ran out of time has its partial results combined. */
  readonly combineOnTimeout: boolean;
}

/**
 * Ends an epoch whose root is complete: seals it, writes its manifest, calls the combiner, stores the answer, writes the
 * terminal status. Every step stands being run again. Throws `JobNotSucceeded` if the seal says otherwise.
 */
export async function combine(world: Ports, settings: CombineSettings, job: Epoch, budget: Budget): Promise<JobOutput> {
  const ports = metered(world, 'monitor', 1);
  try {
    return await combineEpoch(ports, settings, job, budget);
  } catch (error) {
    await keepUsage(ports, job); // this state is tried again, or Finish follows
    throw error;
  }
}

async function combineEpoch(ports: MeteredPorts, settings: CombineSettings, job: Epoch, budget: Budget): Promise<JobOutput> {
  let row = await ports.store.tasks.get(jobKey(job.jobId), { consistent: true }) as unknown as JobRow | undefined;
  if (!row || row.epoch !== job.epoch) throw new JobState(`job ${job.jobId} is in epoch ${row?.epoch ?? 'none'}, not ${job.epoch}`);
  if (isOver(row)) {
    await announce(ports, row);
    return output(ports, row);
  }
  if (row.plan.map) row = await settleMap(ports, row);
  if (row.sealed && row.sealed.outcome !== 'SUCCEEDED') {
    if (row.sealed.outcome === 'TIMED_OUT' && settings.hasCombiner && settings.combineOnTimeout && !row.plan.taskFunctions) await combinePartially(ports, settings, row, budget);
    throw notSucceeded(row);
  }
  if (row.rootDone !== job.epoch) throw new JobState(`job ${job.jobId} is neither complete nor sealed`);

  const survey = await surveyGroups(ports, row);
  const isTolerable = survey.failedCount <= row.plan.toleratedFailures;
  if (survey.committedGroups !== row.plan.groups) {
    throw new JobState(`job ${job.jobId}: its join tree is complete, but only ${survey.committedGroups} of ${row.plan.groups} groups are committed`);
  }
  const sealed = await sealIfAbsent(
    ports, job, isTolerable ? 'SUCCEEDED' : 'FAILED',
    isTolerable ? undefined : tooManyFailures(survey.failedCount, row.plan, survey.firstFailures[0]),
    { status: 'COMBINING', combineStartedAt: ports.clock.now() },
  );
  if (!sealed || sealed.seal.outcome !== 'SUCCEEDED') throw notSucceeded(sealed?.row ?? row);

  const manifest = await writeManifest(ports, row, 'SUCCEEDED', survey);
  const result = await finalResult(ports, settings, row, manifest, survey.firstFailures, budget);
  const ended = await endJob(ports, sealed.row, 'SUCCEEDED', {
    failedCount: manifest.failedCount,
    children: survey.children,
    manifest: ports.payloads.uri(manifestObject(job.jobId, job.epoch)),
    ...(result !== undefined && { result }),
    combineEndedAt: ports.clock.now(),
  });
  return output(ports, ended ?? row);
}

/** The Distributed Map of a job failed: its batches, or else the job, get their end. */
export async function settle(world: Ports, job: Epoch, error: unknown): Promise<Epoch> {
  const ports = metered(world, 'monitor', 1);
  const row = await ports.store.tasks.get(jobKey(job.jobId), { consistent: true }) as unknown as JobRow | undefined;
  if (!row || row.epoch !== job.epoch) throw new JobState(`job ${job.jobId} is in epoch ${row?.epoch ?? 'none'}, not ${job.epoch}`);
  await settleMap(ports, row, caughtError(error));
  await keepUsage(ports, job);
  return { jobId: job.jobId, epoch: job.epoch };
}

/** What is there at the deadline goes to the combiner; its answer is kept beside the job's status, which stays TIMED_OUT. */
async function combinePartially(ports: Ports, settings: CombineSettings, row: JobRow, budget: Budget): Promise<void> {
  const combineStartedAt = ports.clock.now();
  const manifest = await writeManifest(ports, row, 'TIMED_OUT', await surveyGroups(ports, row, await restingLeaves(ports, row)));
  // what an earlier run of this wrote stands: more may have been committed since
  const standing = row.plan.tree && await standingPartials(ports, row, manifest);
  const result = await combinedResult(ports, settings, row, manifest, await firstFailures(ports, manifest), budget, standing);
  await ports.store.tasks.update(
    row.pk, { set: { result, combineStartedAt, combineEndedAt: ports.clock.now() } }, { all: [{ equals: ['epoch', row.epoch] }, { absent: 'terminal' }] },
  );
}

async function firstFailures(ports: Ports, manifest: Manifest): Promise<Failure[]> {
  const first: Failure[] = [];
  for await (const { failed } of manifestGroups(manifest, fetchText(ports))) {
    first.push(...failed.slice(0, FIRST_FAILURES - first.length));
    if (first.length === FIRST_FAILURES) break;
  }
  return first;
}

function notSucceeded(row: JobRow): JobNotSucceeded {
  return new JobNotSucceeded(`${row.sealed?.outcome}: ${row.sealed?.reason?.message ?? ''}`);
}

async function finalResult(
  ports: Ports, settings: CombineSettings, row: JobRow, manifest: Manifest, first: CombinerEvent['failures']['first'], budget: Budget,
): Promise<string | undefined> {
  if (row.plan.taskFunctions) return writeTaskResults(ports, row, manifest);
  if (!settings.hasCombiner) return undefined;
  if (!row.plan.tree || row.plan.batches === 0) return combinedResult(ports, settings, row, manifest, first, budget, row.plan.tree && []);
  return storedResult(ports, row, await rootResult(ports, row));
}

/** Run again, the combiner is called again; the first answer that was stored is the job's result. */
async function combinedResult(
  ports: Ports, settings: CombineSettings, row: JobRow, manifest: Manifest, first: CombinerEvent['failures']['first'], budget: Budget,
  standing?: Standing[],
): Promise<string> {
  const payload = standing ? await lastEvent(ports, row, manifest, first, standing) : await combinerPayload(ports, row, manifest, first);
  return storedResult(ports, row, await callCombiner(ports, settings, payload, budget));
}

async function storedResult(ports: Ports, row: JobRow, answer: string): Promise<string> {
  const key = resultObject(row.jobId, row.epoch);
  await ports.payloads.put(key, answer, { ifAbsent: true });
  return ports.payloads.uri(key);
}

async function callCombiner(ports: Ports, settings: CombineSettings, payload: string, budget: Budget): Promise<string> {
  for (let tries = 0; budget.remainingMs() > settings.combinerTimeoutSeconds * 1000 + END_MARGIN_MS; tries++) {
    const answer: CallOutcome = await ports.invoker.callCombiner(payload);
    switch (answer.kind) {
      case 'returned':
        return answer.payload;
      case 'threw':
        throw new CombinerFailed(`the combiner failed: ${answer.errorType}: ${answer.message} (request id ${answer.requestId}); the batches' results are kept`);
      case 'refused':
        throw new NotAllowed(`Lambda refused to run the combiner: ${answer.errorType}: ${answer.message}`);
      case 'throttled':
      case 'unknown':
        await ports.clock.sleep(500 + backoff(tries, 500, 20_000, ports.random.next()));
    }
  }
  throw new Transient('the combiner could not be called in time: no free concurrency in the account');
}

/** The event as JSON text, put together from texts: results are not parsed more often than needed. */
async function combinerPayload(ports: Ports, row: JobRow, manifest: Manifest, first: CombinerEvent['failures']['first']): Promise<string> {
  const fetch = fetchText(ports);
  const head: Omit<CombinerEvent, 'results' | 'parameters'> = {
    jobId: row.jobId,
    status: manifest.outcome,
    isComplete: manifest.succeededCount === manifest.batchCount,
    isTimedOut: manifest.outcome === 'TIMED_OUT',
    batchCount: manifest.batchCount,
    failures: { count: manifest.failedCount, first },
    startedAt: new Date(row.plan.startedAt).toISOString(),
    elapsedSeconds: (ports.clock.now() - row.plan.startedAt) / 1000,
  };
  const parameters = row.plan.parametersKey === undefined ? '' : `,"parameters":${await fetch(row.plan.parametersKey)}`;
  // a batch without a result takes room, too: a null and its number
  const inlineBytes = manifest.bytes + EMPTY_BYTES * (manifest.batchCount - manifest.succeededCount);
  const results = inlineBytes <= INLINE_BYTES
    ? JSON.stringify(await inlineResults(manifest, fetch))
    : `{"manifest":${JSON.stringify(ports.payloads.uri(manifestObject(row.jobId, row.epoch)))}}`;
  return `${JSON.stringify(head).slice(0, -1)}${parameters},"results":${results}}`;
}

async function inlineResults(manifest: Manifest, fetch: Fetch): Promise<{ inline: unknown[]; failed: number[]; missing: number[] }> {
  const inline = new Array<unknown>(manifest.batchCount).fill(null);
  const failed: number[] = [];
  const missing: number[] = [];
  for await (const batch of batchResults(manifest, await prefetched(manifest, fetch))) {
    if (batch.state === 'succeeded') inline[batch.batchId] = batch.result;
    else (batch.state === 'failed' ? failed : missing).push(batch.batchId);
  }
  return { inline, failed, missing };
}

/** Fetches the group objects side by side; together they are at most INLINE_BYTES. */
async function prefetched(manifest: Manifest, fetch: Fetch): Promise<Fetch> {
  const texts = new Map<string, string>();
  const queue: string[] = [];
  for await (const group of manifestGroups(manifest, fetch)) if (group.object !== undefined) queue.push(group.object);
  await Promise.all(Array.from({ length: FETCHES }, async () => {
    for (let key = queue.shift(); key !== undefined; key = queue.shift()) texts.set(key, await fetch(key));
  }));
  return async (key) => texts.get(key) ?? fetch(key);
}
