import { Aspects, Duration, IAspect } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { CfnRole, ManagedPolicy, PermissionsBoundary, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Alias, Function as LambdaFunction, Tracing } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { IConstruct } from 'constructs';
import { newBurst, newFunction, newStack, policyOf, propertiesOf, resources, Statement, statementsOf, text, withCombiner } from './support';
import { CombineMode } from '../../src';

const OBJECTS = '<BurstPayloads.Arn>/jobs/*';

const DATA = {
  ReadResults: ['dynamodb:BatchGetItem', '<BurstResults.Arn>'],
  CommitResults: ['dynamodb:PutItem', '<BurstResults.Arn>'],
  ReadPayloads: ['s3:GetObject', OBJECTS],
  WritePayloads: ['s3:PutObject', OBJECTS],
};

const DISPATCHER = {
  ReadTasks: ['dynamodb:GetItem', '<BurstTasks.Arn>'],
  UpdateTasks: ['dynamodb:UpdateItem', '<BurstTasks.Arn>'],
  ...DATA,
  InvokeWorker: ['lambda:InvokeFunction', '<Worker.Arn>'],
  InvokeDispatcher: ['lambda:InvokeFunction', '<BurstDispatcher.Arn>'],
  WakeJob: ['states:SendTaskSuccess', '<BurstStateMachine>'],
  WriteLogs: ['logs:CreateLogStream logs:PutLogEvents', '<BurstDispatcherLogs.Arn>'],
};

const MONITOR = {
  ReadTasks: ['dynamodb:GetItem dynamodb:BatchGetItem', '<BurstTasks.Arn>'],
  UpdateTasks: ['dynamodb:UpdateItem', '<BurstTasks.Arn>'],
  ...DATA,
  InvokeDispatcher: ['lambda:InvokeFunction', '<BurstDispatcher.Arn>'],
  ReadAccountLimits: ['lambda:GetAccountSettings', '*'],
  WakeJob: ['states:SendTaskSuccess', '<BurstStateMachine>'],
  PublishJobEvents: ['events:PutEvents', 'arn:<AWS::Partition>:events:<AWS::Region>:<AWS::AccountId>:event-bus/default'],
  WriteLogs: ['logs:CreateLogStream logs:PutLogEvents', '<BurstMonitorLogs.Arn>'],
};

const INVOKE_COMBINER = { InvokeCombiner: ['lambda:InvokeFunction', '<Combiner.Arn>'] };

const WRITE_TRACES = { WriteTraces: ['xray:PutTraceSegments xray:PutTelemetryRecords', '*'] };

const USE_KEY = {
  DecryptJobData: ['kms:Decrypt', '<Key.Arn>'],
  EncryptJobData: ['kms:GenerateDataKey', '<Key.Arn>'],
};

const DELIVER_LOGS = {
  DeliverLogs: [
    'logs:CreateLogDelivery logs:GetLogDelivery logs:UpdateLogDelivery logs:DeleteLogDelivery logs:ListLogDeliveries '
    + 'logs:PutResourcePolicy logs:DescribeResourcePolicies logs:DescribeLogGroups', '*',
  ],
};

/** Every statement with a star in it that may be there, and why. */
const WILDCARDS: Record<string, string> = {
  'Deny s3:* on <BurstPayloads.Arn> <BurstPayloads.Arn>/*': 'refuses everything that is not encrypted on its way',
  [`Allow s3:GetObject on ${OBJECTS}`]: 'keys carry the id of a job',
  [`Allow s3:PutObject on ${OBJECTS}`]: 'keys carry the id of a job',
  'Allow lambda:GetAccountSettings on *': 'AWS offers no resource',
};
const OPTIONAL_WILDCARDS: Record<string, string> = {
  ...WILDCARDS,
  [`Allow ${WRITE_TRACES.WriteTraces[0]} on *`]: 'AWS offers no resource; only with tracing',
  [`Allow ${WRITE_TRACES.WriteTraces[0]} xray:GetSamplingRules xray:GetSamplingTargets on *`]: 'AWS offers no resource; only with tracing',
  [`Allow ${DELIVER_LOGS.DeliverLogs[0]} on *`]: 'AWS offers no resource; only with a logGroup',
  'Allow kms:Encrypt kms:Decrypt kms:ReEncryptFrom kms:ReEncryptTo kms:GenerateDataKey kms:DescribeKey on *': 'a key policy: this key',
};

