import { Chance } from './chance';
import { LambdaModel } from './lambda';
import { DEFAULTS, Values } from './parameters';
import { Partitions } from './partitions';
import { Bill, emptyBill, LOG_EVENT_BYTES, PLATFORM_LOG_BYTES } from './usage';
import {
  Budget, CallOutcome, combine, dispatch, DispatchEvent, JobOutput, Log, Ports, prepare, repair, Row, Table, takeTurn, Turn, WriteResult,
} from '../../lambda/protocol';
import type { JobRow } from '../../lambda/protocol/model';
import { readUnits, rowBytes, writeUnits } from '../../lambda/protocol/row-size';
import type { StoredUsage } from '../../lambda/protocol/usage';
import { VirtualClock } from '../clock';
import { MemoryInputs, MemoryPayloads, MemoryTable } from '../memory';
import { SETTINGS } from '../world';

/** A job to simulate. */
export interface JobShape {
  readonly batches: number;
  /** How long the worker works on one batch. */
  readonly batchMs: number;
  readonly accountConcurrency: number;
  /** Worker functions that take turns. */
  readonly workers: number;
  readonly seed: number;
  readonly values?: Partial<Values>;
  /** Most calls one leaf keeps in flight; for the curve of costs. */
  readonly window?: number;
  /** Characters of each result. */
  readonly resultChars?: number;
  /** Length of a task token, which stands on the job's row. @default 700 */
  readonly tokenChars?: number;
}

/** When what happened, in ms from the start of the execution. */
export interface Times {
  readonly firstStartMs: number;
  readonly lastStartMs: number;
  readonly combinedMs: number;
}

export interface Outcome extends Times {
  /** Worker functions that ran. */
  readonly calls: number;
  readonly throttles: number;
  /** Functions that ran at once, at most. */
  readonly peak: number;
  /** Counted by the world: each call of each service. */
  readonly bill: Bill;
  /** Counted by the job itself, as it stands on its row. */
  readonly usage: StoredUsage;
}

const DISPATCHER_MS = 900_000;
/** An event that could not be delivered for so long is dropped, as the construct asks of Lambda. */
const MAX_EVENT_AGE_MS = 60_000;
const MONITOR = 'monitor';
const DISPATCHER = 'dispatcher';
const COMBINER = 'combiner';
/** Memory of both our functions in GB. */
const OUR_GB = 1;
const BATCH_GET = 100;
const BATCH_GETS_AT_ONCE = 8;
/** Fields that Powertools adds to each line: level, message, timestamp, service, sampling, and the keys that both handlers append. */
const LOG_HEAD = {
  level: 'INFO',
  message: '',
  timestamp: '2026-01-01T00:00:00.000Z',
  service: 'cdk-burst-compute',
  jobId: '',
  epoch: 1,
  requestId: '00000000-0000-0000-0000-000000000000',
};

/**
 * One job in an account of AWS as `parameters.ts` describes it. Real: the planner, every dispatcher, every leaf with each of
 * its calls, the states' functions, the tables' conditions. Modelled: who runs when, how long everything takes.
 */
export class AwsWorld {
  readonly clock = new VirtualClock();
  readonly lambda: LambdaModel;
  readonly bill = emptyBill();
  private readonly values: Values;
  private readonly chance: Chance;
  private readonly tasks = new MemoryTable();
  private readonly results = new MemoryTable();
  private readonly payloads = new MemoryPayloads();
  private readonly zero = this.clock.now();
  private readonly answer: string;
  private nonces = 0;
  private calls = 0;
  private firstStart?: number;
  private lastStart = 0;
  private waiting?: { token: string; wake: () => void };

  constructor(private readonly shape: JobShape) {
    this.values = { ...DEFAULTS, ...shape.values };
    this.lambda = new LambdaModel(this.values, shape.accountConcurrency);
    this.chance = new Chance(shape.seed, this.values.spread);
    this.answer = JSON.stringify('x'.repeat(shape.resultChars ?? 8));
  }

  async run(): Promise<Outcome> {
    const output = await this.clock.run(this.execute());
    if (output.batchCount !== this.shape.batches || output.failedCount !== 0) throw new Error(`the simulated job ended with ${JSON.stringify(output)}`);
    return {
      firstStartMs: this.firstStart! - this.zero,
      lastStartMs: this.lastStart - this.zero,
      combinedMs: this.clock.now() - this.zero,
      calls: this.calls,
      throttles: this.lambda.throttles,
      peak: this.lambda.peak,
      bill: this.bill,
      usage: (this.tasks.rows.get('j#job') as unknown as JobRow).usage ?? {},
    };
  }

