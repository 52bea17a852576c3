import { Duration } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Tracing } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { definitionOf, newBurst, newStack, propertiesOf, resources, text } from './support';

const stack = newStack();
newBurst(stack);
const template = Template.fromStack(stack);
const definition = definitionOf(template);
const { Prepare, Await, Repair, Combine, Finish, JobFailed, FinishFailed, ...others } = definition.States;
const TASKS = { Prepare, Await, Repair, Combine, Finish };

const LAMBDA_ERRORS = [
  'Lambda.ServiceException', 'Lambda.AWSLambdaException', 'Lambda.SdkClientException', 'Lambda.ClientExecutionTimeoutException', 'Lambda.Unknown',
  'Sandbox.Timedout', 'Runtime.ExitError', 'Transient',
];
const THROTTLED = {
  ErrorEquals: ['Lambda.TooManyRequestsException'], IntervalSeconds: 1, MaxAttempts: 2_890, BackoffRate: 2, MaxDelaySeconds: 30, JitterStrategy: 'FULL',
};
const TRANSIENT = { ErrorEquals: LAMBDA_ERRORS, IntervalSeconds: 1, MaxAttempts: 6, BackoffRate: 2 };
const EXECUTION = { 'name.$': '$$.Execution.Name', 'arn.$': '$$.Execution.Id', 'startTime.$': '$$.Execution.StartTime' };
const JOB = { 'jobId.$': '$.jobId', 'epoch.$': '$.epoch' };

const callOf = (state: { Parameters: { Payload: unknown } }) => state.Parameters.Payload;
const catchesOf = (state: { Catch: { ErrorEquals: string[]; ResultPath: string | null; Next: string }[] }) =>
  state.Catch.map(({ ErrorEquals, ResultPath, Next }) => [ErrorEquals.join(' '), ResultPath, Next]);

test('the happy path is Prepare, Await, Combine', () => {
  expect(definition.StartAt).toBe('Prepare');
  expect(Prepare.Next).toBe('Await');
  expect(Await.Next).toBe('Combine');
  expect(Combine).toMatchObject({ End: true });
  expect(Combine).not.toHaveProperty('Next');
});

test('the other paths are Await, Repair and back, and Finish, which ends in failure', () => {
  expect(Repair.Next).toBe('Await');
  expect(Finish.Next).toBe('JobFailed');
  expect(others).toEqual({});
});

test('every state calls the monitor', () => {
  for (const state of Object.values(TASKS)) {
    expect(state).toMatchObject({ Type: 'Task', Parameters: { FunctionName: '<BurstMonitor.Arn>' } });
  }
  expect(Await.Resource).toBe('arn:<AWS::Partition>:states:::lambda:invoke.waitForTaskToken');
  for (const state of [Prepare, Repair, Combine, Finish]) {
    expect(state.Resource).toBe('arn:<AWS::Partition>:states:::lambda:invoke');
  }
});

test('what the monitor is told', () => {
  expect(callOf(Prepare)).toEqual({ 'action': 'prepare', 'execution': EXECUTION, 'request.$': '$' });
  expect(callOf(Await)).toEqual({ 'action': 'await', 'token.$': '$$.Task.Token', 'retryCount.$': '$$.State.RetryCount', ...JOB, 'round.$': '$.round', 'usage.$': '$.usage' });
  expect(callOf(Repair)).toEqual({ 'action': 'repair', ...JOB, 'round.$': '$.round' });
  expect(callOf(Combine)).toEqual({ action: 'combine', ...JOB });
  expect(callOf(Finish)).toEqual({ 'action': 'finish', 'execution': EXECUTION, 'input.$': '$' });
});

test('what becomes of its answers', () => {
  for (const state of [Prepare, Repair, Combine, Finish]) {
    expect([state.OutputPath, state.ResultPath]).toEqual(['$.Payload', undefined]);
  }
  // the output of the token is of no interest, the turn goes on to Combine
  expect([Await.OutputPath, Await.ResultPath]).toEqual([undefined, null]);
});

test('how long it is waited for', () => {
  for (const state of [Prepare, Repair, Combine, Finish]) {
    expect(state.TimeoutSeconds).toBe(960);
  }
  expect(Await).toMatchObject({ TimeoutSecondsPath: '$.waitSeconds' });
  expect(Await).not.toHaveProperty('TimeoutSeconds');
});

test('what is tried again', () => {
  for (const state of [Prepare, Await, Repair, Finish]) {
    expect(state.Retry).toEqual([THROTTLED, TRANSIENT]);
  }
  expect(Combine.Retry).toEqual([{ ErrorEquals: ['CombinerFailed'], IntervalSeconds: 2, MaxAttempts: 2, BackoffRate: 2 }, THROTTLED, TRANSIENT]);
});

test('where errors lead', () => {
  expect(catchesOf(Prepare)).toEqual([['States.ALL', '$', 'Finish']]);
  expect(catchesOf(Await)).toEqual([['States.Timeout', null, 'Repair'], ['States.ALL', '$.error', 'Finish']]);
  expect(catchesOf(Repair)).toEqual([['States.ALL', '$.error', 'Finish']]);
  expect(catchesOf(Combine)).toEqual([['States.ALL', '$.error', 'Finish']]);
  expect(catchesOf(Finish)).toEqual([['States.ALL', '$', 'FinishFailed']]);
});