function wildcards(template: Template): string[] {
  const everything = Object.entries(template.toJSON().Resources as Record<string, any>).filter(([id]) => !/^(Key|Worker|Combiner)/.test(id));
  const documents = everything.flatMap(([, { Properties: p = {} }]) => [
    p.PolicyDocument, p.AssumeRolePolicyDocument, p.KeyPolicy, ...(p.Policies ?? []).map((policy: any) => policy.PolicyDocument),
  ]).filter((document) => document !== undefined);
  const withKey = Object.values(template.findResources('AWS::KMS::Key')).flatMap(({ Properties: { KeyPolicy } }) =>
    statementsOf(KeyPolicy).filter(({ sid }) => sid?.includes('BurstCompute')));
  return [...documents.flatMap(statementsOf), ...withKey].filter(hasStar).map(
    ({ effect, actions, resources: on }: Statement) => `${effect} ${actions.join(' ')} on ${on.join(' ')}`);
}

const hasStar = ({ actions, resources: on }: Statement) => [...actions, ...on].some((part) => part.includes('*'));

describe('by default', () => {
  const stack = newStack();
  newBurst(stack);
  const template = Template.fromStack(stack);

  test('the dispatcher may do exactly this', () => expect(policyOf(template, 'BurstDispatcherPolicy')).toEqual(DISPATCHER));

  test('the monitor may do exactly this', () => expect(policyOf(template, 'BurstMonitorPolicy')).toEqual(MONITOR));

  test('the state machine may do exactly this', () =>
    expect(policyOf(template, 'BurstStateMachinePolicy')).toEqual({ InvokeMonitor: ['lambda:InvokeFunction', '<BurstMonitor.Arn>'] }));

  test('nothing else carries a permission', () => {
    expect(Object.keys(resources(template, 'AWS::IAM::Policy')).sort())
      .toEqual(['BurstDispatcherPolicy', 'BurstMonitorPolicy', 'BurstStateMachinePolicy']);
    for (const [name, { Properties }] of Object.entries(resources(template, 'AWS::IAM::Role')).filter(([id]) => id.startsWith('Burst'))) {
      expect([name, Properties.ManagedPolicyArns, Properties.Policies]).toEqual([name, undefined, undefined]);
    }
    expect(Object.keys(template.findResources('AWS::IAM::ManagedPolicy'))).toEqual([]);
  });

  test('each policy belongs to its own role, which only its service may assume', () => {
    for (const [name, service] of [['Dispatcher', 'lambda'], ['Monitor', 'lambda'], ['StateMachine', 'states']]) {
      expect(resources(template, 'AWS::IAM::Policy')[`Burst${name}Policy`].Properties.Roles.map(text)).toEqual([`<Burst${name}Role>`]);
      const { AssumeRolePolicyDocument } = resources(template, 'AWS::IAM::Role')[`Burst${name}Role`].Properties;
      expect(AssumeRolePolicyDocument.Statement).toEqual([
        { Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: `${service}.amazonaws.com` } },
      ]);
    }
  });

  test('only EventBridge may invoke, for one rule, the monitor', () => {
    const permissions = Object.values(template.findResources('AWS::Lambda::Permission')).map(({ Properties }) => Properties);
    expect(permissions).toHaveLength(1);
    expect({ ...permissions[0], FunctionName: text(permissions[0].FunctionName), SourceArn: text(permissions[0].SourceArn) }).toEqual({
      Action: 'lambda:InvokeFunction',
      Principal: 'events.amazonaws.com',
      FunctionName: '<BurstMonitor.Arn>',
      SourceArn: '<BurstStopped.Arn>',
    });
  });

  test('every star is one of the listed', () => expect(new Set(wildcards(template))).toEqual(new Set(Object.keys(WILDCARDS))));
});

test('in mode TREE the dispatcher may call the combiner, and only that', () => {
  const stack = newStack();
  withCombiner(stack, { combineMode: CombineMode.TREE });
  expect(policyOf(Template.fromStack(stack), 'BurstDispatcherPolicy')).toEqual({ ...DISPATCHER, ...INVOKE_COMBINER });
  expect(policyOf(Template.fromStack(stack), 'BurstMonitorPolicy')).toEqual({ ...MONITOR, ...INVOKE_COMBINER });
});

