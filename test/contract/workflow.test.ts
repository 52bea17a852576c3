import { randomBytes } from 'crypto';
import { CreateTableCommand, DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { CreateStateMachineCommand, DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { CREDENTIALS, REGION } from './worlds';
import { Engine } from '../../engine';
import { AwsWorkflow } from '../../lambda/aws/workflow';
import { createFunction, until } from '../engine/support';

/** What the protocol may rely on in `Workflow.wake`, with executions that really wait. */
const KEEP_TOKEN = `const { DynamoDBClient, PutItemCommand } = require('@aws-sdk/client-dynamodb');
const dynamo = new DynamoDBClient({});
exports.handler = ({ token, name }) => dynamo.send(new PutItemCommand({ TableName: 'tokens', Item: { pk: { S: name }, token: { S: token } } }));`;

let engine: Engine;
let steps: SFNClient;
let dynamo: DynamoDBClient;
let workflow: AwsWorkflow;
let stateMachineArn: string;

beforeAll(async () => {
  engine = await Engine.start();
  const config = { endpoint: engine.endpoint, region: REGION, credentials: CREDENTIALS };
  steps = new SFNClient(config);
  dynamo = new DynamoDBClient(config);
  workflow = new AwsWorkflow(steps, new EventBridgeClient(config));
  await dynamo.send(new CreateTableCommand({
    TableName: 'tokens',
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    BillingMode: 'PAY_PER_REQUEST',
  }));
  await createFunction(engine.endpoint, 'keep-token', KEEP_TOKEN);
  ({ stateMachineArn } = await steps.send(new CreateStateMachineCommand({
    name: 'waits',
    roleArn: 'arn:aws:iam::000000000000:role/any',
    definition: JSON.stringify({
      StartAt: 'Await',
      States: {
        Await: {
          Type: 'Task',
          Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
          Parameters: { FunctionName: 'keep-token', Payload: { 'token.$': '$$.Task.Token', 'name.$': '$$.Execution.Name' } },
          TimeoutSecondsPath: '$.seconds',
          Catch: [{ ErrorEquals: ['States.Timeout'], Next: 'Late' }],
          Next: 'Woken',
        },
        Woken: { Type: 'Pass', Result: 'woken', End: true },
        Late: { Type: 'Pass', Result: 'late', End: true },
      },
    }),
  })) as { stateMachineArn: string });
}, 240_000);
afterAll(() => engine?.stop());

/** Starts an execution and waits until it waits. */
async function waiting(seconds: number): Promise<{ token: string; end: () => Promise<string> }> {
  const name = `wait-${randomBytes(4).toString('hex')}`;
  const { executionArn } = await steps.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify({ seconds }) }));
  let token: string | undefined;
  await until(async () => {
    const { Item } = await dynamo.send(new GetItemCommand({ TableName: 'tokens', Key: { pk: { S: name } }, ConsistentRead: true }));
    token = Item?.token.S;
    return token !== undefined;
  });
  return {
    token: token!,
    end: async () => {
      let output: string | undefined;
      await until(async () => ({ output } = await steps.send(new DescribeExecutionCommand({ executionArn }))).output !== undefined);
      return JSON.parse(output!);
    },
  };
}

test('wakes a wait once; what is answered cannot be answered again', async () => {
  const { token, end } = await waiting(60);
  expect(await workflow.wake(token)).toBe(true);
  expect(await end()).toBe('woken');
  expect(await workflow.wake(token)).toBe(false);
});

test('of five who wake at once, at least one does, and the execution goes on once', async () => {
  const { token, end } = await waiting(60);
  expect(await Promise.all(Array.from({ length: 5 }, () => workflow.wake(token)))).toContain(true);
  expect(await end()).toBe('woken');
  expect(await workflow.wake(token)).toBe(false);
});

test('a token whose wait timed out is no longer good', async () => {
  const { token, end } = await waiting(1);
  expect(await end()).toBe('late');
  expect(await workflow.wake(token)).toBe(false);
});

test.each(['nonsense', 'AQCEAAAAKgAAAAMAAAAAAAAAAe', '{}', 'x'.repeat(2048)])('%.30s is no token', async (token) => {
  expect(await workflow.wake(token)).toBe(false);
});

test('one wait is woken, the other goes on waiting', async () => {
  const [one, other] = await Promise.all([waiting(60), waiting(60)]);
  expect(await workflow.wake(one.token)).toBe(true);
  expect(await one.end()).toBe('woken');
  expect(await workflow.wake(other.token)).toBe(true);
  expect(await other.end()).toBe('woken');
});

test('an event is taken by the bus, again and again', async () => {
  const event = { id: 'job-e1', detailType: 'Burst Job Ended', detail: { jobId: 'job', status: 'SUCCEEDED', reason: undefined } };
  await workflow.announce(event);
  await workflow.announce(event);
});
