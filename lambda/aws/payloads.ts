import { Readable } from 'node:stream';
import { GetObjectCommand, NoSuchKey, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { attempt } from './errors';
import { NotAllowed, PayloadMissing } from '../protocol/errors';
import { MULTIPART_BYTES, Payloads } from '../protocol/ports';

/** S3 answers 409 while another conditional write of the same key is under way, and asks to try again. */
const CONFLICT_TRIES = 6;

/** The payload bucket. */
export class S3Payloads implements Payloads {
  constructor(private readonly client: S3Client, private readonly bucket: string) {}

  async put(key: string, body: string | Uint8Array, options: { ifAbsent?: boolean } = {}): Promise<boolean> {
    return attempt(`s3:PutObject of ${this.uri(key)}`, async () => {
      for (let tries = 1; ; tries++) {
        try {
          await this.client.send(new PutObjectCommand({ Bucket: this.bucket, Key: key, Body: body, ...(options.ifAbsent && { IfNoneMatch: '*' }) }));
          return true;
        } catch (error) {
          if ((error as Error).name === 'PreconditionFailed') return false;
          if ((error as Error).name !== 'ConditionalRequestConflict' || tries === CONFLICT_TRIES) throw error;
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 50 * 2 ** tries));
        }
      }
    });
  }

  async get(key: string, range?: { from: number; to: number }): Promise<Uint8Array> {
    if (range && range.to <= range.from) return new Uint8Array();
    return attempt(`s3:GetObject of ${this.uri(key)}`, async () => {
      try {
        const { Body } = await this.client.send(new GetObjectCommand({
          Bucket: this.bucket, Key: key, ...(range && { Range: `bytes=${range.from}-${range.to - 1}` }),
        }));
        return await Body!.transformToByteArray();
      } catch (error) {
        const { name, message } = error as Error;
        if (error instanceof NoSuchKey) throw new PayloadMissing(this.uri(key));
        if (name === 'InvalidRange') return new Uint8Array(); // begins beyond the end
        if (name === 'AccessDenied') {
          // S3 tells only those who may list the bucket that an object does not exist
          throw new NotAllowed(`s3:GetObject of ${this.uri(key)} was refused, or there is no such object: ${name}: ${message}`, error);
        }
        throw error;
      }
    });
  }

  async putStream(key: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    await attempt(`s3:PutObject of ${this.uri(key)}`, () => new Upload({
      client: this.client,
      params: { Bucket: this.bucket, Key: key, Body: Readable.from(chunks, { objectMode: false }) },
      partSize: MULTIPART_BYTES,
      queueSize: 2, // parts in memory
      leavePartsOnError: true, // removing them takes one more permission, and the bucket's lifecycle does it
    }).done());
  }

  uri(key: string): string {
    return `s3://${this.bucket}/${key}`;
  }
}
