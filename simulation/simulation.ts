import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { Checker } from './checker';
import { VirtualClock } from './clock';
import { Execution } from './execution';
import { FaultKind, Faults } from './faults';
import { MemoryInputs, MemoryPayloads, MemoryTable } from './memory';
import { Participant } from './participant';
import { INPUT, Scenario, scenarioOf } from './scenario';
import { short, Trace } from './trace';
import { CallOutcome, CombinerEvent, dispatch, DispatchEvent, executionName, finishStopped, JobRow, Row, WorkerEvent, WriteResult } from '../lambda/protocol';
import { GROUP_SIZE } from '../lambda/protocol/plan';

/** What a run of one seed came to. */
export interface Report {
  readonly seed: number;
  readonly violations: string[];
  readonly steps: number;
  readonly faults: { readonly [kind in FaultKind]?: number };
  /** Status of the job at its end, or what it had none. */
  readonly end: string;
  readonly epochs: number;
  readonly trace?: string;
}

const MAX_STEPS = 400_000;
/** How long those who were taken for dead are watched after the job's end. */
const AFTERMATH_MS = 130_000;
const WORKER_TIMEOUT_MS = 8_000;
/** Batches of the smallest group; scenarios grow with the group. */
const SMALLEST_GROUP = 4;
const LARGE_RESULT = 'x'.repeat(400);
/** A version that an eventually consistent read may still give is at most so old. */
const STALE_MS = 1_000;

/** One job from its start to well after its end, in a world where the scenario's faults happen. */
export class Simulation {
  readonly scenario: Scenario;
  readonly clock = new VirtualClock(0, MAX_STEPS);
  readonly faults: Faults;
  readonly trace: Trace;
  readonly checker = new Checker(this);
  readonly tasks = new MemoryTable();
  readonly results = new MemoryTable();
  readonly payloads = new MemoryPayloads();
  readonly inputs = new MemoryInputs();
  readonly executions: Execution[] = [];
  readonly dispatchers = new Set<Participant>();
  readonly announced: { id: string; status: unknown }[] = [];
  nonces = 0;
  combinerThrew = 0;
  /** Calls of the combiner by dispatchers whose answers were lost. */
  combinerLost = 0;
  readonly isTree: boolean;
  private readonly previous = new Map<string, { row: Row | undefined; at: number }>();
  private readonly calls: { batch: number; answer?: string }[] = [];
  private readonly throws = new Map<number, number>();
  private readonly losses = new Map<number, number>();
  private readonly pending = new Set<Promise<void>>();
  private workers = 0;
  private started = 0;
  private endNow!: () => void;
  private readonly isEnded = new Promise<void>((resolve) => { this.endNow = resolve; });
  private readonly generator;

  constructor(private readonly seed: number, isTraced: boolean) {
    this.generator = xoroshiro128plus(seed);
    this.scenario = scenarioOf(() => this.random(), GROUP_SIZE / SMALLEST_GROUP);
    if (this.scenario.input !== undefined) this.inputs.objects.set(INPUT.slice('s3://'.length), Buffer.from(this.scenario.input));
    this.isTree = this.scenario.settings.combineMode === 'TREE';
    this.faults = new Faults(this.scenario.rates, this.scenario.faultsMs, () => this.random(), () => this.clock.now());
    this.trace = new Trace(isTraced, () => this.clock.now());
  }

  random(): number {
    return uniformFloat64(this.generator);
  }

  async run(): Promise<Report> {
    this.trace.tell('scenario', () => short(this.scenario, 1500));
    try {
      await this.clock.run(Promise.race([this.whole(), this.isEnded]));
      if (this.checker.violations.length === 0) this.checker.ended();
    } catch (error) {
      this.checker.violations.push(String((error as Error).stack));
    }
    const row = this.tasks.rows.get('j#job') as unknown as JobRow | undefined;
    return {
      seed: this.seed,
      violations: this.checker.violations,
      steps: this.clock.steps,
      faults: this.faults.counts,
      end: row?.terminal?.status ?? 'none',
      epochs: row?.epoch ?? 0,
      ...(this.trace.isOn && { trace: this.trace.text() }),
    };
  }

  /** Stops the run: an invariant is broken. */
  end(): void {
    this.endNow();
  }

