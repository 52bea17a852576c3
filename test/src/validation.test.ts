import { App, CfnParameter, Duration, Lazy, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { Alias, CfnFunction, Function as LambdaFunction, Version } from 'aws-cdk-lib/aws-lambda';
import { definitionOf, newBurst, newFunction, newStack, propertiesOf, text, json, withCombiner } from './support';
import { BurstCompute, BurstComputeProps, CombineMode } from '../../src';

const settingsOf = (stack: Stack) => json(propertiesOf(Template.fromStack(stack), 'AWS::Lambda::Function', 'BurstMonitor').Environment.Variables.BURST_SETTINGS);

describe('bad props are refused at once', () => {
  const seconds = (n: number) => Duration.seconds(n);

  test('whatever else was built by then does not matter: nothing is', () => {
    const stack = newStack();
    expect(() => newBurst(stack, { batchSize: 0 })).toThrow();
    expect(stack.node.findChild('Burst').node.children).toEqual([]);
  });

  test.each<[Partial<BurstComputeProps>]>([
    [{ batchSize: 1 }], [{ batchSize: 1_000_000 }], [{ maxConcurrency: 1 }], [{ branching: 2 }], [{ branching: 1_000 }],
    [{ workerRetries: 0 }], [{ workerRetries: 10 }], [{ toleratedFailurePercentage: 0 }], [{ toleratedFailurePercentage: 100 }],
    [{ toleratedFailurePercentage: 0.1 }], [{ timeout: seconds(10) }], [{ repairInterval: seconds(29) }], [{ repairInterval: Duration.minutes(15) }],
    [{ resultRetention: Duration.hours(12) }],
    [{ timeout: seconds(1_350_000), resultRetention: seconds(1_350_000), repairInterval: Duration.minutes(15) }],
    [{ timeout: seconds(7_500), repairInterval: seconds(5) }],
  ])('%j is the last that is allowed', (props) => {
    expect(() => newBurst(newStack(), props)).not.toThrow();
  });
});

describe('functions for unlike tasks', () => {
  const registered = (stack: Stack, names: string[]) => Object.fromEntries(names.map((name, i) => [name, newFunction(stack, `Task${i}`)]));
  const many = (n: number) => Array.from({ length: n }, (_, i) => `t${i}`);

  test.each<[string, string[]]>([['a space', ['a b']], ['a point', ['a.b']], ['nothing', ['']], ['65 characters', ['x'.repeat(65)]]])('a name with %s is refused', (_, names) => {
    const stack = newStack();
    expect(() => newBurst(stack, { taskFunctions: registered(stack, names) }))
      .toThrow(`taskFunctions must have names of 1 to 64 letters, digits, '-' and '_', got '${names[0]}' (in 'Stack/Burst')`);
  });

  test('15 are allowed, replicas included, 16 are not', () => {
    const stack = newStack();
    const replica = newFunction(stack, 'Replica');
    expect(() => newBurst(stack, { workerReplicas: [replica], taskFunctions: registered(stack, many(15)) }))
      .toThrow('taskFunctions and workerReplicas must be at most 15 functions together, got 15 and 1: ');
    const other = newStack('Other');
    newBurst(other, { taskFunctions: registered(other, many(15)) });
  });

  test('13 minutes are the most that one may take', () => {
    const stack = newStack();
    expect(() => newBurst(stack, { taskFunctions: { slow: newFunction(stack, 'Slow', { timeout: Duration.seconds(781) }) } }))
      .toThrow("taskFunctions 'slow' must have a time-out of at most 780 seconds (13 minutes), got 781 seconds: ");
  });
});

describe('the time-out of functions', () => {
  const tooLong = 'worker must have a time-out of at most 780 seconds (13 minutes), got 781 seconds: '
    + "its dispatcher lives 15 minutes and has to outlive it; lower it and give each batch less work (in 'Stack/Burst')";
  const slow = { timeout: Duration.seconds(781) };

  test('13 minutes are allowed', () => {
    const stack = newStack();
    const timeout = Duration.minutes(13);
    newBurst(stack, { worker: newFunction(stack, 'Worker', { timeout }), combiner: newFunction(stack, 'Combiner', { timeout }) });
    expect(settingsOf(stack)).toMatchObject({ workerTimeoutSeconds: 780, combinerTimeoutSeconds: 780 });
  });

  test('of the worker is refused beyond', () => {
    const stack = newStack();
    expect(() => newBurst(stack, { worker: newFunction(stack, 'Worker', slow) })).toThrow(new Error(tooLong));
  });

  test('is found behind an alias, a version, and an alias of an alias', () => {
    const stack = newStack();
    const fn = newFunction(stack, 'Worker', slow);
    const version = new Version(stack, 'Version', { lambda: fn });
    const alias = new Alias(stack, 'Alias', { aliasName: 'a', version });
    expect(() => newBurst(stack, { worker: version })).toThrow(tooLong);
    expect(() => newBurst(newStack(), { worker: alias })).toThrow(/worker must have a time-out/);
  });

  test('of the combiner is refused beyond 13 minutes', () => {
    const stack = newStack();
    expect(() => newBurst(stack, { combiner: newFunction(stack, 'Combiner', slow) })).toThrow(new Error(
      'combiner must have a time-out of at most 780 seconds (13 minutes), got 781 seconds: the monitor calls it and lives 15 minutes; '
      + "lower it (in 'Stack/Burst')"));
  });

  test('that is changed later is taken as it is at synthesis', () => {
    const stack = newStack();
    const worker = newFunction(stack, 'Worker');
    newBurst(stack, { worker });
    (worker.node.defaultChild as CfnFunction).timeout = 30;
    expect(settingsOf(stack).workerTimeoutSeconds).toBe(30);
  });

  test('that becomes too long later is refused at synthesis', () => {
    const stack = newStack();
    const worker = newFunction(stack, 'Worker');
    newBurst(stack, { worker });
    (worker.node.defaultChild as CfnFunction).timeout = 781;
    expect(() => Template.fromStack(stack)).toThrow(/\[Stack\/Burst\] worker must have a time-out of at most 780 seconds/);
  });

  test('is what Lambda uses where nothing is set', () => {
    const stack = newStack();
    withCombiner(stack);
    expect(settingsOf(stack)).toMatchObject({ workerTimeoutSeconds: 3, combinerTimeoutSeconds: 3 });
  });

  test.each<[string, (stack: Stack) => BurstComputeProps['worker']]>([
    ['an imported function', (stack) => LambdaFunction.fromFunctionName(stack, 'Imported', 'work')],
    ['a version, which keeps what it was published with', (stack) => newFunction(stack, 'Worker').currentVersion],
    ['a token', (stack) => newFunction(stack, 'Worker', { timeout: Duration.seconds(Lazy.number({ produce: () => 800 })) })],
  ])('is left to be asked for at run time with %s', (_, worker) => {
    const stack = newStack();
    newBurst(stack, { worker: worker(stack) });
    expect(settingsOf(stack)).not.toHaveProperty('workerTimeoutSeconds');
  });
});

describe('worker and combiner', () => {
  test('are combined in the mode that fits what is there', () => {
    const [one, other, third] = [newStack(), newStack(), newStack()];
    newBurst(one);
    withCombiner(other);
    withCombiner(third, { combineMode: CombineMode.TREE });
    expect([one, other, third].map((stack) => settingsOf(stack).combineMode)).toEqual(['NONE', 'COLLECT', 'TREE']);
    expect(() => withCombiner(newStack(), { combineMode: CombineMode.NONE })).toThrow(new Error(
      "combineMode NONE calls no combiner, got 'Stack/Combiner': leave out one of the two (in 'Stack/Burst')"));
  });

  const arn = 'arn:aws:lambda:eu-west-1:111122223333:function:f';

  test('workerReplicas that are the worker, or too many, are refused', () => {
    const stack = newStack();
    const worker = newFunction(stack, 'Worker');
    expect(() => new BurstCompute(stack, 'Twice', { worker, workerReplicas: [worker] })).toThrow(
      "workerReplicas must be functions of their own, got 'Stack/Worker' twice: a replica that is the worker itself starts nothing faster (in 'Stack/Twice')");
    const many = Array.from({ length: 16 }, (_, i) => newFunction(stack, `Replica${i}`));
    expect(() => new BurstCompute(stack, 'Many', { worker, workerReplicas: many })).toThrow('workerReplicas must be at most 15 functions, got 16');
    const slow = newFunction(stack, 'Slow', { timeout: Duration.minutes(14) });
    expect(() => new BurstCompute(stack, 'Slow2', { worker, workerReplicas: [slow] })).toThrow(/^workerReplicas.*780/);
  });

  test('must not be one and the same function', () => {
    const stack = newStack();
    const worker = newFunction(stack, 'Worker');
    const message = "combiner must be another function than worker, got 'Stack/Worker' for both: they receive different events; "
      + "make two functions, which may share their code (in 'Stack/Burst')";
    expect(() => newBurst(stack, { worker, combiner: worker })).toThrow(new Error(message));
  });

  test('must not be one and the same function, imported twice', () => {
    const stack = newStack();
    const [worker, combiner] = ['One', 'Two'].map((id) => LambdaFunction.fromFunctionArn(stack, id, arn));
    expect(() => newBurst(stack, { worker, combiner })).toThrow(/^combiner must be another function than worker/);
  });

  test.each([
    ['account', { account: '444455556666', region: 'eu-west-1' }, "must be in the account of its BurstCompute, '444455556666', got one in '111122223333'"],
    ['region', { account: '111122223333', region: 'us-east-1' }, "must be in the region of its BurstCompute, 'us-east-1', got one in 'eu-west-1'"],
  ])('must be in the same %s', (_, env, message) => {
    const stack = newStack('Stack', { env });
    const imported = LambdaFunction.fromFunctionArn(stack, 'Imported', arn);
    expect(() => newBurst(stack, { worker: imported })).toThrow(`worker ${message}`);
    expect(() => withCombiner(newStack('Stack', { env }), { combiner: imported })).toThrow(`combiner ${message}`);
  });

  test('may be anywhere as long as that is not known', () => {
    const stack = newStack();
    expect(() => newBurst(stack, { worker: LambdaFunction.fromFunctionArn(stack, 'Imported', arn) })).not.toThrow();
  });
});

describe('tokens pass', () => {
  const parameter = (stack: Stack, id: string) => new CfnParameter(stack, id, { type: 'Number' }).valueAsNumber;

  test('as numbers, up to the settings', () => {
    const stack = newStack();
    newBurst(stack, {
      batchSize: parameter(stack, 'Size'),
      maxConcurrency: parameter(stack, 'Concurrency'),
      branching: parameter(stack, 'Branching'),
      workerRetries: parameter(stack, 'Retries'),
      toleratedFailurePercentage: parameter(stack, 'Tolerated'),
    });
    const { Environment } = propertiesOf(Template.fromStack(stack), 'AWS::Lambda::Function', 'BurstMonitor');
    expect(text(Environment.Variables.BURST_SETTINGS)).toBe('{"batchSize":<Size>,"maxConcurrency":<Concurrency>,"branching":<Branching>,'
      + '"timeoutSeconds":43200,"workerRetries":<Retries>,"toleratedFailurePercentage":<Tolerated>,"combineMode":"NONE","resultRetentionSeconds":604800,'
      + '"repairIntervalSeconds":60,"workerTimeoutSeconds":3,"leafStartGraceSeconds":60,"functions":{"worker":{"memoryMegabytes":128,"architecture":"x86_64"}}}');
  });

  test('as durations, with the longest possible job in their place', () => {
    const stack = newStack();
    newBurst(stack, {
      timeout: Duration.seconds(parameter(stack, 'Timeout')),
      repairInterval: Duration.seconds(parameter(stack, 'Interval')),
    });
    const template = Template.fromStack(stack);
    const { Environment } = propertiesOf(template, 'AWS::Lambda::Function', 'BurstMonitor');
    expect(text(Environment.Variables.BURST_SETTINGS)).toContain('"timeoutSeconds":<Timeout>,');
    expect(text(Environment.Variables.BURST_SETTINGS)).toContain('"repairIntervalSeconds":<Interval>,');
    expect(definitionOf(template).TimeoutSeconds).toBe(1_500 * 900 + 3_600);
    // 15.6 days of job, 7 of retention, an hour to end
    expect(propertiesOf(template, 'AWS::S3::Bucket', 'BurstPayloads').LifecycleConfiguration.Rules[0].ExpirationInDays).toBe(23);
  });

  test('but not as retention, which S3 and DynamoDB count in different units', () => {
    const stack = newStack();
    expect(() => newBurst(stack, { resultRetention: Duration.days(parameter(stack, 'Days')) })).toThrow(new Error(
      'resultRetention must be known at synthesis, got a token: rows expire by the second and objects by the day, '
      + "and CloudFormation cannot convert one into the other (in 'Stack/Burst')"));
  });
});

test('a plain app synthesises without a warning', () => {
  const app = new App();
  const stack = new Stack(app, 'Stack');
  withCombiner(stack);
  Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
  Annotations.fromStack(stack).hasNoError('*', Match.anyValue());
});
