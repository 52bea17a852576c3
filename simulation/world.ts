import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { VirtualClock } from './clock';
import { MemoryInputs, MemoryPayloads, MemoryTable } from './memory';
import {
  Budget, CallOutcome, combine, CombineSettings, dispatch, DispatchEvent, finish, JobOutput, JobStatus, Log, MapTurn, Ports, prepare, repair,
  Settings, settle, takeTurn, Turn, Verdict, WorkerEvent,
} from '../lambda/protocol';

export type WorkerModel = (event: WorkerEvent) => CallOutcome | Promise<CallOutcome>;

export interface WorldOptions {
  readonly worker: WorkerModel;
  readonly combiner?: (payload: string) => CallOutcome;
  readonly seed?: number;
  /** Functions that may run at once. @default 1000 */
  readonly accountConcurrency?: number;
  readonly settings?: Partial<Settings>;
  /** Called with each worker event as it is sent. */
  readonly onCall?: (payload: string) => void;
  /** Called for each dispatch event: how many copies arrive. @default 1 */
  readonly deliveries?: (event: DispatchEvent) => number;
  /** What becomes of each child of a Distributed Map: the row that it commits; undefined: it is lost. Throws what ends the map. */
  readonly child?: (item: ChildItem) => ChildEnd | undefined;
  /** Called as each dispatcher starts: after how many ms it dies; undefined: it does not. */
  readonly dispatcherDies?: (event: DispatchEvent) => number | undefined;
}

/** A line of what a Distributed Map reads. */
export interface ChildItem {
  readonly unit: number;
  readonly batch: number;
  readonly function: string;
  readonly head: string;
  readonly event: string;
  readonly ids: string;
  readonly taskId?: string;
}

export interface ChildEnd {
  /** JSON text. */
  readonly result?: string;
  /** In its place: why there is none. */
  readonly failure?: string;
}

/** As Step Functions tells of a state that failed. */
export class StateError extends Error {
  constructor(readonly Error: string, readonly Cause: string) {
    super(Error);
  }
}

export type Ending = { readonly succeeded: true; readonly output: JobOutput } | { readonly succeeded: false; readonly verdict: Verdict };

/** The construct's defaults, for a worker of a minute. */
export const SETTINGS: Settings = {
  branching: 64,
  timeoutSeconds: 12 * 3600,
  workerRetries: 2,
  toleratedFailurePercentage: 0,
  resultRetentionSeconds: 7 * 86_400,
  repairIntervalSeconds: 60,
  workerTimeoutSeconds: 60,
  leafStartGraceSeconds: 60,
};
const DISPATCHER_MS = 900_000;

/** What a participant gets once it was killed: none of its awaits ever returns. */
const NEVER = new Promise<never>(() => undefined);

/**
 * A model of everything around the protocol: one account with the production core in each of its functions, under a virtual
 * clock. Workers, losses and duplicates are the test's to choose.
 */
export class World {
  readonly clock = new VirtualClock();
  readonly tasks = new MemoryTable();
  readonly results = new MemoryTable();
  readonly payloads = new MemoryPayloads();
  readonly inputs = new MemoryInputs();
  readonly settings: Settings;
  readonly announced: { id: string; detail: { [name: string]: unknown } }[] = [];
  readonly calls: WorkerEvent[] = [];
  readonly events: DispatchEvent[] = [];
  readonly crashes: unknown[] = [];
  /** Worker calls in flight now and at most. */
  running = 0;
  peak = 0;
  private readonly generator: RandomGenerator;
  private nonces = 0;
  private waiting?: { token: string; wake: () => void };

  constructor(private readonly options: WorldOptions) {
    this.settings = { ...SETTINGS, ...options.settings };
    this.generator = xoroshiro128plus(options.seed ?? 1);
  }

  /** Chooses delays, victims and whatever else is left to chance; the same seed chooses the same. */
  random(): number {
    return uniformFloat64(this.generator);
  }

  /** Runs a job through the states of the state machine. */
  run(request: unknown, name = 'job'): Promise<Ending> {
    return this.clock.run(this.execute(request, name));
  }

  status(name = 'job'): JobStatus | undefined {
    return this.tasks.rows.get(`j#${name}`)?.status as JobStatus | undefined;
  }

  private async execute(request: unknown, name: string): Promise<Ending> {
    const execution = { name, arn: `arn:${name}`, startTime: new Date(this.clock.now()).toISOString() };
    const ports = this.ports();
    try {
      let turn = await prepare(ports, this.settings, execution, request);
      if (turn.map) await this.runMap(ports, turn, turn.map);
      else while (!await this.wait(ports, turn)) turn = await repair(ports, turn);
      const settings: CombineSettings = {
        hasCombiner: this.options.combiner !== undefined,
        combinerTimeoutSeconds: 60,
        combineOnTimeout: this.settings.combineOnTimeout ?? false,
      };
      return { succeeded: true, output: await combine(ports, settings, turn, this.budget()) };
    } catch (error) {
      const { name: errorType, message: errorMessage } = error as Error;
      const input = { error: { Error: errorType, Cause: JSON.stringify({ errorType, errorMessage }) } };
      return { succeeded: false, verdict: await finish(ports, execution, input) };
    }
  }

