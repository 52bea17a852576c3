import { claimLeaf } from './claim';
import { CombineUnits } from './combine-units';
import { BUFFER_BYTES, commitGroup, committedUnits, GroupInProgress, resultEntry, Settled, SPILL_BYTES, spilledEntry } from './group';
import { GroupItems, ItemReader } from './items';
import { signalJoin } from './join';
import { jobKey, leafKey, Writer } from './keys';
import { DispatchEvent, Failure, JobRow, LeafRow, Plan, Reason } from './model';
import { Parts, Tries, triesOf } from './part';
import { groupOfBatch, groupsOfLeaf, JOIN_FAN_IN, Span, spanSize } from './plan';
import { Budget, CallOutcome, Ports, Row } from './ports';
import { Progress } from './progress';
import { RedoReader } from './redo';
import { isOver, sealEarly } from './seal';
import { tooManyFailures } from './tolerance';
import { metered, MeteredPorts, sumUsage } from './usage';
import { backoff, Window } from './window';

/** A leaf looks at its job, and tells of its progress, this often; the first time sooner, for those who watch a short job. */
const BEAT_MS = 2_000;
const FIRST_BEAT_MS = 800;
/** A call is started only while this much is left beyond the worker's own time-out. */
const END_MARGIN_MS = 30_000;
/** How often a leaf hands over to itself before it leaves that to the monitor. */
const MAX_HOPS = 6;
/** Nothing but throttles for so long: give the leaf's own slot back. */
const STARVED_MS = 10_000;
/** How often Lambda may say that it cannot run the worker before the job is given up; new permissions take seconds to spread. */
const MAX_REFUSALS = 4;
/** How often the outcome of one batch's calls may be unknown before that is its failure. */
const MAX_UNKNOWN = 6;
/** A synchronous Lambda answer, from the Lambda quotas; an emulator may not enforce it. */
export const MAX_RESPONSE_BYTES = 6 * 1024 * 1024;
/** Stragglers are called a second time once so much of their group is settled, and never sooner than this. */
const SPECULATION_SHARE = 0.9;
const SPECULATION_FLOOR_MS = 1_000;
const MAX_MESSAGE_CHARS = 1_000;
const MAX_TYPE_CHARS = 200;

export type LeafEnd = 'done' | 'stopped' | 'ownership lost' | 'handed over' | 'released' | 'not claimed';

interface Task extends Tries {
  readonly batch: number;
  refusals: number;
  /** Whether a straggler's second call was made. */
  isDoubled?: boolean;
  notBefore: number;
}

interface CallError {
  readonly errorType: string;
  readonly message: string;
  readonly requestId: string;
}

interface OpenGroup {
  readonly progress: GroupInProgress;
  readonly items: GroupItems;
}

/** Runs one leaf: every batch of its groups through the worker, each group committed once, the join told. */
export async function runLeaf(world: Ports, event: DispatchEvent, budget: Budget): Promise<LeafEnd> {
  const ports = metered(world, 'dispatcher');
  const [claim, job, parameters] = await Promise.all([
    claimLeaf(ports, event),
    ports.store.tasks.get(jobKey(event.jobId), { consistent: true }) as Promise<unknown> as Promise<JobRow | undefined>,
    event.plan.parametersKey === undefined ? undefined
      : ports.payloads.get(event.plan.parametersKey).then((bytes) => Buffer.from(bytes).toString('utf8')),
  ]);
  if (!claim) return 'not claimed';
  if (!job || job.epoch !== event.epoch || job.sealed || isOver(job)) return 'stopped';
  const leaf = new Leaf(ports, event, budget, claim.writer, claim.row, parameters);
  ports.log.info('leaf started', { leaf: event.lo, attempt: claim.writer.attempt, groups: spanSize(leaf.groups), window: event.plan.window });
  const end = await leaf.run();
  ports.log.info('leaf ended', { leaf: event.lo, attempt: claim.writer.attempt, end, ...leaf.counts() });
  return end;
}