  private async whole(): Promise<void> {
    const { stop, redrivesAtMs, settings } = this.scenario;
    this.start('job', this.scenario.request);
    if (stop?.after === 'start') this.later(stop.atMs, () => this.stop(stop.status));
    redrivesAtMs.forEach((at) => this.later(at, () => this.redrive()));
    const limit = new AbortController();
    const limitMs = (1 + redrivesAtMs.length) * (settings.timeoutSeconds + 3600) * 1000;
    const late = this.clock.sleep(limitMs, limit.signal).then(() => true);
    while (this.pending.size > 0) {
      if (await Promise.race([Promise.all(this.pending).then(() => false), late])) throw new Error('the execution of the job does not end');
    }
    limit.abort();
    await this.clock.sleep(AFTERMATH_MS);
  }

  private later(ms: number, action: () => void): void {
    this.track(this.clock.sleep(ms).then(action));
  }

  /** The run is over when all that is tracked is. */
  private track(work: Promise<void>): void {
    const tracked = work.finally(() => this.pending.delete(tracked));
    tracked.catch(() => undefined); // whole() gets it too
    this.pending.add(tracked);
  }

  private start(name: string, input: unknown): void {
    const execution = new Execution(this, name, input);
    this.executions.push(execution);
    this.track(execution.run().then(() => { if (execution.status !== 'SUCCEEDED') this.notice(execution); }));
  }

  /** An execution enters Combine. */
  combining(): void {
    const { stop } = this.scenario;
    if (stop?.after === 'combine') this.later(stop.atMs, () => this.stop(stop.status));
  }

  private stop(status: 'ABORTED' | 'TIMED_OUT'): void {
    if (this.executions[this.executions.length - 1].stop(status)) this.faults.count('stop');
  }

  private redrive(): void {
    const row = this.tasks.rows.get('j#job') as unknown as JobRow | undefined;
    // a client asks first; one that asked too early is refused by Prepare
    const asksFirst = this.random() < 0.75;
    if (!row || (asksFirst && (!row.terminal || row.manifest === undefined))) return;
    let epoch = row.epoch + 1;
    while (this.executions.some(({ name }) => name === executionName('job', epoch))) epoch++; // Step Functions takes a name once
    this.faults.count('redrive');
    this.start(executionName('job', epoch), { redrive: { jobId: 'job' } });
    if (this.random() < 0.15) this.later(this.random() ** 3 * 10_000, () => this.stop('ABORTED'));
  }

  /** The rule on executions that ended otherwise than well invokes the monitor, asynchronously: at least once, three times if it fails. */
  private notice({ name, arn, status }: Execution): void {
    const deliver = async () => {
      for (let tries = 0; tries < 3; tries++) {
        await this.clock.sleep(this.random() * 3_000 + tries * 60_000);
        // faults enough for a test have happened by the last try
        const faults = tries < 2 ? this.faults : new Faults({}, 0, () => 1, () => 0);
        const monitor = new Participant(this, `monitor stopped ${name}.${++this.started}`, this.scenario.monitorMs, faults);
        const work = finishStopped(monitor.ports(), { name, arn, status }).then(() => true, (error: Error) => {
          this.checker.monitorThrew('stopped', error);
          return false;
        });
        const died = Promise.race([monitor.died, this.clock.sleep(this.scenario.monitorMs)]).then(() => false);
        if (await Promise.race([work, died])) return;
      }
    };
    for (let copies = this.faults.strikes('double notice') ? 2 : 1; copies > 0; copies--) this.track(deliver());
  }

  wake(token: string): Promise<boolean> {
    return Promise.resolve(this.executions.some((execution) => execution.wake(token)));
  }

  async announce({ id, detail }: { id: string; detail: { [name: string]: unknown } }): Promise<void> {
    this.announced.push({ id, status: detail.status });
  }

  /** Runs a write, and shows the checker what it changed. The write itself happens before this returns. */
  changed(table: MemoryTable, pk: string, write: () => Promise<WriteResult>): Promise<WriteResult> {
    const before = table.rows.get(pk);
    const result = write();
    const after = table.rows.get(pk);
    if (after && after !== before) {
      this.previous.set(pk, { row: before, at: this.clock.now() });
      this.checker.written(pk, before, after);
    }
    return result;
  }

  /** What an eventually consistent read may still give. */
  earlier(pk: string): Promise<Row | undefined> {
    const previous = this.previous.get(pk);
    const current = this.tasks.get(pk, { consistent: false }); // which is also what it costs
    if (!previous || previous.at + STALE_MS < this.clock.now()) return current;
    return Promise.resolve(previous.row && { ...previous.row });
  }

  putObject(key: string, body: string | Uint8Array, ifAbsent: boolean): Promise<boolean> {
    const before = this.payloads.objects.get(key);
    const result = this.payloads.put(key, body, { ifAbsent });
    const after = this.payloads.objects.get(key)!;
    if (after !== before) this.checker.stored(key, before, after);
    return result;
  }

