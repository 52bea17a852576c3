import { GetObjectCommand, ListObjectsV2Command, NoSuchKey, S3Client } from '@aws-sdk/client-s3';
import { attempt } from './errors';
import { InputChanged, InvalidInput, NotAllowed, Transient } from '../protocol/errors';
import type { Inputs, ListedObject, ObjectPart, ObjectUri } from '../protocol/ports';

/** How often a range is asked for again when the connection breaks in the middle of it; the SDK only repeats what has no answer yet. */
const BODY_TRIES = 4;

/** The users' buckets. */
export class S3Inputs implements Inputs {
  constructor(private readonly client: S3Client) {}

  async read(object: ObjectUri, range: { from: number; to: number }, version?: string): Promise<ObjectPart> {
    if (version !== undefined && range.to <= range.from) return { bytes: new Uint8Array(), size: 0, version };
    const uri = `s3://${object.bucket}/${object.key}`;
    return explained(`s3:GetObject of ${uri}`, 'or the object does not exist and s3:ListBucket, which would tell, is not granted', async () => {
      for (let tries = 1; ; tries++) {
        try {
          return await this.get(object, range, version);
        } catch (error) {
          if (error instanceof NoSuchKey) throw new InvalidInput(`no object at ${uri}: give the uri of one that exists, with the key exactly as it is`);
          const { name } = error as Error;
          if (name === 'PreconditionFailed') throw new InputChanged(`${uri} was changed while the job used it: start another job, and leave the object as it is until that ends`);
          if (name === 'InvalidRange') return { bytes: new Uint8Array(), size: 0, version: '' }; // there is no first byte
          if ('$metadata' in (error as object)) throw error; // an answer of S3, or none after the SDK's own tries
          if (tries === BODY_TRIES) throw new Transient(`s3:GetObject of ${uri} broke off ${tries} times: ${String(error)}`, error);
        }
      }
    });
  }

  async* list({ bucket, key: prefix }: ObjectUri): AsyncGenerator<ListedObject[]> {
    let token: string | undefined;
    do {
      const page = await explained(`s3:ListBucket of s3://${bucket}/${prefix}`, undefined, () => this.client.send(new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: prefix,
        ContinuationToken: token,
        EncodingType: 'url', // a key may hold characters that XML cannot
      })));
      const decoded = page.EncodingType === 'url' ? (key: string) => decodeURIComponent(key.replace(/\+/g, ' ')) : (key: string) => key;
      const objects = (page.Contents ?? []).map(({ Key, Size }) => ({ key: decoded(Key!), size: Size ?? 0 }));
      if (objects.length > 0) yield objects;
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  private async get({ bucket, key }: ObjectUri, { from, to }: { from: number; to: number }, version?: string): Promise<ObjectPart> {
    const answer = await this.client.send(new GetObjectCommand({ Bucket: bucket, Key: key, Range: `bytes=${from}-${to - 1}`, IfMatch: version }));
    const bytes = await answer.Body!.transformToByteArray();
    const size = Number(/\/(\d+)$/.exec(answer.ContentRange ?? '')?.[1] ?? bytes.length);
    return { bytes, size, version: answer.ETag!, ...(answer.ContentEncoding && { encoding: answer.ContentEncoding }) };
  }
}

/** What is refused comes with what to do about it. */
async function explained<T>(what: string, unless: string | undefined, call: () => Promise<T>): Promise<T> {
  try {
    return await attempt(what, call);
  } catch (error) {
    const cause = (error as { cause?: { name?: string } }).cause;
    if (cause?.name === 'NoSuchBucket') throw new InvalidInput(`${what}: there is no such bucket`);
    if (!(error instanceof NotAllowed)) throw error;
    throw new NotAllowed(`${error.message}: hand the bucket to the prop "inputBuckets" of the construct, which lets jobs read it`
      + ' (a bucket or key of another account must allow that, too)' + (unless === undefined ? '' : `; ${unless}`), error);
  }
}