class Leaf {
  readonly groups: Span;
  private readonly plan: Plan;
  private readonly window: Window;
  private readonly items: ItemReader;
  private readonly redo?: RedoReader;
  /** Combine mode TREE: the units to combine. */
  private readonly combining?: CombineUnits;
  private readonly open = new Map<number, OpenGroup>();
  private readonly fresh: Task[] = [];
  private readonly waiting: Task[] = [];
  /** Calls under way, speculative ones aside, and when they were made. */
  private readonly inFlight = new Map<Task, number>();
  private readonly background = new Set<Promise<void>>();
  private readonly abort = new AbortController();
  private readonly parts: Parts;
  private readonly progress: Progress;
  private nextGroup: number;
  private opening = false;
  private running = 0;
  private bufferedChars = 0;
  private lastHeard: number;
  private progressed = false;
  private leaseRenewed: number;
  private reported = '';
  private end?: LeafEnd;
  private ending?: Promise<void>;
  private crash?: unknown;
  private notify?: () => void;

  constructor(
    private readonly ports: MeteredPorts, private readonly event: DispatchEvent, private readonly budget: Budget,
    private readonly writer: Writer, private readonly row: LeafRow, private readonly parameters: string | undefined,
  ) {
    this.plan = event.plan;
    this.groups = groupsOfLeaf(event.lo, this.plan.groups, this.plan.leaves);
    this.window = new Window(this.plan.window);
    this.items = new ItemReader(ports, this.plan, this.groups);
    this.redo = this.plan.redo && new RedoReader(ports, this.plan.redo, this.groups);
    this.combining = this.plan.tree && new CombineUnits(ports, event, writer, parameters);
    this.parts = new Parts(ports, writer, row.parts ?? []);
    this.progress = new Progress(this.groups, row);
    this.nextGroup = this.progress.cursor;
    this.leaseRenewed = this.lastHeard = ports.clock.now();
  }

  counts(): { finished: number; failed: number; running: number } {
    let { finished, failed } = this.progress.sum();
    for (const { progress } of this.open.values()) {
      finished += progress.settledCount;
      failed += progress.failures.length;
    }
    return { finished, failed, running: this.running };
  }

  async run(): Promise<LeafEnd> {
    const beating = this.beat();
    try {
      const combining = await this.parts.load();
      this.combining?.inherit(combining);
      await this.work();
      return await this.close();
    } finally {
      this.abort.abort();
      await beating;
    }
  }

  /** Starts calls as long as there is room, and sleeps until something changes. Returns when nothing is left or may be started. */
  private async work(): Promise<void> {
    for (;;) {
      if (this.crash !== undefined) throw this.crash;
      if (this.end === 'stopped' || this.end === 'ownership lost') return;
      if (this.progress.isDone) return; // what may still run lost against a speculative call
      const mayStart = this.end === undefined && this.mayStart();
      if (mayStart) this.fill();
      const idle = this.running === 0 && this.background.size === 0;
      if (idle && (!mayStart || this.isExhausted())) return;
      await this.change(mayStart ? this.nextStart() : undefined);
    }
  }

  private mayStart(): boolean {
    if (this.ports.clock.now() >= this.plan.deadline) return false;
    const seconds = Math.max(this.plan.workerTimeoutSeconds, this.plan.tree?.combinerTimeoutSeconds ?? 0);
    return this.budget.remainingMs() > seconds * 1000 + END_MARGIN_MS;
  }

  private isExhausted(): boolean {
    return this.nextGroup >= this.groups.end && !this.opening && this.fresh.length === 0 && this.waiting.length === 0
      && (this.combining?.isIdle ?? true);
  }

  private fill(): void {
    const now = this.ports.clock.now();
    this.window.grow(now);
    while (this.running < this.window.current) {
      const unit = this.combining?.next(now); // first: what is combined is let go of
      if (unit) {
        this.inBackground(this.combine(unit));
        continue;
      }
      const due = this.waiting.findIndex((task) => task.notBefore <= now);
      const task = due >= 0 ? this.waiting.splice(due, 1)[0] : this.fresh.shift();
      if (!task) break;
      if (!this.isSettled(task)) this.inBackground(this.call(task));
    }
    if (this.plan.speculative) this.speculate(now);
    if (!this.opening && this.nextGroup < this.groups.end && this.fresh.length < this.plan.window) {
      this.opening = true;
      this.inBackground(this.openGroups().finally(() => { this.opening = false; }));
    }
  }

