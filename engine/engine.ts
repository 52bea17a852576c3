import { ChildProcessByStdio, spawn } from 'child_process';
import { mkdir, mkdtemp, rm } from 'fs/promises';
import { availableParallelism, tmpdir, totalmem } from 'os';
import * as path from 'path';
import { createInterface } from 'readline';
import { Readable, Writable } from 'stream';
import { Cdk, DeployOptions, StackOutputs } from './cdk';
import { REGION, clientEnvironment, engineEnvironment, moduleFolders } from './environment';
import { EngineError } from './errors';
import { LogSink, installedPython } from './install';
import { packageRoot } from './package-root';

/** How to start the engine. */
export interface EngineOptions {
  /**
   * How many functions may run at the same time, 4 or more; this is also the account limit that Lambda reports.
   * @default 32 on a machine with 4 cores and 8 GiB or more, else 16
   */
  readonly concurrency?: number;
  /**
   * How many asynchronous invokes may run at the same time; further ones wait.
   * @default 3
   */
  readonly asyncSlots?: number;
  /**
   * A folder for temporary files. It is kept.
   * @default a new one in the system's temporary folder, removed at the end
   */
  readonly dataDir?: string;
  /**
   * Where functions look for modules that are not in their bundle: on AWS the runtime brings the AWS SDK.
   * @default the current folder; the node_modules of it and of those above it are used
   */
  readonly modulesFrom?: string;
  /** Receives progress and the output of the tools that run. @default none */
  readonly log?: LogSink;
}

/*
 * A leaf holds one slot and calls up to `window` workers, and the planner keeps leaves x (window + 1) + 1 within the limit
 * that Lambda reports: 1 leaf with a window of 14 at 16, of 30 at 32. Three slots then hold that leaf, the node that starts
 * it, and one leaf of a second job. A Node worker takes some 45 MB and 0.1 s of CPU to start: 16 keep a small
 * machine busy, and more processes than that would only share its cores; from 4 cores on, 32 overlap waiting with work.
 */
const SLOTS = 3;
const defaultConcurrency = () => (availableParallelism() >= 4 && totalmem() >= 7.5 * 1024 ** 3 ? 32 : 16);

type Launcher = ChildProcessByStdio<Writable, Readable, Readable>;
interface Message { event?: string; id?: number; port?: number; message?: string; error?: string }

/** An AWS of one's own on this machine: no Docker, no account, no cost. It ends with the process that started it. */
export class Engine {
  /**
   * Installs the engine if need be, starts it, and waits until its self-test has passed.
   *
   * @throws EngineError when Python is missing, the installation fails or the engine does not start
   */
  static async start(options: EngineOptions = {}): Promise<Engine> {
    if (process.platform === 'win32') {
      throw new EngineError('the local engine needs Linux or macOS: on Windows, run it in WSL 2');
    }
    const concurrency = wholeNumber('concurrency', options.concurrency ?? defaultConcurrency(), 4, 1000);
    const asyncSlots = wholeNumber('asyncSlots', options.asyncSlots ?? SLOTS, 1, concurrency - 1);
    const log = options.log ?? (() => undefined);
    const python = await installedPython(log);

    const dataDir = options.dataDir ? path.resolve(options.dataDir) : await mkdtemp(path.join(tmpdir(), 'burst-engine-'));
    await mkdir(dataDir, { recursive: true });
    const root = packageRoot();
    const args = ['-I', path.join(root, 'engine', 'launcher.py'), '--data', dataDir,
      '--concurrency', String(concurrency), '--async-slots', String(asyncSlots)];
    const child = spawn(python, options.dataDir ? args : [...args, '--remove-data'], {
      cwd: dataDir,
      env: engineEnvironment(dataDir, moduleFolders(options.modulesFrom ?? '.', root)),
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true, // a Ctrl-C in the terminal is for the caller, which then stops us in order
    });
    try {
      const connection = new Connection(child, log);
      const port = await connection.ready;
      return new Engine(`http://127.0.0.1:${port}`, concurrency, connection, new Cdk(`http://127.0.0.1:${port}`, dataDir, log));
    } catch (error) {
      if (!options.dataDir) await rm(dataDir, { recursive: true, force: true });
      throw error;
    }
  }

  /** The region the engine plays. */
  readonly region = REGION;
  /** What an AWS SDK or tool needs in its environment to talk to the engine. */
  readonly env: Record<string, string>;
  /** Resolves when the engine has ended, whatever the reason. */
  readonly ended: Promise<void>;

