import { GetObjectCommand, NoSuchKey, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PayloadMissing, Payloads } from '../protocol';
import { attempt } from './errors';

/** The payload bucket. */
export class S3Payloads implements Payloads {
  constructor(private readonly client: S3Client, private readonly bucket: string) {}

  async put(key: string, body: string | Uint8Array, options: { ifAbsent?: boolean } = {}): Promise<boolean> {
    return attempt(`s3:PutObject of ${this.uri(key)}`, async () => {
      try {
        await this.client.send(new PutObjectCommand({ Bucket: this.bucket, Key: key, Body: body, ...(options.ifAbsent && { IfNoneMatch: '*' }) }));
        return true;
      } catch (error) {
        if ((error as Error).name === 'PreconditionFailed') return false;
        throw error;
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
        if (error instanceof NoSuchKey) throw new PayloadMissing(this.uri(key));
        throw error;
      }
    });
  }

  uri(key: string): string {
    return `s3://${this.bucket}/${key}`;
  }
}
