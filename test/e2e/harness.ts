import * as path from 'path';
import {
  GetFunctionConfigurationCommand, LambdaClient, UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { buildSync } from 'esbuild';
import { BurstClient, JobAddress, parseAddress } from '../../client';
import { Engine } from '../../engine';

export const ROOT = path.join(__dirname, '..', '..');

/** A deployed job with what a test needs around it. */
export interface Deployed {
  readonly address: JobAddress;
  readonly client: BurstClient;
}

export interface Bench {
  readonly engine: Engine;
  readonly config: { endpoint: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string } };
  readonly lambda: LambdaClient;
  readonly steps: SFNClient;
  /** By construct id. */
  readonly jobs: Record<string, Deployed>;
}

/** Bundles one TypeScript function for Lambda; returns its folder. */
export function bundle(entry: string, name: string): string {
  const folder = path.join(ROOT, '.burst', 'functions', name);
  buildSync({
    entryPoints: [path.join(ROOT, entry)],
    outfile: path.join(folder, 'index.js'),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    mainFields: ['module', 'main'],
    minify: true,
  });
  return folder;
}

/** Starts the engine, deploys one app or several on it and enforces IAM from then on. */
export async function deployOnEngine(
  apps: string | string[], options: { concurrency?: number; environment?: Record<string, string> } = {},
): Promise<Bench> {
  const lines: string[] = [];
  const engine = await Engine.start({ concurrency: options.concurrency, log: (line) => { lines.push(line); } });
  try {
    Object.assign(process.env, options.environment);
    const outputs = [];
    for (const app of [apps].flat()) outputs.push(await engine.deploy({ app, cwd: ROOT }));
    await engine.enforceIam(true);
    const config = { endpoint: engine.endpoint, region: engine.region, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
    const lambda = new LambdaClient(config);
    const jobs: Record<string, Deployed> = {};
    for (const [key, value] of outputs.flatMap((stacks) => Object.values(stacks)).flatMap((stack) => Object.entries(stack))) {
      if (!value.startsWith('{"stateMachineArn"')) continue;
      const address = parseAddress(value);
      jobs[key.replace(/Address.*$/, '')] = { address, client: new BurstClient({ ...config, address }) };
    }
    return { engine, config, lambda, steps: new SFNClient(config), jobs };
  } catch (error) {
    await engine.stop();
    throw new Error(`${String(error)}\n${lines.slice(-40).join('\n')}`);
  }
}

/** Starts a job as anybody else may, whatever its request: the client refuses what is plainly wrong. Returns its id. */
export async function startExecution({ steps }: Bench, { address: { stateMachineArn } }: Deployed, request: unknown): Promise<string> {
  const { executionArn } = await steps.send(new StartExecutionCommand({ stateMachineArn, input: JSON.stringify(request) }));
  return executionArn!.split(':').pop()!;
}

/** Waits until some batches are finished and the job still runs; an error if it ends before. */
export async function untilRunning(job: Deployed, jobId: string, finished = 5): Promise<void> {
  for (;;) {
    const status = await job.client.status(jobId);
    if (status.endedAt !== undefined) throw new Error(`the job ended too early: ${JSON.stringify(status)}`);
    if (status.finished >= finished) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Changes settings of a deployed monitor, for waits that are right on AWS and would only be waited for here. */
export async function overrideSettings(bench: Bench, job: Deployed, settings: Record<string, number | boolean>): Promise<void> {
  const FunctionName = job.address.monitor;
  const { Environment } = await bench.lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  const variables = Environment!.Variables!;
  await bench.lambda.send(new UpdateFunctionConfigurationCommand({
    FunctionName,
    Environment: { Variables: { ...variables, BURST_SETTINGS: JSON.stringify({ ...JSON.parse(variables.BURST_SETTINGS), ...settings }) } },
  }));
}
