import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeExecutionCommand, DescribeExecutionCommandOutput } from '@aws-sdk/client-sfn';
import { Calls, renew, reported, Role } from './environments';
import { Run, timeoutSeconds } from './plan';
import type { BurstClient } from '../../client/client';
import { Connection } from '../../client/connection';
import type { Cost } from '../../client/cost/price';
import type { JobStatus } from '../../client/jobs/status';
import type { Usage } from '../../lambda/protocol/usage';
import { Spread, spread } from '../statistics';

/** One run as it was. Times in ms since Step Functions took the execution, by the clocks of those who ran. */
export interface Measured {
  readonly run: Run;
  readonly jobId: string;
  readonly status: JobStatus['status'];
  readonly reason?: JobStatus['reason'];
  /** How long StartExecution took, and until the client had the result, by the client's clock. */
  readonly submitMs: number;
  readonly clientMs: number;
  readonly firstStartMs: number;
  readonly lastStartMs: number;
  readonly resultMs: number;
  /** Batches in an environment that ran nothing before. */
  readonly cold: number;
  /** Workers at a time, at most. */
  readonly peak: number;
  /** When how many of the batches had started, and how many in each second since the execution began. */
  readonly startedBy: { readonly [percent: string]: number };
  readonly perSecond: { readonly second: number; readonly started: number; readonly cold: number }[];
  /** What a call of a worker took whoever made it. */
  readonly callMs: Spread;
  /** Of a tree: when its leaves came to run. */
  readonly leafStartMs?: Spread;
  /** By Lambda's own log lines. */
  readonly functions: { readonly [role in Role]?: Calls };
  readonly usage?: Usage;
  readonly cost?: Cost;
}

export interface MeasureOptions {
  readonly client: BurstClient;
  readonly connection: Connection;
  readonly run: Run;
  readonly number: number;
  readonly batchMs: number;
  readonly isEmulated: boolean;
  readonly signal: AbortSignal;
  /** Called with the name before the job is started. */
  readonly onJob: (jobId: string) => void;
}

const END_LOOK_MS = 200;
const PERCENTS = [10, 50, 90, 99, 100];

/** Runs one job with new environments throughout, and reads what became of it. */
export async function measure({ client, connection, run, number, batchMs, isEmulated, signal, onJob }: MeasureOptions): Promise<Measured> {
  const address = await client.address({ signal });
  await renew(connection, address, number);
  const jobId = `bench-${number}-${run.way.toLowerCase()}-${run.batches}`;
  onJob(jobId);
  const submitted = Date.now();
  const request = { items: { range: { start: 0, end: run.batches } }, batchSize: 1, timeoutSeconds: timeoutSeconds(run) };
  await client.submit({ request, name: jobId, signal });
  const submitMs = Date.now() - submitted;
  const status = await client.wait(jobId, { signal });
  const executionArn = `${address.stateMachineArn.replace(':stateMachine:', ':execution:')}:${jobId}`;
  const { startDate, stopDate } = await ended(connection, executionArn, signal);
  const base = { run, jobId, status: status.status, reason: status.reason, submitMs, usage: status.usage, cost: status.cost };
  const since = startDate!.getTime();
  const starts: { ms: number; isCold: boolean }[] = [];
  if (status.status === 'SUCCEEDED') {
    await client.result(jobId, { signal });
    for await (const { result } of client.results(jobId, { order: 'finished', signal })) {
      const [at, isNew] = result as [number, number];
      starts.push({ ms: at - since, isCold: isNew === 1 });
    }
  }
  const clientMs = Date.now() - submitted;
  if (starts.length === 0) return { ...base, clientMs, ...NOTHING };
  starts.sort((a, b) => a.ms - b.ms);
  const { batches, dispatchers } = await client.timeline(jobId, { signal });
  return {
    ...base,
    clientMs,
    firstStartMs: starts[0].ms,
    lastStartMs: starts[starts.length - 1].ms,
    resultMs: stopDate!.getTime() - since,
    cold: starts.filter(({ isCold }) => isCold).length,
    peak: peakOf(starts.map(({ ms }) => ms), batchMs),
    startedBy: Object.fromEntries(PERCENTS.map((percent) => [percent, starts[Math.ceil((percent / 100) * starts.length) - 1].ms])),
    perSecond: perSecond(starts),
    callMs: spread(batches.map(({ durationMs }) => durationMs)),
    ...dispatchers.length > 0 && { leafStartMs: spread(dispatchers.map(({ startMs }) => startMs)) },
    functions: await reported(connection, address, startDate!, run.batches, isEmulated ? 'engine' : 'aws'),
  };
}

/** The job's row says how it ended a moment before its execution does. */
async function ended(connection: Connection, executionArn: string, abortSignal: AbortSignal): Promise<DescribeExecutionCommandOutput> {
  for (;;) {
    const execution = await connection.steps().send(new DescribeExecutionCommand({ executionArn }), { abortSignal });
    if (execution.stopDate !== undefined) return execution;
    await sleep(END_LOOK_MS, undefined, { signal: abortSignal });
  }
}

/** Of a job that did not succeed. */
const NOTHING = {
  firstStartMs: NaN,
  lastStartMs: NaN,
  resultMs: NaN,
  cold: 0,
  peak: 0,
  startedBy: {},
  perSecond: [],
  callMs: { median: NaN, min: NaN, max: NaN, runs: 0 },
  functions: {},
};

/** Sorted starts, each of which lasts as long. */
export function peakOf(starts: readonly number[], batchMs: number): number {
  let [most, first] = [0, 0];
  starts.forEach((start, i) => {
    while (starts[first] + batchMs <= start) first++;
    most = Math.max(most, i - first + 1);
  });
  return most;
}

function perSecond(starts: readonly { ms: number; isCold: boolean }[]): Measured['perSecond'] {
  const seconds = new Map<number, { started: number; cold: number }>();
  for (const { ms, isCold } of starts) {
    const second = Math.floor(ms / 1_000);
    const { started, cold } = seconds.get(second) ?? { started: 0, cold: 0 };
    seconds.set(second, { started: started + 1, cold: cold + (isCold ? 1 : 0) });
  }
  return [...seconds].map(([second, counts]) => ({ second, ...counts }));
}
