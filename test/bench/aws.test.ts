import { ChildProcessWithoutNullStreams, spawn } from 'child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'fs';
import { createServer } from 'http';
import { AddressInfo } from 'net';
import { tmpdir } from 'os';
import * as path from 'path';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { ListExecutionsCommand, ListStateMachinesCommand, SFNClient } from '@aws-sdk/client-sfn';
import { peakOf } from '../../bench/aws/measure';
import { planRuns, worstDollars } from '../../bench/aws/plan';
import { Engine } from '../../engine';

const ROOT = path.join(__dirname, '..', '..');
const folder = mkdtempSync(path.join(tmpdir(), 'burst-bench-aws-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** No account can be meant by mistake: whatever the machine has of AWS is out of sight. */
const NOBODY = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_')));
const SEALED = { ...NOBODY, AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null', AWS_EC2_METADATA_DISABLED: 'true' };

interface End {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(args: string[], env: NodeJS.ProcessEnv): { child: ChildProcessWithoutNullStreams; end: Promise<End> } {
  const child = spawn(process.execPath, [require.resolve('ts-node/dist/bin'), '-T', 'bench/aws/command.ts', ...args], { cwd: ROOT, env });
  child.stdin.end();
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => { out += chunk; });
  child.stderr.on('data', (chunk) => { err += chunk; });
  return { child, end: new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err }))) };
}

const run = (args: string[], env: NodeJS.ProcessEnv = SEALED) => start(args, env).end;

