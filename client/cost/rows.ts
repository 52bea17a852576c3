import { batchObject, groupKey, groupObject, jobKey, partialKey, Writer } from '../../lambda/protocol/keys';
import type { Plan } from '../../lambda/protocol/model';
import type { Row } from '../../lambda/protocol/ports';
import { rowBytes, writeUnits } from '../../lambda/protocol/row-size';
import { sumUsage } from '../../lambda/protocol/usage';

/** What rows are made of that an estimate cannot know. */
export interface RowSample {
  readonly jobId: string;
  readonly executionArn: string;
  readonly taskToken: string;
  readonly bucket: string;
  readonly owner: string;
}

/** The rows that a job will write, with values of the length that real ones have. */
export class SampleRows {
  constructor(
    private readonly sample: RowSample, private readonly plan: Plan, private readonly resultBytes: number, private readonly batchMs: number,
  ) {}

  private get writer(): Writer {
    return { jobId: this.sample.jobId, epoch: 1, leaf: Math.max(0, this.plan.leaves - 1), attempt: 1, owner: this.sample.owner };
  }

  /** Sizes of the JOB row at each of its writes. */
  job(functions: object): { [name: string]: number } {
    const { plan } = this;
    const { jobId, executionArn, taskToken, bucket } = this.sample;
    const at = plan.startedAt;
    const used = sumUsage({ monitorInvocations: 1, monitorMs: 150, tableReadUnits: 1, tableWriteUnits: 2, stateTransitions: 2, logBytes: 1000 });
    const workers = { workerInvocations: plan.batches, workerMs: plan.batches * this.batchMs };
    const express = plan.map?.childType === 'EXPRESS' ? { expressRequests: plan.batches, expressMs: 100 * plan.batches } : {};
    const called = plan.map ? { ...workers, ...express } : { ...workers, dispatcherInvocations: plan.leaves, dispatcherMs: 10_000 };
    const usedByAll = sumUsage(used, { ...used, ...called, objectPuts: 2 });
    const uri = `s3://${bucket}/jobs/${jobId}/e1/manifest.json`;
    const prepared = {
      pk: jobKey(jobId),
      jobId,
      executionArn,
      status: 'PENDING',
      epoch: 1,
      plan,
      repairIntervalSeconds: 60,
      graceSeconds: 60,
      maxRestarts: 5,
      startPatienceSeconds: 1800,
      requestDigest: '0'.repeat(64),
      functions,
      ttl: plan.ttl,
    };
    const running = { ...prepared, status: 'RUNNING', dispatchedAt: at, usage: used };
    const waiting = plan.map ? running : { ...running, taskToken, tokenRound: 0, tokenRetry: 0 };
    const done = { ...waiting, rootDone: 1 };
    const sealed = { ...done, sealed: { epoch: 1, outcome: 'SUCCEEDED' }, status: 'COMBINING', combineStartedAt: at };
    const ended = {
      ...sealed, terminal: { epoch: 1, status: 'SUCCEEDED' }, status: 'SUCCEEDED', endedAt: at, usage: usedByAll, failedCount: 0, manifest: uri, ...('combiner' in functions && { result: uri }), combineEndedAt: at,
    };
    const [jobRowBytes, unitsOfPrepare, unitsOfAwait, unitsOfDone, unitsOfSeal, unitsOfEnd] = [
      bytes(waiting), ...[plan.map ? running : prepared, waiting, done, sealed, ended].map((row) => writeUnits(bytes(row))),
    ];
    return { jobRowBytes, unitsOfPrepare, unitsOfAwait, unitsOfDone, unitsOfSeal, unitsOfEnd };
  }

  /** A group of so many batches: the size of its document, of its row, and of its line in the manifest. */
  group(count: number): { document: number; row: number; line: number } {
    const { jobId } = this.sample;
    const many = <T>(value: T) => new Array<T>(count).fill(value);
    const group = Math.max(0, this.plan.groups - 1);
    const result = this.resultBytes > 262_144 ? { ref: { key: batchObject(this.writer, 64 * group, 1), bytes: this.resultBytes } } : { result: 0 };
    const times = { started: many(Math.max(1000, this.batchMs)), took: many(this.batchMs) };
    const text = JSON.stringify({ first: 64 * group, entries: many(result), ...times, attempts: many(1) });
    const document = text.length + (this.resultBytes > 262_144 ? 0 : count * (this.resultBytes - 1));
    const isSmall = this.plan.map !== undefined || document <= 8192; // a child has no place but its row
    const row = {
      pk: groupKey(jobId, 1, group),
      unit: group,
      group,
      first: 64 * group,
      count,
      attempt: 1,
      failed: [],
      bytes: document,
      ttl: this.plan.ttl,
      ...(this.plan.map && { calls: 1, took: this.batchMs }),
      ...(isSmall ? { data: '' } : { object: groupObject(this.writer, group) }),
    };
    return { document, row: bytes(row) + (isSmall ? document : 0), line: isSmall ? document + 80 : 200 };
  }

  /** A partial result of combine mode TREE. */
  partial(answerBytes: number): number {
    const { jobId } = this.sample;
    const row = { pk: partialKey(jobId, 1, 1, 10), level: 1, index: 10, bytes: answerBytes, failedCount: 0, firstFailures: [], ttl: this.plan.ttl };
    return bytes(row) + (answerBytes <= 8192 ? 4 + answerBytes : 6 + groupObject(this.writer, 10).length);
  }
}

function bytes(row: object): number {
  return rowBytes(row as Row);
}
