import * as path from 'path';
import { App, Duration, RemovalPolicy, Stack, StackProps } from 'aws-cdk-lib';
import { Architecture, Code, Function, Runtime } from 'aws-cdk-lib/aws-lambda';
import { BurstCompute } from 'cdk-burst-compute';
import { Construct } from 'constructs';

/** Draws the Mandelbrot set: tiles in parallel, then one PNG. Twice, with a worker in TypeScript and with one in Python. */
class Mandelbrot extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, props);

    const combiner = new Function(this, 'Combiner', {
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: Code.fromAsset(path.join(__dirname, 'dist', 'combiner')),
      memorySize: 1024,
      timeout: Duration.minutes(1),
    });

    const worker = new Function(this, 'Worker', {
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: Code.fromAsset(path.join(__dirname, 'dist', 'worker')),
      memorySize: 1769, // one full vCPU
      timeout: Duration.minutes(1),
    });
    new BurstCompute(this, 'InTypeScript', { worker, combiner, batchSize: 4, removalPolicy: RemovalPolicy.DESTROY });

    const pythonWorker = new Function(this, 'PythonWorker', {
      runtime: Runtime.PYTHON_3_13,
      architecture: Architecture.ARM_64,
      handler: 'worker.handler',
      code: Code.fromAsset(path.join(__dirname, '..', 'python'), { exclude: ['**', '!worker.py'] }),
      memorySize: 1769,
      timeout: Duration.minutes(5),
    });
    new BurstCompute(this, 'InPython', { worker: pythonWorker, combiner, batchSize: 4, removalPolicy: RemovalPolicy.DESTROY });
  }
}

const app = new App();
new Mandelbrot(app, 'Mandelbrot', { description: 'The Mandelbrot set, in tiles' });
app.synth();
