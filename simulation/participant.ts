import type { Faults } from './faults';
import { MemoryTable } from './memory';
import type { Simulation } from './simulation';
import { short } from './trace';
import { Budget, CallOutcome, Condition, DispatchEvent, Log, Ports, Row, Table, Transient, Update, WorkerEvent, WriteResult } from '../lambda/protocol';

/** What a participant gets once it is dead: none of its awaits ever returns. */
const NEVER = new Promise<never>(() => undefined);

/** One invocation of one of our functions: everything that it says to the world and hears from it passes through here, and may go wrong here. */
export class Participant {
  /** Worker calls in flight, as this participant sees it. */
  calls = 0;
  /** What it may have claimed a leaf with. */
  readonly nonces: string[] = [];
  readonly startedAt: number;
  /** Of the dispatch event or the execution that started it. */
  epoch = 0;
  /** Resolves when it dies. */
  readonly died: Promise<void>;
  private isDead = false;
  private readonly diesAt: number;
  private readonly lifeEnds: number;
  private frozenUntil = 0;
  private readonly skew: number;
  private onDeath!: () => void;

  constructor(private readonly sim: Simulation, readonly name: string, lifeMs: number, private readonly faults: Faults = sim.faults) {
    const now = this.startedAt = sim.clock.now();
    this.died = new Promise((resolve) => { this.onDeath = resolve; });
    this.lifeEnds = now + lifeMs;
    this.diesAt = this.faults.strikes('kill') ? now + sim.random() * sim.random() * 30_000 : Infinity;
    this.skew = this.faults.strikes('skew') ? Math.round((sim.random() * 2 - 1) * sim.scenario.skewMs) : 0;
    if (this.skew !== 0) sim.trace.fault(name, () => `its clock is off by ${this.skew} ms`);
    if (this.diesAt < Infinity) void sim.clock.sleep(this.diesAt - now).then(() => this.die('is killed'));
  }

  get isAlive(): boolean {
    if (!this.isDead && this.sim.clock.now() >= this.lifeEnds) this.die('has run for as long as it may, and is ended');
    return !this.isDead;
  }

  die(how: string): void {
    if (this.isDead) return;
    this.isDead = true;
    this.calls = 0;
    this.sim.trace.fault(this.name, () => how);
    this.onDeath();
  }

  budget(): Budget {
    return { remainingMs: () => this.lifeEnds - this.sim.clock.now() };
  }

  ports(): Ports {
    const { sim } = this;
    return {
      clock: {
        now: () => Math.floor(sim.clock.now() + this.skew),
        sleep: async (ms, signal) => {
          await sim.clock.sleep(ms, signal);
          await this.awake();
        },
      },
      random: {
        next: () => sim.random(),
        nonce: () => {
          const nonce = `n${sim.nonces++}`;
          this.nonces.push(nonce);
          return nonce;
        },
      },
      store: { tasks: this.table('tasks', sim.tasks), results: this.table('results', sim.results) },
      payloads: {
        put: (key, body, options) => this.write(() => `stores object ${key}${options?.ifAbsent ? ' if absent' : ''}`, () => sim.putObject(key, body, options?.ifAbsent === true)),
        get: (key, range) => this.read(() => `reads object ${key}`, () => sim.payloads.get(key, range)),
        putStream: async (key, chunks) => {
          const body: Uint8Array[] = [];
          for await (const chunk of chunks) body.push(chunk);
          await this.write(() => `stores object ${key} in parts`, () => sim.putObject(key, Buffer.concat(body), false));
        },
        uri: (key) => sim.payloads.uri(key),
      },
      inputs: {
        read: (object, range, version) => this.read(() => `reads input ${object.key}`, () => sim.inputs.read(object, range, version)),
        list: (prefix) => sim.inputs.list(prefix),
      },
      invoker: {
        callWorker: (payload, signal) => this.callWorker(payload, signal),
        functionOf: () => 'worker',
        callCombiner: (payload) => this.callCombiner(payload),
        dispatch: (event) => this.write(
          () => `sends a dispatch event for leaves ${short(event)}`, () => sim.deliver(JSON.parse(JSON.stringify(event)) as DispatchEvent),
        ),
        accountConcurrency: () => this.read(() => 'asks for the account limit', async () => sim.scenario.accountConcurrency),
        workerTimeoutSeconds: async () => 8,
        taskTimeoutSeconds: async () => 8,
      },
      workflow: {
        wake: (token) => this.write(() => `sends success to token ${token}`, () => sim.wake(token)),
        announce: (event) => this.write(() => `announces ${event.id}: ${String(event.detail.status)}`, () => sim.announce(event)),
      },
      log: sim.trace.isOn ? this.log() : SILENT,
    };
  }

