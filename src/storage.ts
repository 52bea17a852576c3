import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { IKey } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';

/** Every key of a job starts with this; permissions end at it. */
export const JOB_OBJECTS = 'jobs/*';

/** Where clients put what is too large for a request. */
export const UPLOADS = 'jobs/*/upload/*';

/** What a Distributed Map reads, and what it writes of its child executions. */
export const MAP_BATCHES = 'jobs/*/map.jsonl';
export const MAP_OUTPUT = 'jobs/*/map/*';

export interface StorageOptions {
  readonly encryptionKey?: IKey;
  readonly removalPolicy?: RemovalPolicy;
}

/** A table with one string key and expiring rows. */
export function createTable(scope: Construct, id: string, options: StorageOptions): Table {
  return new Table(scope, id, {
    partitionKey: { name: 'pk', type: AttributeType.STRING },
    billingMode: BillingMode.PAY_PER_REQUEST, // a burst comes out of nowhere
    timeToLiveAttribute: 'ttl',
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    encryption: options.encryptionKey ? TableEncryption.CUSTOMER_MANAGED : TableEncryption.AWS_MANAGED,
    encryptionKey: options.encryptionKey,
    removalPolicy: options.removalPolicy ?? RemovalPolicy.DESTROY,
  });
}

/** The bucket for whatever is too large for a row. */
export function createBucket(scope: Construct, id: string, options: StorageOptions & { readonly expireAfterDays: number }): Bucket {
  const bucket = new Bucket(scope, id, {
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    encryption: options.encryptionKey ? BucketEncryption.KMS : BucketEncryption.S3_MANAGED,
    encryptionKey: options.encryptionKey,
    bucketKeyEnabled: options.encryptionKey ? true : undefined,
    lifecycleRules: [{
      id: 'ExpireJobs',
      expiration: Duration.days(options.expireAfterDays),
      abortIncompleteMultipartUploadAfter: Duration.days(1),
    }],
    // CloudFormation refuses to delete a bucket that still holds objects, and emptying it would take one more function with
    // the right to delete everything. Kept, it empties itself through the rule above. A failed first deployment removes it.
    removalPolicy: options.removalPolicy ?? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
  });
  Validations.of(bucket).acknowledge({
    id: 'AwsSolutions-S1',
    reason: 'Objects are short-lived parts of jobs that two functions write; access logs would outlive and outnumber them.',
  });
  return bucket;
}