  /** The states of the state machine, each a call of the monitor. */
  private async execute(): Promise<JobOutput> {
    const execution = { name: 'job', arn: 'arn:aws:states:us-east-1:123456789012:execution:job:job', startTime: new Date(this.zero).toISOString() };
    const request = { items: { range: { start: 0, end: this.shape.batches } }, batchSize: 1 };
    const workerTimeoutSeconds = Math.max(SETTINGS.workerTimeoutSeconds!, Math.min(780, Math.ceil(this.shape.batchMs / 500)));
    const settings = { ...SETTINGS, workerTimeoutSeconds, ...this.shape.window !== undefined && { maxWindow: this.shape.window } };
    let turn = await this.state((ports) => prepare(ports, settings, execution, request));
    while (!await this.wait(turn)) turn = await this.state((ports) => repair(ports, turn));
    return this.state((ports, budget) => combine(ports, { hasCombiner: true, combinerTimeoutSeconds: 60, combineOnTimeout: false }, turn, budget));
  }

  private async state<T>(work: (ports: Ports, budget: Budget) => Promise<T>): Promise<T> {
    this.bill.transitions++;
    await this.sleep(this.values.transitionMs);
    for (let tries = 0; ; tries++) {
      const result = await this.invoke(MONITOR, work);
      if (result) return result.value;
      this.bill.transitions++; // a retry counts as one
      await this.clock.sleep(this.chance.next() * 1000 * Math.min(30, 2 ** tries));
    }
  }

  /** The Await state: false when it timed out. */
  private async wait(turn: Turn): Promise<boolean> {
    const token = `token-${turn.round}`.padEnd(this.shape.tokenChars ?? 700, '='); // as long as real ones
    const cancel = new AbortController();
    const woken = new Promise<boolean>((resolve) => { this.waiting = { token, wake: () => resolve(true) }; });
    const timedOut = this.clock.sleep(turn.waitSeconds * 1000, cancel.signal).then(() => false);
    await this.state((ports) => takeTurn(ports, { ...turn, retryCount: 0, token }));
    const result = await Promise.race([woken, timedOut]);
    cancel.abort();
    return result;
  }

  /** A synchronous call of one of our functions; undefined: throttled. */
  private async invoke<T>(name: string, work: (ports: Ports, budget: Budget) => Promise<T>): Promise<{ value: T } | undefined> {
    await this.sleep(this.values.invokeMs / 2);
    const start = this.lambda.begin(name, this.clock.now());
    if (!start) return undefined;
    const value = await this.running(name, start, work);
    await this.sleep(this.values.invokeMs / 2);
    return { value };
  }

  private async running<T>(name: string, start: 'cold' | 'warm', work: (ports: Ports, budget: Budget) => Promise<T>): Promise<T> {
    if (start === 'cold') await this.sleep(this.values.coldStartMs);
    const startedAt = this.clock.now();
    if (start === 'cold') await this.sleep(this.values.initMs);
    const end = this.clock.now() + DISPATCHER_MS;
    try {
      return await work(this.ports(), { remainingMs: () => end - this.clock.now() });
    } finally {
      this.lambda.end(name);
      this.bill.lambdaRequests++;
      this.bill.gbSeconds += OUR_GB * Math.ceil(this.clock.now() - startedAt) / 1000;
      this.bill.logBytes += PLATFORM_LOG_BYTES;
    }
  }

  /** Lambda's own queue of events. */
  private async deliver(event: DispatchEvent): Promise<void> {
    await this.sleep(this.values.asyncHopMs);
    const acceptedAt = this.clock.now();
    for (let tries = 0; ; tries++) {
      const start = this.lambda.begin(DISPATCHER, this.clock.now());
      if (start) {
        await this.running(DISPATCHER, start, (ports, budget) => dispatch(ports, event, budget));
        return;
      }
      await this.sleep(Math.min(this.values.asyncRetryCapMs, this.values.asyncRetryMs * 2 ** tries));
      if (this.clock.now() - acceptedAt > MAX_EVENT_AGE_MS) return;
    }
  }

  private sleep(medianMs: number): Promise<void> {
    return this.clock.sleep(this.chance.around(medianMs));
  }