  private table(name: string, table: MemoryTable): Table {
    const { sim } = this;
    return {
      get: (pk, { consistent }) => this.read(() => `reads ${pk}`, async () => {
        if (!consistent && this.faults.strikes('stale read')) return sim.earlier(pk);
        return table.get(pk, { consistent });
      }),
      getMany: (pks, attributes) => this.read(() => `reads ${pks.length} rows of ${name}`, () => table.getMany(pks, attributes)),
      // what is sent is what the sender held when it sent it
      put: (row: Row, condition?: Condition) => {
        const sent = asSent(row);
        return this.write(
          () => `puts ${short(sent)}${condition ? ` if ${short(condition)}` : ''}`, () => sim.changed(table, row.pk, () => table.put(sent, condition)),
        );
      },
      update: (pk: string, update: Update, condition?: Condition) => {
        const sent = { ...update, ...(update.set && { set: asSent(update.set) }) };
        return this.write(
          () => `updates ${pk}: ${short(sent)}${condition ? ` if ${short(condition, 250)}` : ''}`,
          () => sim.changed(table, pk, () => table.update(pk, sent, condition)),
        );
      },
    };
  }

  private async read<T>(what: () => string, effect: () => Promise<T>): Promise<T> {
    const { faults } = this;
    const { trace } = this.sim;
    await this.pass();
    if (faults.strikes('fail read')) {
      trace.fault(this.name, () => `${what()}: fails`);
      throw new Transient('a read failed');
    }
    const result = await effect();
    await this.pass();
    return result;
  }

  /** `effect` must take effect at once, whenever it is called, and may be called again. */
  private async write<T>(what: () => string, effect: () => Promise<T>): Promise<T> {
    const { faults } = this;
    const { trace, clock } = this.sim;
    await this.pass();
    if (faults.strikes('refuse write')) {
      trace.fault(this.name, () => `${what()}: fails`);
      throw new Transient('a write failed');
    }
    if (faults.strikes('unknown outcome')) {
      const done = await effect();
      trace.fault(this.name, () => `${what()} -> ${outcome(done)}, but is told that it failed`);
      await this.pass();
      throw new Transient('a write whose outcome is unknown');
    }
    if (faults.strikes('late write')) {
      trace.fault(this.name, () => `${what()}: is told that it failed, yet it is under way`);
      void clock.sleep(this.sim.random() * 15_000).then(effect).then((done) => trace.fault(this.name, () => `(late) ${what()} -> ${outcome(done)}`));
      if (this.sim.random() < 0.5) throw new Transient('a write whose outcome is unknown');
      await this.pass(); // sends it again
    } else if (faults.strikes('lose answer')) {
      const done = await effect();
      trace.fault(this.name, () => `${what()} -> ${outcome(done)}; the answer is lost, so it is sent again`);
      await clock.sleep(this.sim.random() * 3_000);
      await this.pass();
    }
    const result = await effect();
    trace.tell(this.name, () => `${what()} -> ${outcome(result)}`);
    await this.pass();
    return result;
  }

  /** Time on the way, in which much may happen to us. */
  private async pass(): Promise<void> {
    const { sim } = this;
    await sim.clock.sleep(this.faults.strikes('slow') ? sim.random() * 12_000 : 0.5 + sim.random() * sim.scenario.latencyMs);
    if (this.faults.strikes('freeze')) {
      this.frozenUntil = sim.clock.now() + 3_000 + sim.random() * 100_000;
      sim.trace.fault(this.name, () => `stands still for ${Math.round(this.frozenUntil - sim.clock.now())} ms`);
    }
    if (this.isAlive && this.faults.strikes('crash')) this.die('crashes');
    await this.awake();
  }

