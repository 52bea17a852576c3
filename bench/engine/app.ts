import { App, CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Version1 } from './version-1';
import { BurstCompute, FanOut } from '../../src';

/** Everything that is compared on the engine. Context: `code`, the folder of bundled functions, and `slots`, how many workers may run. */
const app = new App();
const stack = new Stack(app, 'BenchEngine');
const code = Code.fromAsset(app.node.getContext('code') as string);
const slots = Number(app.node.getContext('slots'));

const fn = (id: string, name: string) => new LambdaFunction(stack, id, {
  code, handler: `${name}.handler`, runtime: Runtime.NODEJS_24_X, memorySize: 256, timeout: Duration.minutes(1),
});
const common = { worker: fn('Worker', 'worker'), combiner: fn('Combiner', 'combiner'), removalPolicy: RemovalPolicy.DESTROY };
new BurstCompute(stack, 'Tree', { ...common, maxConcurrency: slots });
new BurstCompute(stack, 'Map', { ...common, fanOut: FanOut.distributedMap({ maxConcurrency: slots }) });
const version1 = new Version1(stack, 'Version1', code);
new CfnOutput(stack, 'StateMachineOfVersion1', { value: version1.stateMachine.stateMachineArn });
new CfnOutput(stack, 'WorkerOfVersion1', { value: version1.worker.functionName });
new CfnOutput(stack, 'WorkerOfOthers', { value: common.worker.functionName });
