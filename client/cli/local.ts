import { readFileSync } from 'node:fs';
import { CloudFormationClient, paginateDescribeStacks, Stack } from '@aws-sdk/client-cloudformation';
import { Command, InvalidArgumentError } from 'commander';
import { UsageError } from './errors';
import { Progress } from './progress';
import { readRequest } from './request';
import { Engine } from '../../engine';
import { BurstClient } from '../index';
import { choose, Deployment, deploymentsIn } from '../target';

interface LocalOptions {
  readonly app?: string;
  readonly context: Record<string, string>;
  readonly concurrency?: number;
  readonly iam: boolean;
  readonly job?: string;
  readonly request?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** `burst local`: the user's own app on a local AWS. */
export function localCommand(): Command {
  return new Command('local')
    .description('deploy your CDK app to a local AWS on this machine, and run its jobs there')
    .option('--app <command|folder>', 'the command that runs your CDK app, or a ready cdk.out folder (default: "app" in ./cdk.json)')
    .option('-c, --context <key=value>', 'a context value for the app; may be repeated', contextValue, {})
    .option('--concurrency <n>', 'how many functions may run at the same time', wholeNumber)
    .option('--no-iam', 'do not enforce IAM permissions')
    .option('--job <name>', 'run this job, print its result as JSON and stop: a construct path, its end, or a stack name')
    .option('--request <file>', 'the request of that job as JSON, "-" for standard input')
    .option('--json', 'print what runs, or how the job ended, as one JSON object')
    .option('--verbose', 'show what the engine and the CDK print')
    .addHelpText('after', `
Examples:
  burst local                                       deploy the app of ./cdk.json, keep running until Ctrl-C
  burst local --job MyStack --request request.json  run one job, print its result
  echo '{"items":{"range":{"start":0,"end":100}}}' | burst local --app cdk.out --request -`)
    .action(local);
}

async function local(options: LocalOptions): Promise<void> {
  if (options.job !== undefined && options.request === undefined) {
    throw new UsageError('--job needs --request FILE with the job\'s request, or --request - for standard input');
  }
  const app = options.app ?? appOfProject();
  const request = options.request === undefined ? undefined : await readRequest(options.request);

  const progress = new Progress();
  const log = (line: string) => {
    if (options.verbose) progress.step(line);
    else if (line.startsWith('installing ')) progress.step(line);
  };
  const interrupt = new Interrupt();
  const engine = await interrupt.or(Engine.start({ concurrency: options.concurrency, log }));
  try {
    progress.step(`local AWS ready at ${engine.endpoint} after ${progress.seconds} s; deploying`);
    await interrupt.or(engine.deploy({ app, context: options.context }));
    if (options.iam) await engine.enforceIam(true);
    const client = { endpoint: engine.endpoint, region: engine.region, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
    const jobs = await interrupt.or(deployments(new CloudFormationClient(client)));
    progress.step(`deployed after ${progress.seconds} s`);

    if (options.request !== undefined) {
      const burst = new BurstClient({ ...client, address: choose(jobs, options.job).address });
      await interrupt.or(runJob(burst, request, progress, options.json));
    } else {
      process.stdout.write(options.json ? `${JSON.stringify({ endpoint: engine.endpoint, env: engine.env, jobs })}\n` : welcome(engine, jobs));
      const end = await Promise.race([interrupt.requested.then(() => 'asked'), engine.ended.then(() => 'alone')]);
      if (end === 'alone') throw new Error('the local AWS has ended by itself: start it again, with --verbose to see why');
    }
  } finally {
    progress.stop();
    interrupt.dispose();
    await engine.stop();
  }
}

async function runJob(burst: BurstClient, request: unknown, progress: Progress, json?: boolean): Promise<void> {
  const { jobId } = await burst.submit({ request });
  progress.step(`job ${jobId} started`);
  const status = await burst.wait(jobId, { pollMs: 500, onProgress: (now) => progress.job(now) });
  progress.stop();
  const result = await burst.result(jobId); // throws the job's error
  progress.step(`job ${jobId} ${status.status}: ${status.finished} batches, ${status.failed} failed, after ${progress.seconds} s`);
  process.stdout.write(`${JSON.stringify(json ? { ...status, result } : result ?? null, undefined, json ? undefined : 2)}\n`);
}

async function deployments(client: CloudFormationClient): Promise<Deployment[]> {
  const stacks: Stack[] = [];
  for await (const page of paginateDescribeStacks({ client }, {})) stacks.push(...(page.Stacks ?? []));
  return deploymentsIn(stacks);
}

function welcome(engine: Engine, jobs: Deployment[]): string {
  const lines = jobs.map(({ path, address }) => `  ${path}\n    ${address.stateMachineArn}`);
  const [first] = jobs;
  return [
    jobs.length > 0 ? `Running on ${engine.endpoint}:` : `Running on ${engine.endpoint}. These stacks contain no BurstCompute.`,
    ...lines,
    '',
    'In another terminal:',
    `  export ${Object.entries(engine.env).map(([name, value]) => `${name}=${value}`).join(' ')}`,
    ...(first ? [`  aws stepfunctions start-execution --state-machine-arn ${first.address.stateMachineArn} --input file://request.json`] : []),
    '',
    'Ctrl-C stops it; all its data is then gone.',
    '',
  ].join('\n');
}

/** A Ctrl-C or a request to end: whatever runs is left, so that the engine can be stopped in order. */
class Interrupt {
  readonly requested: Promise<void>;
  private readonly names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  private readonly alive = setInterval(() => undefined, 60_000); // a running engine alone does not keep this process
  private handler!: NodeJS.SignalsListener;

  constructor() {
    this.requested = new Promise((resolve) => {
      this.handler = () => resolve();
    });
    for (const name of this.names) process.on(name, this.handler);
  }

  async or<T>(work: Promise<T>): Promise<T> {
    const stopped = this.requested.then(() => {
      work.catch(() => undefined); // it fails as the engine stops
      throw Object.assign(new Error('interrupted'), { exitCode: 130 });
    });
    return Promise.race([work, stopped]);
  }

  dispose(): void {
    clearInterval(this.alive);
    for (const name of this.names) process.removeListener(name, this.handler);
  }
}

function appOfProject(): string {
  let app: unknown;
  try {
    app = (JSON.parse(readFileSync('cdk.json', 'utf8')) as { app?: unknown }).app;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw new UsageError(`./cdk.json cannot be read: ${(error as Error).message}`);
  }
  if (typeof app !== 'string' || app === '') {
    throw new UsageError('there is no ./cdk.json with an "app": run this in your CDK project, or give --app with its command or a cdk.out folder');
  }
  return app;
}

function contextValue(pair: string, previous: Record<string, string>): Record<string, string> {
  const at = pair.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Give it as key=value.');
  return { ...previous, [pair.slice(0, at)]: pair.slice(at + 1) };
}

function wholeNumber(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 4 || number > 1000) throw new InvalidArgumentError('Give a whole number from 4 to 1000.');
  return number;
}
