import { Participant } from './participant';
import type { Simulation } from './simulation';
import { short } from './trace';
import { combine, finish, prepare, repair, takeTurn, Turn } from '../lambda/protocol';
import { epochOf } from '../lambda/protocol/keys';

/** An error as the state machine sees it. */
class StateError extends Error {
  constructor(readonly code: string, readonly cause: string) {
    super(`${code}: ${cause}`);
  }
}

/** As in src/state-machine.ts. */
const TRANSIENT = new Set([
  'Lambda.ServiceException', 'Lambda.AWSLambdaException', 'Lambda.SdkClientException', 'Lambda.ClientExecutionTimeoutException', 'Lambda.Unknown', 'Transient',
]);
const TRANSIENT_RETRIES = 6;
const COMBINER_RETRIES = 2;
const NEVER = new Promise<never>(() => undefined);

/** One execution of the state machine: its states, retries and catches, with the monitor invoked for each. */
export class Execution {
  readonly arn: string;
  status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'ABORTED' | 'TIMED_OUT' = 'RUNNING';
  /** When Combine was first entered. */
  combineAt?: number;
  /** Errors whose retries were used up. */
  readonly exhausted: string[] = [];
  finishFailed = false;
  private waiting?: { readonly token: string; readonly wake: () => void };
  private invocations = 0;
  private stopNow!: () => void;
  private readonly stopped = new Promise<void>((resolve) => { this.stopNow = resolve; });

  constructor(private readonly sim: Simulation, readonly name: string, private readonly input: unknown) {
    this.arn = `arn:${name}`;
  }

  async run(): Promise<void> {
    this.tell(() => `starts with ${short(this.input)}`);
    const end = await Promise.race([this.states(), this.stopped]);
    if (end) this.status = end;
    this.tell(() => `has ended: ${this.status}`);
  }

  stop(status: 'ABORTED' | 'TIMED_OUT'): boolean {
    if (this.status !== 'RUNNING') return false;
    this.status = status;
    this.sim.trace.fault(`execution ${this.name}`, () => `is stopped from outside: ${status}`);
    this.stopNow();
    return true;
  }

  /** `false`: nobody waits with this token any more. */
  wake(token: string): boolean {
    if (this.status !== 'RUNNING' || this.waiting?.token !== token) return false;
    this.waiting.wake();
    this.waiting = undefined;
    return true;
  }

  private async states(): Promise<'SUCCEEDED' | 'FAILED'> {
    const { sim } = this;
    const execution = { name: this.name, arn: this.arn, startTime: new Date(sim.clock.now()).toISOString() };
    let isPrepared = false;
    try {
      let turn = await this.task('Prepare', (monitor) => prepare(monitor.ports(), sim.scenario.settings, execution, this.input));
      isPrepared = true;
      while (!await this.await(turn)) turn = await this.task('Repair', (monitor) => repair(monitor.ports(), turn));
      this.combineAt = sim.clock.now();
      sim.combining();
      const settings = { hasCombiner: true, combinerTimeoutSeconds: 20, combineOnTimeout: sim.scenario.settings.combineOnTimeout ?? false };
      await this.task('Combine', (monitor) => combine(monitor.ports(), settings, turn, monitor.budget()));
      return 'SUCCEEDED';
    } catch (error) {
      if (!(error instanceof StateError)) throw error;
      const caught = { Error: error.code, Cause: error.cause };
      try {
        await this.task('Finish', (monitor) => finish(monitor.ports(), execution, isPrepared ? { error: caught } : caught));
      } catch (again) {
        if (!(again instanceof StateError)) throw again;
        this.finishFailed = true;
      }
      return 'FAILED';
    }
  }

  private task<T>(state: string, run: (monitor: Participant) => Promise<T>): Promise<T> {
    return this.retried(state, () => this.invoke(state, run));
  }

