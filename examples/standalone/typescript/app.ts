import * as path from 'path';
import { App, CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { Code, Function, Runtime } from 'aws-cdk-lib/aws-lambda';
import { BurstCompute } from 'cdk-burst-compute';

/**
 * For users without a CDK app of their own: `cdk deploy -c stage=prod -c org=myorg` makes the stack `myorg-burst-compute-prod`. Several stages
 * stand side by side in one account; other stacks import what they need by the names `<stack>:StateMachineArn` and so on.
 */
const app = new App();
const stage = context('stage', 'dev');
const org = context('org', 'myorg');

const stack = new Stack(app, `${org}-burst-compute-${stage}`, { description: `Massively parallel jobs of ${org}, stage ${stage}`, tags: { org, stage } });
const worker = new Function(stack, 'Worker', {
  code: Code.fromAsset(path.join(__dirname, '..', 'functions', 'worker')),
  handler: 'index.handler',
  runtime: Runtime.NODEJS_24_X,
  timeout: Duration.minutes(5),
});
const job = new BurstCompute(stack, 'Job', { worker });

for (const [name, value] of Object.entries({
  StateMachineArn: job.stateMachine.stateMachineArn,
  PayloadBucketName: job.payloadBucket.bucketName,
  ResultsTableName: job.resultsTable.tableName,
  WorkerArn: worker.functionArn,
})) {
  new CfnOutput(stack, name, { value, exportName: `${stack.stackName}:${name}` });
}
app.synth();

function context(name: string, otherwise: string): string {
  const value: unknown = app.node.tryGetContext(name) ?? otherwise;
  if (typeof value !== 'string' || !/^[A-Za-z][A-Za-z0-9-]{0,39}$/.test(value)) {
    throw new Error(`context ${name} must be a letter and up to 39 more letters, digits or "-", got ${JSON.stringify(value)}: give for instance -c ${name}=${otherwise}`);
  }
  return value;
}