  private async awake(): Promise<void> {
    while (this.frozenUntil > this.sim.clock.now()) await this.sim.clock.sleep(this.frozenUntil - this.sim.clock.now());
    if (!this.isAlive) await NEVER;
  }

  private async callWorker(payload: string, signal?: AbortSignal): Promise<CallOutcome> {
    const { sim, faults } = this;
    const { trace } = sim;
    this.calls++;
    sim.checker.callStarts(this, (JSON.parse(payload) as WorkerEvent).batchId);
    await sim.clock.sleep(1 + sim.random() * 5);
    const answer = await this.workerAnswer(payload);
    await this.awake();
    if (this.isAlive && faults.strikes('crash')) this.die('crashes');
    await this.awake();
    this.calls--;
    if (answer.kind !== 'returned') trace.fault(this.name, () => `its call of the worker came to ${short(answer)}`);
    else if (!signal?.aborted) trace.tell(this.name, () => `hears from the worker: ${short(answer.payload, 60)}`);
    return answer;
  }

  private async workerAnswer(payload: string): Promise<CallOutcome> {
    const { sim } = this;
    if (sim.isFull() || this.faults.strikes('throttle worker')) return { kind: 'throttled' };
    if (this.faults.strikes('refuse worker')) return { kind: 'refused', errorType: 'AccessDeniedException', message: 'not authorized' };
    const lost = (): CallOutcome => {
      sim.callLost(payload);
      return { kind: 'unknown', message: 'connection lost' };
    };
    if (this.faults.strikes('lose call')) return lost();
    const answer = await sim.runWorker(payload);
    return this.faults.strikes('lose result') ? lost() : answer;
  }

  private async callCombiner(payload: string): Promise<CallOutcome> {
    if (this.sim.dispatchers.has(this)) return this.callTreeCombiner(payload);
    await this.pass();
    const answer = this.sim.runCombiner(payload, this.epoch);
    this.sim.trace.tell(this.name, () => `calls the combiner with ${short(payload)} -> ${answer.kind}`);
    await this.pass();
    return answer;
  }

  /** In combine mode TREE a leaf calls the combiner as it calls workers, and with it happens what happens with them. */
  private async callTreeCombiner(payload: string): Promise<CallOutcome> {
    const { sim, faults } = this;
    this.calls++;
    sim.checker.anyCallStarts(this);
    await this.pass();
    let answer: CallOutcome = { kind: 'unknown', message: 'connection lost' };
    if (sim.isFull() || faults.strikes('throttle worker')) {
      answer = { kind: 'throttled' };
    } else if (faults.strikes('lose call')) {
      sim.combinerLost++;
    } else {
      const returned = await sim.runTreeCombiner(payload, this.epoch);
      if (faults.strikes('lose result')) sim.combinerLost++;
      else answer = returned;
    }
    await this.pass();
    this.calls--;
    sim.trace.tell(this.name, () => `calls the combiner with ${short(JSON.parse(payload), 700)} -> ${short(answer)}`);
    return answer;
  }

  private log(): Log {
    const say = (mark: string) => (message: string, fields: { [name: string]: unknown } = {}) =>
      this.sim.trace.tell(this.name, () => `${mark} ${message} ${short(fields)}`);
    return { debug: () => undefined, info: say('says:'), warn: say('warns:'), error: say('reports an error:') };
  }
}

function asSent<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, isShared(value) ? structuredClone(value) : value])) as T;
}

/** The plan never changes, and is large. */
function isShared(value: unknown): boolean {
  return value !== null && typeof value === 'object' && !('deadline' in value);
}

function outcome(result: unknown): string {
  if (result !== null && typeof result === 'object' && 'ok' in result) return (result as WriteResult).ok ? 'done' : `refused: there is ${short((result as WriteResult).row)}`;
  return result === false ? 'refused' : 'done';
}

const SILENT: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
