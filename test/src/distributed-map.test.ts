import { Duration } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { definitionOf, json, newBurst, newFunction, newStack, policyOf, propertiesOf, resources, withCombiner } from './support';
import { BurstComputeProps, ChildType, CombineMode, FanOut } from '../../src';

const BUCKET = '<BurstPayloads.Arn>';
const EXECUTIONS = 'arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<BurstStateMachine.Name>:*';

function synthesised(props: Partial<BurstComputeProps> = {}, childType?: ChildType): Template {
  const stack = newStack();
  newBurst(stack, { fanOut: FanOut.distributedMap({ childType }), ...props });
  return Template.fromStack(stack);
}

const template = synthesised();
const { StartAt, States: states } = definitionOf(template);
const children = states.Batches.ItemProcessor.States;

test('the happy path is Prepare, Batches, Combine; a map that fails is settled first, and nobody waits for a token', () => {
  expect(StartAt).toBe('Prepare');
  expect([states.Prepare.Next, states.Batches.Next, states.Settle.Next, states.Combine.End]).toEqual(['Batches', 'Combine', 'Combine', true]);
  expect(Object.keys(states).sort()).toEqual(['Batches', 'Combine', 'Finish', 'FinishFailed', 'JobFailed', 'Prepare', 'Settle']);
  expect(states.Batches.Catch).toEqual([{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'Settle' }]);
  expect(states.Settle.Parameters.Payload).toEqual({ 'action': 'settle', 'jobId.$': '$.jobId', 'epoch.$': '$.epoch', 'error.$': '$.error' });
  expect(JSON.stringify(definitionOf(template))).not.toContain('TaskToken');
});

