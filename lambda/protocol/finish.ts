import { finalUsage } from './bill';
import { JobNotSucceeded, NotAllowed } from './errors';
import { epochOf, isJobId, jobIdOf, jobKey, manifestObject, resultObject } from './keys';
import { surveyGroups, writeManifest } from './manifest';
import { JobRow, Outcome, Reason } from './model';
import { Ports } from './ports';
import type { Execution } from './prepare';
import { isOver, sealIfAbsent } from './seal';
import { writeTaskResults } from './task-results';
import { restingLeaves } from './unfinished';
import { metered, MeteredPorts, StoredUsage, sumUsage } from './usage';

/** The output of an execution that succeeded. */
export interface JobOutput {
  readonly jobId: string;
  readonly epoch: number;
  readonly status: Outcome;
  readonly batchCount: number;
  readonly failedCount: number;
  readonly manifest: string;
  /** Where the combiner's answer is, or what came of each unlike task; absent without either. */
  readonly result?: string;
}

/** What the state machine's Fail state shows. */
export interface Verdict {
  readonly errorName: string;
  readonly message: string;
}

interface Ending {
  readonly manifest?: string;
  readonly result?: string;
  readonly failedCount?: number;
  readonly combineEndedAt?: number;
  readonly reason?: Reason;
  /** As the survey says. */
  readonly children?: StoredUsage;
}

/** Writes the one terminal status of an epoch, first wins, and announces what is stored. Run again, it announces the same. */
export async function endJob(ports: MeteredPorts, job: JobRow, status: Outcome, ending: Ending): Promise<JobRow | undefined> {
  const { reason, children, ...rest } = ending;
  const used = { ...job, usage: sumUsage(job.usage, children) };
  const usage = await finalUsage(
    ports, used, { ...rest, ...(reason && { reason }), status, terminal: { epoch: job.epoch, status }, endedAt: ports.clock.now() },
  );
  const written = await ports.store.tasks.update(
    jobKey(job.jobId),
    {
      set: {
        terminal: { epoch: job.epoch, status },
        status,
        endedAt: ports.clock.now(),
        usage,
        ...rest,
        ...(reason && { reason: { ...reason } }),
      },
    },
    { all: [{ equals: ['epoch', job.epoch] }, { absent: 'terminal' }] },
  );
  const row = written.row as unknown as JobRow | undefined;
  if (!row || row.epoch !== job.epoch) return undefined;
  ports.log.info('job ended', { status: row.terminal!.status, reason: row.reason?.code });
  await announce(ports, row);
  return row;
}

/** May come again with the same id, so a step that finds the job ended repeats it: whoever ended it may have died before. */
export async function announce(ports: Ports, row: JobRow): Promise<void> {
  await ports.workflow.announce({
    id: `${row.jobId}-e${row.epoch}`,
    detailType: 'Burst Job Ended',
    detail: {
      jobId: row.jobId,
      epoch: row.epoch,
      status: row.terminal!.status,
      batchCount: row.plan?.batches,
      failedCount: row.failedCount,
      result: row.result,
      manifest: row.manifest,
      reason: row.reason,
      executionArn: row.executionArn,
    },
  });
}

/** The state machine caught an error: the job gets its terminal status if it has none, and the execution its message. */
export async function finish(world: Ports, execution: Execution, input: unknown): Promise<Verdict> {
  const ports = metered(world, 'monitor', 2); // Finish and JobFailed
  const jobId = jobIdOf(execution.name);
  const error = caughtError(input);
  const row = await ports.store.tasks.get(jobKey(jobId), { consistent: true }) as unknown as JobRow | undefined;
  const ended = await endExecution(ports, execution, row, 'FAILED', error);
  return ended ? verdict(ended, error) : { errorName: error.code, message: error.message };
}

/** Ends the job of an execution, if it is this execution's; the row as it then stands, undefined if it is not. */
async function endExecution(
  ports: MeteredPorts, execution: Pick<Execution, 'name' | 'arn'>, found: JobRow | undefined, outcome: Outcome, reason: Reason,
): Promise<JobRow | undefined> {
  // a Prepare that is still under way may write its row meanwhile: then that is the job
  let row = found ?? (isJobId(execution.name) ? await recordRefusal(ports, execution, outcome, reason) : undefined);
  // as it then is: that Prepare may have begun the epoch between our read and this write
  if (row && epochOf(execution.name) > row.epoch) row = await refuseEpoch(ports, row, epochOf(execution.name));
  // the name may belong to another execution's job, which this one must not touch
  if (row?.executionArn !== execution.arn) return undefined;
  if (!isOver(row)) return await endWithoutSuccess(ports, row, outcome, reason) ?? row;
  await announce(ports, row);
  return row;
}

