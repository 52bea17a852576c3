import { NestedStack, Stack, Stage } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Alias } from 'aws-cdk-lib/aws-lambda';
import { definitionOf, json, newApp, newBurst, newFunction, newStack, policyOf, propertiesOf, resources, statementsOf, text, withCombiner } from './support';
import { BurstCompute } from '../../src';

const outputsOf = (template: Template) => Object.values<any>(template.toJSON().Outputs ?? {});
const addressesOf = (template: Template) => outputsOf(template).filter(({ Description }) => Description?.startsWith('cdk-burst-compute job '));

describe('the address of a job', () => {
  test('is one output, found by its description', () => {
    const stack = newStack();
    withCombiner(stack);
    const outputs = outputsOf(Template.fromStack(stack));
    expect(outputs).toHaveLength(1);
    expect(Object.keys(outputs[0]).sort()).toEqual(['Description', 'Value']); // exported to nobody
    expect(outputs[0].Description).toBe('cdk-burst-compute job Stack/Burst');
    const parts = {
      tasksTable: '<BurstTasks>',
      resultsTable: '<BurstResults>',
      payloadBucket: '<BurstPayloads>',
      dispatcher: '<BurstDispatcher>',
      monitor: '<BurstMonitor>',
      workers: ['<Worker.Arn>'],
    };
    expect(json(outputs[0].Value)).toEqual({ stateMachineArn: '<BurstStateMachine>', ...parts });
    const { Comment } = definitionOf(Template.fromStack(stack)); // for those who know nothing but the state machine
    expect(JSON.parse(Comment.replace('One job of cdk-burst-compute ', ''))).toEqual(parts);
  });

  test('carries the path of a stage', () => {
    const stack = new Stack(new Stage(newApp(), 'Prod'), 'Stack');
    newBurst(stack);
    expect(addressesOf(Template.fromStack(stack))[0].Description).toBe('cdk-burst-compute job Prod/Stack/Burst');
  });
});

test('two in one stack do not disturb each other', () => {
  const stack = newStack();
  const worker = newFunction(stack, 'Worker');
  const combiner = newFunction(stack, 'Combiner');
  const encryptionKey = new Key(stack, 'Key');
  for (const id of ['One', 'Two']) {
    new BurstCompute(stack, id, { worker, combiner, encryptionKey });
  }
  const template = Template.fromStack(stack);
  expect(addressesOf(template).map(({ Description }) => Description)).toEqual(['cdk-burst-compute job Stack/One', 'cdk-burst-compute job Stack/Two']);
  const all = Object.keys(template.toJSON().Resources);
  expect(all.filter((id) => id.startsWith('One'))).toHaveLength(all.filter((id) => id.startsWith('Two')).length);
  const everything = Object.entries(template.toJSON().Resources);
  for (const [id, other] of [['One', 'Two'], ['Two', 'One']]) {
    const own = JSON.stringify(everything.filter(([key]) => key.startsWith(id)));
    expect(own).toMatch(new RegExp(`"${id}[A-Z]`));
    expect(own).not.toMatch(new RegExp(`"${other}[A-Z]`));
  }
});

