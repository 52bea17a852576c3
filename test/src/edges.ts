import { Aspects, App, Duration, IAspect, NestedStack, Stack, Token } from 'aws-cdk-lib';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { ManagedPolicy, PermissionsBoundary, Role } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Function as LambdaFunction, Tracing } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { IConstruct } from 'constructs';
import { newBurst, newFunction, newStack, withCombiner } from './support';

export const ENVIRONMENT = { account: '111122223333', region: 'eu-west-1' };

/** What people do around a construct, each in a stack of its own, by the stack's id. */
export const EDGES: Record<string, (stack: Stack) => void> = {
  Least: (stack) => { newBurst(stack); },
  Everything: (stack) => {
    withCombiner(stack, {
      workerReplicas: [newFunction(stack, 'Replica')],
      inputBuckets: [new Bucket(stack, 'Inputs')],
      encryptionKey: new Key(stack, 'Key'),
      logGroup: new LogGroup(stack, 'Logs'),
      tracing: Tracing.ACTIVE,
      combineOnTimeout: true,
      timeout: Duration.days(15),
      resultRetention: Duration.days(30),
      repairInterval: Duration.minutes(15),
    });
  },
  PermissionsBoundary: (stack) => {
    withCombiner(stack);
    PermissionsBoundary.of(stack).apply(ManagedPolicy.fromManagedPolicyName(stack, 'Boundary', 'boundary'));
  },
  RolePathAspect: (stack) => {
    withCombiner(stack);
    Aspects.of(stack).add(new RolePath());
  },
  WorkerInVpc: (stack) => { withCombiner(stack, { worker: newFunction(stack, 'Worker', { vpc: new Vpc(stack, 'Vpc', { maxAzs: 2 }) }) }); },
  ImportedWorker: (stack) => {
    newBurst(stack, { worker: LambdaFunction.fromFunctionArn(stack, 'Worker', 'arn:aws:lambda:eu-west-1:111122223333:function:worker') });
  },
  CustomerKey: (stack) => { withCombiner(stack, { encryptionKey: new Key(stack, 'Key') }); },
  Nested: (stack) => {
    const [worker, combiner] = [newFunction(stack, 'Worker'), newFunction(stack, 'Combiner')];
    newBurst(new NestedStack(stack, 'Inner'), { worker, combiner });
  },
  CombinerOfAnotherStack: (stack) => {
    const env = Token.isUnresolved(stack.region) ? undefined : ENVIRONMENT;
    newBurst(stack, { combiner: newFunction(newStack('CombinerStack', { env }, stack.node.root as App), 'Combiner') });
  },
};

class RolePath implements IAspect {
  visit(node: IConstruct): void {
    if (node instanceof Role) (node.node.defaultChild as { path?: string }).path = '/jobs/';
  }
}
