import { spawn } from 'child_process';
import { existsSync, readFileSync, statSync } from 'fs';
import { mkdir, readFile } from 'fs/promises';
import { createRequire } from 'module';
import * as path from 'path';
import { createInterface } from 'readline';
import { ACCOUNT, REGION, cdkEnvironment } from './environment';
import { EngineError } from './errors';
import { LogSink } from './install';
import { packageRoot } from './package-root';

/** What to deploy. */
export interface DeployOptions {
  /** The command that runs the CDK app, as in cdk.json, or the path of a ready cdk.out folder. */
  readonly app: string;
  /** The app's project folder. @default the current folder */
  readonly cwd?: string;
  /** Context values for the app, as with `cdk --context`. */
  readonly context?: Record<string, string>;
}

/** The outputs of each stack, by stack name and output key. */
export type StackOutputs = Record<string, Record<string, string>>;

const TAIL = 25;
const QUALIFIER = '@aws-cdk/core:bootstrapQualifier';

/** Runs the ordinary CDK CLI of the user's project against the engine. */
export class Cdk {
  private readonly running = new Set<number>();
  private readonly bootstrapped = new Map<string, Promise<void>>();
  private deployments = 0;

  constructor(private readonly endpoint: string, private readonly dataDir: string, private readonly log: LogSink) {}

  async deploy(options: DeployOptions): Promise<StackOutputs> {
    const cwd = path.resolve(options.cwd ?? '.');
    const cli = findCli(cwd);
    const work = path.join(this.dataDir, `deploy-${++this.deployments}`);
    await mkdir(work, { recursive: true });

    const assembly = assemblyFolder(options.app, cwd);
    const context = Object.entries(options.context ?? {}).flatMap(([key, value]) => ['--context', `${key}=${value}`]);
    await this.bootstrap(cli, qualifierOf(options.context, cwd));
    const outputs = path.join(work, 'outputs.json');
    await this.run(cli, cwd, [
      'deploy', '--all',
      ...(assembly ? ['--app', assembly] : ['--app', options.app, '--output', path.join(work, 'cdk.out')]),
      ...context,
      '--method', 'direct', // no change set to wait for
      '--require-approval', 'never',
      '--outputs-file', outputs,
    ]);
    return existsSync(outputs) ? JSON.parse(await readFile(outputs, 'utf8')) as StackOutputs : {};
  }

  /** Ends what still runs. */
  stop(): void {
    for (const pid of this.running) {
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {
        // it has just ended
      }
    }
  }

  /** Once per qualifier; in an empty folder, because the CLI would leave assets in the cdk.out of an app's folder. */
  private async bootstrap(cli: string, qualifier?: string): Promise<void> {
    const key = qualifier ?? '';
    let done = this.bootstrapped.get(key);
    if (!done) {
      const empty = path.join(this.dataDir, `bootstrap-${this.bootstrapped.size}`);
      done = mkdir(empty, { recursive: true }).then(async () => this.run(cli, empty, [
        'bootstrap', `aws://${ACCOUNT}/${REGION}`, ...(qualifier ? ['--qualifier', qualifier] : []),
      ]));
      this.bootstrapped.set(key, done);
    }
    return done;
  }

  private async run(cli: string, cwd: string, args: string[]): Promise<void> {
    const child = spawn(process.execPath, [cli, ...args, '--no-color', '--no-notices', '--ci', '--progress', 'events'], {
      cwd,
      env: cdkEnvironment(this.endpoint, this.dataDir),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // its own group: stop() ends the app's processes along with it
    });
    const tail: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.log(line);
        if (line.trim()) tail.push(line);
        if (tail.length > TAIL) tail.shift();
      });
    }
    if (child.pid) this.running.add(child.pid);
    const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
    if (child.pid) this.running.delete(child.pid);
    if (code !== 0) throw new EngineError(`\`cdk ${args[0]}\` failed${hint(tail.join('\n'), cwd)}\n${tail.join('\n')}`);
  }
}

function hint(output: string, cwd: string): string {
  if (/Subprocess exited with error|--app is required/.test(output)) {
    return `: the app could not be synthesised. Run \`npx cdk synth\` in ${cwd} until it can, then try again.`;
  }
  if (/Need to perform AWS calls for account|Could not assume role|Has the environment been bootstrapped/.test(output)) {
    return `: the local engine is account ${ACCOUNT}, region ${REGION}. Leave \`env\` out of the stack, or set it from CDK_DEFAULT_ACCOUNT and CDK_DEFAULT_REGION.`;
  }
  return ' on the local engine. Its last lines:';
}

/** The absolute path of a ready cloud assembly, or undefined when `app` is a command. */
function assemblyFolder(app: string, cwd: string): string | undefined {
  const folder = path.resolve(cwd, app);
  const isFolder = existsSync(folder) && statSync(folder).isDirectory();
  if (isFolder && !existsSync(path.join(folder, 'manifest.json'))) {
    throw new EngineError(`${folder} is not a cloud assembly, it has no manifest.json: make one with \`npx cdk synth\`, or give the app's command.`);
  }
  if (!isFolder && /(^|[/\\])cdk\.out[/\\]?$/.test(app)) {
    throw new EngineError(`there is no folder ${folder}: make it with \`npx cdk synth\`, or give the app's command.`);
  }
  return isFolder ? folder : undefined;
}

function qualifierOf(context: Record<string, string> | undefined, cwd: string): string | undefined {
  if (context?.[QUALIFIER]) return context[QUALIFIER];
  try {
    const file = JSON.parse(readFileSync(path.join(cwd, 'cdk.json'), 'utf8')) as { context?: Record<string, string> };
    return file.context?.[QUALIFIER];
  } catch {
    return undefined; // no cdk.json: the default qualifier
  }
}

/** The CDK CLI of the project, else the one installed next to this package. */
function findCli(cwd: string): string {
  for (const start of [cwd, packageRoot()]) {
    try {
      return createRequire(path.join(start, 'package.json')).resolve('aws-cdk/bin/cdk');
    } catch {
      // look further
    }
  }
  throw new EngineError(`the CDK CLI is not installed in ${cwd}: run \`npm i -D aws-cdk@2\` there.`);
}