describe('across stacks', () => {
  test('functions and key of another stack, which does not come to depend on this one', () => {
    const app = newApp();
    const functions = newStack('Functions', undefined, app);
    const worker = newFunction(functions, 'Worker');
    const combiner = newFunction(functions, 'Combiner');
    const alias = new Alias(functions, 'Live', { aliasName: 'live', version: newFunction(functions, 'Other').currentVersion });
    const encryptionKey = new Key(functions, 'Key');
    const stack = newStack('Stack', undefined, app);
    new BurstCompute(stack, 'Burst', { worker, combiner, encryptionKey });
    new BurstCompute(stack, 'Live', { worker: alias });
    const template = Template.fromStack(stack);
    expect(policyOf(template, 'BurstDispatcherPolicy').InvokeWorker[1]).toMatch(/^<import Functions:ExportsOutputFnGetAttWorker.*Arn.*>$/);
    expect(policyOf(template, 'BurstCombinerPolicy').DecryptJobData[1]).toMatch(/^<import Functions:.*Key.*>$/);
    const { Roles } = propertiesOf(template, 'AWS::IAM::Policy', 'BurstCombinerPolicy');
    expect(Roles.map(text)).toEqual([expect.stringMatching(/^<import Functions:ExportsOutputRefCombinerServiceRole/)]);
    expect(stack.dependencies).toEqual([functions]);
    expect(functions.dependencies).toEqual([]);
    expect(JSON.stringify(Template.fromStack(functions).toJSON())).not.toContain('Stack:');
  });

  test('a caller in another stack', () => {
    const app = newApp();
    const burst = newBurst(newStack('Stack', undefined, app));
    const callers = newStack('Callers', undefined, app);
    const caller = new Role(callers, 'Caller', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    burst.grantStart(caller);
    burst.grantReadResults(caller);
    const [policy] = Object.values(resources(Template.fromStack(callers), 'AWS::IAM::Policy'));
    expect(statementsOf(policy.Properties.PolicyDocument).map(({ actions }) => actions.join(' '))).toEqual([
      'states:StartExecution states:DescribeStateMachine', 's3:PutObject', 'dynamodb:GetItem dynamodb:BatchGetItem',
      'states:DescribeStateMachine states:ListExecutions', 'states:DescribeExecution', 's3:GetObject',
    ]);
    expect(callers.dependencies).toEqual([burst.node.scope]);
  });
});

test('in a nested stack, with functions of its parent', () => {
  const parent = newStack('Parent');
  const worker = newFunction(parent, 'Worker');
  const combiner = newFunction(parent, 'Combiner');
  const nested = new NestedStack(parent, 'Nested');
  new BurstCompute(nested, 'Burst', { worker, combiner, encryptionKey: new Key(nested, 'Key') });
  const template = Template.fromStack(nested);
  expect(addressesOf(template).map(({ Description }) => Description)).toEqual(['cdk-burst-compute job Parent/Nested/Burst']);
  expect(policyOf(template, 'BurstDispatcherPolicy').InvokeWorker[1]).toMatch(/^<referencetoParentWorker.*Arn>$/);
  expect(addressesOf(Template.fromStack(parent))).toEqual([]);
});

describe('environments', () => {
  test('an agnostic stack names neither account, Region nor partition', () => {
    const stack = newStack();
    withCombiner(stack, { encryptionKey: new Key(stack, 'Key') });
    const all = JSON.stringify(Template.fromStack(stack).toJSON().Resources);
    expect(all).not.toMatch(/arn:aws[:-]|\b\d{12}\b|(us|eu|ap)-[a-z]+-\d/);
  });

  test('a stack of one environment puts it where it belongs', () => {
    const stack = newStack('Stack', { env: { account: '111122223333', region: 'eu-west-1' } });
    newBurst(stack);
    expect(policyOf(Template.fromStack(stack), 'BurstMonitorPolicy').PublishJobEvents[1])
      .toBe('arn:<AWS::Partition>:events:eu-west-1:111122223333:event-bus/default');
  });
});

test('what it owns and what it was given can be reached', () => {
  const stack = newStack();
  const worker = newFunction(stack, 'Worker');
  const combiner = newFunction(stack, 'Combiner');
  const encryptionKey = new Key(stack, 'Key');
  const burst = new BurstCompute(stack, 'Burst', { worker, combiner, encryptionKey });
  expect([burst.worker, burst.combiner, burst.encryptionKey]).toEqual([worker, combiner, encryptionKey]);
  const resolve = (value: unknown) => text(stack.resolve(value));
  expect([
    burst.dispatcher.functionArn, burst.monitor.functionArn, burst.tasksTable.tableName, burst.resultsTable.tableName,
    burst.payloadBucket.bucketName, burst.stateMachine.stateMachineArn,
  ].map(resolve)).toEqual(['<BurstDispatcher.Arn>', '<BurstMonitor.Arn>', '<BurstTasks>', '<BurstResults>', '<BurstPayloads>', '<BurstStateMachine>']);
});

test('logical ids are a contract: none has changed, or a deployed job would lose its data', () => {
  const stack = newStack();
  withCombiner(stack);
  expect(Object.keys(Template.fromStack(stack).toJSON().Resources).filter((id) => id.startsWith('Burst')).sort()).toEqual([
    'BurstCombinerPolicy9BCF4881',
    'BurstDispatcherC07CE6B5',
    'BurstDispatcherEventInvokeConfigB962BB99',
    'BurstDispatcherLogs1B675169',
    'BurstDispatcherPolicy99E53913',
    'BurstDispatcherRole613EC582',
    'BurstMonitor2AADD293',
    'BurstMonitorLogsEC93016E',
    'BurstMonitorPolicy6A311FA7',
    'BurstMonitorRoleACA2BBFD',
    'BurstPayloads324C6E98',
    'BurstPayloadsPolicy0CDCBC38',
    'BurstResultsE4540496',
    'BurstStateMachine01123460',
    'BurstStateMachinePolicyC89C7565',
    'BurstStateMachineRole221F14C8',
    'BurstStopped22B0FBED',
    'BurstStoppedAllowEventRuleStackBurstMonitorE8B8EBC379EAE4DB',
    'BurstTasks8C7E394F',
  ]);
});