  /** What one invocation sees. */
  private ports(): Ports {
    const { values, clock, chance, bill } = this;
    let cpuFreeAt = 0;
    let connections = 0;
    const callWorker = async (turn = 0): Promise<CallOutcome> => {
      const name = `worker-${turn % this.shape.workers}`;
      // one processor makes the calls, one after the other; each connection is opened once
      cpuFreeAt = Math.max(clock.now(), cpuFreeAt) + (connections++ < 64 ? values.connectCpuMs : values.callCpuMs);
      await clock.sleep(cpuFreeAt - clock.now() + chance.around(values.invokeMs / 2));
      const start = this.lambda.begin(name, clock.now());
      if (!start) {
        await this.sleep(values.invokeMs / 2);
        return { kind: 'throttled' };
      }
      if (start === 'cold') await this.sleep(values.coldStartMs);
      this.calls++;
      this.lastStart = clock.now();
      this.firstStart ??= this.lastStart;
      await clock.sleep(this.shape.batchMs);
      this.lambda.end(name);
      await this.sleep(values.invokeMs / 2);
      return { kind: 'returned', payload: this.answer, requestId: '00000000-0000-0000-0000-000000000000' };
    };
    return {
      clock: { now: () => Math.floor(clock.now()), sleep: (ms, signal) => clock.sleep(ms, signal) }, // times are stored: whole, as on AWS
      random: { next: () => chance.next(), nonce: () => String(this.nonces++).padStart(16, '0') },
      store: { tasks: this.table(this.tasks), results: this.table(this.results) },
      payloads: {
        put: async (key, body, options) => {
          bill.s3Puts++;
          await this.sleep(values.objectMs);
          return this.payloads.put(key, body, options);
        },
        get: async (key, range) => {
          bill.s3Gets++;
          await this.sleep(values.objectMs);
          return this.payloads.get(key, range);
        },
        putStream: (key, chunks) => this.payloads.putStream(key, chunks),
        uri: (key) => this.payloads.uri(key),
      },
      inputs: new MemoryInputs(),
      invoker: {
        callWorker: (_payload, _signal, turn) => callWorker(turn),
        functionOf: () => 'worker',
        callCombiner: async () => {
          // the user's own: its time and its bill are the same everywhere
          const start = this.lambda.begin(COMBINER, clock.now());
          await this.sleep(values.invokeMs + (start === 'cold' ? values.coldStartMs : 0));
          if (!start) return { kind: 'throttled' };
          this.lambda.end(COMBINER);
          return { kind: 'returned', payload: '"combined"', requestId: '' };
        },
        dispatch: async (event) => {
          await this.sleep(values.asyncAcceptMs);
          void this.deliver(JSON.parse(JSON.stringify(event)) as DispatchEvent);
        },
        accountConcurrency: async () => this.shape.accountConcurrency,
        workerTimeoutSeconds: async () => SETTINGS.workerTimeoutSeconds!,
        taskTimeoutSeconds: async () => SETTINGS.workerTimeoutSeconds!,
      },
      workflow: {
        wake: async (token) => {
          await this.sleep(values.transitionMs);
          if (this.waiting?.token !== token) return false;
          this.waiting.wake();
          return true;
        },
        announce: async () => { await this.sleep(values.tableMs); },
      },
      log: this.log(),
    };
  }

  private table(table: MemoryTable): Table {
    const { values, clock, bill } = this;
    const partitions = new Partitions(values);
    const write = async (pk: string, change: () => Promise<WriteResult>): Promise<WriteResult> => {
      await this.sleep(values.tableMs);
      const before = table.rows.get(pk);
      const result = await change();
      const units = writeUnits(Math.max(bytes(before), bytes(table.rows.get(pk))));
      bill.writeUnits += units;
      const wait = partitions.wait(pk, units, clock.now());
      if (wait > 0) await clock.sleep(wait);
      return result;
    };
    return {
      get: async (pk, { consistent }) => {
        await this.sleep(values.tableMs);
        bill.readUnits += readUnits(bytes(table.rows.get(pk)), consistent);
        return table.get(pk);
      },
      getMany: async (pks, attributes) => {
        const requests = Math.ceil(pks.length / BATCH_GET);
        for (let i = 0; i < requests; i += BATCH_GETS_AT_ONCE) await this.sleep(4 * values.tableMs); // a hundred rows take longer than one
        bill.readUnits += pks.reduce((sum, pk) => sum + readUnits(bytes(table.rows.get(pk)), true), 0); // a projection is billed as the whole row
        return table.getMany(pks, attributes);
      },
      put: (row: Row, condition) => write(row.pk, () => table.put(row, condition)),
      update: (pk, update, condition) => write(pk, () => table.update(pk, update, condition)),
    };
  }

  private log(): Log {
    const line = (message: string, fields = {}) => {
      this.bill.logBytes += Buffer.byteLength(JSON.stringify({ ...LOG_HEAD, message, jobId: 'job', ...fields })) + LOG_EVENT_BYTES;
    };
    return { debug: () => undefined, info: line, warn: line, error: line };
  }
}

const bytes = (row: Row | undefined) => (row ? rowBytes(row) : 0);