  /** Makes the batches of the next group ready; a successor first skips what its predecessors committed. */
  private async openGroups(): Promise<void> {
    const unit = this.nextGroup;
    if (this.writer.attempt > 1 && (unit === this.progress.cursor || unit % JOIN_FAN_IN === 0)) await this.skipCommitted(unit);
    if (this.progress.isCommitted(unit)) {
      this.nextGroup++;
      return;
    }
    const { group, good } = this.redo ? await this.redo.adopt(unit) : { group: unit, good: new Map<number, Settled>() };
    const items = await this.items.group(group);
    const opened: OpenGroup = { progress: new GroupInProgress(unit, group, this.plan, items.tasks?.map(({ id }) => id)), items };
    this.open.set(group, opened);
    for (let batch = opened.progress.first; batch < opened.progress.first + opened.progress.count; batch++) {
      const { settled = good.get(batch), tries = { calls: 0, failures: 0, unknowns: 0 } } = this.parts.take(batch);
      if (settled) this.keep(opened, batch, settled);
      else this.fresh.push({ batch, ...tries, refusals: 0, notBefore: 0 });
    }
    this.nextGroup++;
    if (opened.progress.isWhole) await this.commit(opened);
  }

  private async skipCommitted(from: number): Promise<void> {
    const to = Math.min(this.groups.end, (Math.floor(from / JOIN_FAN_IN) + 1) * JOIN_FAN_IN);
    const keys = Array.from({ length: to - from }, (_, i) => from + i);
    for (const row of await committedUnits(this.ports, this.event, keys)) {
      this.progress.commit(row.unit, { finished: row.count, failed: row.failed.length });
      this.combineGroup(row);
    }
    if (!this.combining) await this.signalRun(from);
  }

  private combineGroup({ unit, group }: { unit: number; group: number }): void {
    if (this.combining) this.progress.through(this.combining.add({ level: 0, index: group }, [unit]));
  }

  /** Runs a unit of combine mode TREE: its call takes the place of a worker's. */
  private async combine(unit: Parameters<CombineUnits['run']>[0]): Promise<void> {
    this.running++;
    const end = await this.combining!.run(unit).finally(() => { this.running--; });
    if (this.abort.signal.aborted) return;
    const now = this.ports.clock.now();
    if (end.kind !== 'throttled') this.lastHeard = now;
    switch (end.kind) {
      case 'through':
        this.progressed ||= end.isNew;
        return this.progress.through(end.groups);
      case 'throttled':
        if (this.running === 0 && now - this.lastHeard > STARVED_MS) this.end ??= 'released';
        return;
      case 'failed':
        if (this.end === undefined) await this.endJob(end.reason);
    }
  }

  private async call(task: Task): Promise<void> {
    const group = this.open.get(groupOfBatch(task.batch))!;
    const startedAt = this.ports.clock.now();
    this.inFlight.set(task, startedAt);
    const { call, outcome } = await this.callOnce(task, group);
    this.inFlight.delete(task);
    if (this.abort.signal.aborted || this.isSettled(task)) return;
    const now = this.ports.clock.now();
    if (outcome.kind !== 'throttled') this.lastHeard = now;
    switch (outcome.kind) {
      case 'returned': {
        this.window.succeeded();
        await this.returned(task, group, call, outcome.payload, outcome.requestId, startedAt);
        return;
      }
      case 'threw':
        task.failures++;
        return this.failedOrLater(task, group, startedAt, task.failures > this.plan.workerRetries, outcome);
      case 'unknown':
        task.unknowns++;
        return this.failedOrLater(task, group, startedAt, task.unknowns > MAX_UNKNOWN, {
          errorType: 'CallLost',
          requestId: '',
          message: `no answer from Lambda, so whether the worker ran is unknown: ${outcome.message}`,
        });
      case 'throttled':
        task.calls--;
        this.window.throttled(this.running, now);
        this.later(task, 100 + backoff(2, 500, 2_000, this.ports.random.next()));
        if (this.running === 0 && now - this.lastHeard > STARVED_MS) this.end ??= 'released';
        return;
      case 'refused':
        task.calls--;
        if (++task.refusals < MAX_REFUSALS) return this.later(task, 500 * 2 ** task.refusals);
        await this.endJob({ code: 'WorkerRefused', message: `Lambda refused to run the worker: ${outcome.errorType}: ${outcome.message}` });
    }
  }

