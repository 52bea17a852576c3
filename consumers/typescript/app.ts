import * as path from 'path';
import { App, CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Code, Function, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { BurstCompute, CombineMode } from 'cdk-burst-compute';

/** The same app as in the other languages beside it: each prop and each kind of method crosses the language's binding. */
const app = new App();
const stack = new Stack(app, 'Consumer');
const code = (name: string) => Code.fromAsset(path.join(__dirname, '..', 'functions', name));

const worker = new Function(stack, 'Worker', {
  code: code('worker'), handler: 'index.handler', runtime: Runtime.NODEJS_24_X, timeout: Duration.seconds(30),
});
const replica = new Function(stack, 'Replica', {
  code: code('worker'), handler: 'index.handler', runtime: Runtime.NODEJS_24_X, timeout: Duration.seconds(30),
});
const pythonWorker = new Function(stack, 'PythonWorker', {
  code: code('python'), handler: 'worker.handler', runtime: Runtime.PYTHON_3_13, timeout: Duration.seconds(30),
});
const combiner = new Function(stack, 'Combiner', {
  code: code('combiner'), handler: 'index.handler', runtime: Runtime.NODEJS_24_X, timeout: Duration.seconds(30),
});

const job = new BurstCompute(stack, 'Everything', {
  worker,
  workerReplicas: [replica],
  taskFunctions: { count: pythonWorker },
  combiner,
  combineMode: CombineMode.COLLECT,
  inputBuckets: [new Bucket(stack, 'Inputs')],
  batchSize: 100,
  maxConcurrency: 20,
  branching: 16,
  timeout: Duration.hours(2),
  combineOnTimeout: true,
  speculativeExecution: true,
  workerRetries: 1,
  toleratedFailurePercentage: 2.5,
  resultRetention: Duration.days(2),
  repairInterval: Duration.seconds(30),
  encryptionKey: new Key(stack, 'Key'),
  removalPolicy: RemovalPolicy.DESTROY,
  logGroup: new LogGroup(stack, 'Logs'),
  tracing: Tracing.ACTIVE,
});
new BurstCompute(stack, 'Least', { worker: pythonWorker });
new BurstCompute(stack, 'Imported', {
  worker: Function.fromFunctionArn(stack, 'ImportedWorker', 'arn:aws:lambda:us-east-1:111122223333:function:worker'),
});

const caller = new Role(stack, 'Caller', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
job.grantStart(caller);
job.grantCancel(caller);
job.grantRedrive(caller);
job.grantReadResults(caller);
job.metricFailed({ period: Duration.minutes(1) }).createAlarm(stack, 'Failed', { threshold: 1, evaluationPeriods: 1 });
job.metricWorkerThrottles().createAlarm(stack, 'Throttled', { threshold: 100, evaluationPeriods: 3 });
new CfnOutput(stack, 'Given', { value: [job.worker, ...job.workerReplicas, job.taskFunctions.count, job.combiner!].map((fn) => fn.functionArn).join(' ') });
new CfnOutput(stack, 'Made', {
  value: [job.dispatcher.functionArn, job.monitor.functionArn, job.tasksTable.tableName, job.resultsTable.tableName,
    job.payloadBucket.bucketName, job.stateMachine.stateMachineArn, job.encryptionKey!.keyArn].join(' '),
});
app.synth();
