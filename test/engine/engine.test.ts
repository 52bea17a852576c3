import { existsSync, mkdtempSync, rmSync } from 'fs';
import { connect } from 'net';
import { networkInterfaces, tmpdir } from 'os';
import * as path from 'path';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { GetAccountSettingsCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { credentials, invoke, objects, until } from './support';
import { Engine, StackOutputs } from '../../engine';

// One engine and one deployment for the whole file: each takes seconds.
const root = path.join(__dirname, '..', '..');
const dataDir = mkdtempSync(path.join(tmpdir(), 'burst-engine-test-'));
const logged: string[] = [];
let engine: Engine;
let outputs: Record<string, string>;
let all: StackOutputs;

beforeAll(async () => {
  // what must not reach the engine or a function
  Object.assign(process.env, {
    AWS_PROFILE: 'someone', AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1', AWS_SESSION_TOKEN: 'secret', HTTPS_PROXY: 'http://127.0.0.1:1', MY_SECRET: 'x',
  });
  engine = await Engine.start({ concurrency: 12, dataDir, log: (line) => logged.push(line) });
  all = await engine.deploy({ app: 'npx ts-node -T -P tsconfig.dev.json test/engine/fixture/app.ts', cwd: root, context: { name: 'Fixture' } });
  outputs = all.Fixture;
}, 180_000);

afterAll(async () => {
  await engine?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const client = <T>(Type: new (config: object) => T): T =>
  new Type({ endpoint: engine.endpoint, region: engine.region, credentials, forcePathStyle: true });

describe('the engine', () => {
  test('listens on loopback only', async () => {
    const port = Number(new URL(engine.endpoint).port);
    const connects = async (host: string) => new Promise<boolean>((resolve) => {
      const socket = connect({ host, port, timeout: 2000 })
        .on('connect', () => resolve(true)).on('error', () => resolve(false)).on('timeout', () => resolve(false))
        .on('connect', () => socket.destroy());
    });
    // a server on all interfaces would answer at 127.0.0.2, too
    const others = Object.values(networkInterfaces()).flat().filter((one) => one && !one.internal && one.family === 'IPv4').map((one) => one!.address);
    expect(await connects('127.0.0.1')).toBe(true);
    for (const host of ['127.0.0.2', ...others]) expect([host, await connects(host)]).toEqual([host, false]);
  });

  test('reports its concurrency as the account limit', async () => {
    const { AccountLimit } = await client(LambdaClient).send(new GetAccountSettingsCommand({}));
    expect(AccountLimit?.ConcurrentExecutions).toBe(12);
  });

  test('lets a function see nothing of the caller but an allow-list', async () => {
    const { payload } = await invoke(engine.endpoint, outputs.EnvFunction);
    for (const name of ['AWS_PROFILE', 'AWS_ENDPOINT_URL_S3', 'HTTPS_PROXY', 'MY_SECRET', 'NODE_OPTIONS', 'npm_config_registry', 'JEST_WORKER_ID']) {
      expect(payload).not.toHaveProperty(name);
    }
    expect(payload).toMatchObject({ AWS_ENDPOINT_URL: engine.endpoint, AWS_REGION: 'us-east-1', TZ: 'UTC' });
    expect(payload.AWS_SESSION_TOKEN).toBe('');
    expect(payload.TMPDIR.startsWith(dataDir)).toBe(true);
  });

  test('refuses settings that cannot be', async () => {
    await expect(Engine.start({ concurrency: 2 })).rejects.toThrow('concurrency must be a whole number from 4 to 1000, got 2');
    await expect(Engine.start({ concurrency: 8, asyncSlots: 8 })).rejects.toThrow('asyncSlots must be a whole number from 1 to 7, got 8');
  });
});

describe('a deployment', () => {
  test('gives the outputs of each stack and logs what the CDK prints', () => {
    expect(Object.keys(all)).toEqual(['Fixture']);
    expect(outputs.MachineArn).toMatch(/^arn:aws:states:us-east-1:000000000000:stateMachine:/);
    expect(logged.some((line) => line.includes('Fixture'))).toBe(true);
    expect(existsSync(path.join(root, 'cdk.out'))).toBe(false);
  });

  test('works from a ready cdk.out', async () => {
    const ready = path.join(dataDir, 'deploy-1', 'cdk.out');
    expect(await engine.deploy({ app: ready })).toEqual(all);
  });

  test('of something that is not an app says what to do', async () => {
    await expect(engine.deploy({ app: 'test', cwd: root })).rejects.toThrow(/test is not a cloud assembly, it has no manifest.json: make one with `npx cdk synth`/);
    await expect(engine.deploy({ app: 'none/cdk.out', cwd: root })).rejects.toThrow(/there is no folder .*none\/cdk.out: make it with `npx cdk synth`/);
    await expect(engine.deploy({ app: 'echo something is wrong >&2; exit 1', cwd: root }))
      .rejects.toThrow(/the app could not be synthesised. Run `npx cdk synth` in .* until it can(.|\n)*something is wrong/);
  });
});

describe('asynchronous invokes', () => {
  test('that are throttled all arrive', async () => {
    const wanted = Array.from({ length: 100 }, (_, i) => `queue/${i}`);
    await Promise.all(wanted.map(async (key) => invoke(engine.endpoint, outputs.ThrottledFunction, { key }, 'Event')));
    await until(async () => (await objects(engine.endpoint, outputs.BucketName, 'queue/')).length === wanted.length);
  });

  test('that throw are retried as often as the function says', async () => {
    await invoke(engine.endpoint, outputs.CountedFunction, { key: 'counted/', fail: true }, 'Event');
    await until(() => logged.some((line) => line.includes(outputs.CountedFunction) && line.includes('given up after 2 errors')));
    expect(await objects(engine.endpoint, outputs.BucketName, 'counted/')).toHaveLength(2);
  });
});

describe('errors and logs of functions', () => {
  test.each(['AllowedFunction', 'PythonFunction'])('%s keeps the type of its error', async (name) => {
    const { payload, failed } = await invoke(engine.endpoint, outputs[name], { key: 'error', fail: true });
    expect(failed).toBe(true);
    expect(payload).toMatchObject({ errorType: 'CustomError', errorMessage: 'on purpose' });
  });

  test('every line of a log is kept', async () => {
    const lines = Array.from({ length: 30 }, (_, i) => `line-${i};`);
    let log = '';
    for (const line of [...lines, 'a line that comes late is logged with the next call']) {
      const { LogResult } = await client(LambdaClient).send(new InvokeCommand({
        FunctionName: outputs.LoggingFunction, Payload: JSON.stringify({ line }), LogType: 'Tail',
      }));
      log += Buffer.from(LogResult ?? '', 'base64').toString();
    }
    expect(lines.filter((line) => !log.includes(line))).toEqual([]);
  });

  test('a Python function finds boto3', async () => {
    expect((await invoke(engine.endpoint, outputs.PythonFunction)).payload).toBe('000000000000');
  });
});

describe('state machines', () => {
  const run = async (input: object) => {
    const sfn = client(SFNClient);
    const { executionArn } = await sfn.send(new StartExecutionCommand({ stateMachineArn: outputs.MachineArn, input: JSON.stringify(input) }));
    const describe = async () => sfn.send(new DescribeExecutionCommand({ executionArn }));
    return { sfn, executionArn: executionArn!, describe, name: executionArn!.split(':').pop()! };
  };

  test('end a callback task after TimeoutSecondsPath', async () => {
    const { describe: look, name } = await run({ key: 'sfn', fail: false, seconds: 1 });
    await until(async () => (await look()).status !== 'RUNNING');
    expect(JSON.parse((await look()).output!)).toEqual({ caught: 'States.Timeout' });
    // and the rule on their status reaches its function
    await until(async () => (await objects(engine.endpoint, outputs.BucketName, `status/${name}/`)).includes(`status/${name}/SUCCEEDED`));
  });

  test('see at once that the function of a callback task threw', async () => {
    const { describe: look } = await run({ key: 'sfn', fail: true, seconds: 3600 });
    await until(async () => (await look()).status !== 'RUNNING');
    expect(JSON.parse((await look()).output!)).toEqual({ caught: 'CustomError' });
  });

  test('that are stopped stay aborted, and say so', async () => {
    const { sfn, executionArn, describe: look, name } = await run({ key: 'sfn', fail: false, seconds: 3600 });
    await sfn.send(new StopExecutionCommand({ executionArn }));
    await until(async () => (await objects(engine.endpoint, outputs.BucketName, `status/${name}/`)).includes(`status/${name}/ABORTED`));
    expect((await look()).status).toBe('ABORTED');
  });
});

describe('conditional writes', () => {
  test('of S3 objects and table rows are refused as on AWS', async () => {
    const put = async () => client(S3Client).send(new PutObjectCommand({ Bucket: outputs.BucketName, Key: 'once', Body: 'x', IfNoneMatch: '*' }));
    await put();
    await expect(put()).rejects.toMatchObject({ name: 'PreconditionFailed', $metadata: { httpStatusCode: 412 } });

    const row = async (value: string) => client(DynamoDBClient).send(new PutItemCommand({
      TableName: outputs.TableName,
      Item: { pk: { S: 'row' }, value: { S: value } },
      ConditionExpression: 'attribute_not_exists(pk)',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    }));
    await row('first');
    await expect(row('second')).rejects.toMatchObject({ name: 'ConditionalCheckFailedException', Item: { value: { S: 'first' } } });
  });
});

describe('IAM', () => {
  test('is not enforced at first, is when asked for, and then is by each function\'s role', async () => {
    const denied = async () => (await invoke(engine.endpoint, outputs.DeniedFunction, { key: 'denied' })).payload;
    const allowed = async () => (await invoke(engine.endpoint, outputs.AllowedFunction, { key: 'allowed' })).payload;
    expect([await denied(), await allowed()]).toEqual(['ok', 'ok']);
    await engine.enforceIam(true);
    expect([await denied(), await allowed()]).toEqual(['AccessDenied', 'ok']);
    await engine.enforceIam(false);
    expect([await denied(), await allowed()]).toEqual(['ok', 'ok']);
  });
});