  private async callOnce(task: Task, group: OpenGroup): Promise<{ call: number; outcome: CallOutcome }> {
    this.running++;
    const call = ++task.calls;
    const payload = this.payload(task, group, call);
    const taskFunction = group.items.tasks?.[task.batch - group.progress.first].function;
    try {
      return { call, outcome: await this.ports.invoker.callWorker(payload, this.abort.signal, task.batch + call, taskFunction) };
    } finally {
      this.running--;
    }
  }

  private isSettled({ batch }: Task): boolean {
    const group = this.open.get(groupOfBatch(batch));
    return group === undefined || group.progress.has(batch);
  }

  /** A second call for batches that take much longer than those of their group did; the first answer wins, and what fails here is ignored. */
  private speculate(now: number): void {
    for (const [task, startedAt] of this.inFlight) {
      if (this.running >= this.window.current) return;
      const group = this.open.get(groupOfBatch(task.batch));
      if (!group || task.isDoubled || group.progress.settledCount < SPECULATION_SHARE * group.progress.count) continue;
      if (now - startedAt < Math.max(SPECULATION_FLOOR_MS, 2 * group.progress.durationQuantile(0.95))) continue;
      task.isDoubled = true;
      this.ports.log.info('straggler called a second time', { batchId: task.batch });
      this.inBackground(this.callAgain(task, group));
    }
  }

  private async callAgain(task: Task, group: OpenGroup): Promise<void> {
    const startedAt = this.ports.clock.now();
    const { call, outcome } = await this.callOnce(task, group);
    if (this.abort.signal.aborted || this.isSettled(task) || outcome.kind !== 'returned') return;
    await this.returned(task, group, call, outcome.payload, outcome.requestId, startedAt);
  }

  private payload(task: Task, group: OpenGroup, call: number): string {
    return `{"jobId":${JSON.stringify(this.event.jobId)},"batchId":${task.batch},"invocationAttempt":${call},`
      + group.items.textOf(task.batch)
      + (this.parameters === undefined ? '' : `,"parameters":${this.parameters}`)
      + `,"deadlineMs":${this.plan.deadline}}`;
  }

  private async returned(task: Task, group: OpenGroup, call: number, payload: string, requestId: string, startedAt: number): Promise<void> {
    const bytes = Buffer.byteLength(payload);
    const problem = unusable(payload, bytes);
    if (problem) return this.fail(task, group, startedAt, { ...problem, requestId });
    const spill = bytes > SPILL_BYTES || this.bufferedChars + payload.length > BUFFER_BYTES;
    // timed before the spill: the time-line shows the worker, not our storage
    const settled = { ...this.timing(task, startedAt), bytes };
    const text = spill
      ? await spilledEntry(this.ports, this.writer, task.batch, call, payload, bytes)
      : resultEntry(payload);
    return this.settle(task, group, { ...settled, text });
  }

  private async failedOrLater(
    task: Task, group: OpenGroup, startedAt: number, final: boolean, error: CallError,
  ): Promise<void> {
    if (final) return this.fail(task, group, startedAt, error);
    const { errorType, requestId: workerRequestId } = error;
    this.ports.log.warn('worker call failed, will be repeated', { batchId: task.batch, calls: task.calls, errorType, workerRequestId });
    this.later(task, backoff(task.calls, 200, 10_000, this.ports.random.next()));
  }

  private async fail(task: Task, group: OpenGroup, startedAt: number, error: CallError): Promise<void> {
    const { message, requestId } = error;
    const errorType = error.errorType.slice(0, MAX_TYPE_CHARS);
    const failure: Failure = { batchId: task.batch, errorType, message: message.slice(0, MAX_MESSAGE_CHARS), attempts: task.calls, requestId };
    this.ports.log.warn('batch failed', { batchId: task.batch, calls: task.calls, errorType, workerRequestId: requestId });
    await this.settle(task, group, { ...this.timing(task, startedAt), text: 'null', bytes: 0, failure });
    await this.checkTolerance(group.progress.named(failure));
  }

