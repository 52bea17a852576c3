import { adoptPartials } from './adopt-partials';
import { InvalidRequest, JobExists, JobState } from './errors';
import { epochOf, executionName, jobIdOf, jobKey, manifestObject } from './keys';
import { mapPlan, mapTurn, writeMapItems } from './map';
import { JobRow, Manifest, Plan } from './model';
import { groupSize, NO_LEAVES, staff } from './plan';
import { Ports, Row } from './ports';
import { Execution, functionsOf, treeOf } from './prepare';
import { fetchText, writeRedo } from './redo';
import type { Settings } from './request';
import { rowBytes, writeUnits } from './row-size';
import { isOver } from './seal';
import { workerTimeoutSeconds } from './timeouts';
import { Turn, waitSeconds } from './turn';
import { MeteredPorts, sumUsage } from './usage';

/**
 * Begins the next epoch of a job that has ended: only groups with failed or missing batches run again, and of them only those
 * batches. One conditional write moves the job from the old epoch to the new; run again, this finds that it was made.
 */
export async function prepareRedrive(ports: MeteredPorts, settings: Settings, execution: Execution, jobId: string): Promise<Turn> {
  const row = await ports.store.tasks.get(jobKey(jobId), { consistent: true }) as unknown as JobRow | undefined;
  if (!row) throw new InvalidRequest(`redrive.jobId: got ${JSON.stringify(jobId)}, allowed: a job of this state machine that has ended`);
  if (row.executionArn === execution.arn) return firstTurn(ports, row);
  if (!isOver(row)) throw new JobState(`job ${jobId} is ${row.status}: only a job that has ended can be redriven; wait for it or cancel it first`);
  if (!row.plan || row.manifest === undefined) {
    throw new JobState(`job ${jobId} ended before it had any results (${row.reason?.code}: ${row.reason?.message}): start it anew under another name`);
  }
  const epoch = epochOf(execution.name);
  if (jobIdOf(execution.name) !== jobId || epoch <= row.epoch) {
    throw new InvalidRequest(`execution name: got ${JSON.stringify(execution.name)}, allowed: ${executionName(jobId, row.epoch + 1)} for the next redrive of job ${jobId}`);
  }

  const manifest = JSON.parse(await fetchText(ports)(manifestObject(jobId, row.epoch))) as Manifest;
  const isTree = settings.combineMode === 'TREE' && !row.plan.taskFunctions;
  const uncombined = isTree ? await adoptPartials(ports, epoch, manifest, row.plan) : new Set<number>();
  const { redo, units } = await writeRedo(ports, jobId, epoch, manifest, groupSize(row.plan), uncombined);
  const plan: Plan = { ...await nextPlan(ports, settings, row.plan, units), redo };
  await writeMapItems(ports, { jobId, epoch }, plan);
  const next: Partial<JobRow> = {
    status: 'PENDING',
    epoch,
    plan,
    executionArn: execution.arn,
    ttl: plan.ttl,
    ...functionsOf(settings, plan),
    ...(units === 0 ? { rootDone: epoch } : {}),
    ...(plan.map && { status: 'RUNNING', dispatchedAt: ports.clock.now(), usage: sumUsage(row.usage, ports.meter.used(writeUnits(rowBytes(row as unknown as Row)))) }),
  };
  const written = await ports.store.tasks.update(
    jobKey(jobId),
    {
      set: next as unknown as Row,
      remove: [
        'taskToken', 'tokenRound', 'tokenRetry', ...(plan.map ? [] : ['dispatchedAt']), 'sealed', 'terminal', 'reason', 'result', 'manifest', 'failedCount',
        'combineStartedAt', 'combineEndedAt', 'endedAt',
      ],
    },
    {
      all: [
        { equals: ['epoch', row.epoch] },
        { equals: ['endedAt', row.endedAt!] },
        { any: [{ absent: 'refusedEpoch' }, { lessThan: ['refusedEpoch', epoch] }] },
      ],
    },
  );
  const stored = written.row as unknown as JobRow;
  if (!written.ok && stored.executionArn !== execution.arn) {
    if ((stored.refusedEpoch ?? 0) >= epoch) throw new JobState(`this redrive of job ${jobId} was stopped before it began: start another one`);
    throw new JobExists(`job ${jobId} is being redriven by ${stored.executionArn} already`);
  }
  ports.log.info('job redriven', { groups: units, adopted: redo.adopted });
  return firstTurn(ports, stored);
}

function firstTurn(ports: MeteredPorts, row: JobRow): Turn {
  return {
    jobId: row.jobId,
    epoch: row.epoch,
    round: 0,
    waitSeconds: waitSeconds(row, ports.clock.now(), 'soon'),
    usage: sumUsage(row.usage, ports.meter.used()),
    ...(row.plan.map && { map: mapTurn(row) }),
  };
}

/** As before, but with the time, the worker and the account of today. */
async function nextPlan(ports: Ports, settings: Settings, last: Plan, units: number): Promise<Plan> {
  const gone = last.taskFunctions?.filter((name) => settings.taskTimeoutSeconds?.[name] === undefined) ?? [];
  if (gone.length > 0) throw new InvalidRequest(`the job's tasks name ${gone.join(', ')}, which the construct's taskFunctions have no more: register them again, then redrive`);
  if ((last.map === undefined) !== (settings.fanOut === undefined)) {
    throw new InvalidRequest('the job ran with another fanOut than the construct has now, and its results are committed by other groups: set that one again, then redrive');
  }
  const accountConcurrency = await ports.invoker.accountConcurrency();
  const map = mapPlan(settings, units, last.maxConcurrency, accountConcurrency);
  const startedAt = ports.clock.now();
  const passed = startedAt - last.startedAt;
  return {
    ...last,
    ...(map ? NO_LEAVES : staff(units, last.maxConcurrency, accountConcurrency, settings.maxWindow)),
    ...(map && { map }),
    groups: units,
    branching: settings.branching,
    workerRetries: settings.workerRetries,
    speculative: settings.speculativeExecution ?? false,
    ...(settings.combineMode === 'TREE' && !last.taskFunctions ? { tree: treeOf(settings) } : { tree: undefined }),
    workerTimeoutSeconds: await workerTimeoutSeconds(ports, settings, last.taskFunctions),
    startedAt,
    deadline: last.deadline + passed,
    ttl: last.ttl + Math.ceil(passed / 1000),
  };
}
