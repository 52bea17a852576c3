import * as path from 'path';
import { App, Duration, RemovalPolicy, Stack, StackProps } from 'aws-cdk-lib';
import { Architecture, Code, Function, Runtime } from 'aws-cdk-lib/aws-lambda';
import { BurstCompute } from 'cdk-burst-compute';
import { Construct } from 'constructs';

/** Searches the nearest neighbours of 100 handwritten digits among 9,900 others. */
class DigitSearch extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, props);

    const worker = new Function(this, 'Worker', {
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: Code.fromAsset(path.join(__dirname, 'dist', 'worker')),
      memorySize: 512,
      timeout: Duration.seconds(30),
    });
    const combiner = new Function(this, 'Combiner', {
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: Code.fromAsset(path.join(__dirname, 'dist', 'combiner')),
      memorySize: 1024,
      timeout: Duration.minutes(1),
    });

    new BurstCompute(this, 'Search', {
      worker,
      combiner,
      batchSize: 40,
      timeout: Duration.minutes(10),
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }
}

const app = new App();
new DigitSearch(app, 'DigitSearch', { description: 'Nearest neighbours of handwritten digits, by brute force' });
app.synth();