  /** Above tolerance the job cannot succeed any more. */
  private async checkTolerance(last: Failure): Promise<void> {
    const { failed } = this.counts();
    if (failed > this.plan.toleratedFailures && this.end === undefined) await this.endJob(tooManyFailures(failed, this.plan, last));
  }

  /**
   * Seals the job, once, and only if this leaf still owns its groups. What it has of those that are not whole is stored before:
   * whoever lists the results of the job finds there why it failed.
   */
  private endJob(reason: Reason): Promise<void> {
    return this.ending ??= (async () => {
      await this.savePart();
      if (!await this.report({ parts: this.parts.keys })) return;
      this.end ??= 'stopped';
      await sealEarly(this.ports, this.event, 'FAILED', reason);
    })();
  }

  private timing(task: Task, startedAt: number) {
    return { startedMs: startedAt - this.plan.startedAt, tookMs: this.ports.clock.now() - startedAt, attempts: task.calls };
  }

  private later(task: Task, ms: number): void {
    task.notBefore = this.ports.clock.now() + ms;
    this.waiting.push(task);
  }

  /** In how many ms something that waits may start; undefined: only once a call has ended. */
  private nextStart(): number | undefined {
    const next = this.waiting.reduce((least, task) => Math.min(least, task.notBefore), this.combining?.nextAt() ?? Infinity);
    const at = this.running < this.window.current ? next
      : next < Infinity || this.fresh.length > 0 ? Math.max(this.window.growsAt, this.fresh.length > 0 ? 0 : next) : Infinity;
    return at === Infinity ? undefined : Math.max(1, at - this.ports.clock.now());
  }

  private async settle(task: Task, group: OpenGroup, settled: Settled): Promise<void> {
    if (!this.keep(group, task.batch, settled)) return;
    if (group.progress.isWhole) await this.commit(group);
  }

  private keep(group: OpenGroup, batch: number, settled: Settled): boolean {
    const isNew = group.progress.settle(batch, settled);
    if (isNew) this.bufferedChars += settled.text.length;
    return isNew;
  }

  private async commit({ progress }: OpenGroup): Promise<void> {
    if (this.end === 'ownership lost') return;
    const { won, failed } = await commitGroup(this.ports, this.writer, this.plan, progress);
    this.ports.log.debug('group committed', { group: progress.group, won });
    this.open.delete(progress.group);
    this.bufferedChars -= progress.heldChars;
    this.progress.commit(progress.unit, { finished: progress.count, failed });
    this.progressed = true;
    if (this.combining) this.combineGroup(progress);
    else await this.signalRun(progress.unit);
  }

  /** Signals the groups of one join node together, once all that this leaf owns there are committed: one write instead of up to 64. */
  private async signalRun(unit: number): Promise<void> {
    const run = this.progress.runOf(unit);
    if (run.length === 0) return;
    await signalJoin(this.ports, this.event, 0, run);
    this.progress.through(run);
  }

  /** Until the leaf ends: looks whether the job still wants it, renews the lease, tells of progress. */
  private async beat(): Promise<void> {
    for (let ms = FIRST_BEAT_MS; !this.abort.signal.aborted; ms = BEAT_MS) {
      await this.ports.clock.sleep(ms, this.abort.signal);
      if (this.abort.signal.aborted) return;
      try {
        const job = await this.ports.store.tasks.get(jobKey(this.event.jobId), { consistent: false }) as unknown as JobRow | undefined;
        // an eventually consistent read may be older than this epoch
        if (job && (job.epoch > this.event.epoch || (job.epoch === this.event.epoch && (job.sealed || isOver(job))))) {
          this.stop('stopped');
          return;
        }
        const renew = this.ports.clock.now() - this.leaseRenewed > (this.plan.leaseSeconds * 1000) / 3;
        if ((renew || JSON.stringify(this.counts()) !== this.reported) && !await this.report({})) return;
      } catch (error) {
        this.ports.log.warn('heartbeat failed', { leaf: this.event.lo, error: String(error) });
      }
    }
  }

