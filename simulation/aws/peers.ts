import { Chance } from './chance';
import { LambdaModel } from './lambda';
import { DEFAULTS, Values } from './parameters';
import { Partitions } from './partitions';
import { Bill, emptyBill, LOG_EVENT_BYTES, PLATFORM_LOG_BYTES } from './usage';
import type { JobShape, Times } from './world';
import { VirtualClock } from '../clock';

/*
 * Other ways to run the same batches, as models in the same AWS: what they call, in which order and at which rate is from their
 * documentation or published code, and what they would be at their best is assumed wherever that leaves a choice.
 */

export interface Billed extends Times {
  readonly bill: Bill;
}

export type Peer = (shape: JobShape) => Promise<Billed>;

/** How long v1's monitor and a polling client wait between looks. */
const POLL_MS = 1_000;
const CLIENT_THREADS = 64;
/** A retrier of a state as most people have it: 1 s, doubled, with full jitter, half a minute at most. */
const RETRY_CAP_MS = 30_000;
/** Express executions are billed by chunks of memory and time (Step Functions pricing). */
const EXPRESS_GB = 64 / 1024;
const EXPRESS_STEP_MS = 100;
/** Memory of v1's functions (its serverless.yml). */
const V1_DISPATCH_GB = 0.25;
const V1_MONITOR_GB = 0.125;
/** What v1 logs per invoke of a worker, and per look of its monitor. */
const V1_BATCH_LOG_BYTES = 110 + 2 * LOG_EVENT_BYTES;
const V1_MONITOR_LOG_BYTES = 700 + 4 * LOG_EVENT_BYTES;
/** A row of one batch: ids, times, a small result. */
const BATCH_ROW_BYTES = 150;
/** Invocations that one dispatcher of the inline design makes; enough of them at once that it is never late. */
const INLINE_SHARE = 1_000;
const INLINE_AT_ONCE = 64;
const INLINE_GB = 1;

class PeerWorld {
  readonly clock = new VirtualClock();
  readonly values: Values;
  readonly chance: Chance;
  readonly lambda: LambdaModel;
  readonly bill = emptyBill();
  private readonly zero = this.clock.now();
  private firstStart?: number;
  private lastStart = 0;
  private done = 0;

  constructor(readonly shape: JobShape) {
    this.values = { ...DEFAULTS, ...shape.values };
    this.chance = new Chance(shape.seed, this.values.spread);
    this.lambda = new LambdaModel(this.values, shape.accountConcurrency);
  }

  async run(work: () => Promise<void>): Promise<Billed> {
    await this.clock.run(work());
    if (this.done !== this.shape.batches) throw new Error(`${this.done} of ${this.shape.batches} batches were done`);
    const ms = (at: number) => at - this.zero;
    return { firstStartMs: ms(this.firstStart!), lastStartMs: ms(this.lastStart), combinedMs: ms(this.clock.now()), bill: this.bill };
  }

  sleep(medianMs: number): Promise<void> {
    return this.clock.sleep(this.chance.around(medianMs));
  }

  /** Any function, for as long as `work` takes; false: throttled. */
  async occupy(name: string, work: () => Promise<void>): Promise<boolean> {
    const start = this.lambda.begin(name, this.clock.now());
    if (!start) return false;
    if (start === 'cold') await this.sleep(this.values.coldStartMs);
    await work();
    this.lambda.end(name);
    return true;
  }

  /** One batch, `after` included, which the worker does itself; false: throttled. */
  batch(turn: number, after: () => Promise<void> = async () => undefined): Promise<boolean> {
    return this.occupy(`worker-${turn % this.shape.workers}`, async () => {
      this.lastStart = this.clock.now();
      this.firstStart ??= this.lastStart;
      await this.clock.sleep(this.shape.batchMs);
      await after();
      this.done++;
    });
  }

  get isDone(): boolean {
    return this.done === this.shape.batches;
  }

  /** One of the peer's own functions, which are billed; false: throttled. */
  own(name: string, gb: number, work: () => Promise<void>): Promise<boolean> {
    const before = this.lambda.environments(name);
    return this.occupy(name, async () => {
      const startedAt = this.clock.now();
      if (this.lambda.environments(name) > before) await this.sleep(this.values.initMs);
      await work();
      this.bill.lambdaRequests++;
      this.bill.gbSeconds += (gb * Math.ceil(this.clock.now() - startedAt)) / 1_000;
      this.bill.logBytes += PLATFORM_LOG_BYTES;
    });
  }

