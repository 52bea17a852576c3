import { digestOf } from './digest';
import { InvalidRequest, JobExists, JobState } from './errors';
import { MAX_DEPTH } from './fan-out';
import { storeItems } from './inputs/store';
import { isJobId, jobKey, parametersObject } from './keys';
import { mapPlan, mapTurn, writeMapItems } from './map';
import { JobRow, Plan } from './model';
import { batchCount, dispatchDepth, groupCount, groupSize, NO_LEAVES, staff } from './plan';
import { Ports, Row } from './ports';
import { prepareRedrive } from './redrive';
import { JobRequest, parseRedrive, parseRequest, Settings } from './request';
import { rowBytes, writeUnits } from './row-size';
import { workerTimeoutSeconds } from './timeouts';
import { Turn, waitSeconds } from './turn';
import { metered } from './usage';

/** Rows outlive the job's time-out by the retention, and by what its last steps may take. */
const CLOSING_SECONDS = 3600;
/** How often a leaf is started again without having got on, before its batches are given up. */
const MAX_RESTARTS = 5;
/** Events of a full account are dropped after a minute and sent again; that may go on for so long. */
const START_PATIENCE_SECONDS = 1800;

export interface Execution {
  readonly name: string;
  readonly arn: string;
  readonly startTime: string;
}

/** Validates and plans a job and writes its row. Run again after a lost answer, it finds its own row and gives the same. */
export async function prepare(world: Ports, settings: Settings, execution: Execution, input: unknown): Promise<Turn> {
  const ports = metered(world, 'monitor', 1);
  const redriven = parseRedrive(input);
  if (redriven !== undefined) return prepareRedrive(ports, settings, execution, redriven);
  const jobId = execution.name;
  if (!isJobId(jobId)) {
    throw new InvalidRequest(`execution name: got ${JSON.stringify(jobId)}, allowed: 1 to 75 letters, digits, "-" and "_"`);
  }
  const request = parseRequest(input, settings);
  const requestDigest = digestOf(input);
  const plan = await makePlan(ports, settings, jobId, request);
  await writeMapItems(ports, { jobId, epoch: 1 }, plan);
  const row: Omit<JobRow, 'pk'> = {
    jobId,
    executionArn: execution.arn,
    status: 'PENDING',
    epoch: 1,
    plan,
    repairIntervalSeconds: settings.repairIntervalSeconds,
    graceSeconds: settings.leafStartGraceSeconds,
    maxRestarts: settings.maxLeafRestarts ?? MAX_RESTARTS,
    startPatienceSeconds: settings.startPatienceSeconds ?? START_PATIENCE_SECONDS,
    requestDigest,
    ...functionsOf(settings, plan),
    ttl: plan.ttl,
    ...(plan.groups === 0 ? { rootDone: 1 } : {}),
    ...(plan.map && { status: 'RUNNING', dispatchedAt: ports.clock.now() }),
  };
  if (plan.map) row.usage = ports.meter.used(writeUnits(rowBytes(row as unknown as Row)));
  const written = await ports.store.tasks.update(jobKey(jobId), { set: row as unknown as Row }, { absent: 'pk' });
  const stored = written.row as unknown as JobRow;
  if (!written.ok && stored.executionArn !== execution.arn) {
    throw new JobExists(`job ${jobId} exists already, started by ${stored.executionArn}: choose another name`);
  }
  if (!stored.plan) throw new JobState(`job ${jobId} was ended before it was prepared: ${stored.reason?.message}`);
  ports.log.info('job prepared', { batches: stored.plan.batches, groups: stored.plan.groups, leaves: stored.plan.leaves, window: stored.plan.window });
  return {
    jobId, epoch: 1, round: 0, waitSeconds: waitSeconds(stored, ports.clock.now(), 'soon'), usage: ports.meter.used(), ...(stored.plan.map && { map: mapTurn(stored) }),
  };
}

async function makePlan(ports: Ports, settings: Settings, jobId: string, request: JobRequest): Promise<Plan> {
  const stored = storeItems(ports, jobId, request, Object.keys(settings.taskTimeoutSeconds ?? {}));
  const [accountConcurrency, timeoutSeconds, { source, items, functions }, parametersKey] = await Promise.all([
    ports.invoker.accountConcurrency(),
    'tasks' in request.items ? stored.then((tasks) => workerTimeoutSeconds(ports, settings, tasks.functions)) : workerTimeoutSeconds(ports, settings),
    stored,
    storeParameters(ports, jobId, request),
  ]);
  const batches = batchCount(items, request.batchSize);
  const map = mapPlan(settings, batches, request.maxConcurrency, accountConcurrency);
  const groups = groupCount(batches, groupSize({ map }));
  const { leaves, window } = map ? NO_LEAVES : staff(groups, request.maxConcurrency, accountConcurrency, settings.maxWindow);
  if (dispatchDepth(leaves, settings.branching) > MAX_DEPTH) {
    throw new InvalidRequest(`the construct's prop branching: got ${settings.branching}, allowed: more, since ${leaves} leaves would need over ${MAX_DEPTH} hops`);
  }
  const startedAt = ports.clock.now();
  const deadline = startedAt + request.timeoutSeconds * 1000;
  return {
    items,
    batchSize: request.batchSize,
    batches,
    groups,
    ...(map && { map }),
    leaves,
    window,
    ...(request.maxConcurrency !== undefined && { maxConcurrency: request.maxConcurrency }),
    branching: settings.branching,
    source,
    ...(functions && { taskFunctions: functions }),
    ...(parametersKey !== undefined && { parametersKey }),
    workerRetries: settings.workerRetries,
    ...(settings.speculativeExecution && { speculative: true }),
    ...(settings.combineMode === 'TREE' && !functions && { tree: treeOf(settings) }),
    workerTimeoutSeconds: timeoutSeconds,
    toleratedFailures: Math.floor((batches * request.toleratedFailurePercentage) / 100),
    leaseSeconds: Math.max(6, Math.min(60, settings.repairIntervalSeconds)),
    startedAt,
    deadline,
    ttl: Math.ceil(deadline / 1000) + settings.resultRetentionSeconds + CLOSING_SECONDS,
  };
}

/** What is known of the functions that the job will call; those of unlike tasks stand in the worker's place. */
export function functionsOf({ functions }: Settings, { taskFunctions }: Plan): Pick<JobRow, 'functions'> {
  if (!functions) return {};
  return { functions: taskFunctions ? { worker: functions.task } : functions };
}

/** As long as a combiner whose time-out nobody knows may run, so that who calls it outlives it. */
export const UNKNOWN_COMBINER_TIMEOUT_SECONDS = 13 * 60;

export function treeOf({ combinerTimeoutSeconds = UNKNOWN_COMBINER_TIMEOUT_SECONDS }: Settings): Plan['tree'] {
  return { combinerTimeoutSeconds };
}

async function storeParameters(ports: Ports, jobId: string, request: JobRequest): Promise<string | undefined> {
  if (request.parameters === undefined) return undefined;
  const key = parametersObject(jobId, 1);
  await ports.payloads.put(key, JSON.stringify(request.parameters));
  return key;
}