test('the map reads what Prepare writes, and keeps nothing of it in the execution', () => {
  const { ItemProcessor, ...map } = states.Batches;
  expect(map).toEqual({
    Type: 'Map',
    Label: 'Batches',
    MaxConcurrencyPath: '$.map.maxConcurrency',
    ToleratedFailureCountPath: '$.map.toleratedFailures',
    ItemReader: {
      Resource: 'arn:<AWS::Partition>:states:::s3:getObject', ReaderConfig: { InputType: 'JSONL' }, Parameters: { 'Bucket': '<BurstPayloads>', 'Key.$': '$.map.items' },
    },
    ItemSelector: { 'job.$': '$.map.job', 'item.$': '$$.Map.Item.Value', 'calls': 1, 'failures': 0 },
    ResultWriter: {
      Resource: 'arn:<AWS::Partition>:states:::s3:putObject',
      WriterConfig: { Transformation: 'COMPACT', OutputType: 'JSONL' },
      Parameters: { 'Bucket': '<BurstPayloads>', 'Prefix.$': '$.map.output' },
    },
    ResultPath: null,
    Catch: expect.anything(),
    Next: 'Combine',
  });
  expect(ItemProcessor.ProcessorConfig).toEqual({ Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' });
  expect(ItemProcessor.StartAt).toBe('Due');
});

describe('a child', () => {
  test('goes on to states that there are, and all are reachable', () => {
    const reached = new Set<string>();
    const visit = (name: string) => {
      expect(children).toHaveProperty(name);
      if (reached.has(name)) return;
      reached.add(name);
      const { Next, Default, Catch = [], Choices = [] } = children[name];
      [Next, Default, ...[...Catch, ...Choices].map((way: { Next: string }) => way.Next)].filter((next) => next !== undefined).forEach(visit);
    };
    visit('Due');
    expect([...reached].sort()).toEqual(Object.keys(children).sort());
    expect(Object.keys(children).filter((name) => name in states)).toEqual([]); // names are unique in the whole definition
  });

  test('takes four steps for a batch that succeeds at once, its start included', () => {
    expect([children.Due.Choices[1].Next, children.Work.Next, children.Commit.End]).toEqual(['Work', 'Commit', true]);
  });

  test('commits by one put of a row that is not there yet, and takes one that is for its own', () => {
    for (const name of ['Commit', 'Record']) {
      const { Resource, Arguments, Retry, Catch } = children[name];
      expect(Resource).toBe('arn:<AWS::Partition>:states:::dynamodb:putItem');
      expect(Arguments).toMatchObject({ TableName: '<BurstResults>', ConditionExpression: 'attribute_not_exists(pk)' });
      expect(Retry[0]).toMatchObject({ ErrorEquals: expect.arrayContaining(['DynamoDB.ConditionalCheckFailedException']), MaxAttempts: 0 });
      expect(Catch[0]).toMatchObject({ ErrorEquals: Retry[0].ErrorEquals, Next: 'Committed' });
    }
    expect(children.Committed.Type).toBe('Succeed');
  });

  test('waits out throttles for as long as the job may take, an Express one for as long as it may live', () => {
    const [retry] = children.Work.Retry;
    expect(retry).toMatchObject({ ErrorEquals: ['Lambda.TooManyRequestsException'], JitterStrategy: 'FULL' });
    expect(retry.MaxAttempts * retry.MaxDelaySeconds / 2).toBeGreaterThan(12 * 3_600);
    const [express] = definitionOf(synthesised({}, ChildType.EXPRESS)).States.Batches.ItemProcessor.States.Work.Retry;
    expect(express.MaxAttempts * express.MaxDelaySeconds / 2).toBeLessThan(300);
  });

  test('of type Express where that is asked for', () => {
    expect(definitionOf(synthesised({}, ChildType.EXPRESS)).States.Batches.ItemProcessor.ProcessorConfig.ExecutionType).toBe('EXPRESS');
  });
});

describe('permissions', () => {
  const MAP = {
    InvokeMonitor: ['lambda:InvokeFunction', '<BurstMonitor.Arn>'],
    InvokeWorker: ['lambda:InvokeFunction', '<Worker.Arn>'],
    CommitResults: ['dynamodb:PutItem', '<BurstResults.Arn>'],
    ReadBatches: ['s3:GetObject', `${BUCKET}/jobs/*/map.jsonl`],
    WriteMapOutput: ['s3:PutObject s3:GetObject s3:ListMultipartUploadParts s3:AbortMultipartUpload', `${BUCKET}/jobs/*/map/*`],
  };

  test('the state machine may do what its children do, and supervise them', () => {
    expect(policyOf(template, 'BurstStateMachinePolicy')).toEqual(MAP);
    expect(policyOf(template, 'BurstStateMachineMapPolicy')).toEqual({
      StartChildren: ['states:StartExecution', '<BurstStateMachine>'],
      SuperviseChildren: ['states:DescribeExecution states:StopExecution', EXECUTIONS],
    });
    // it names the state machine, which must not wait for it
    expect(resources(template, 'AWS::StepFunctions::StateMachine').BurstStateMachine.DependsOn.join()).not.toContain('MapPolicy');
  });

  test('replicas, task functions and a key come on top', () => {
    const stack = newStack();
    newBurst(stack, {
      fanOut: FanOut.distributedMap(), workerReplicas: [newFunction(stack, 'Replica')], taskFunctions: { a: newFunction(stack, 'Task') }, encryptionKey: new Key(stack, 'Key'),
    });
    expect(policyOf(Template.fromStack(stack), 'BurstStateMachinePolicy')).toEqual({
      ...MAP,
      InvokeWorker: ['lambda:InvokeFunction', '<Worker.Arn> <Replica.Arn>'],
      InvokeTaskFunctions: ['lambda:InvokeFunction', '<Task.Arn>'],
      DecryptJobData: ['kms:Decrypt', '<Key.Arn>'],
      EncryptJobData: ['kms:GenerateDataKey', '<Key.Arn>'],
    });
  });

  test('the dispatcher may do nothing, the monitor starts and wakes nobody', () => {
    expect(Object.keys(policyOf(template, 'BurstDispatcherPolicy'))).toEqual(['WriteLogs']);
    const monitor = Object.keys(policyOf(template, 'BurstMonitorPolicy'));
    expect(monitor).toEqual(expect.arrayContaining(['UpdateTasks', 'ReadResults', 'CommitResults', 'WritePayloads', 'PublishJobEvents']));
    expect(monitor.filter((sid) => /InvokeDispatcher|InvokeWorker|WakeJob/.test(sid))).toEqual([]);
  });
});

test('the tree is the default, and the same as asked for', () => {
  const [byDefault, asked] = [synthesised({ fanOut: undefined }), synthesised({ fanOut: FanOut.tree() })];
  expect(asked.toJSON()).toEqual(byDefault.toJSON());
  expect(definitionOf(byDefault).States).not.toHaveProperty('Batches');
});

test('what the monitor is told', () => {
  const settings = (of: Template) => json(propertiesOf(of, 'AWS::Lambda::Function', 'BurstMonitor').Environment.Variables.BURST_SETTINGS).fanOut;
  expect(settings(template)).toEqual({ childType: 'STANDARD', maxConcurrency: 10_000 });
  expect(settings(synthesised({ fanOut: FanOut.distributedMap({ childType: ChildType.EXPRESS, maxConcurrency: 7 }) }))).toEqual({ childType: 'EXPRESS', maxConcurrency: 7 });
  expect(settings(synthesised({ fanOut: undefined }))).toBeUndefined();
});

describe('what cannot be is refused at synthesis', () => {
  const refused = (props: Partial<BurstComputeProps>) => expect(() => withCombiner(newStack(), { fanOut: FanOut.distributedMap(), ...props }));

  test('combine mode TREE, stragglers and branching, which need dispatchers', () => {
    refused({ combineMode: CombineMode.TREE }).toThrow('combineMode TREE needs FanOut.tree(), got FanOut.distributedMap(): ');
    refused({ speculativeExecution: true }).toThrow('speculativeExecution needs FanOut.tree(), got FanOut.distributedMap(): ');
    refused({ branching: 8 }).toThrow('branching needs FanOut.tree(), got 8 with FanOut.distributedMap(): ');
  });

  test.each([0, 1.5, 10_001])('a concurrency of %d', (maxConcurrency) => {
    refused({ fanOut: FanOut.distributedMap({ maxConcurrency }) }).toThrow(`maxConcurrency of FanOut.distributedMap must be a whole number from 1 to 10000, got ${maxConcurrency}; `);
  });

  test('a type that there is not', () => {
    refused({ fanOut: FanOut.distributedMap({ childType: 'express' as ChildType }) }).toThrow('childType of FanOut.distributedMap must be one of STANDARD, EXPRESS, got express');
  });

  test('a worker that an Express child does not outlive', () => {
    const stack = newStack();
    const worker = newFunction(stack, 'Slow', { timeout: Duration.seconds(271) });
    expect(() => newBurst(stack, { worker, fanOut: FanOut.distributedMap({ childType: ChildType.EXPRESS }) }))
      .toThrow('worker must have a time-out of at most 270 seconds (4.5 minutes), got 271 seconds: an Express child execution lives 5 minutes');
    expect(() => newBurst(newStack(), { worker, fanOut: FanOut.distributedMap() })).not.toThrow(/time-out/);
  });
});
