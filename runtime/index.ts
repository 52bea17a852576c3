import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { CombinerEvent, Manifest } from '../lambda/protocol/model';
import { BatchResult, batchResults } from '../lambda/protocol/results';

export type { CombinerEvent, Failure, WorkerEvent } from '../lambda/protocol/model';
export type { BatchResult } from '../lambda/protocol/results';
export * from './worker';

let s3: S3Client | undefined;

/**
 * Every batch of a job in order, from a combiner's event: whether the results are in the event itself or, because they are
 * large, in the payload bucket. One group of 64 batches is in memory at a time.
 *
 * @param event the combiner's event
 * @throws TypeError if it is not one
 */
export async function* readResults(event: CombinerEvent): AsyncGenerator<BatchResult> {
  if (!event.results || !('inline' in event.results || 'manifest' in event.results)) {
    throw new TypeError(`not the event of a combiner: it has the fields ${Object.keys(event).join(', ')}, needed is "results" with `
      + '"inline" or "manifest": pass the whole event that the combiner is called with');
  }
  if ('inline' in event.results) {
    const failures = new Map(event.failures.first.map((failure) => [failure.batchId, failure]));
    const failed = new Set(event.results.failed);
    const missing = new Set(event.results.missing);
    for (const [batchId, result] of event.results.inline.entries()) {
      if (missing.has(batchId)) yield { batchId, state: 'missing' };
      else if (failed.has(batchId)) yield { batchId, state: 'failed', failure: failures.get(batchId) };
      else yield { batchId, state: 'succeeded', result };
    }
    return;
  }
  const address = /^s3:\/\/([^/]+)\/(.+)$/.exec(event.results.manifest);
  if (!address) throw new TypeError(`not the address of an object: got ${JSON.stringify(event.results.manifest)}, allowed: s3://bucket/key`);
  const [, bucket, key] = address;
  const fetch = async (objectKey: string) => {
    s3 ??= new S3Client({ forcePathStyle: process.env.AWS_ENDPOINT_URL !== undefined });
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: objectKey }));
    return Body!.transformToString();
  };
  yield* batchResults(JSON.parse(await fetch(key)) as Manifest, fetch);
}
