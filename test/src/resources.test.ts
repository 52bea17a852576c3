import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Tracing } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { json, newBurst, newStack, propertiesOf, resources, text, withCombiner } from './support';
import { BurstComputeProps, CombineMode } from '../../src';

const synthesise = (props: (stack: Stack) => Partial<BurstComputeProps> = () => ({})) => {
  const stack = newStack();
  newBurst(stack, props(stack));
  return Template.fromStack(stack);
};

const functionOf = (template: Template, name: string) => propertiesOf(template, 'AWS::Lambda::Function', name);
const environmentOf = (template: Template, name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(functionOf(template, name).Environment.Variables).map(([key, value]) => [key, text(value)]));
const policiesOf = ({ DeletionPolicy, UpdateReplacePolicy }: Record<string, string>) => [DeletionPolicy, UpdateReplacePolicy];

const byDefault = synthesise();

describe('tables', () => {
  test.each(['BurstTasks', 'BurstResults'])('%s', (name) => {
    expect(propertiesOf(byDefault, 'AWS::DynamoDB::Table', name)).toEqual({
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
      TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      SSESpecification: { SSEEnabled: true },
    });
  });

  test('are encrypted with the key of the app', () => {
    const template = synthesise((stack) => ({ encryptionKey: new Key(stack, 'Key') }));
    for (const name of ['BurstTasks', 'BurstResults']) {
      const { SSESpecification } = propertiesOf(template, 'AWS::DynamoDB::Table', name);
      expect({ ...SSESpecification, KMSMasterKeyId: text(SSESpecification.KMSMasterKeyId) })
        .toEqual({ SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: '<Key.Arn>' });
    }
  });
});

describe('the bucket', () => {
  const bucketOf = (template: Template) => propertiesOf(template, 'AWS::S3::Bucket', 'BurstPayloads');

  test('by default', () => expect(bucketOf(byDefault)).toEqual({
    BucketEncryption: { ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }] },
    LifecycleConfiguration: {
      Rules: [{ Id: 'ExpireJobs', Status: 'Enabled', ExpirationInDays: 8, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } }],
    },
    OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
    PublicAccessBlockConfiguration: { BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true },
  }));

  test('refuses what is not encrypted on its way', () => {
    const [{ PolicyDocument: { Statement } }] = Object.values(byDefault.findResources('AWS::S3::BucketPolicy')).map(({ Properties }) => Properties);
    expect(Statement).toHaveLength(1);
    expect(Statement[0]).toMatchObject({
      Effect: 'Deny', Action: 's3:*', Principal: { AWS: '*' }, Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    });
    expect(Statement[0].Resource.map(text)).toEqual(['<BurstPayloads.Arn>', '<BurstPayloads.Arn>/*']);
  });

  test('is encrypted with the key of the app, through a key of the bucket', () => {
    const { BucketEncryption: { ServerSideEncryptionConfiguration: [rule] } } = bucketOf(synthesise((stack) => ({ encryptionKey: new Key(stack, 'Key') })));
    expect(rule.BucketKeyEnabled).toBe(true);
    expect(rule.ServerSideEncryptionByDefault.SSEAlgorithm).toBe('aws:kms');
    expect(text(rule.ServerSideEncryptionByDefault.KMSMasterKeyID)).toBe('<Key.Arn>');
  });

  test.each([
    [Duration.hours(12), Duration.hours(12), 2],
    [Duration.hours(11), Duration.hours(12), 1], // a whole day with the hour to end
    [Duration.hours(12), Duration.days(30), 31],
    [Duration.days(5), Duration.days(5), 11],
    [Duration.seconds(10), Duration.seconds(10), 1],
  ])('keeps the objects of a job of %s for its retention of %s: %d days', (timeout, resultRetention, days) => {
    const rules = bucketOf(synthesise(() => ({ timeout, resultRetention, repairInterval: Duration.minutes(15) }))).LifecycleConfiguration.Rules;
    expect(rules[0].ExpirationInDays).toBe(days);
    // the rows of the job: its time-out, the retention, and an hour to end
    expect(days * 86_400).toBeGreaterThanOrEqual(timeout.toSeconds() + resultRetention.toSeconds() + 3_600);
  });
});

