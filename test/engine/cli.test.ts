import { spawn, spawnSync } from 'child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'fs';
import { tmpdir } from 'os';
import * as path from 'path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Code, Function, Runtime } from 'aws-cdk-lib/aws-lambda';
import { buildSync } from 'esbuild';
import { processesMentioning, until } from './support';
import { choose } from '../../client/target';
import { BurstCompute } from '../../src';

// The command as it ships: bundled, and run by node.
const root = path.join(__dirname, '..', '..');
const bundle = path.join(root, 'node_modules', '.cache', `burst-cli-${process.pid}`, 'burst.js');
const folder = mkdtempSync(path.join(tmpdir(), 'burst-cli-'));
const app = path.join(folder, 'cdk.out');

beforeAll(() => {
  buildSync({ entryPoints: [path.join(root, 'client', 'cli', 'burst.ts')], bundle: true, platform: 'node', target: 'node20', format: 'cjs', outfile: bundle });
  const cdk = new App({ outdir: app });
  const stack = new Stack(cdk, 'Sums');
  const fn = (id: string, code: string) => new Function(stack, id, {
    runtime: Runtime.NODEJS_24_X, handler: 'index.handler', code: Code.fromInline(code), timeout: Duration.seconds(30),
  });
  new BurstCompute(stack, 'Squares', {
    worker: fn('Worker', 'exports.handler = async ({ range, parameters }) => { if (parameters) throw new Error("on purpose"); return range.start ** 2; }'),
    combiner: fn('Combiner', 'exports.handler = async ({ results }) => results.inline.reduce((a, b) => a + b, 0)'),
  });
  cdk.synth();
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(path.dirname(bundle), { recursive: true, force: true });
});

const burst = (args: string[], input = '') => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bundle, ...args], { cwd: folder, input, encoding: 'utf8' });
  return { status, stdout, stderr };
};

describe('burst local', () => {
  test('runs a job and prints its result alone on standard output', () => {
    const { status, stdout, stderr } = burst(['local', '--app', 'cdk.out', '--job', 'Squares', '--request', '-'],
      JSON.stringify({ items: { range: { start: 0, end: 70 } } }));
    expect(stderr).toContain('SUCCEEDED: 70 batches, 0 failed');
    expect([status, JSON.parse(stdout)]).toEqual([0, (69 * 70 * 139) / 6]);
    expect(processesMentioning(folder)).toEqual([]);
  });

  test('ends with the error of a job that failed, in one line', () => {
    writeFileSync(path.join(folder, 'request.json'), JSON.stringify({ items: { range: { start: 0, end: 2 } }, parameters: 1 }));
    const { status, stdout, stderr } = burst(['local', '--app', 'cdk.out', '--request', 'request.json']);
    expect([status, stdout]).toEqual([3, '']);
    const lines = stderr.trim().split('\n');
    expect(lines[lines.length - 1]).toMatch(/^burst: job \S+ is FAILED \(\w+\): .*on purpose/);
  });

  test('says what runs and how to use it, until Ctrl-C', async () => {
    const child = spawn(process.execPath, [bundle, 'local', '--app', 'cdk.out', '--json'], { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] });
    const line = await new Promise<string>((resolve) => child.stdout.once('data', (data: Buffer) => resolve(data.toString())));
    const { endpoint, env, jobs } = JSON.parse(line);
    expect(env).toMatchObject({ AWS_ENDPOINT_URL: endpoint, AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'test' });
    expect(jobs).toMatchObject([{ path: 'Sums/Squares', stack: 'Sums' }]);
    child.kill('SIGINT');
    expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0);
    await until(async () => fetch(endpoint).then(() => false, () => true));
  });
});

describe('called wrongly, it says what to do and ends with 2', () => {
  test.each([
    [['local'], 'burst: there is no ./cdk.json with an "app": run this in your CDK project, or give --app with its command or a cdk.out folder'],
    [['local', '--job', 'x'], 'burst: --job needs --request FILE with the job\'s request, or --request - for standard input'],
    [['local', '--app', 'x', '--request', 'none.json'], 'burst: the request none.json cannot be read: ENOENT'],
    [['local', '--app', 'x', '--request', '-'], 'burst: the request on standard input is not JSON'],
    [['local', '--concurrency', '1'], 'error: option \'--concurrency <n>\' argument \'1\' is invalid. Give a whole number from 4 to 1000.'],
    [['local', '--context', 'x'], 'error: option \'-c, --context <key=value>\' argument \'x\' is invalid. Give it as key=value.'],
    [['lokal'], 'error: unknown command \'lokal\''],
  ])('%j', (args, message) => {
    const { status, stdout, stderr } = burst(args);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect([status, stdout]).toEqual([2, '']);
  });

  test('an app without the CDK CLI', () => {
    // the bundle finds the CLI that is installed beside it, so it must lie elsewhere
    const away = path.join(folder, 'node_modules', 'cdk-burst-compute');
    mkdirSync(path.join(away, 'engine'), { recursive: true });
    for (const file of ['package.json', ...['launcher.py', 'wraps.py', 'self_test.py', 'requirements.txt'].map((name) => `engine/${name}`)]) {
      spawnSync('cp', [path.join(root, file), path.join(away, file)]);
    }
    spawnSync('cp', [bundle, path.join(away, 'burst.js')]);
    const { status, stderr } = spawnSync(process.execPath, [path.join(away, 'burst.js'), 'local', '--app', 'cdk.out'], { cwd: folder, encoding: 'utf8' });
    expect(stderr).toContain('burst: the CDK CLI is not installed in');
    expect(stderr).toContain('run `npm i -D aws-cdk@2` there.');
    expect(status).toBe(1);
  });
});

describe('a job is chosen', () => {
  const address = { stateMachineArn: 'a', tasksTable: 'b', resultsTable: 'c', payloadBucket: 'd', dispatcher: 'e', monitor: 'f' };
  const jobs = ['A/Prices/Job', 'A/Costs/Job', 'B/Risk'].map((name) => ({ path: name, stack: name[0], address }));

  test.each([['A/Costs/Job', 'A/Costs/Job'], ['Prices/Job', 'A/Prices/Job'], ['Risk', 'B/Risk'], ['B', 'B/Risk']])('by %s', (name, found) => {
    expect(choose(jobs, name).path).toBe(found);
  });

  test('only if there is no doubt', () => {
    expect(() => choose(jobs, 'Job')).toThrow('Job may be any of several: name one of\n  A/Prices/Job (stack A)\n  A/Costs/Job (stack A)');
    expect(() => choose(jobs, 'Nope')).toThrow('there is no BurstCompute Nope; there is:\n  A/Prices/Job (stack A)');
    expect(() => choose(jobs)).toThrow('there are several BurstComputes: name one of');
    expect(() => choose([])).toThrow('these stacks contain no BurstCompute');
    expect(choose(jobs.slice(2)).path).toBe('B/Risk');
  });
});