  async deliver(event: DispatchEvent): Promise<void> {
    if (this.faults.strikes('drop event')) return;
    const copies = this.faults.strikes('double event') ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      const ms = this.faults.strikes('delay event') ? this.random() * 1000 * this.scenario.settings.leafStartGraceSeconds : 10 + this.random() * 150;
      void this.clock.sleep(ms).then(() => this.startDispatcher(event));
    }
  }

  private startDispatcher(event: DispatchEvent): void {
    const range = event.hi - event.lo === 1 ? `leaf ${event.lo}` : `node ${event.lo}-${event.hi - 1}`;
    const dispatcher = new Participant(this, `${range} e${event.epoch} #${++this.started}`, this.scenario.dispatcherMs);
    dispatcher.epoch = event.epoch;
    this.trace.tell(dispatcher.name, () => `starts, expecting attempt ${event.expect}`);
    this.dispatchers.add(dispatcher);
    void dispatcher.died.then(() => this.dispatchers.delete(dispatcher));
    dispatch(dispatcher.ports(), event, dispatcher.budget()).catch((error: Error) => {
      this.trace.fault(dispatcher.name, () => `throws ${error.message}`);
      if (error.name !== 'Transient') this.checker.monitorThrew('a dispatcher', error);
    }).finally(() => this.dispatchers.delete(dispatcher));
  }

  /** All functions that the account allows at once are running. */
  isFull(): boolean {
    return this.workers + this.dispatchers.size >= this.scenario.accountConcurrency;
  }

  async runWorker(payload: string): Promise<CallOutcome> {
    const { batchId, range, items } = JSON.parse(payload) as WorkerEvent;
    const { batchSize } = this.scenario.request as { batchSize: number };
    if ((range?.start ?? items![0]) !== 1000 + batchId * batchSize) this.checker.violated(`batch ${batchId} was given ${short(range ?? items)}`);
    const call = this.calls.push({ batch: batchId }) - 1;
    const ms = this.scenario.workerMs * (0.2 + 1.6 * this.random());
    this.workers++;
    await this.clock.sleep(Math.min(ms, WORKER_TIMEOUT_MS));
    this.workers--;
    const isLate = ms > WORKER_TIMEOUT_MS;
    if (isLate || this.scenario.poison.has(batchId) || this.faults.strikes('worker throws')) {
      this.throws.set(batchId, this.threw(batchId) + 1);
      return { kind: 'threw', errorType: isLate ? 'Sandbox.Timedout' : 'Boom', message: 'boom', requestId: `r${call}` };
    }
    const answer = JSON.stringify({ batchId, call, ...(this.random() < 0.15 && { large: LARGE_RESULT }) });
    this.calls[call].answer = answer;
    return { kind: 'returned', payload: answer, requestId: `r${call}` };
  }

  callLost(payload: string): void {
    const { batchId } = JSON.parse(payload) as WorkerEvent;
    this.losses.set(batchId, this.lost(batchId) + 1);
  }

  runCombiner(payload: string, epoch: number): CallOutcome {
    this.checker.combined(payload, epoch);
    const level = (JSON.parse(payload) as CombinerEvent).tree?.level ?? Infinity;
    if (this.combinerThrew < this.scenario.combinerThrows && level >= this.scenario.combinerThrowsFrom) {
      this.combinerThrew++;
      return { kind: 'threw', errorType: 'Boom', message: 'cannot combine', requestId: 'c' };
    }
    if (this.isTree) return { kind: 'returned', payload: this.checker.tree.combined(JSON.parse(payload) as CombinerEvent, epoch), requestId: 'c' };
    return { kind: 'returned', payload: '"combined"', requestId: 'c' };
  }

  /** The combiner as a dispatcher calls it: one more function of the account. */
  async runTreeCombiner(payload: string, epoch: number): Promise<CallOutcome> {
    this.workers++;
    await this.clock.sleep(this.scenario.workerMs * (0.1 + this.random()));
    this.workers--;
    return this.runCombiner(payload, epoch);
  }

  /** Whether a worker call for this batch gave this result. */
  isResultOf(batch: number, result: string): boolean {
    const call = this.calls[(JSON.parse(result) as { call: number }).call];
    return call?.batch === batch && call.answer === result;
  }

  get callCount(): number {
    return this.calls.length;
  }

  threw(batch: number): number {
    return this.throws.get(batch) ?? 0;
  }

  /** How many calls of a batch were lost. */
  lost(batch: number): number {
    return this.losses.get(batch) ?? 0;
  }
}