  private stop(why: LeafEnd): void {
    this.end = why;
    this.abort.abort();
    this.notify?.();
  }

  /** Writes the leaf's row, if it is still ours. */
  private async report(also: Partial<LeafRow>): Promise<boolean> {
    const now = this.ports.clock.now();
    const counts = this.counts();
    const progressed = this.progressed;
    this.progressed = false;
    const set = {
      ...this.progress.row,
      counts,
      leaseUntil: now + this.plan.leaseSeconds * 1000,
      usage: sumUsage(this.row.usage, this.ports.meter.used(1)),
      ...(progressed ? { dispatches: 0 } : {}),
      ...also,
    };
    const written = await this.ports.store.tasks.update(
      leafKey(this.event.jobId, this.event.epoch, this.event.lo),
      { set: set as unknown as Row },
      { equals: ['owner', this.writer.owner] },
    );
    if (!written.ok) {
      this.stop('ownership lost');
      return false;
    }
    this.leaseRenewed = now;
    this.reported = JSON.stringify(counts);
    return true;
  }

  private async close(): Promise<LeafEnd> {
    await this.ending;
    if (this.end === 'ownership lost') return this.end;
    const endedAt = this.ports.clock.now();
    const { isDone } = this.progress;
    if (!isDone) await this.savePart();
    if (isDone || this.end === 'stopped' || endedAt >= this.plan.deadline) {
      // a leaf past the deadline leaves the verdict to the monitor
      await this.report({ endedAt, ...(isDone ? { done: true } : { parts: this.parts.keys }) });
      return isDone ? 'done' : this.end ?? 'stopped';
    }
    const handOver = this.end !== 'released' && this.event.hop < MAX_HOPS;
    if (!await this.report({ endedAt, parts: this.parts.keys, ...(handOver ? {} : { released: true, leaseUntil: 0 }) })) return 'ownership lost';
    if (!handOver) return 'released';
    await this.ports.invoker.dispatch({
      ...this.event, hi: this.event.lo + 1, expect: this.writer.attempt, hop: this.event.hop + 1,
    });
    return 'handed over';
  }

  /** Puts all finished results of groups that are not whole where a successor, or who ends the job, finds them. */
  private async savePart(): Promise<void> {
    const isNew = await this.parts.leave({
      settled: [...this.open.values()].flatMap(({ progress }) => progress.entries()),
      tries: [...this.fresh, ...this.waiting].filter(({ calls }) => calls > 0).map((task): [number, Tries] => [task.batch, triesOf(task)]),
      ...(this.combining && { combining: this.combining.tries() }),
    });
    if (isNew) this.progressed = true;
  }

  private inBackground(work: Promise<void>): void {
    const tracked = work
      .catch((error) => { if (this.end !== 'stopped') this.crash ??= error; })
      .finally(() => {
        this.background.delete(tracked);
        this.notify?.();
      });
    this.background.add(tracked);
  }

  private async change(timeoutMs: number | undefined): Promise<void> {
    const timer = new AbortController();
    const changed = new Promise<void>((resolve) => { this.notify = resolve; });
    // checked again by the caller after every wake, so that a lost notification costs at most a beat
    await Promise.race([changed, this.ports.clock.sleep(Math.min(timeoutMs ?? BEAT_MS, BEAT_MS), timer.signal)]);
    timer.abort();
  }
}

function unusable(payload: string, bytes: number): Omit<CallError, 'requestId'> | undefined {
  if (bytes > MAX_RESPONSE_BYTES) {
    return {
      errorType: 'ResultTooLarge',
      message: `the worker returned ${bytes} bytes; Lambda allows ${MAX_RESPONSE_BYTES}: return less, or use a smaller batchSize`,
    };
  }
  try {
    JSON.parse(payload);
    return undefined;
  } catch {
    return { errorType: 'ResultNotJson', message: 'the worker returned something that is not JSON: return a value that JSON can express' };
  }
}
