import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Code, Function, FunctionOptions, Runtime } from 'aws-cdk-lib/aws-lambda';
import { BurstCompute } from '../../src';

/** The app of the tests of burst-compute: one job of items with a combiner, one of functions that are called by name, and a function that starts jobs of both. */
const app = new App();
const stack = new Stack(app, 'Python');
const fn = (id: string, handler: string, others?: FunctionOptions) => new Function(stack, id, {
  code: Code.fromAsset(process.env.PYTHON_CODE!), // the functions beside the unpacked wheel
  handler: handler.includes('.') ? handler : `worker.${handler}`,
  runtime: Runtime.PYTHON_3_13,
  timeout: Duration.seconds(10),
  memorySize: 256,
  ...others,
});
const common = { workerRetries: 0, repairInterval: Duration.seconds(5), timeout: Duration.hours(1), removalPolicy: RemovalPolicy.DESTROY };

const items = new BurstCompute(stack, 'Items', { ...common, worker: fn('Square', 'square'), combiner: fn('Combine', 'combine'), batchSize: 10, combineOnTimeout: true });
const named = fn('Named', 'named');
const calls = new BurstCompute(stack, 'Calls', {
  ...common, worker: fn('Call', 'calls'), taskFunctions: { increment: named, fail: named, unlisted: named, whole: fn('Whole', 'whole') },
});

for (const [id, job] of Object.entries({ Caller: calls, Starter: items })) {
  const name = id.toLowerCase();
  const starts = fn(id, `${name}.handler`, { functionName: name, timeout: Duration.minutes(1), environment: { JOB: job.stateMachine.stateMachineArn } });
  job.grantStart(starts);
  job.grantReadResults(starts);
}
