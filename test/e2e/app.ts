import * as path from 'path';
import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { User } from 'aws-cdk-lib/aws-iam';
import { Code, Function, Runtime } from 'aws-cdk-lib/aws-lambda';
import { BurstCompute, CombineMode } from '../../src';

/** The app of the end-to-end tests: the same job with a worker in Node, one in Python, and one that is imported, and once combined as a tree. */
const app = new App();
const stack = new Stack(app, 'E2e');
const code = (name: string) => Code.fromAsset(path.join(__dirname, 'functions', name));
const common = { timeout: Duration.seconds(10), memorySize: 256 }; // a loaded machine may take seconds to start a process

const combiner = new Function(stack, 'Combiner', {
  ...common, runtime: Runtime.NODEJS_24_X, handler: 'index.handler', code: Code.fromAsset(process.env.COMBINER_CODE!),
});
const node = new Function(stack, 'NodeWorker', { ...common, runtime: Runtime.NODEJS_24_X, handler: 'index.handler', code: code('node-worker') });
const python = new Function(stack, 'PythonWorker', { ...common, runtime: Runtime.PYTHON_3_11, handler: 'index.handler', code: code('python-worker') });
const replica = new Function(stack, 'NodeReplica', { ...common, runtime: Runtime.NODEJS_24_X, handler: 'index.handler', code: code('node-worker') });
const brief = new Function(stack, 'BriefTask', { ...common, timeout: Duration.seconds(2), runtime: Runtime.NODEJS_24_X, handler: 'index.task', code: code('node-worker') });
const workers = { Node: node, Python: python, Imported: Function.fromFunctionArn(stack, 'ImportedWorker', node.functionArn), Replicated: node, Tree: node };
for (const [id, worker] of Object.entries(workers)) {
  const burst = new BurstCompute(stack, id, {
    worker,
    workerReplicas: id === 'Replicated' ? [replica] : undefined,
    // apart from the worker, so that each permission is needed on its own
    taskFunctions: { python, brief, ...id === 'Imported' && { imported: worker } },
    combiner,
    combineMode: id === 'Tree' ? CombineMode.TREE : undefined,
    batchSize: 10,
    workerRetries: 1,
    repairInterval: Duration.seconds(5),
    timeout: Duration.hours(1),
    removalPolicy: RemovalPolicy.DESTROY,
  });
  if (id !== 'Node') continue;
  // whoever has no right but these may use the client
  const [starter, reader] = ['starter', 'reader'].map((userName) => new User(stack, userName, { userName }));
  burst.grantStart(starter);
  for (const user of [starter, reader]) burst.grantReadResults(user);
  burst.grantCancel(starter);
  burst.grantRedrive(starter);
}