  /** The states Batches and Settle. */
  private async runMap(ports: Ports, turn: Turn, { items, job }: MapTurn): Promise<void> {
    try {
      for (const line of this.payloads.objects.get(items)!.toString().split('\n').slice(0, -1)) {
        const item = JSON.parse(line) as ChildItem;
        const end = this.options.child!(item);
        if (!end) continue;
        const { unit, batch, ids, taskId } = item;
        const failed = end.failure === undefined ? []
          : [{ batchId: batch, ...taskId !== undefined && { taskId }, errorType: 'Error', message: end.failure, attempts: 3, requestId: 'r' }];
        await this.results.put({
          pk: `j#${job.jobId}#e${job.epoch}#g${unit}`,
          unit,
          group: batch,
          first: batch,
          count: 1,
          attempt: 1,
          failed,
          ttl: job.ttl,
          calls: 1,
          took: 5,
          bytes: end.result?.length ?? 0,
          data: `{"first":${batch}${ids},"entries":[${end.result === undefined ? 'null' : `{"result":${end.result}}`}],"started":[1],"took":[5],"attempts":[1]}`,
        }, { absent: 'pk' });
      }
    } catch (error) {
      if (!(error instanceof StateError)) throw error;
      await settle(ports, turn, { Error: error.Error, Cause: error.Cause });
    }
  }

  /** The Await state: false when it timed out. */
  private async wait(ports: Ports, turn: Turn): Promise<boolean> {
    const token = `token-${turn.round}`;
    const cancel = new AbortController();
    const woken = new Promise<boolean>((resolve) => {
      this.waiting = { token, wake: () => resolve(true) };
    });
    const timedOut = this.clock.sleep(turn.waitSeconds * 1000, cancel.signal).then(() => false);
    await takeTurn(ports, { ...turn, retryCount: 0, token });
    const result = await Promise.race([woken, timedOut]);
    cancel.abort();
    this.waiting = undefined;
    return result;
  }

  private budget(): Budget {
    const end = this.clock.now() + DISPATCHER_MS;
    return { remainingMs: () => end - this.clock.now() };
  }

  /** Invokes the dispatcher with whatever. */
  async send(event: unknown): Promise<void> {
    await dispatch(this.ports(), event as DispatchEvent, this.budget());
  }

  private startDispatcher(event: DispatchEvent): void {
    const life = { dead: false };
    const dies = this.options.dispatcherDies?.(event);
    if (dies !== undefined) void this.clock.sleep(dies).then(() => { life.dead = true; });
    const ports = this.ports(life);
    dispatch(ports, event, this.budget()).catch((error) => this.crashes.push(error));
  }

  /** Ports of one participant; after its death nothing of it has an effect, and nothing returns to it. */
  ports(life: { dead: boolean } = { dead: false }): Ports {
    const mortal = <T extends unknown[], R>(action: (...args: T) => Promise<R>) => async (...args: T): Promise<R> => {
      if (life.dead) return NEVER;
      await this.clock.sleep(1 + this.random() * 10);
      if (life.dead) return NEVER;
      const result = await action(...args);
      await this.clock.sleep(1 + this.random() * 10);
      return life.dead ? NEVER : result;
    };
    const table = (t: MemoryTable) => ({
      get: mortal(t.get.bind(t)), getMany: mortal(t.getMany.bind(t)), put: mortal(t.put.bind(t)), update: mortal(t.update.bind(t)),
    });
    return {
      clock: {
        now: () => Math.floor(this.clock.now()), // as clocks have it: digits take room in rows
        sleep: async (ms, signal) => {
          await this.clock.sleep(ms, signal);
          if (life.dead) await NEVER;
        },
      },
      random: { next: () => this.random(), nonce: () => `n${this.nonces++}` },
      store: { tasks: table(this.tasks), results: table(this.results) },
      payloads: {
        put: mortal(this.payloads.put.bind(this.payloads)),
        get: mortal(this.payloads.get.bind(this.payloads)),
        putStream: mortal(this.payloads.putStream.bind(this.payloads)),
        uri: (key) => this.payloads.uri(key),
      },
      inputs: {
        read: mortal(this.inputs.read.bind(this.inputs)),
        list: (prefix) => this.inputs.list(prefix),
      },
      invoker: {
        callWorker: mortal((payload: string) => {
          this.options.onCall?.(payload);
          return this.callWorker(JSON.parse(payload) as WorkerEvent);
        }),
        functionOf: () => 'worker',
        callCombiner: mortal(async (payload: string) => this.options.combiner!(payload)),
        dispatch: mortal(async (event: object) => this.deliver(JSON.parse(JSON.stringify(event)) as DispatchEvent)),
        accountConcurrency: async () => this.options.accountConcurrency ?? 1000,
        workerTimeoutSeconds: async () => 60,
        taskTimeoutSeconds: async () => 60,
      },
      workflow: {
        wake: mortal(async (token: string) => {
          if (this.waiting?.token !== token) return false;
          this.waiting.wake();
          return true;
        }),
        announce: mortal(async ({ id, detail }: { id: string; detail: { [name: string]: unknown } }) => {
          this.announced.push({ id, detail });
        }),
      },
      log: SILENT,
    };
  }

  private deliver(event: DispatchEvent): void {
    this.events.push(event);
    const copies = this.options.deliveries?.(event) ?? 1;
    for (let i = 0; i < copies; i++) void this.clock.sleep(20 + this.random() * 200).then(() => this.startDispatcher(event));
  }

  private async callWorker(event: WorkerEvent): Promise<CallOutcome> {
    this.calls.push(event);
    this.peak = Math.max(this.peak, ++this.running);
    try {
      return await this.options.worker(event);
    } finally {
      this.running--;
    }
  }
}

const SILENT: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
