import type { JobRow, Manifest, Plan } from '../../lambda/protocol/model';
import { batchesOfGroup, groupCount, spanSize } from '../../lambda/protocol/plan';

/** A job whose batches are all done, made up on request: nothing of it is stored anywhere. */
export const JOB = 'job';
/** Groups in a piece of its manifest, of about 4 MB. */
const PIECE_GROUPS = 2_000;

/** Of a job with one leaf. */
export function planOf(batches: number): Plan {
  return {
    items: batches,
    batchSize: 1,
    batches,
    groups: groupCount(batches),
    leaves: 1,
    window: 64,
    branching: 64,
    source: { kind: 'range', start: 0 },
    workerRetries: 2,
    workerTimeoutSeconds: 60,
    toleratedFailures: 0,
    leaseSeconds: 60,
    startedAt: 1_760_000_000_000,
    deadline: 1_760_040_000_000,
    ttl: 1_770_000_000,
  };
}

export function jobRow(batches: number, hasEnded: boolean): JobRow {
  const plan = planOf(batches);
  const row = { pk: `j#${JOB}`, jobId: JOB, executionArn: 'arn:aws:states:us-east-1:123456789012:execution:job:job', epoch: 1, status: 'RUNNING', plan, rootDone: 1, failedCount: 0 };
  const end = { sealed: { epoch: 1, outcome: 'SUCCEEDED' }, ...hasEnded && { terminal: { epoch: 1, status: 'SUCCEEDED' }, status: 'SUCCEEDED', manifest: `s3://b/${manifestKey}` } };
  return { ...row, ...end } as unknown as JobRow;
}

const manifestKey = `jobs/${JOB}/e1/manifest.json`;

function document(group: number, batches: number): { first: number; count: number; data: object } {
  const span = batchesOfGroup(group, batches);
  const many = <T>(value: T) => new Array<T>(spanSize(span)).fill(value);
  return {
    first: span.start,
    count: spanSize(span),
    data: { first: span.start, entries: many({ result: 12_345 }), started: many(123_456), took: many(1_017), attempts: many(1) },
  };
}

/** As a leaf commits it. */
export function groupRow(group: number, batches: number): object {
  const { first, count, data } = document(group, batches);
  const text = JSON.stringify(data);
  return { pk: `j#${JOB}#e1#g${group}`, unit: group, group, first, count, attempt: 1, failed: [], data: text, bytes: text.length, ttl: 1_770_000_000 };
}

/** The manifest and its pieces, by key. */
export function object(key: string, batches: number): string {
  const groups = groupCount(batches);
  if (key === manifestKey) {
    const pieces = Array.from({ length: Math.ceil(groups / PIECE_GROUPS) }, (_, piece) => `piece-${piece}`);
    const manifest: Manifest = {
      version: 1, jobId: JOB, epoch: 1, outcome: 'SUCCEEDED', batchCount: batches, succeededCount: batches, failedCount: 0, bytes: 40 * batches, pieces,
    };
    return JSON.stringify(manifest);
  }
  const from = Number(key.slice('piece-'.length)) * PIECE_GROUPS;
  return Array.from({ length: Math.min(PIECE_GROUPS, groups - from) }, (_, i) => {
    const { first, count, data } = document(from + i, batches);
    return `${JSON.stringify({ group: from + i, first, count, failed: [], bytes: 2_000, data })}\n`;
  }).join('');
}