  private constructor(
    /** The URL of all services, on the loopback interface. */
    readonly endpoint: string,
    /** How many functions may run at the same time. */
    readonly concurrency: number,
    private readonly connection: Connection,
    private readonly cdk: Cdk,
  ) {
    this.env = clientEnvironment(endpoint);
    this.ended = connection.ended;
  }

  /** The process id of the engine. */
  get pid(): number {
    return this.connection.pid;
  }

  /**
   * Deploys every stack of a CDK app with the CDK CLI of the app's project.
   *
   * @returns the outputs of each stack
   * @throws EngineError with the CLI's last lines when that fails
   */
  async deploy(options: DeployOptions): Promise<StackOutputs> {
    return this.cdk.deploy(options);
  }

  /**
   * Turns the checking of IAM permissions on or off; it is off at first, because the CDK CLI cannot deploy under it. Functions that run
   * at that moment are ended, so that each starts again with the credentials of its role.
   */
  async enforceIam(on: boolean): Promise<void> {
    await this.connection.command({ iam: on });
  }

  /** Ends the engine with all its functions; their data is gone. */
  async stop(): Promise<void> {
    this.cdk.stop();
    await this.connection.stop();
  }
}

/** The launcher's standard streams: JSON lines in both directions. */
class Connection {
  readonly ready: Promise<number>;
  readonly ended: Promise<void>;
  private readonly waiting = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();
  private readonly complaints: string[] = [];
  private commands = 0;
  private stopping = false;

  constructor(private readonly child: Launcher, log: LogSink) {
    this.ended = new Promise((resolve) => child.on('close', () => resolve()));
    child.stdin.on('error', () => undefined); // it ended: 'close' tells
    createInterface({ input: child.stderr }).on('line', (line) => {
      log(line);
      this.complaints.push(line);
      if (this.complaints.length > 10) this.complaints.shift();
    });
    const lines = createInterface({ input: child.stdout });
    this.ready = new Promise<number>((resolve, reject) => {
      const fail = (why: string) => reject(new EngineError(`the local engine did not start: ${why}`));
      child.on('error', (error) => fail(error.message));
      child.on('close', () => fail(this.complaints.join('\n') || 'it ended without a message'));
      lines.on('line', (line) => {
        const message = JSON.parse(line) as Message;
        if (message.event === 'ready') {
          this.hold(false);
          resolve(message.port!);
        } else if (message.event === 'error') {
          fail(message.message ?? '');
        } else {
          this.answer(message);
        }
      });
    });
    child.on('close', () => {
      const why = this.stopping ? 'it was stopped' : this.complaints.join('\n') || 'it was killed';
      for (const { reject } of this.waiting.values()) reject(new EngineError(`the local engine has ended: ${why}`));
      this.waiting.clear();
    });
  }

  get pid(): number {
    return this.child.pid!;
  }

  async command(command: object): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) throw new EngineError('the local engine has ended: start it again');
    const id = ++this.commands;
    this.hold(true);
    try {
      await new Promise<void>((resolve, reject) => {
        this.waiting.set(id, { resolve, reject });
        this.child.stdin.write(`${JSON.stringify({ id, ...command })}\n`);
      });
    } finally {
      this.hold(false);
    }
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.hold(true);
    this.child.stdin.end(); // its order to stop
    const patience = setTimeout(() => this.child.kill('SIGKILL'), 5_000); // its guardian then ends the rest
    await this.ended;
    clearTimeout(patience);
  }

  private answer(message: Message): void {
    const asked = this.waiting.get(message.id ?? this.commands);
    this.waiting.delete(message.id ?? this.commands);
    if (message.error) asked?.reject(new EngineError(`the local engine failed: ${message.error}`));
    else asked?.resolve();
  }

  /** A running engine alone must not keep its caller's process alive: when that ends, the engine does. */
  private hold(on: boolean): void {
    const streams = [this.child, this.child.stdin, this.child.stdout, this.child.stderr] as unknown as { ref(): void; unref(): void }[];
    for (const stream of streams) {
      if (on) stream.ref();
      else stream.unref();
    }
  }
}

function wholeNumber(name: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new EngineError(`${name} must be a whole number from ${least} to ${most}, got ${value}`);
  }
  return value;
}