describe('functions', () => {
  const common = {
    TASKS_TABLE: '<BurstTasks>',
    RESULTS_TABLE: '<BurstResults>',
    PAYLOAD_BUCKET: '<BurstPayloads>',
    WORKER_ARN: '<Worker.Arn>',
    POWERTOOLS_SERVICE_NAME: 'cdk-burst-compute',
    POWERTOOLS_LOG_LEVEL: 'INFO',
  };

  test.each(['Dispatcher', 'Monitor'])('the %s', (name) => {
    const { Code, Environment, LoggingConfig, Role, Description, ...rest } = functionOf(byDefault, `Burst${name}`);
    expect(rest).toEqual({ Architectures: ['arm64'], Handler: 'index.handler', MemorySize: 1024, Runtime: 'nodejs24.x', Timeout: 900 });
    expect(text(LoggingConfig.LogGroup)).toBe(`<Burst${name}Logs>`);
    expect(text(Role)).toBe(`<Burst${name}Role.Arn>`);
    expect(Description).toMatch(/^[A-Z]/);
  });

  test('run the code that is bundled under their names', () => {
    const stack = newStack('Stack', undefined, new App({ context: { 'aws:cdk:disable-asset-staging': true, 'aws:cdk:enable-asset-metadata': true } }));
    newBurst(stack);
    const functions = Template.fromStack(stack).findResources('AWS::Lambda::Function');
    const paths = Object.values(functions).map(({ Metadata }) => Metadata?.['aws:asset:path']).filter((path) => path);
    expect(paths).toEqual([expect.stringMatching(/assets.lambda.dispatcher$/), expect.stringMatching(/assets.lambda.monitor$/)]);
  });

  test('the environment of the dispatcher', () => expect(environmentOf(byDefault, 'BurstDispatcher')).toEqual(common));

  test('the environment of the monitor', () => {
    const { BURST_SETTINGS, ...rest } = environmentOf(byDefault, 'BurstMonitor');
    expect(rest).toEqual({ ...common, DISPATCHER_ARN: '<BurstDispatcher.Arn>' });
    expect(JSON.parse(BURST_SETTINGS)).toEqual({
      batchSize: 1,
      branching: 64,
      timeoutSeconds: 43_200,
      workerRetries: 2,
      toleratedFailurePercentage: 0,
      resultRetentionSeconds: 604_800,
      repairIntervalSeconds: 60,
      workerTimeoutSeconds: 3,
      combineMode: 'NONE',
      leafStartGraceSeconds: 60,
      functions: { worker: { memoryMegabytes: 128, architecture: 'x86_64' } },
    });
  });

  test('every setting reaches the monitor, and only there the combiner', () => {
    const stack = newStack();
    withCombiner(stack, {
      batchSize: 10,
      maxConcurrency: 500,
      branching: 32,
      timeout: Duration.hours(2),
      workerRetries: 4,
      toleratedFailurePercentage: 2.5,
      resultRetention: Duration.days(3),
      repairInterval: Duration.seconds(30),
    });
    const template = Template.fromStack(stack);
    const { COMBINER_ARN, BURST_SETTINGS } = functionOf(template, 'BurstMonitor').Environment.Variables;
    expect(text(COMBINER_ARN)).toBe('<Combiner.Arn>');
    expect(json(BURST_SETTINGS)).toEqual({
      batchSize: 10,
      maxConcurrency: 500,
      branching: 32,
      timeoutSeconds: 7_200,
      workerRetries: 4,
      toleratedFailurePercentage: 2.5,
      resultRetentionSeconds: 259_200,
      repairIntervalSeconds: 30,
      workerTimeoutSeconds: 3,
      combineMode: 'COLLECT',
      combinerTimeoutSeconds: 3,
      leafStartGraceSeconds: 60,
      functions: { worker: { memoryMegabytes: 128, architecture: 'x86_64' }, combiner: { memoryMegabytes: 128, architecture: 'x86_64' } },
    });
    expect(environmentOf(template, 'BurstDispatcher')).toEqual(common);
  });

  test('in mode TREE the dispatcher knows the combiner, too', () => {
    const stack = newStack();
    withCombiner(stack, { combineMode: CombineMode.TREE });
    expect(environmentOf(Template.fromStack(stack), 'BurstDispatcher')).toEqual({ ...common, COMBINER_ARN: '<Combiner.Arn>' });
  });

  test('an event for the dispatcher is dropped after a minute, and never tried again', () => {
    const configs = Object.values(byDefault.findResources('AWS::Lambda::EventInvokeConfig')).map(({ Properties }) => Properties);
    expect(configs).toHaveLength(1);
    expect({ ...configs[0], FunctionName: text(configs[0].FunctionName) })
      .toEqual({ FunctionName: '<BurstDispatcher>', MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 0, Qualifier: '$LATEST' });
  });

  test('loop detection stays on', () => expect(JSON.stringify(byDefault.toJSON())).not.toContain('RecursiveLoop'));

  test.each([[Tracing.ACTIVE, { Mode: 'Active' }], [Tracing.PASS_THROUGH, { Mode: 'PassThrough' }], [Tracing.DISABLED, undefined], [undefined, undefined]])(
    'tracing %s', (tracing, expected) => {
      const template = synthesise(() => ({ tracing }));
      expect(functionOf(template, 'BurstDispatcher').TracingConfig).toEqual(expected);
      expect(functionOf(template, 'BurstMonitor').TracingConfig).toEqual(expected);
    });
});