  /** `false`: the wait timed out. */
  private await(turn: Turn): Promise<boolean> {
    return this.retried('Await', async (retryCount) => {
      const token = `${this.name}/${turn.round}/${retryCount}`;
      const woken = new Promise<boolean>((resolve) => {
        this.waiting = { token, wake: () => resolve(true) };
      });
      const cancel = new AbortController();
      const timedOut = this.sim.clock.sleep(turn.waitSeconds * 1000, cancel.signal).then(() => false);
      const failed = this.invoke('Await', (monitor) => takeTurn(monitor.ports(), { ...turn, retryCount, token })).then(() => NEVER);
      failed.catch(() => undefined); // the race may be over
      try {
        const isWoken = await Promise.race([woken, timedOut, failed]);
        this.tell(() => (isWoken ? 'is woken' : `has waited ${turn.waitSeconds} s in vain`));
        return isWoken;
      } finally {
        cancel.abort();
        this.waiting = undefined;
      }
    });
  }

  private async retried<T>(state: string, attempt: (retryCount: number) => Promise<T>): Promise<T> {
    const tries = { transient: 0, throttled: 0, combiner: 0 };
    for (let retryCount = 0; ; retryCount++) {
      if (this.status !== 'RUNNING') await NEVER;
      try {
        return await attempt(retryCount);
      } catch (error) {
        if (!(error instanceof StateError)) throw error;
        if (this.status !== 'RUNNING') await NEVER;
        const seconds = this.delay(state, error.code, tries);
        this.tell(() => `${state} failed with ${error.message}${seconds === undefined ? '' : `; again in ${seconds.toFixed(1)} s`}`);
        if (seconds === undefined) throw error;
        await this.sim.clock.sleep(seconds * 1000);
      }
    }
  }

  private delay(state: string, code: string, tries: { transient: number; throttled: number; combiner: number }): number | undefined {
    if (code === 'Lambda.TooManyRequestsException') return this.sim.random() * Math.min(30, 2 ** tries.throttled++);
    if (TRANSIENT.has(code) && tries.transient < TRANSIENT_RETRIES) return 2 ** tries.transient++;
    if (state === 'Combine' && code === 'CombinerFailed' && tries.combiner < COMBINER_RETRIES) return 2 * 2 ** tries.combiner++;
    this.exhausted.push(code);
    return undefined;
  }

  private async invoke<T>(state: string, run: (monitor: Participant) => Promise<T>): Promise<T> {
    const { sim } = this;
    if (sim.faults.strikes('throttle monitor')) throw new StateError('Lambda.TooManyRequestsException', 'Rate Exceeded.');
    const monitor = new Participant(sim, `monitor ${state} ${this.name}.${++this.invocations}`, sim.scenario.monitorMs);
    monitor.epoch = epochOf(this.name);
    const cancel = new AbortController();
    void sim.clock.sleep(sim.scenario.monitorMs, cancel.signal).then(() => monitor.isAlive);
    const work = run(monitor).finally(() => cancel.abort());
    work.catch(() => undefined); // the race may be over
    if (sim.faults.strikes('lose monitor')) {
      sim.trace.fault(monitor.name, () => 'is taken for failed, and runs on');
      await sim.clock.sleep(sim.random() * 4_000);
      throw new StateError('Lambda.SdkClientException', 'connection lost');
    }
    const death = monitor.died.then(async () => {
      await sim.clock.sleep(sim.random() * 2_000);
      throw new StateError('Lambda.Unknown', 'the function died');
    });
    death.catch(() => undefined);
    try {
      return await Promise.race([work, death]);
    } catch (error) {
      if (error instanceof StateError) throw error;
      const { name: errorType, message: errorMessage } = error as Error;
      sim.checker.monitorThrew(state, error as Error);
      throw new StateError(errorType, JSON.stringify({ errorType, errorMessage }));
    }
  }

  private tell(what: () => string): void {
    this.sim.trace.tell(`execution ${this.name}`, what);
  }
}
