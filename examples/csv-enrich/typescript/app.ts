import * as path from 'path';
import { App, CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Code, Function, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { BurstCompute } from 'cdk-burst-compute';

/** Enriches the rows of a CSV in S3, with a worker in Node and with one in Python, and runs unlike tasks. The same app as in the other languages beside it. */
const app = new App();
const stack = new Stack(app, 'CsvEnrich', { description: 'Orders in a CSV, enriched and added up' });
const code = (name: string) => Code.fromAsset(path.join(__dirname, '..', 'functions', name));
const timeout = Duration.minutes(1);

const orders = new Bucket(stack, 'Orders', { enforceSSL: true, removalPolicy: RemovalPolicy.DESTROY });
const node = new Function(stack, 'NodeWorker', { code: code('node'), handler: 'index.handler', runtime: Runtime.NODEJS_24_X, timeout });
const python = new Function(stack, 'PythonWorker', { code: code('python'), handler: 'worker.handler', runtime: Runtime.PYTHON_3_13, timeout });
const invoice = new Function(stack, 'Invoice', { code: code('node'), handler: 'index.invoice', runtime: Runtime.NODEJS_24_X, timeout });
const audit = new Function(stack, 'Audit', { code: code('python'), handler: 'worker.audit', runtime: Runtime.PYTHON_3_13, timeout });
const combiner = new Function(stack, 'Combiner', { code: code('combiner'), handler: 'index.handler', runtime: Runtime.NODEJS_24_X, timeout });

const shared = { combiner, taskFunctions: { invoice, audit }, inputBuckets: [orders], batchSize: 500, removalPolicy: RemovalPolicy.DESTROY };
new BurstCompute(stack, 'EnrichInNode', { worker: node, ...shared });
new BurstCompute(stack, 'EnrichInPython', { worker: python, ...shared });
new CfnOutput(stack, 'OrdersBucket', { value: orders.bucketName });
app.synth();
