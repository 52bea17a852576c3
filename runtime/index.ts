import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { CombinerEvent, Manifest } from '../lambda/protocol/model';
import { BatchResult, batchResults, treeResults } from '../lambda/protocol/results';

export type { CombinerEvent, Failure, WorkerEvent } from '../lambda/protocol/model';
export type { BatchResult } from '../lambda/protocol/results';
export * from './worker';

let s3: S3Client | undefined;

/**
 * Every batch of a job in order, from a combiner's event: whether the results are in the event itself or, because they are
 * large, in the payload bucket. One group of 64 batches is in memory at a time. In combine mode TREE it is every batch of the
 * call's, and above level 0 every partial result, one at a time; of a job that ran out of time those that are there.
 *
 * @param event the combiner's event
 * @throws TypeError if it is not one
 */
export async function* readResults(event: CombinerEvent): AsyncGenerator<BatchResult> {
  if (!event.results || !('inline' in event.results || 'manifest' in event.results || 'entries' in event.results)) {
    throw new TypeError(`not the event of a combiner: it has the fields ${Object.keys(event).join(', ')}, needed is "results" with `
      + '"inline", "manifest" or "entries": pass the whole event that the combiner is called with');
  }
  if ('inline' in event.results) {
    const failures = new Map(event.failures.first.map((failure) => [failure.batchId, failure]));
    const failed = new Set(event.results.failed);
    const missing = new Set(event.results.missing);
    const { batches } = event.results;
    for (const [position, result] of event.results.inline.entries()) {
      const batchId = batches?.[position].start ?? position;
      if (missing.has(batchId)) yield { batchId, state: 'missing' };
      else if (failed.has(batchId)) yield { batchId, state: 'failed', failure: failures.get(batchId) };
      else yield { batchId, state: 'succeeded', result };
    }
    return;
  }
  const uri = 'manifest' in event.results ? event.results.manifest : event.results.entries;
  const address = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri);
  if (!address) throw new TypeError(`not the address of an object: got ${JSON.stringify(uri)}, allowed: s3://bucket/key`);
  const [, bucket, key] = address;
  const fetch = async (objectKey: string) => {
    s3 ??= new S3Client({ forcePathStyle: process.env.AWS_ENDPOINT_URL !== undefined });
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: objectKey }));
    return Body!.transformToString();
  };
  if ('entries' in event.results) yield* treeResults(await fetch(key), fetch);
  else yield* batchResults(JSON.parse(await fetch(key)) as Manifest, fetch);
}
