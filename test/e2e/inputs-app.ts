import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Code, Function, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { BurstCompute } from '../../src';

/** A job that gives its items back, a bucket that it may read and one that it may not. */
const stack = new Stack(new App(), 'Inputs');
const fn = (id: string, code: string) => new Function(stack, id, {
  runtime: Runtime.NODEJS_24_X, handler: 'index.handler', code: Code.fromInline(code), timeout: Duration.seconds(5), memorySize: 256,
});
const items = new Bucket(stack, 'Items', { bucketName: 'burst-items', removalPolicy: RemovalPolicy.DESTROY });
new Bucket(stack, 'Foreign', { bucketName: 'burst-foreign', removalPolicy: RemovalPolicy.DESTROY });
new BurstCompute(stack, 'Job', {
  worker: fn('Worker', `exports.handler = async ({ items, parameters: { sleepMs, only } = {} }) => {
    if (sleepMs) await new Promise((resolve) => setTimeout(resolve, sleepMs));
    return only ? items.map((item) => item[only]) : items;
  };`),
  combiner: fn('Combiner', 'exports.handler = async ({ results }) => results.inline;'),
  inputBuckets: [items],
  batchSize: 10,
  repairInterval: Duration.seconds(5),
  timeout: Duration.hours(1),
  removalPolicy: RemovalPolicy.DESTROY,
});
