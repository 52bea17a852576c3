import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Code, Function, Runtime } from 'aws-cdk-lib/aws-lambda';
import { BurstCompute } from '../../src';

/** The app of the tests of burst-compute: one job of items with a combiner, one of functions that are called by name. */
const app = new App();
const stack = new Stack(app, 'Python');
const fn = (id: string, handler: string) => new Function(stack, id, {
  code: Code.fromAsset(process.env.PYTHON_CODE!), // the functions beside the unpacked wheel
  handler: `worker.${handler}`,
  runtime: Runtime.PYTHON_3_13,
  timeout: Duration.seconds(10),
  memorySize: 256,
});
const common = { workerRetries: 0, repairInterval: Duration.seconds(5), timeout: Duration.hours(1), removalPolicy: RemovalPolicy.DESTROY };

new BurstCompute(stack, 'Items', { ...common, worker: fn('Square', 'square'), combiner: fn('Combine', 'combine'), batchSize: 10, combineOnTimeout: true });
const named = fn('Named', 'named');
new BurstCompute(stack, 'Calls', {
  ...common, worker: fn('Call', 'calls'), taskFunctions: { increment: named, fail: named, unlisted: named, whole: fn('Whole', 'whole') },
});