/** An execution was stopped from outside, so none of its states will run: the job is ended in its place. */
export async function finishStopped(world: Ports, execution: { name: string; arn: string; status: string }): Promise<void> {
  const ports = metered(world, 'monitor');
  const row = await ports.store.tasks.get(jobKey(jobIdOf(execution.name)), { consistent: true }) as unknown as JobRow | undefined;
  const reason: Reason = { code: 'ExecutionStopped', message: `the execution ended from outside, or before its states could (${execution.status})` };
  const outcome: Outcome = execution.status === 'ABORTED' ? 'CANCELLED' : execution.status === 'TIMED_OUT' ? 'TIMED_OUT' : 'FAILED';
  await endExecution(ports, execution, row, outcome, reason);
}

/** A redrive that ended before it began: its Prepare, should it come late, must not begin an epoch that nobody would end. */
async function refuseEpoch(ports: Ports, row: JobRow, epoch: number): Promise<JobRow | undefined> {
  const written = await ports.store.tasks.update(row.pk, { set: { refusedEpoch: epoch } }, {
    all: [{ lessThan: ['epoch', epoch] }, { any: [{ absent: 'refusedEpoch' }, { lessThan: ['refusedEpoch', epoch] }] }],
  });
  return written.row as unknown as JobRow | undefined;
}

/** Seals if nobody has, and ends by the seal; only an error after a sealed success may still turn that into this outcome. */
async function endWithoutSuccess(ports: MeteredPorts, row: JobRow, outcome: Outcome, reason: Reason): Promise<JobRow | undefined> {
  const sealed = await sealIfAbsent(ports, row, outcome, reason);
  if (!sealed) return undefined;
  const { seal } = sealed;
  const final = seal.outcome === 'SUCCEEDED' ? { outcome, reason } : { outcome: seal.outcome, reason: seal.reason ?? reason };
  return endJob(ports, sealed.row, final.outcome, { reason: final.reason, ...await partialResults(ports, row, seal.outcome) });
}

/** What is committed stays readable. A job that failed because its data may not be read ends all the same, without. */
async function partialResults(ports: Ports, row: JobRow, outcome: Outcome): Promise<Pick<Ending, 'manifest' | 'failedCount' | 'result' | 'children'>> {
  try {
    const survey = await surveyGroups(ports, row, outcome === 'SUCCEEDED' ? [] : await restingLeaves(ports, row));
    const manifest = await writeManifest(ports, row, outcome, survey);
    return {
      children: survey.children,
      failedCount: manifest.failedCount,
      manifest: ports.payloads.uri(manifestObject(row.jobId, row.epoch)),
      ...(row.plan.taskFunctions && { result: await writeTaskResults(ports, row, manifest) }),
    };
  } catch (error) {
    if (!(error instanceof NotAllowed)) throw error;
    ports.log.error('the results of the job cannot be listed', { error: error.message });
    return {};
  }
}

function verdict(row: JobRow, error: Reason): Verdict {
  const status = row.terminal?.status;
  if (status === 'SUCCEEDED') {
    return { errorName: error.code, message: `the job succeeded and its result is complete, but its execution failed afterwards: ${error.message}` };
  }
  return { errorName: row.reason?.code ?? error.code, message: row.reason?.message ?? error.message };
}

/** A request that was refused leaves a row too, so that whoever asks for the job's status learns why. Returns the row that is there. */
async function recordRefusal(
  ports: Ports, execution: Pick<Execution, 'name' | 'arn'>, status: Outcome, reason: Reason,
): Promise<JobRow | undefined> {
  const now = ports.clock.now();
  const written = await ports.store.tasks.update(jobKey(execution.name), {
    set: {
      jobId: execution.name,
      executionArn: execution.arn,
      epoch: 1,
      status,
      terminal: { epoch: 1, status },
      reason: { ...reason },
      endedAt: now,
      ttl: Math.ceil(now / 1000) + 7 * 86_400,
    },
  }, { absent: 'pk' });
  return written.row as unknown as JobRow | undefined;
}

/** Step Functions gives an error as {Error, Cause}; a Lambda function's cause is JSON with its message. */
export function caughtError(input: unknown): Reason {
  const holder = input as { Error?: string; Cause?: string; error?: { Error?: string; Cause?: string } } | undefined;
  const { Error: code = 'Unknown', Cause: cause = '' } = holder?.error ?? holder ?? {};
  try {
    const parsed = JSON.parse(cause) as { errorMessage?: string; errorType?: string };
    return { code: parsed.errorType ?? code, message: parsed.errorMessage ?? cause };
  } catch {
    return { code, message: cause === '' ? code : cause };
  }
}

export function output(ports: Ports, row: JobRow): JobOutput {
  if (row.terminal?.status !== 'SUCCEEDED') throw new JobNotSucceeded(`${row.terminal?.status}: ${row.reason?.message ?? ''}`);
  return {
    jobId: row.jobId,
    epoch: row.epoch,
    status: 'SUCCEEDED',
    batchCount: row.plan.batches,
    failedCount: row.failedCount ?? 0,
    manifest: ports.payloads.uri(manifestObject(row.jobId, row.epoch)),
    ...(row.result !== undefined && { result: ports.payloads.uri(resultObject(row.jobId, row.epoch)) }),
  };
}