  /** Reads rows of batches by query. */
  read(rows: number): void {
    this.bill.readUnits += Math.max(1, Math.ceil((rows * BATCH_ROW_BYTES) / 4096));
  }

  get finished(): number {
    return this.done;
  }

  /** Lambda's queue of events: delivered once somebody may run it, after growing delays. */
  async event(deliver: () => Promise<boolean>): Promise<void> {
    await this.sleep(this.values.asyncHopMs);
    for (let tries = 0; !await deliver(); tries++) await this.sleep(Math.min(this.values.asyncRetryCapMs, this.values.asyncRetryMs * 2 ** tries));
  }

  /** A state that calls a function synchronously until it is not throttled. */
  async task(call: () => Promise<boolean>): Promise<void> {
    for (let tries = 0; ; tries++) {
      await this.sleep(this.values.invokeMs / 2);
      const ran = await call();
      await this.sleep(this.values.invokeMs / 2);
      if (ran) return;
      await this.clock.sleep(this.chance.next() * Math.min(RETRY_CAP_MS, 1_000 * 2 ** tries));
    }
  }

  /** The combiner, called by a state. */
  async combiner(): Promise<void> {
    this.bill.transitions++;
    await this.sleep(this.values.transitionMs);
    await this.task(() => this.occupy('combiner', async () => undefined));
  }
}

/**
 * What the ramp, the account's limit and one cold start allow: every batch is offered at once to somebody who knows at any
 * time who may run, and nothing takes time but starting environments and working. Not attainable; nothing can be faster.
 */
export async function limit({ batches, batchMs, accountConcurrency, workers, seed, values: overrides }: JobShape): Promise<Billed> {
  const values = { ...DEFAULTS, ...overrides };
  const chance = new Chance(seed, values.spread);
  const cold = Array.from({ length: 999 }, () => chance.around(values.coldStartMs)).sort((a, b) => a - b)[499];
  const burst = values.rampBurst * workers;
  const perMs = (values.rampPerSecond * workers) / 1_000;
  // environment k starts its first batch at its turn in the ramp, and then one after the other
  const startOf = (k: number) => cold + (k < burst ? 0 : (k - burst + 1) / perMs);
  const environments = Math.min(accountConcurrency, batches);
  const started = (ms: number) => {
    // batches that have started by then
    let sum = 0;
    for (let k = 0; k < environments && startOf(k) <= ms; k++) sum += Math.floor((ms - startOf(k)) / batchMs) + 1;
    return sum;
  };
  let [low, high] = [0, cold + batchMs * batches + startOf(0)];
  while (high - low > 0.5) {
    const middle = (low + high) / 2;
    if (started(middle) >= batches) high = middle;
    else low = middle;
  }
  return { firstStartMs: cold, lastStartMs: high, combinedMs: high + batchMs, bill: emptyBill() };
}

/** Distributed Map of Step Functions, one batch per child; MaxConcurrency set to what the account allows. */
export const distributedMap = (children: 'Standard' | 'Express'): Peer => (shape) => {
  const world = new PeerWorld(shape);
  const { values } = world;
  return world.run(async () => {
    await world.sleep(values.transitionMs);
    await world.sleep(values.objectMs); // reads its items
    world.bill.transitions++;
    world.bill.s3Gets++;
    world.bill.s3Puts += 2; // the results and their manifest
    const perSecond = children === 'Standard' ? values.standardStarts : values.expressStarts;
    const parallel = Math.min(values.mapParallel, shape.accountConcurrency);
    const zero = world.clock.now();
    let running = 0;
    let room: (() => void) | undefined;
    const all: Promise<void>[] = [];
    for (let i = 0; i < shape.batches; i++) {
      while (running >= parallel) await new Promise<void>((resolve) => { room = resolve; });
      const wait = zero + (i * 1_000) / perSecond - world.clock.now();
      if (wait > 0) await world.clock.sleep(wait);
      running++;
      world.bill.transitions++; // one for each child that is started
      all.push((async () => {
        const startedAt = world.clock.now();
        await world.sleep(values.childMs);
        await world.task(() => world.batch(i));
        if (children === 'Standard') {
          world.bill.transitions++; // its one state
        } else {
          world.bill.expressRequests++;
          world.bill.expressGbSeconds += (EXPRESS_GB * Math.ceil((world.clock.now() - startedAt) / EXPRESS_STEP_MS) * EXPRESS_STEP_MS) / 1_000;
        }
        running--;
        room?.();
      })());
    }
    await Promise.all(all);
    await world.combiner();
  });
};