describe('with everything on', () => {
  const stack = newStack();
  const key = new Key(stack, 'Key');
  withCombiner(stack, { encryptionKey: key, tracing: Tracing.ACTIVE });
  const template = Template.fromStack(stack);

  test('the dispatcher may do exactly this', () =>
    expect(policyOf(template, 'BurstDispatcherPolicy')).toEqual({ ...DISPATCHER, ...USE_KEY, ...WRITE_TRACES }));

  test('the monitor may do exactly this', () =>
    expect(policyOf(template, 'BurstMonitorPolicy')).toEqual({ ...MONITOR, ...INVOKE_COMBINER, ...USE_KEY, ...WRITE_TRACES }));

  test('the combiner may read the objects of jobs', () =>
    expect(policyOf(template, 'BurstCombinerPolicy')).toEqual({ ReadPayloads: DATA.ReadPayloads, DecryptJobData: USE_KEY.DecryptJobData }));

  test('the state machine may trace', () => expect(policyOf(template, 'BurstStateMachinePolicy')).toEqual({
    InvokeMonitor: ['lambda:InvokeFunction', '<BurstMonitor.Arn>'],
    WriteTraces: [`${WRITE_TRACES.WriteTraces[0]} xray:GetSamplingRules xray:GetSamplingTargets`, '*'],
  }));

  test('CloudWatch Logs may use the key, for log groups of this account and Region', () => {
    const [{ Properties }] = Object.values(template.findResources('AWS::KMS::Key'));
    const statement = Properties.KeyPolicy.Statement.find(({ Sid }: { Sid?: string }) => Sid === 'EncryptBurstComputeLogs');
    expect(text(statement.Principal.Service)).toBe('logs.<AWS::Region>.amazonaws.com');
    expect(text(statement.Condition.ArnLike['kms:EncryptionContext:aws:logs:arn']))
      .toBe('arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:*');
    expect(Object.keys(statement.Condition)).toEqual(['ArnLike']);
  });

  test('every star is one of the listed', () => {
    expect(Object.keys(OPTIONAL_WILDCARDS)).toEqual(expect.arrayContaining(wildcards(template)));
  });
});

describe('with a log group of the app', () => {
  const stack = newStack();
  newBurst(stack, { logGroup: new LogGroup(stack, 'Logs') });
  const template = Template.fromStack(stack);

  test('both functions write there and nowhere else', () => {
    for (const name of ['BurstDispatcherPolicy', 'BurstMonitorPolicy']) {
      expect(policyOf(template, name).WriteLogs).toEqual(['logs:CreateLogStream logs:PutLogEvents', '<Logs.Arn>']);
    }
  });

  test('the state machine may manage log deliveries', () => expect(policyOf(template, 'BurstStateMachinePolicy')).toEqual({
    InvokeMonitor: ['lambda:InvokeFunction', '<BurstMonitor.Arn>'], ...DELIVER_LOGS,
  }));

  test('every star is one of the listed', () => {
    expect(Object.keys(OPTIONAL_WILDCARDS)).toEqual(expect.arrayContaining(wildcards(template)));
  });
});

test('passing traces through lets the functions write them, but not the state machine', () => {
  const stack = newStack();
  newBurst(stack, { tracing: Tracing.PASS_THROUGH });
  const template = Template.fromStack(stack);
  expect(policyOf(template, 'BurstDispatcherPolicy').WriteTraces).toEqual(WRITE_TRACES.WriteTraces);
  expect(policyOf(template, 'BurstMonitorPolicy').WriteTraces).toEqual(WRITE_TRACES.WriteTraces);
  expect(Object.keys(policyOf(template, 'BurstStateMachinePolicy'))).toEqual(['InvokeMonitor']);
});

