import * as path from 'path';
import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Architecture, Code, Function, Runtime } from 'aws-cdk-lib/aws-lambda';
import { BurstCompute } from 'cdk-burst-compute';

/** Searches the nearest neighbours of 100 handwritten digits among 9,900 others, with a worker in Node and with one in Python. */
const app = new App();
const stack = new Stack(app, 'DigitSearch', { description: 'Nearest neighbours of handwritten digits, by brute force' });
const code = (name: string) => Code.fromAsset(path.join(__dirname, '..', 'functions', 'dist', name));
const architecture = Architecture.ARM_64;

const worker = new Function(stack, 'Worker', {
  code: code('node'), handler: 'index.handler', runtime: Runtime.NODEJS_24_X, architecture, memorySize: 512, timeout: Duration.seconds(30),
});
const pythonWorker = new Function(stack, 'PythonWorker', {
  code: code('python'), handler: 'worker.handler', runtime: Runtime.PYTHON_3_13, architecture, memorySize: 1769, timeout: Duration.minutes(1),
});
const combiner = new Function(stack, 'Combiner', {
  code: code('combiner'), handler: 'index.handler', runtime: Runtime.NODEJS_24_X, architecture, memorySize: 1024, timeout: Duration.minutes(1),
});

const common = { combiner, batchSize: 40, timeout: Duration.minutes(10), removalPolicy: RemovalPolicy.DESTROY };
new BurstCompute(stack, 'Search', { ...common, worker });
new BurstCompute(stack, 'SearchInPython', { ...common, worker: pythonWorker });
app.synth();