/** One large machine that sends asynchronous invokes from 64 threads and looks every second whether all results are there. */
export const client: Peer = (shape) => {
  const world = new PeerWorld(shape);
  return world.run(async () => {
    let next = 0;
    await Promise.all(Array.from({ length: CLIENT_THREADS }, async () => {
      while (next < shape.batches) {
        const i = next++;
        await world.sleep(world.values.clientInvokeMs);
        void world.event(() => world.batch(i, () => world.sleep(world.values.objectMs)));
      }
    }));
    while (!world.isDone) await world.clock.sleep(POLL_MS);
    await world.task(() => world.occupy('combiner', async () => undefined));
  });
};

/**
 * The published algorithm of the first burst-compute: a root that invokes about sqrt(N) dispatchers one after the other, each of which
 * invokes its about sqrt(N) workers one after the other, all asynchronously; a worker writes a row of its own, all of a job under one
 * partition key; a state machine counts the rows, waits a second, and counts again. Jobs of more than 3,000 batches, for which it
 * made larger ones, are let go on.
 */
export const version1: Peer = (shape) => {
  const world = new PeerWorld(shape);
  const { values, bill } = world;
  const rows = new Partitions(values);
  const branching = Math.ceil(Math.sqrt(shape.batches));
  const worker = (i: number) => world.event(() => world.batch(i, async () => {
    bill.writeUnits++;
    await world.sleep(values.tableMs);
    await world.clock.sleep(rows.wait('job', 1, world.clock.now()));
  }));
  const second = async (from: number) => {
    for (let i = from; i < Math.min(from + branching, shape.batches); i++) {
      await world.sleep(values.asyncAcceptMs);
      bill.logBytes += V1_BATCH_LOG_BYTES;
      void worker(i);
    }
  };
  const root = async () => {
    await world.sleep(values.invokeMs); // starts the state machine
    for (let from = 0; from < shape.batches; from += branching) {
      await world.sleep(values.asyncAcceptMs);
      void world.event(() => world.own('dispatch', V1_DISPATCH_GB, () => second(from)));
    }
  };
  return world.run(async () => {
    void world.own('dispatch', V1_DISPATCH_GB, root);
    for (let isDone = false; !isDone;) {
      bill.transitions += 3; // Monitor and two choices
      await world.sleep(3 * values.transitionMs);
      await world.task(() => world.own('monitor', V1_MONITOR_GB, async () => {
        await world.sleep(values.tableMs);
        isDone = world.isDone;
        world.read(world.finished);
        bill.logBytes += V1_MONITOR_LOG_BYTES;
      }));
      if (isDone) break;
      bill.transitions++;
      await world.sleep(values.transitionMs);
      await world.clock.sleep(POLL_MS);
    }
    world.read(shape.batches);
    await world.combiner();
  });
};

/**
 * The plain design: dispatchers invoke workers asynchronously; each worker writes one row and adds one to a counter, and who makes it
 * full starts the combiner. (An event that comes twice ends such a job early. It is here for its bill.)
 */
export const inline: Peer = (shape) => {
  const world = new PeerWorld(shape);
  const { values, bill } = world;
  const counter = new Partitions(values);
  const worker = (i: number) => world.event(() => world.batch(i, async () => {
    bill.writeUnits += 2;
    await world.sleep(2 * values.tableMs);
    await world.clock.sleep(counter.wait('job', 1, world.clock.now()));
  }));
  const share = async (from: number) => {
    let next = from;
    const end = Math.min(from + INLINE_SHARE, shape.batches);
    await Promise.all(Array.from({ length: INLINE_AT_ONCE }, async () => {
      while (next < end) {
        const i = next++;
        await world.sleep(values.asyncAcceptMs);
        void worker(i);
      }
    }));
  };
  return world.run(async () => {
    for (let from = 0; from < shape.batches; from += INLINE_SHARE) void world.event(() => world.own('dispatch', INLINE_GB, () => share(from)));
    bill.transitions++;
    while (!world.isDone) await world.clock.sleep(POLL_MS / 100);
    world.read(shape.batches);
    await world.combiner();
  });
};

export const PEERS: { readonly [name: string]: Peer } = {
  limit,
  'Distributed Map, Express': distributedMap('Express'),
  'Distributed Map, Standard': distributedMap('Standard'),
  'client, 64 threads': client,
  'burst-compute v1': version1,
};
