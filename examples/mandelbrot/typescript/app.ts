import * as path from 'path';
import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Architecture, Code, Function, Runtime } from 'aws-cdk-lib/aws-lambda';
import { BurstCompute } from 'cdk-burst-compute';

/** Draws the Mandelbrot set: tiles in parallel, then one PNG. With a worker in TypeScript, with one in Python and with one in Java. */
const app = new App();
const stack = new Stack(app, 'Mandelbrot', { description: 'The Mandelbrot set, in tiles' });
const code = (name: string) => Code.fromAsset(path.join(__dirname, '..', 'functions', 'dist', name));
const architecture = Architecture.ARM_64;
const memorySize = 1769; // one full vCPU

const combiner = new Function(stack, 'Combiner', {
  code: code('combiner'), handler: 'index.handler', runtime: Runtime.NODEJS_24_X, architecture, memorySize: 1024, timeout: Duration.minutes(1),
});
const worker = new Function(stack, 'Worker', {
  code: code('node'), handler: 'index.handler', runtime: Runtime.NODEJS_24_X, architecture, memorySize, timeout: Duration.minutes(1),
});
const pythonWorker = new Function(stack, 'PythonWorker', {
  code: code('python'), handler: 'worker.handler', runtime: Runtime.PYTHON_3_13, architecture, memorySize, timeout: Duration.minutes(5),
});
const javaWorker = new Function(stack, 'JavaWorker', {
  code: code('java/worker.jar'), handler: 'example.Worker::handle', runtime: Runtime.JAVA_21, architecture, memorySize, timeout: Duration.minutes(1),
});

for (const [id, each] of Object.entries({ InTypeScript: worker, InPython: pythonWorker, InJava: javaWorker })) {
  new BurstCompute(stack, id, { worker: each, combiner, batchSize: 4, removalPolicy: RemovalPolicy.DESTROY });
}
app.synth();