describe('logs', () => {
  const groups = (template: Template) => resources(template, 'AWS::Logs::LogGroup');

  test('one group per function, for a month', () => {
    expect(Object.entries(groups(byDefault)).map(([name, { Properties }]) => [name, Properties])).toEqual([
      ['BurstDispatcherLogs', { RetentionInDays: 30 }],
      ['BurstMonitorLogs', { RetentionInDays: 30 }],
    ]);
  });

  test('are encrypted with the key of the app', () => {
    const found = Object.values(groups(synthesise((stack) => ({ encryptionKey: new Key(stack, 'Key') }))));
    expect(found.map(({ Properties }) => text(Properties.KmsKeyId))).toEqual(['<Key.Arn>', '<Key.Arn>']);
  });

  test('go to the group of the app where there is one', () => {
    const template = synthesise((stack) => ({ logGroup: new LogGroup(stack, 'Logs') }));
    expect(Object.keys(groups(template))).toEqual(['Logs']);
    for (const name of ['BurstDispatcher', 'BurstMonitor']) {
      expect(text(functionOf(template, name).LoggingConfig.LogGroup)).toBe('<Logs>');
    }
  });
});

describe('what stays when the construct goes', () => {
  const stateful = (template: Template) => Object.fromEntries(
    ['AWS::DynamoDB::Table', 'AWS::S3::Bucket', 'AWS::Logs::LogGroup'].flatMap((type) => Object.entries(resources(template, type)))
      .map(([name, resource]) => [name, policiesOf(resource).join(' ')]));

  test('by default the bucket alone, which empties itself', () => expect(stateful(byDefault)).toEqual({
    BurstTasks: 'Delete Delete',
    BurstResults: 'Delete Delete',
    BurstPayloads: 'RetainExceptOnCreate Retain',
    BurstDispatcherLogs: 'Delete Delete',
    BurstMonitorLogs: 'Delete Delete',
  }));

  test.each([[RemovalPolicy.RETAIN, 'Retain Retain'], [RemovalPolicy.DESTROY, 'Delete Delete']])('everything or nothing: %s', (removalPolicy, expected) => {
    expect(new Set(Object.values(stateful(synthesise(() => ({ removalPolicy })))))).toEqual(new Set([expected]));
  });
});

test('nothing else is made', () => {
  const types = Object.values(byDefault.toJSON().Resources as Record<string, { Type: string }>).map(({ Type }) => Type);
  expect(types.filter((type) => !type.startsWith('AWS::IAM::')).sort()).toEqual([
    'AWS::DynamoDB::Table', 'AWS::DynamoDB::Table', 'AWS::Events::Rule', 'AWS::Lambda::EventInvokeConfig', 'AWS::Lambda::Function', 'AWS::Lambda::Function',
    'AWS::Lambda::Function', 'AWS::Lambda::Permission', 'AWS::Logs::LogGroup', 'AWS::Logs::LogGroup', 'AWS::S3::Bucket', 'AWS::S3::BucketPolicy',
    'AWS::StepFunctions::StateMachine',
  ]);
});
