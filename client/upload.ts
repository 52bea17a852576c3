import { createHash } from 'node:crypto';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { RequestTooLargeError } from './errors';
import type { Context } from './jobs/context';

/** The input of an execution, and of its states, which add their own words, may have 262,144 bytes (Step Functions quotas). */
export const MAX_REQUEST_BYTES = 250_000;

/** What of a request may be stored aside, and the request with its address instead. */
interface Liftable {
  readonly list: unknown[];
  readonly pointingTo: (uri: string) => unknown;
}

/**
 * Puts the list of items or tasks of a request that is too large for an execution's input into the payload bucket; returns the request that
 * points there instead. The same list gets the same place, so that the same request stays the same.
 *
 * @throws RequestTooLargeError if the rest of the request is too large, too
 */
export async function uploadList(context: Context, jobId: string, request: unknown): Promise<unknown> {
  const size = sizeOf(request);
  if (size <= MAX_REQUEST_BYTES) return request;
  const liftable = listOf(request);
  if (!liftable) throw new RequestTooLargeError(size, MAX_REQUEST_BYTES);
  const lines = Buffer.concat(liftable.list.map((item) => Buffer.from(`${JSON.stringify(item ?? null)}\n`)));
  const key = `jobs/${jobId}/upload/${createHash('sha256').update(lines).digest('hex').slice(0, 32)}.jsonl`;
  const bucket = context.address.payloadBucket;
  const smaller = liftable.pointingTo(`s3://${bucket}/${key}`);
  const rest = sizeOf(smaller);
  if (rest > MAX_REQUEST_BYTES) throw new RequestTooLargeError(rest, MAX_REQUEST_BYTES);
  try {
    // never written over: a job of this name may be reading it
    const put = new PutObjectCommand({ Bucket: bucket, Key: key, Body: lines, ContentType: 'application/jsonl', IfNoneMatch: '*' });
    await context.connection.s3().send(put, context.send);
  } catch (error) {
    if ((error as Error).name !== 'PreconditionFailed') throw error;
  }
  return smaller;
}

function sizeOf(request: unknown): number {
  return Buffer.byteLength(JSON.stringify(request) ?? '');
}

function listOf(request: unknown): Liftable | undefined {
  if (request === null || typeof request !== 'object') return undefined;
  const { items, tasks } = request as { items?: Record<string, unknown>; tasks?: unknown };
  if (Array.isArray(tasks)) return { list: tasks, pointingTo: (uri) => ({ ...request, tasks: { s3: { uri } } }) };
  // anything else beside the list is wrong, and for Prepare to explain
  if (items === undefined || items === null || !Array.isArray(items.list) || Object.keys(items).length !== 1) return undefined;
  return { list: items.list, pointingTo: (uri) => ({ ...request, items: { s3: { uri } } }) };
}