describe('what is invoked is what may be invoked', () => {
  test('an alias, and not the function behind it', () => {
    const stack = newStack();
    const alias = new Alias(stack, 'Live', { aliasName: 'live', version: newFunction(stack, 'Worker').currentVersion });
    const combiner = new Alias(stack, 'LiveCombiner', { aliasName: 'live', version: newFunction(stack, 'Combiner').currentVersion });
    newBurst(stack, { worker: alias, combiner });
    const template = Template.fromStack(stack);
    expect(policyOf(template, 'BurstDispatcherPolicy').InvokeWorker).toEqual(['lambda:InvokeFunction', '<Live>']);
    expect(policyOf(template, 'BurstMonitorPolicy').InvokeCombiner).toEqual(['lambda:InvokeFunction', '<LiveCombiner>']);
    // what a version runs with is not known at synthesis
    expect(policyOf(template, 'BurstMonitorPolicy').ReadWorkerTimeout).toEqual(['lambda:GetFunctionConfiguration', '<Live>']);
    expect(Object.keys(policyOf(template, 'BurstCombinerPolicy'))).toEqual(['ReadPayloads']);
  });

  test('replicas of the worker, one by one; their time-outs are asked for where one is unknown', () => {
    const stack = newStack();
    const replicas = [newFunction(stack, 'Second'), newFunction(stack, 'Third')];
    newBurst(stack, { workerReplicas: replicas });
    const template = Template.fromStack(stack);
    expect(policyOf(template, 'BurstDispatcherPolicy').InvokeWorker).toEqual(['lambda:InvokeFunction', '<Worker.Arn> <Second.Arn> <Third.Arn>']);
    expect(policyOf(template, 'BurstMonitorPolicy').ReadWorkerTimeout).toBeUndefined();
    const { Variables } = propertiesOf(template, 'AWS::Lambda::Function', 'BurstDispatcher').Environment;
    expect(text(Variables.WORKER_REPLICA_ARNS)).toBe('<Second.Arn>,<Third.Arn>');

    const other = newStack('Other');
    const arn = 'arn:aws:lambda:eu-west-1:111122223333:function:second';
    newBurst(other, { workerReplicas: [LambdaFunction.fromFunctionArn(other, 'Imported', arn)] });
    expect(policyOf(Template.fromStack(other), 'BurstMonitorPolicy').ReadWorkerTimeout).toEqual(['lambda:GetFunctionConfiguration', `<Worker.Arn> ${arn}`]);
  });

  test('functions for unlike tasks, each once; only time-outs that are unknown are asked for', () => {
    const stack = newStack();
    const arn = 'arn:aws:lambda:eu-west-1:111122223333:function:imported';
    const resize = newFunction(stack, 'Resize', { timeout: Duration.seconds(20) });
    newBurst(stack, { taskFunctions: { 'resize': resize, 'shrink': resize, 'far-away': LambdaFunction.fromFunctionArn(stack, 'Imported', arn) } });
    const template = Template.fromStack(stack);
    const policy = policyOf(template, 'BurstDispatcherPolicy');
    expect(policy.InvokeTaskFunctions).toEqual(['lambda:InvokeFunction', `${arn} <Resize.Arn>`]);
    expect(policy.InvokeWorker).toEqual(DISPATCHER.InvokeWorker);
    expect(policyOf(template, 'BurstMonitorPolicy').ReadWorkerTimeout).toEqual(['lambda:GetFunctionConfiguration', arn]);
    for (const name of ['BurstDispatcher', 'BurstMonitor']) {
      const { Variables } = propertiesOf(template, 'AWS::Lambda::Function', name).Environment;
      expect(JSON.parse(text(Variables.TASK_FUNCTION_ARNS))).toEqual({ 'resize': '<Resize.Arn>', 'shrink': '<Resize.Arn>', 'far-away': arn });
      expect(Variables.BURST_SETTINGS === undefined).toBe(name === 'BurstDispatcher');
    }
    const { Variables } = propertiesOf(template, 'AWS::Lambda::Function', 'BurstMonitor').Environment;
    expect(JSON.parse(text(Variables.BURST_SETTINGS)).taskTimeoutSeconds).toEqual({ 'resize': 20, 'shrink': 20, 'far-away': null });
  });

  test('functions for unlike tasks in any order give the same template: maps of other languages have none', () => {
    const template = (names: string[]) => {
      const stack = newStack();
      const functions = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, newFunction(stack, `Task${name}`)]));
      newBurst(stack, { taskFunctions: Object.fromEntries(names.map((name) => [name, functions[name]])) });
      return JSON.stringify(Template.fromStack(stack).toJSON());
    };
    expect(template(['c', 'a', 'b'])).toBe(template(['a', 'b', 'c']));
  });

  test('grantCancel and grantRedrive: one action each', () => {
    const stack = newStack();
    const burst = newBurst(stack);
    const principal = new ServicePrincipal('apigateway.amazonaws.com');
    burst.grantCancel(new Role(stack, 'Canceller', { assumedBy: principal }));
    burst.grantRedrive(new Role(stack, 'Redriver', { assumedBy: principal }));
    const of = (name: string) => Object.entries(resources(Template.fromStack(stack), 'AWS::IAM::Policy'))
      .filter(([id]) => id.startsWith(name)).flatMap(([, { Properties }]) => statementsOf(Properties.PolicyDocument));
    expect(of('Canceller')).toMatchObject([{ effect: 'Allow', actions: ['states:StopExecution'] }]);
    expect(of('Canceller')[0].resources[0]).toMatch(/:execution:/);
    expect(of('Redriver')).toMatchObject([{ effect: 'Allow', actions: ['states:StartExecution'], resources: ['<BurstStateMachine>'] }]);
  });

  test('an imported function, by its ARN alone', () => {
    const stack = newStack();
    const arn = 'arn:aws:lambda:eu-west-1:111122223333:function:work:7';
    newBurst(stack, { worker: LambdaFunction.fromFunctionArn(stack, 'Imported', arn) });
    const template = Template.fromStack(stack);
    expect(policyOf(template, 'BurstDispatcherPolicy').InvokeWorker).toEqual(['lambda:InvokeFunction', arn]);
    expect(policyOf(template, 'BurstMonitorPolicy').ReadWorkerTimeout).toEqual(['lambda:GetFunctionConfiguration', arn]);
  });
});

