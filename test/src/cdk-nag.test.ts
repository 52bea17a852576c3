import { App, Stack, Validations } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Tracing } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { newApp, newBurst, newFunction, newStack } from './support';
import { BurstComputeProps, FanOut } from '../../src';

/** An app that runs the checks as its README says. It acknowledges nothing: what remains to be said, the construct says. */
function checkedApp(props: (stack: Stack) => Partial<BurstComputeProps> = () => ({})): { app: App; stack: Stack } {
  const app = newApp();
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  const stack = newStack('Stack', undefined, app);
  // with a role of its own: the default one uses a managed policy, which is not for this construct to explain
  const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  newBurst(stack, { worker: newFunction(stack, 'Worker', { role }), combiner: newFunction(stack, 'Combiner', { role }), ...props(stack) });
  return { app, stack };
}

describe('AwsSolutionsChecks of cdk-nag find nothing', () => {
  test.each<[string, (stack: Stack) => Partial<BurstComputeProps>]>([
    ['by default', () => ({})],
    ['with a key and tracing', (stack) => ({ encryptionKey: new Key(stack, 'Key', { enableKeyRotation: true }), tracing: Tracing.ACTIVE })],
    ['with a bucket for items', (stack) => ({ inputBuckets: [new Bucket(stack, 'Items', { enforceSSL: true, serverAccessLogsPrefix: 'logs/' })] })],
    ['with a Distributed Map', () => ({ fanOut: FanOut.distributedMap() })],
    ['with a log group of the app', (stack) => ({ logGroup: new LogGroup(stack, 'Logs') })],
  ])('%s', (_, props) => {
    expect(() => checkedApp(props).app.synth()).not.toThrow();
  });
});

test('the checks do run', () => {
  const { app, stack } = checkedApp();
  new Bucket(stack, 'Careless');
  expect(() => app.synth()).toThrow(/AwsSolutions-S10/);
});

test('each rule that is acknowledged carries its reason, and there are no others', () => {
  const { stack } = checkedApp((scope) => ({ logGroup: new LogGroup(scope, 'Logs') }));
  const acknowledged = stack.node.findAll().flatMap(({ node }) => node.metadata
    .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
    .flatMap(({ data }) => Object.entries<string>(data).map(([rule, reason]) => ({ at: node.path, rule: rule.replace(/^annotation::/i, ''), reason }))));
  expect(acknowledged.filter(({ reason }) => !/^[A-Z].{30,}\.$/.test(reason))).toEqual([]);
  const objects = expect.stringMatching(/^AwsSolutions-IAM5\[Resource::<BurstPayloads[0-9A-F]{8}\.Arn>\/jobs\/\*\]$/);
  expect(acknowledged.map(({ at, rule }) => [at, rule])).toEqual([
    ['Stack/Burst/Payloads', 'AwsSolutions-S1'],
    ['Stack/Burst/StateMachinePolicy', 'AwsSolutions-IAM5[Resource::*]'],
    ['Stack/Burst/StateMachine', 'AwsSolutions-SF1'],
    ['Stack/Burst/StateMachine', 'AwsSolutions-SF2'],
    ['Stack/Burst/MonitorPolicy', 'AwsSolutions-IAM5[Resource::*]'],
    ['Stack/Burst/MonitorPolicy', objects],
    ['Stack/Burst/DispatcherPolicy', objects],
    ['Stack/Burst/CombinerPolicy', objects],
  ]);
});
