import { NestedStack, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { EDGES } from './edges';
import { newStack, policyOf, resources, text } from './support';

const templateOf = (id: string): Template => {
  const stack = newStack(id);
  EDGES[id](stack);
  return Template.fromStack(stack);
};

test.each(Object.keys(EDGES))('%s has a construct of ours, and no name that would clash with a second copy', (id) => {
  const stack = newStack(id);
  EDGES[id](stack);
  const stacks = [stack, ...stack.node.findAll().filter((node): node is Stack => NestedStack.isNestedStack(node))];
  const all = stacks.flatMap((each) => Object.values<any>(Template.fromStack(each).toJSON().Resources));
  const ours = all.filter(({ Type }) => Type === 'AWS::StepFunctions::StateMachine');
  expect(ours).toHaveLength(1);
  const named = all.flatMap(({ Type, Properties = {} }) => Object.keys(Properties)
    .filter((key) => ['FunctionName', 'TableName', 'BucketName', 'RoleName', 'StateMachineName', 'LogGroupName'].includes(key) && Type !== 'AWS::Lambda::Permission'
      && Type !== 'AWS::Lambda::EventInvokeConfig'));
  expect(named).toEqual([]);
});

test('a permissions boundary reaches every role, ours and the user\'s', () => {
  const roles = Object.values(resources(templateOf('PermissionsBoundary'), 'AWS::IAM::Role'));
  expect(roles.length).toBeGreaterThanOrEqual(5); // dispatcher, monitor, state machine, worker, combiner
  expect(roles.filter(({ Properties }) => !('PermissionsBoundary' in Properties))).toEqual([]);
});

test('an aspect on roles reaches every one', () => {
  const roles = Object.values(resources(templateOf('RolePathAspect'), 'AWS::IAM::Role'));
  expect(roles.map(({ Properties }) => Properties.Path)).toEqual(roles.map(() => '/jobs/'));
});

test('a worker in a VPC takes none of our functions along', () => {
  const functions = resources(templateOf('WorkerInVpc'), 'AWS::Lambda::Function');
  expect(Object.entries(functions).filter(([, { Properties }]) => Properties.VpcConfig).map(([id]) => id)).toEqual(['Worker']);
});

test('a worker known by its ARN alone may be invoked by it', () => {
  expect(policyOf(templateOf('ImportedWorker'), 'BurstDispatcherPolicy').InvokeWorker[1]).toBe('arn:aws:lambda:eu-west-1:111122223333:function:worker');
});

test('a customer-managed key encrypts whatever is stored', () => {
  const template = templateOf('CustomerKey');
  const keysOf = (type: string, key: (properties: any) => any) =>
    Object.values(resources(template, type)).map(({ Properties }) => text(key(Properties)));
  expect(keysOf('AWS::DynamoDB::Table', ({ SSESpecification }) => SSESpecification.KMSMasterKeyId)).toEqual(['<Key.Arn>', '<Key.Arn>']);
  const [bucketRule] = Object.values(resources(template, 'AWS::S3::Bucket'))[0].Properties.BucketEncryption.ServerSideEncryptionConfiguration;
  expect(text(bucketRule.ServerSideEncryptionByDefault.KMSMasterKeyID)).toBe('<Key.Arn>');
  expect(keysOf('AWS::Logs::LogGroup', ({ KmsKeyId }) => KmsKeyId)).toEqual(['<Key.Arn>', '<Key.Arn>']);
});