test('how an execution fails', () => {
  expect(JobFailed).toMatchObject({ Type: 'Fail', ErrorPath: '$.errorName', CausePath: '$.message' });
  expect(FinishFailed).toMatchObject({ Type: 'Fail', ErrorPath: '$.Error', CausePath: '$.Cause' });
});

test('every name that is referred to is a state, and every state is reachable', () => {
  const reached = new Set<string>();
  const visit = (name: string) => {
    expect(definition.States).toHaveProperty(name);
    if (!reached.has(name)) {
      reached.add(name);
      const { Next, Catch = [] } = definition.States[name];
      [...Next ? [Next] : [], ...Catch.map((caught: { Next: string }) => caught.Next)].forEach(visit);
    }
  };
  visit(definition.StartAt);
  expect([...reached].sort()).toEqual(Object.keys(definition.States).sort());
});

test('the state machine outlasts the job and three runs of a combiner', () => {
  expect(definition.TimeoutSeconds).toBe(12 * 3_600 + 3_600);
  expect(definition.TimeoutSeconds).toBeGreaterThan(12 * 3_600 + 3 * 15 * 60);
});

test('it is a Standard one, since nothing else is asked for, and logs nothing', () => {
  expect(Object.keys(propertiesOf(template, 'AWS::StepFunctions::StateMachine', 'BurstStateMachine')).sort()).toEqual(['DefinitionString', 'RoleArn']);
});

test('it is created after the policy that it runs with', () => {
  expect(resources(template, 'AWS::StepFunctions::StateMachine').BurstStateMachine.DependsOn)
    .toEqual(expect.arrayContaining([expect.stringMatching(/^BurstStateMachinePolicy/)]));
});

describe('retries of throttles', () => {
  const retryOf = (timeout: Duration, repairInterval?: Duration) => {
    const other = newStack();
    newBurst(other, { timeout, repairInterval, resultRetention: Duration.days(20) });
    const retry = definitionOf(Template.fromStack(other)).States.Await.Retry[0];
    return { ...retry, lasts: retry.MaxAttempts * retry.MaxDelaySeconds / 2 };
  };

  test.each([Duration.seconds(10), Duration.hours(1), Duration.hours(12)])('last for the whole job: %s', (timeout) => {
    const { MaxDelaySeconds, lasts } = retryOf(timeout);
    expect(MaxDelaySeconds).toBe(30);
    expect(lasts).toBeGreaterThanOrEqual(timeout.toSeconds());
  });

  test('come more slowly in a very long job, so that its history has room for them', () => {
    const { MaxDelaySeconds, MaxAttempts, lasts } = retryOf(Duration.days(15), Duration.minutes(15));
    expect(MaxDelaySeconds).toBe(432);
    expect(lasts).toBeGreaterThanOrEqual(Duration.days(15).toSeconds());
    expect(3 * MaxAttempts).toBeLessThan(25_000);
  });
});

test('an execution that ends otherwise than well is reported to the monitor', () => {
  const rule = propertiesOf(template, 'AWS::Events::Rule', 'BurstStopped');
  const { detail } = rule.EventPattern;
  expect({ ...rule.EventPattern, detail: { ...detail, stateMachineArn: detail.stateMachineArn.map(text) } }).toEqual({
    'source': ['aws.states'],
    'detail-type': ['Step Functions Execution Status Change'],
    'detail': { stateMachineArn: ['<BurstStateMachine>'], status: ['FAILED', 'TIMED_OUT', 'ABORTED'] },
  });
  expect(rule.State).toBe('ENABLED');
  expect(rule.Targets).toHaveLength(1);
  const [{ Arn, InputTransformer: { InputTemplate, InputPathsMap } }] = rule.Targets;
  expect(text(Arn)).toBe('<BurstMonitor.Arn>');
  const event = { name: 'job-1', executionArn: 'arn:x', status: 'ABORTED' };
  const input = InputTemplate.replace(/<([^>]+)>/g, (_: string, name: string) =>
    JSON.stringify(event[InputPathsMap[name].replace('$.detail.', '') as keyof typeof event]));
  expect(JSON.parse(input)).toEqual({ action: 'stopped', execution: { name: 'job-1', arn: 'arn:x', status: 'ABORTED' } });
});

test('tracing and logs go where the app wants them', () => {
  const other = newStack();
  newBurst(other, { tracing: Tracing.ACTIVE, logGroup: new LogGroup(other, 'Logs') });
  const machine = propertiesOf(Template.fromStack(other), 'AWS::StepFunctions::StateMachine', 'BurstStateMachine');
  expect(machine.TracingConfiguration).toEqual({ Enabled: true });
  expect(machine.LoggingConfiguration).toMatchObject({ Level: 'ERROR', IncludeExecutionData: false });
  expect(machine.LoggingConfiguration.Destinations.map((d: any) => text(d.CloudWatchLogsLogGroup.LogGroupArn))).toEqual(['<Logs.Arn>']);
});