describe('an imported combiner', () => {
  const functionArn = 'arn:aws:lambda:eu-west-1:111122223333:function:combine';

  test('with its role gets its policy', () => {
    const stack = newStack();
    const role = Role.fromRoleName(stack, 'Role', 'combine-role');
    newBurst(stack, { combiner: LambdaFunction.fromFunctionAttributes(stack, 'Imported', { functionArn, role, sameEnvironment: true }) });
    const template = Template.fromStack(stack);
    expect(policyOf(template, 'BurstCombinerPolicy')).toEqual({ ReadPayloads: DATA.ReadPayloads });
    template.hasResourceProperties('AWS::IAM::Policy', { PolicyName: Match.stringLikeRegexp('CombinerPolicy'), Roles: ['combine-role'] });
    Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
  });

  test('without its role brings a warning that says what to allow', () => {
    const stack = newStack();
    newBurst(stack, { combiner: LambdaFunction.fromFunctionArn(stack, 'Imported', functionArn) });
    expect(Object.keys(resources(Template.fromStack(stack), 'AWS::IAM::Policy'))).not.toContain('BurstCombinerPolicy');
    Annotations.fromStack(stack).hasWarning('/Stack/Burst', Match.stringLikeRegexp(
      "^combiner 'Stack/Imported' is imported without its role: allow s3:GetObject on jobs/\\* .*\\[ack: cdk-burst-compute:combinerRole\\]$"));
  });

  test('whose role cannot be changed gets none', () => {
    const stack = newStack();
    const role = Role.fromRoleArn(stack, 'Role', 'arn:aws:iam::111122223333:role/fixed', { mutable: false });
    newBurst(stack, { combiner: LambdaFunction.fromFunctionAttributes(stack, 'Imported', { functionArn, role }) });
    expect(Object.keys(resources(Template.fromStack(stack), 'AWS::IAM::Policy'))).not.toContain('BurstCombinerPolicy');
  });
});