describe('without an account', () => {
  test('a dry run shows what would be deployed, run and paid, and asks nobody', async () => {
    let requests = 0;
    const server = createServer((_, response) => {
      requests++;
      response.writeHead(500).end();
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.on('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const env = { ...SEALED, AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`, AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
    const { code, out } = await run(['--dry-run'], env);
    server.close();
    expect({ code, requests }).toEqual({ code: 0, requests: 0 });
    for (const size of ['100', '1,000', '10,000']) expect(out.split('\n').filter((line) => line.includes(`| ${size} |`))).toHaveLength(3);
    expect(out).toMatch(/at most \$3\.\d+, if every batch had to run twice/);
  });

  test('what is wrong is one line that says what to do', async () => {
    const cases: [string[], NodeJS.ProcessEnv, number, RegExp][] = [
      [['--max-dollars', '1'], SEALED, 2, /^bench:aws: --max-dollars is 1, these jobs may cost \$3\.\d+: raise it, or leave --sizes or --ways out\n$/],
      [[], SEALED, 2, /^bench:aws: no AWS Region is set: give --region, or set AWS_REGION\n$/],
      [['--region', 'us-east-1'], SEALED, 4, /^bench:aws: no AWS credentials were found .*: set AWS_PROFILE .*\n$/],
    ];
    const ends = await Promise.all(cases.map(([args, env]) => run(args, env)));
    ends.forEach(({ code, out, err }, i) => {
      expect(err).toMatch(cases[i][3]);
      expect({ code, out }).toEqual({ code: cases[i][2], out: '' });
    });
  });

  test('sizes that an account is too small for are refused, and a plan for twice its batches is never cheaper', () => {
    const options = { ways: ['Tree', 'Standard', 'Express'], sizes: [1_000], batchMs: 1_000, accountConcurrency: 1_000 } as const;
    expect(() => planRuns({ ...options, accountConcurrency: 10 })).toThrow('1000 batches need 125 rounds in an account that runs 10 functions at once, allowed: 20, which is 160 batches');
    expect(() => planRuns({ ...options, accountConcurrency: 2 })).toThrow('a job needs at least 3');
    expect(() => planRuns({ ...options, batchMs: 300_000 })).toThrow('allowed with Express children: at most 240');
    const [once, twice] = [planRuns(options), planRuns({ ...options, sizes: [2_000] })];
    once.forEach(({ dollars }, i) => expect(twice[i].dollars).toBeGreaterThan(dollars));
    // 4 transitions and a child of a second each
    expect(once[1].dollars).toBeCloseTo(0.1 + 0.005, 2);
    expect(worstDollars(once)).toBeCloseTo(2 * once.reduce((sum, { dollars }) => sum + dollars, 0), 9);
  });

  test('workers at a time', () => {
    expect(peakOf([0, 10, 20, 30], 15)).toBe(2);
    expect(peakOf([0, 10, 20, 30], 10)).toBe(1);
    expect(peakOf([0, 0, 0], 1)).toBe(3);
  });
});

describe('in an account that the local AWS plays', () => {
  let engine: Engine;
  let env: NodeJS.ProcessEnv;
  let config: { endpoint: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string } };

  beforeAll(async () => {
    engine = await Engine.start();
    env = { ...SEALED, ...engine.env };
    config = { endpoint: engine.endpoint, region: engine.region, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
  }, 60_000);
  afterAll(() => engine?.stop());

  /** All that a deployment consists of, but the toolkit's own. */
  async function left(): Promise<string[]> {
    const { Stacks } = await new CloudFormationClient(config).send(new DescribeStacksCommand({}));
    const { Functions } = await new LambdaClient(config).send(new ListFunctionsCommand({}));
    const { TableNames } = await new DynamoDBClient(config).send(new ListTablesCommand({}));
    const { Buckets } = await new S3Client({ ...config, forcePathStyle: true }).send(new ListBucketsCommand({}));
    const { logGroups } = await new CloudWatchLogsClient(config).send(new DescribeLogGroupsCommand({}));
    const { stateMachines } = await new SFNClient(config).send(new ListStateMachinesCommand({}));
    return [
      ...(Stacks ?? []).map(({ StackName }) => StackName!), ...(Functions ?? []).map(({ FunctionName }) => FunctionName!), ...TableNames ?? [],
      ...(Buckets ?? []).map(({ Name }) => Name!),
      ...(logGroups ?? []).map(({ logGroupName }) => logGroupName!), ...(stateMachines ?? []).map(({ name }) => name!),
    ].filter((name) => !/^(CDKToolkit|cdk-hnb659fds-)/.test(name));
  }

  test('nothing is deployed without the account\'s own id, nor without the CDK\'s bootstrap', async () => {
    const confirmed = [['--yes', '111122223333'], [], ['--yes', '000000000000']];
    const [other, none, bare] = await Promise.all(confirmed.map((yes) => run(['--sizes', '5', ...yes], env)));
    expect(other).toMatchObject({ code: 2, err: expect.stringContaining('the credentials are of account 000000000000, confirmed was 111122223333: nothing was deployed') });
    expect(none).toMatchObject({ code: 2, err: expect.stringContaining('give --yes 000000000000 to deploy to that account, in us-east-1') });
    expect(bare).toMatchObject({ code: 2, err: expect.stringMatching(/nothing was deployed\nbench:aws: the CDK has not been bootstrapped .* run `npx cdk bootstrap`/) });
    expect(await left()).toEqual([]);
  });

  test('jobs are measured, priced and removed; a Ctrl-C removes them as well', async () => {
    const args = ['bootstrap', 'aws://000000000000/us-east-1', '--output', path.join(folder, 'cdk.out')];
    const bootstrap = spawn(process.execPath, [require.resolve('aws-cdk/bin/cdk'), ...args], { cwd: folder, env });
    expect(await new Promise((resolve) => bootstrap.on('close', resolve))).toBe(0);

    const output = path.join(folder, 'figures');
    const { code, out, err } = await run(['--sizes', '12', '--ways', 'Tree,Express', '--batch-seconds', '0.05', '--yes', '000000000000', '--output', output], env);
    if (code !== 0) throw new Error(err);
    expect(err).toContain('(emulated, not AWS)');
    expect(await left()).toEqual([]);
    const { isEmulated, measured } = JSON.parse(readFileSync(`${output}.json`, 'utf8'));
    expect(isEmulated).toBe(true);
    expect(measured.map((one: any) => one.run.way)).toEqual(['Tree', 'Express']);
    for (const one of measured) {
      expect(one).toMatchObject({ status: 'SUCCEEDED', functions: { worker: { calls: 12 } }, usage: { workerInvocations: 12 } });
      expect(one.firstStartMs).toBeGreaterThan(0);
      expect(one.lastStartMs).toBeGreaterThanOrEqual(one.startedBy[50]);
      expect(one.resultMs).toBeGreaterThanOrEqual(one.lastStartMs + 45);
      expect(one.clientMs).toBeGreaterThanOrEqual(one.resultMs - 1_000); // another clock
      expect(one.cold).toBeGreaterThan(0);
      expect(one.perSecond.reduce((sum: number, { started }: any) => sum + started, 0)).toBe(12);
      expect(one.cost.dollars).toBeGreaterThan(0);
      expect(one.cost.dollars).toBeLessThan(2 * one.run.dollars);
    }
    expect(readFileSync(`${output}.md`, 'utf8')).toContain('nothing of it is AWS\'s');
    expect(out).toContain(readFileSync(`${output}.md`, 'utf8').trim());
    expect(readFileSync(`${output}.json`, 'utf8')).not.toMatch(/[:"]000000000000/);

    const { child, end } = start(['--sizes', '40', '--ways', 'Tree', '--batch-seconds', '30', '--yes', '000000000000', '--output', path.join(folder, 'interrupted')], env);
    await running(child, end);
    child.kill('SIGINT');
    const stopped = await end;
    expect(stopped).toMatchObject({ code: 130, err: expect.stringContaining('removed burst-bench-') });
    expect(await left()).toEqual([]);
    expect(readdirSync(folder).filter((name) => name.startsWith('interrupted'))).toEqual([]);
  });

  async function running(child: ChildProcessWithoutNullStreams, end: Promise<unknown>): Promise<void> {
    let isOver = false;
    void end.then(() => { isOver = true; });
    const steps = new SFNClient(config);
    while (!isOver && child.exitCode === null) {
      const { stateMachines = [] } = await steps.send(new ListStateMachinesCommand({}));
      for (const { stateMachineArn } of stateMachines) {
        if ((await steps.send(new ListExecutionsCommand({ stateMachineArn }))).executions!.length > 0) return;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error('it ended too early');
  }
});
