import * as path from 'path';
import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Code, Function, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { BurstCompute, ChildType, FanOut } from '../../src';

/** The same job with each way to fan out. */
const app = new App();
const stack = new Stack(app, 'Maps');
const code = Code.fromAsset(path.join(__dirname, 'functions', 'node-worker'));
const common = { timeout: Duration.seconds(10), memorySize: 256, runtime: Runtime.NODEJS_24_X };

const inputs = new Bucket(stack, 'Inputs', { removalPolicy: RemovalPolicy.DESTROY });
const combiner = new Function(stack, 'Combiner', { ...common, handler: 'index.handler', code: Code.fromAsset(process.env.COMBINER_CODE!) });
const worker = new Function(stack, 'Worker', { ...common, handler: 'index.handler', code });
const replica = new Function(stack, 'Replica', { ...common, handler: 'index.handler', code });
const task = new Function(stack, 'Task', { ...common, timeout: Duration.seconds(2), handler: 'index.task', code });

const ways = {
  Tree: FanOut.tree(),
  Standard: FanOut.distributedMap({ maxConcurrency: 8 }),
  Express: FanOut.distributedMap({ childType: ChildType.EXPRESS }),
};
for (const [id, fanOut] of Object.entries(ways)) {
  new BurstCompute(stack, id, {
    fanOut,
    worker,
    workerReplicas: [replica],
    taskFunctions: { task, worker },
    combiner,
    inputBuckets: [inputs],
    batchSize: 10,
    workerRetries: 1,
    repairInterval: Duration.seconds(5),
    timeout: Duration.hours(1),
    removalPolicy: RemovalPolicy.DESTROY,
  });
}