describe('grants', () => {
  const principal = new ServicePrincipal('apigateway.amazonaws.com');

  test.each([true, false])('grantStart: start executions and upload a list for one, and nothing else (with a key: %s)', (hasKey) => {
    const stack = newStack();
    const encryptionKey = hasKey ? new Key(stack, 'Key') : undefined;
    const grant = newBurst(stack, { encryptionKey }).grantStart(new Role(stack, 'Caller', { assumedBy: principal }));
    expect(grant.success).toBe(true);
    const [[, { Properties }]] = Object.entries(resources(Template.fromStack(stack), 'AWS::IAM::Policy')).filter(([id]) => id.startsWith('Caller'));
    expect(statementsOf(Properties.PolicyDocument)).toEqual([
      { sid: undefined, effect: 'Allow', actions: ['states:StartExecution', 'states:DescribeStateMachine'], resources: ['<BurstStateMachine>'] },
      { sid: undefined, effect: 'Allow', actions: ['s3:PutObject'], resources: ['<BurstPayloads.Arn>/jobs/*/upload/*'] },
      ...hasKey ? [{ sid: undefined, effect: 'Allow', actions: ['kms:GenerateDataKey'], resources: ['<Key.Arn>'] }] : [],
    ]);
  });

  test.each([true, false])('grantReadResults: read, and nothing else (with a key: %s)', (hasKey) => {
    const stack = newStack();
    const encryptionKey = hasKey ? new Key(stack, 'Key') : undefined;
    const grant = newBurst(stack, { encryptionKey }).grantReadResults(new Role(stack, 'Caller', { assumedBy: principal }));
    expect(grant.success).toBe(true);
    const [[, { Properties }]] = Object.entries(resources(Template.fromStack(stack), 'AWS::IAM::Policy')).filter(([id]) => id.startsWith('Caller'));
    expect(statementsOf(Properties.PolicyDocument).map(({ actions, resources: on }) => [actions.join(' '), on.join(' ')])).toEqual([
      ['dynamodb:GetItem dynamodb:BatchGetItem', '<BurstTasks.Arn> <BurstResults.Arn>'],
      ['states:DescribeStateMachine states:ListExecutions', '<BurstStateMachine>'],
      ['states:DescribeExecution', 'arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<part 6 of <BurstStateMachine>>:*'],
      ['s3:GetObject', OBJECTS],
      ...hasKey ? [['kms:Decrypt', '<Key.Arn>']] : [],
    ]);
  });

  test('say so where the grantee cannot be given anything', () => {
    const burst = newBurst(newStack());
    expect(burst.grantStart(principal).success).toBe(false);
    expect(burst.grantReadResults(principal).success).toBe(false);
  });
});

describe('a key', () => {
  test('that is imported brings a warning about its policy', () => {
    const stack = newStack();
    newBurst(stack, { encryptionKey: Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-west-1:111122223333:key/1') });
    Annotations.fromStack(stack).hasWarning('/Stack/Burst', Match.stringLikeRegexp(
      '^encryptionKey is imported, .* logs\\.<region>\\.amazonaws\\.com .*\\[ack: cdk-burst-compute:keyPolicyForLogs\\]$'));
  });

  test('stays as it is where the app brings its own log group', () => {
    const stack = newStack();
    const encryptionKey = Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-west-1:111122223333:key/1');
    newBurst(stack, { encryptionKey, logGroup: new LogGroup(stack, 'Logs') });
    Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
  });

  test('that two of them share is extended once', () => {
    const stack = newStack();
    const encryptionKey = new Key(stack, 'Key');
    newBurst(stack, { encryptionKey });
    newBurst(newStack('Other', undefined, stack.node.root as any), { encryptionKey });
    const [{ Properties }] = Object.values(Template.fromStack(stack).findResources('AWS::KMS::Key'));
    expect(Properties.KeyPolicy.Statement.filter(({ Sid }: { Sid?: string }) => Sid === 'EncryptBurstComputeLogs')).toHaveLength(1);
  });
});

describe('what an app imposes on every role', () => {
  test('a permissions boundary', () => {
    const stack = newStack();
    PermissionsBoundary.of(stack).apply(ManagedPolicy.fromManagedPolicyArn(stack, 'Boundary', 'arn:aws:iam::111122223333:policy/boundary'));
    withCombiner(stack);
    const roles = Object.values(Template.fromStack(stack).findResources('AWS::IAM::Role'));
    expect(roles).toHaveLength(5);
    expect(roles.map(({ Properties }) => Properties.PermissionsBoundary)).toEqual(Array(5).fill('arn:aws:iam::111122223333:policy/boundary'));
  });

  test('a path, through an aspect', () => {
    class Path implements IAspect {
      public visit(node: IConstruct) {
        if (node instanceof CfnRole) {
          node.path = '/team/';
        }
      }
    }
    const stack = newStack();
    newBurst(stack);
    Aspects.of(stack).add(new Path());
    Template.fromStack(stack).allResourcesProperties('AWS::IAM::Role', { Path: '/team/' });
  });
});
