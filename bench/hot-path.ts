import { ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { App, Stack } from 'aws-cdk-lib';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { DefinitionBody, DistributedMap, ProvideItems, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { build } from 'esbuild';
import { paired, spread, Spread } from './statistics';
import type { Context, Report } from './suite';
import { count, figure, Table } from './table';
import { BurstCompute } from '../src';

const ROOT = join(__dirname, '..');
const run = promisify(execFile);
/** What the construct sets for its functions. */
const ENVIRONMENT = {
  TASKS_TABLE: 't',
  RESULTS_TABLE: 'r',
  PAYLOAD_BUCKET: 'b',
  WORKER_ARN: 'arn:w',
  DISPATCHER_ARN: 'arn:d',
  AWS_LAMBDA_FUNCTION_NAME: 'd',
  AWS_REGION: 'us-east-1',
  BURST_SETTINGS: '{}',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
};

/** What each call, each start, each batch and each synthesis costs on this machine, against the least that it could. */
export async function hotPath(context: Context): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'burst-bench-'));
  try {
    const scripts = ['server', 'leaf-client', 'bare-client', 'load', 'leaf-memory', 'job-server', 'job-memory'];
    await build({
      entryPoints: scripts.map((name) => join(__dirname, 'processes', `${name}.ts`)),
      outdir: folder,
      bundle: true,
      platform: 'node',
      target: 'node20',
      mainFields: ['module', 'main'],
      logLevel: 'silent',
    });
    const script = (name: string) => join(folder, `${name}.js`);
    return {
      tables: [await calls(context, script), await coldStarts(context, folder, script), await memory(context, script), await synthesis(context)],
      data: undefined,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function figures<T>(args: string[]): Promise<T> {
  const { stdout } = await run(process.execPath, args, { env: { PATH: process.env.PATH, ...ENVIRONMENT } });
  return JSON.parse(stdout.trim().split('\n').pop()!) as T;
}

/** A server of a script that prints its port; whoever gets it ends it. */
async function serve(args: string[]): Promise<{ readonly url: string; readonly server: ChildProcess }> {
  const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise<string>((resolve, reject) => {
    server.stdout.once('data', (data: Buffer) => resolve(data.toString().trim()));
    server.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
  return { url: `http://127.0.0.1:${port}`, server };
}

async function calls({ quick, progress }: Context, script: (name: string) => string): Promise<Table> {
  const { url, server } = await serve([script('server')]);
  try {
    const seen: { [client: string]: { cpuMs: number; perSecond: number }[] } = { 'leaf-client': [], 'bare-client': [] };
    const one = (client: string) => async () => {
      progress(`hot path: ${client}`);
      const result = await figures<{ cpuMs: number; perSecond: number }>([script(client), url, quick ? '2000' : '12000']);
      seen[client].push(result);
      return result.cpuMs;
    };
    const { a, b, ratio } = await paired(quick ? 3 : 7, one('leaf-client'), one('bare-client'));
    const rate = (client: string) => figure(spread(seen[client].map(({ perSecond }) => perSecond)).median);
    return {
      title: 'Worker calls of a leaf against a bare HTTP client that signs by hand: processor time per call, 64 at a time (measured)',
      columns: ['', 'median ms', 'least to most', 'calls/s'],
      rows: [['leaf', ...ends(a), rate('leaf-client')], ['bare client', ...ends(b), rate('bare-client')], ['ratio, pair by pair', ...ends(ratio), '-']],
    };
  } finally {
    server.kill();
  }
}

async function coldStarts({ quick, progress }: Context, folder: string, script: (name: string) => string): Promise<Table> {
  const empty = join(folder, 'empty.js');
  writeFileSync(empty, 'exports.handler = async () => undefined;\n');
  const rows: string[][] = [];
  for (const name of ['dispatcher', 'monitor']) {
    progress(`hot path: start of the ${name}`);
    const handler = join(ROOT, 'assets', 'lambda', name);
    const loads: number[] = [];
    const begin = (file: string) => async () => {
      const start = performance.now();
      const { ms } = await figures<{ ms: number }>([script('load'), file]);
      if (file !== empty) loads.push(ms);
      return performance.now() - start;
    };
    const { a, b, ratio } = await paired(quick ? 3 : 11, begin(join(handler, 'index.js')), begin(empty));
    const kilobytes = readdirSync(handler).reduce((sum, file) => sum + statSync(join(handler, file)).size, 0) / 1024;
    rows.push([name, figure(kilobytes), figure(spread(loads).median), figure(a.median), figure(b.median), ...ends(ratio)]);
  }
  return {
    title: 'A fresh process that loads a function and ends, against one with an empty handler (measured)',
    columns: ['function', 'bundle KB', 'loading: median ms', 'process: median ms', 'empty: median ms', 'ratio, pair by pair', 'least to most'],
    rows,
  };
}

async function memory({ quick, progress }: Context, script: (name: string) => string): Promise<Table> {
  const sizes = quick ? [1_000, 10_000] : [1_000, 10_000, 100_000, 1_000_000];
  const megabytes = async (args: string[]) => figure((await figures<{ megabytes: number }>(['--expose-gc', ...args])).megabytes);
  const rows: string[][] = [];
  for (const batches of sizes) {
    progress(`hot path: memory of a leaf with ${count(batches)} batches`);
    const row = [count(batches), await megabytes([script('leaf-memory'), String(batches)])];
    for (const role of ['monitor', 'combiner', 'client']) {
      progress(`hot path: memory of a ${role} with ${count(batches)} batches`);
      const { url, server } = await serve([script('job-server'), String(batches), role === 'monitor' ? 'done' : 'ended']);
      try {
        row.push(await megabytes([script('job-memory'), role, url, String(batches)]));
      } finally {
        server.kill();
      }
    }
    rows.push(row);
  }
  return {
    title: 'MB at most, after collection, by how many batches the job has (measured)',
    columns: ['batches', 'leaf: heap', 'monitor that ends the job', 'combiner that reads all results', 'client that reads all results'],
    rows,
  };
}

async function synthesis({ quick, progress }: Context): Promise<Table> {
  progress('hot path: synthesis');
  const timed = (define: (stack: Stack, worker: LambdaFunction) => void) => async () => {
    const start = performance.now();
    const outdir = mkdtempSync(join(tmpdir(), 'burst-synth-'));
    const app = new App({ outdir, analyticsReporting: false });
    const stack = new Stack(app, 'Stack');
    define(stack, new LambdaFunction(stack, 'Worker', { code: Code.fromInline('exports.handler = async () => 1;'), handler: 'index.handler', runtime: Runtime.NODEJS_24_X }));
    app.synth();
    const ms = performance.now() - start;
    rmSync(outdir, { recursive: true });
    return ms;
  };
  const burst = timed((stack, worker) => { new BurstCompute(stack, 'Job', { worker }); });
  const map = timed((stack, worker) => {
    const each = new DistributedMap(stack, 'Map', { items: ProvideItems.jsonArray([1, 2, 3]) });
    each.itemProcessor(new LambdaInvoke(stack, 'Call', { lambdaFunction: worker }));
    new StateMachine(stack, 'StateMachine', { definitionBody: DefinitionBody.fromChainable(each) });
  });
  await burst();
  await map();
  const { a, b, ratio } = await paired(quick ? 3 : 11, burst, map);
  return {
    title: 'Synthesis of an app with one job, against one with a Distributed Map state machine (measured)',
    columns: ['', 'median ms', 'least to most'],
    rows: [['BurstCompute', ...ends(a)], ['DistributedMap', ...ends(b)], ['ratio, pair by pair', ...ends(ratio)]],
  };
}

const ends = ({ median, min, max }: Spread): [string, string] => [figure(median), `${figure(min)} to ${figure(max)}`];
