import type { Participant } from './participant';
import type { Simulation } from './simulation';
import { short } from './trace';
import { TreeChecker } from './tree-checker';
import { GroupDocument, GroupRow, JobRow, Manifest, ManifestGroup, PartialRow, Row } from '../lambda/protocol';
import { epochOf as epochOfExecution, groupKey, manifestObject } from '../lambda/protocol/keys';
import { groupOfBatch, JOIN_FAN_IN } from '../lambda/protocol/plan';
import type { Usage } from '../lambda/protocol/usage';

/** In runs without losses: from the last group's commit to Combine, and from a seal to the last call started. */
const PROMPT_MS = 3_000;
const STOP_MS = 5_000;
const STALE_MS = 2_500;
/** A leaf renews its lease every third beat at least. */
const LOST_MS = 6_500;
const MAX_UNKNOWN = 6;
/** How often a worker call is refused, and the combiner fails, before the job ends for it. */
const REFUSALS = 4;
const COMBINER_FAILURES = 3;
/** Errors that the state machine may see from the monitor; any other is a defect. */
const KNOWN_ERRORS = new Set(['Transient', 'JobNotSucceeded', 'CombinerFailed', 'InvalidRequest', 'JobState', 'JobExists']);

/** What became of a group, with everything that its row refers to, as it was when it was committed; null: a recorded failure. */
type Outcomes = (string | null)[];

/** Holds the invariants: each write, each call and the end of a run pass through here. */
export class Checker {
  readonly violations: string[] = [];
  private readonly committed = new Map<string, Outcomes>();
  /** By epoch and batch: what the epoch's manifest gives. */
  private readonly published = new Map<number, Map<number, string | null>>();
  /** Who owns a leaf now -> the epoch of that leaf. */
  private readonly owners = new Map<string, number>();
  /** By `epoch/group`. */
  private readonly committedAt = new Map<string, number>();
  /** When an owner lost its leaf to another. */
  private readonly lostAt = new Map<string, number>();
  private rootDoneAt = new Map<number, number>();
  private sealedAt = new Map<number, number>();
  readonly tree: TreeChecker;

  constructor(private readonly sim: Simulation) {
    this.tree = new TreeChecker(sim, (what) => this.violated(what));
  }

  /** What each batch of a committed group came to. */
  outcomesOf(pk: string): readonly (string | null)[] | undefined {
    return this.committed.get(pk);
  }

  violated(what: string): void {
    this.violations.push(what);
    this.sim.trace.tell('INVARIANT BROKEN', () => what);
    this.sim.end();
  }

  /** Every write to a table that took effect. */
  written(pk: string, before: Row | undefined, after: Row): void {
    if (pk.includes('#p')) this.tree.written(pk, before, after as unknown as PartialRow);
    else if (pk.includes('#g')) this.groupWritten(pk, before, after as unknown as GroupRow);
    else if (pk.includes('#n')) this.nodeWritten(pk, after);
    else if (pk.includes('#l')) this.leafWritten(pk, before, after);
    else if (pk === 'j#job') this.jobWritten(before as unknown as JobRow | undefined, after as unknown as JobRow);
  }

  private groupWritten(pk: string, before: Row | undefined, after: GroupRow): void {
    if (before) {
      if (JSON.stringify(before) !== JSON.stringify(after)) this.violated(`the committed row ${pk} was changed`);
      return;
    }
    const outcomes = this.resolve(after.data === undefined ? this.text(after.object!) : after.data);
    this.committed.set(pk, outcomes);
    this.committedAt.set(`${epochOf(pk)}/${after.group}`, this.sim.clock.now());
    if (outcomes.length !== after.count) this.violated(`${pk} has ${outcomes.length} entries instead of ${after.count}`);
    const failed = new Set(after.failed.map(({ batchId }) => batchId));
    const epoch = epochOf(pk);
    outcomes.forEach((outcome, i) => {
      const batch = after.first + i;
      if ((outcome === null) !== failed.has(batch)) this.violated(`${pk}: batch ${batch} has neither a result nor a failure, or both`);
      if (outcome !== null && !this.sim.isResultOf(batch, outcome)) this.violated(`${pk}: ${outcome} is not what batch ${batch} gave`);
      const last = this.lastBefore(epoch)?.get(batch);
      if (typeof last === 'string' && last !== outcome) this.violated(`${pk}: batch ${batch} had the result ${last} in the last epoch, and has ${outcome} now`);
    });
    for (const { batchId, errorType } of after.failed) {
      const isDue = errorType === 'CallLost' ? this.sim.lost(batchId) > MAX_UNKNOWN
        : errorType === 'LeafLost' ? Object.keys(this.sim.faults.counts).length > 0
          : this.sim.threw(batchId) > this.sim.scenario.settings.workerRetries;
      if (!isDue) this.violated(`${pk}: batch ${batchId} is recorded as failed (${errorType}), which it has not earned`);
    }
  }

  private nodeWritten(pk: string, after: Row): void {
    if (!(after.children instanceof Set)) return;
    const epoch = epochOf(pk) || this.sim.tasks.rows.get('j#job')!.epoch as number;
    if (this.sim.isTree) after.children.forEach((index) => this.tree.counted(epoch, { level: Number(/#n(\d+)#/.exec(pk)![1]), index }));
    if (this.sim.isTree || !pk.includes('#n0#')) return;
    for (const unit of after.children) {
      if (Math.floor(unit / JOIN_FAN_IN) !== Number(pk.split('#').pop())) this.violated(`${pk} has the child ${unit}, which is not its own`);
      if (!this.sim.results.rows.has(groupKey('job', epoch, unit))) this.violated(`${pk} says that group ${unit} is complete, which is not committed`);
    }
  }

  private leafWritten(pk: string, before: Row | undefined, after: Row): void {
    if (before?.owner === after.owner) return;
    if (before?.owner !== undefined) {
      this.owners.delete(before.owner as string);
      this.lostAt.set(before.owner as string, this.sim.clock.now());
    }
    this.owners.set(after.owner as string, epochOf(pk));
    if ((before?.attempt ?? 0) as number >= (after.attempt as number)) this.violated(`${pk} was claimed as attempt ${String(after.attempt)} after attempt ${String(before?.attempt)}`);
  }

  private jobWritten(before: JobRow | undefined, after: JobRow): void {
    const isSameEpoch = before?.epoch === after.epoch;
    if (before && !isSameEpoch && (after.epoch < before.epoch || !before.terminal)) this.violated(`epoch ${before.epoch} became ${after.epoch} while ${before.status}`);
    for (const name of ['sealed', 'terminal'] as const) {
      const old = isSameEpoch ? before[name] : undefined;
      if (old && JSON.stringify(old) !== JSON.stringify(after[name])) this.violated(`${name} was ${short(old)} and became ${short(after[name])}`);
    }
    if (after.sealed && !(isSameEpoch && before.sealed)) this.sealedAt.set(after.epoch, this.sim.clock.now());
    if (after.rootDone === after.epoch && !this.rootDoneAt.has(after.epoch)) this.rootDone(after);
    if (after.terminal && !(isSameEpoch && before.terminal)) this.terminated(after);
  }

  private rootDone({ epoch, plan }: JobRow): void {
    this.rootDoneAt.set(epoch, this.sim.clock.now());
    if (this.sim.isTree) this.tree.rootDone(epoch, plan.batches);
    for (let unit = 0; unit < plan.groups; unit++) {
      if (!this.sim.results.rows.has(groupKey('job', epoch, unit))) this.violated(`the root is said to be complete, but group ${unit} is not committed`);
    }
  }

  private terminated(row: JobRow): void {
    const { status } = row.terminal!;
    if (!row.plan) return; // refused, or stopped before it was planned
    if (status === 'SUCCEEDED') {
      if (row.sealed?.outcome !== 'SUCCEEDED') this.violated(`SUCCEEDED, though sealed as ${short(row.sealed)}`);
      const results = this.published.get(row.epoch);
      if (!results) return this.violated('SUCCEEDED without a manifest');
      const failed = [...results.values()].filter((result) => result === null).length;
      if (results.size !== row.plan.batches) this.violated(`SUCCEEDED with ${results.size} of ${row.plan.batches} batches`);
      if (failed > row.plan.toleratedFailures) this.violated(`SUCCEEDED with ${failed} failed batches, ${row.plan.toleratedFailures} are tolerated`);
      if (row.failedCount !== failed) this.violated(`the job says that ${row.failedCount} batches failed, it were ${failed}`);
      return;
    }
    const excuse = this.excuseFor(row);
    if (excuse !== undefined) this.violated(`the job ended ${status} (${short(row.reason)}), but ${excuse}`);
  }

  /** Why a job should not have ended as it did; undefined: it had a reason. */
  private excuseFor(row: JobRow): string | undefined {
    const { sim } = this;
    const code = row.reason?.code ?? 'none';
    const exhausted = sim.executions.flatMap((execution) => execution.exhausted);
    switch (code) {
      case 'TooManyFailures': {
        const lost = [...sim.results.rows.values()].flatMap((group) => (group as unknown as Partial<GroupRow>).failed ?? []).filter(({ errorType }) => errorType === 'LeafLost');
        const suspects = new Set(lost.map(({ batchId }) => batchId));
        for (let batch = 0; batch < row.plan.batches; batch++) {
          if (sim.threw(batch) > row.plan.workerRetries || sim.lost(batch) > MAX_UNKNOWN) suspects.add(batch);
        }
        return suspects.size > row.plan.toleratedFailures ? undefined : `only ${suspects.size} batches can have failed, and ${row.plan.toleratedFailures} may`;
      }
      case 'TimedOut':
        if (sim.scenario.hasTime) return 'it had hours';
        return sim.clock.now() >= row.plan.deadline - sim.scenario.skewMs ? undefined : 'its deadline had not come';
      case 'ExecutionStopped':
        return sim.executions.some(({ status, finishFailed }) => finishFailed || status === 'ABORTED' || status === 'TIMED_OUT') ? undefined : 'no execution was stopped';
      case 'LeafLost':
        return sim.isTree && Object.keys(sim.faults.counts).length > 0 ? undefined : 'nothing was lost';
      case 'WorkerRefused':
        return (sim.faults.counts['refuse worker'] ?? 0) >= REFUSALS ? undefined : 'Lambda hardly ever refused to run the worker';
      case 'CombinerFailed':
        if (sim.isTree && sim.combinerLost > MAX_UNKNOWN) return undefined;
        return sim.combinerThrew >= COMBINER_FAILURES ? undefined : `the combiner failed only ${sim.combinerThrew} times`;
      default:
        return exhausted.includes(code) && (code === 'Transient' || code.startsWith('Lambda.')) ? undefined : 'nothing that happened explains that';
    }
  }

  /** An object was stored. */
  stored(key: string, before: Buffer | undefined, after: Buffer): void {
    const isFinal = key.endsWith('/manifest.json') || key.endsWith('/result.json');
    if (isFinal && before && !before.equals(after)) this.violated(`${key} was changed`);
    if (key.endsWith('/result.json') && !before && this.sim.isTree) {
      const row = this.sim.tasks.rows.get('j#job') as unknown as JobRow;
      const epoch = Number(/\/e(\d+)\//.exec(key)![1]);
      const isWhole = row.epoch !== epoch || row.sealed?.outcome === 'SUCCEEDED';
      this.tree.stored(epoch, after.toString(), row.plan.batches, this.published.get(epoch) ?? new Map<number, string | null>(), isWhole);
    }
    if (key.endsWith('/manifest.json') && !before) this.published.set(Number(/\/e(\d+)\//.exec(key)![1]), this.verified(JSON.parse(after.toString()) as Manifest));
  }

  /** Holds a manifest against what was committed; gives what it says of each batch. */
  private verified(manifest: Manifest): Map<number, string | null> {
    const { epoch } = manifest;
    const committed = new Map<number, Outcomes>();
    const rows = [...this.committed].filter(([pk]) => epochOf(pk) === epoch);
    for (const [pk, outcomes] of rows) committed.set((this.sim.results.rows.get(pk) as unknown as GroupRow).first, outcomes);
    const last = this.lastBefore(epoch);
    const seen = new Map<number, string | null>();
    for (const group of this.groupsOf(manifest)) {
      const now = this.resolve(group.data === undefined ? this.text(group.object!) : JSON.stringify(group.data));
      const before = now.map((_, i) => last?.get(group.first + i));
      const due = committed.get(group.first) ?? before;
      // an end that is no success does not wait for the commits that are under way
      const isDue = group.unfinished ? this.isUnfinished(manifest, group, now, before) : same(now, due) || (manifest.outcome !== 'SUCCEEDED' && same(now, before));
      if (!isDue) this.violated(`the manifest of epoch ${epoch} gives ${now.join()} for the batches from ${group.first} on, committed is ${due.join()}`);
      now.forEach((outcome, i) => {
        const batch = group.first + i;
        if (seen.has(batch)) this.violated(`the manifest of epoch ${epoch} has batch ${batch} twice`);
        seen.set(batch, outcome);
      });
    }
    const sealedAt = this.sealedAt.get(epoch) ?? -Infinity;
    for (const [first, outcomes] of committed) {
      const wasThere = this.committedAt.get(`${epoch}/${groupOfBatch(first)}`)! < sealedAt;
      if (wasThere && !same(outcomes, outcomes.map((_, i) => seen.get(first + i)))) this.violated(`the manifest of epoch ${epoch} has not the group from batch ${first} on, which was committed before`);
    }
    const row = this.sim.tasks.rows.get('j#job') as unknown as JobRow;
    if (row.sealed?.reason?.code === 'TooManyFailures' && Object.keys(this.sim.faults.counts).length === 0 && manifest.failedCount <= row.plan.toleratedFailures) {
      this.violated(`nothing went wrong, yet the manifest has ${manifest.failedCount} failures, for which the job cannot have ended`);
    }
    for (const [batch, outcome] of last ?? []) {
      if (!seen.has(batch)) this.violated(`the manifest of epoch ${epoch} lacks batch ${batch}, which an earlier one had (${outcome === null ? 'failed' : 'a result'})`);
    }
    const failed = [...seen.values()].filter((outcome) => outcome === null).length;
    if (manifest.failedCount !== failed || manifest.succeededCount !== seen.size - failed) {
      this.violated(`the manifest counts ${manifest.succeededCount} results and ${manifest.failedCount} failures, it has ${seen.size - failed} and ${failed}`);
    }
    return seen;
  }

  /** Of a group that was not committed: every result is one that its batch gave, and what an earlier epoch had stays. */
  private isUnfinished({ outcome: end }: Manifest, { first, failed }: ManifestGroup, now: Outcomes, before: (string | null | undefined)[]): boolean {
    const failures = new Set(failed.map(({ batchId }) => batchId));
    return end !== 'SUCCEEDED' && now.every((outcome, i) => (outcome === null
      ? failures.has(first + i) && typeof before[i] !== 'string'
      : !failures.has(first + i) && this.sim.isResultOf(first + i, outcome) && (typeof before[i] !== 'string' || before[i] === outcome)));
  }

  /** What the epoch before gave; numbers of epochs that never began are left out. */
  private lastBefore(epoch: number): Map<number, string | null> | undefined {
    return this.published.get(Math.max(...[...this.published.keys()].filter((other) => other < epoch)));
  }

  private groupsOf(manifest: Manifest): ManifestGroup[] {
    const lines = (manifest.pieces ?? []).flatMap((piece) => this.text(piece).split('\n').filter((line) => line !== ''));
    return [...manifest.groups ?? [], ...lines.map((line) => JSON.parse(line) as ManifestGroup)];
  }

  /** The combiner was called for an epoch, which may be over. */
  combined(payload: string, epoch: number): void {
    if (this.sim.isTree) return;
    const { batchCount, failures, results } = JSON.parse(payload) as {
      batchCount: number; failures: { count: number }; results: { inline?: unknown[]; failed?: number[]; missing?: number[] };
    };
    const due = this.published.get(epoch);
    if (!due) return this.violated('the combiner is called before there is a manifest');
    const failed = [...due.values()].filter((outcome) => outcome === null).length;
    if (failures.count !== failed) this.violated(`the combiner is told of ${failures.count} failures, there are ${failed}`);
    if (!results.inline) return;
    const none = new Set([...results.failed ?? [], ...results.missing ?? []]);
    for (let batch = 0; batch < batchCount; batch++) {
      const given = none.has(batch) ? null : JSON.stringify(results.inline[batch]);
      if (given !== (due.get(batch) ?? null)) this.violated(`the combiner is given ${given} for batch ${batch}, committed is ${due.get(batch)}`);
    }
  }

  /** A worker call begins. */
  callStarts(caller: Participant, batch: number): void {
    this.anyCallStarts(caller);
    const committedAt = this.committedAt.get(`${caller.epoch}/${groupOfBatch(batch)}`);
    if (committedAt !== undefined && committedAt < caller.startedAt) {
      this.violated(`${caller.name} runs batch ${batch} again, whose group was committed before it started`);
    }
    if (typeof this.lastBefore(caller.epoch)?.get(batch) === 'string') {
      this.violated(`${caller.name} runs batch ${batch} again, of which the last manifest has a result`);
    }
  }

  /** A call begins that a leaf makes, of the worker or, in combine mode TREE, of the combiner. */
  anyCallStarts(caller: Participant): void {
    const { sim } = this;
    const row = sim.tasks.rows.get('j#job') as unknown as JobRow;
    const most = sim.scenario.request.maxConcurrency as number | undefined;
    if (most !== undefined) {
      let calls = 0;
      for (const leaf of sim.dispatchers) if (leaf.nonces.some((nonce) => this.owners.get(nonce) === row.epoch)) calls += leaf.calls;
      if (calls > most) this.violated(`${calls} calls in flight by leaves that own their groups, maxConcurrency is ${most}`);
    }
    const lostAt = Math.min(...caller.nonces.map((nonce) => this.lostAt.get(nonce) ?? Infinity));
    if (sim.scenario.kind !== 'storm' && sim.clock.now() > lostAt + LOST_MS) {
      this.violated(`${caller.name} starts a call ${Math.round(sim.clock.now() - lostAt)} ms after it lost its leaf`);
    }
    const sealedAt = this.sealedAt.get(row.epoch);
    const patience = STOP_MS + (sim.faults.any('stale read') ? STALE_MS : 0);
    if (sealedAt !== undefined && sim.scenario.kind !== 'storm' && sim.clock.now() > sealedAt + patience) {
      this.violated(`${caller.name} starts a call ${sim.clock.now() - sealedAt} ms after the seal`);
    }
  }

  /** The monitor answered the state machine with an error. */
  monitorThrew(state: string, error: Error): void {
    if (!KNOWN_ERRORS.has(error.name)) this.violated(`${state} threw ${error.stack}`);
  }

  /** Everything has come to rest. */
  ended(): void {
    const { sim } = this;
    const row = sim.tasks.rows.get('j#job') as unknown as JobRow | undefined;
    if (!row?.terminal || row.terminal.epoch !== row.epoch) return this.violated(`no execution is alive, and the job is ${row?.status}, without an end (epoch ${row?.epoch})`);
    if (row.plan && !sim.announced.some(({ id, status }) => id === `job-e${row.epoch}` && status === row.terminal!.status)) {
      this.violated(`the end of epoch ${row.epoch} was never announced`);
    }
    for (const { id, status } of sim.announced) {
      if (sim.announced.some((other) => other.id === id && other.status !== status)) this.violated(`epoch ${id} was announced with two ends`);
    }
    if (sim.scenario.kind !== 'storm') {
      sim.executions.forEach((execution) => {
        const done = this.rootDoneAt.get(epochOfExecution(execution.name));
        if (done !== undefined && execution.combineAt !== undefined && execution.combineAt > done + PROMPT_MS) {
          this.violated(`nothing was lost, yet Combine began ${Math.round(execution.combineAt - done)} ms after the root was complete: a wake was missed`);
        }
      });
    }
    if (sim.scenario.kind === 'calm' && sim.scenario.combinerThrows === 0) this.tree.calm();
    const mayDouble = sim.scenario.settings.speculativeExecution === true;
    if (sim.scenario.kind === 'calm' && sim.scenario.poison.size === 0 && !mayDouble && sim.callCount > sim.scenario.batches) {
      this.violated(`nothing went wrong, yet ${sim.callCount} calls were made for ${sim.scenario.batches} batches`);
    }
    this.billed(row);
    if (sim.payloads.objects.has(manifestObject('job', row.epoch))) {
      const now = this.verified(JSON.parse(this.text(manifestObject('job', row.epoch))) as Manifest);
      const then = this.published.get(row.epoch)!;
      for (const [batch, outcome] of now) if (then.get(batch) !== outcome) this.violated(`batch ${batch} was ${then.get(batch)} in the manifest and reads as ${outcome} now`);
    }
  }

  /** The job never says that it used more than it did, and where nothing went wrong not less. */
  private billed({ usage, terminal }: JobRow): void {
    const { sim } = this;
    const used: { [name in keyof Usage]?: number } = {
      workerInvocations: sim.callCount,
      tableReadUnits: sim.tasks.readUnits + sim.results.readUnits,
      tableWriteUnits: sim.tasks.writeUnits + sim.results.writeUnits,
      objectGets: sim.payloads.gets + sim.inputs.gets,
      objectPuts: sim.payloads.puts,
    };
    for (const [name, most] of Object.entries(used) as [keyof Usage, number][]) {
      if ((usage?.[name] ?? 0) > most) this.violated(`the job says that it used ${usage![name]} ${name}, it were ${most}`);
    }
    // a call that lost against a speculative one ends after its leaf
    const isCalm = Object.keys(sim.faults.counts).length === 0 && terminal?.status === 'SUCCEEDED' && !sim.scenario.settings.speculativeExecution;
    if (isCalm && (usage?.workerInvocations ?? 0) < sim.callCount) this.violated(`the job says that it called the worker ${usage?.workerInvocations} times, it were ${sim.callCount}`);
  }

  private resolve(document: string): Outcomes {
    return (JSON.parse(document) as GroupDocument).entries.map((entry) => {
      if (entry === null) return null;
      return 'ref' in entry ? this.text(entry.ref.key) : JSON.stringify(entry.result);
    });
  }

  private text(key: string): string {
    const object = this.sim.payloads.objects.get(key);
    if (object) return object.toString();
    this.violated(`there is no object ${key}`);
    return '{"entries":[]}';
  }
}

function same(some: readonly unknown[], others: readonly unknown[]): boolean {
  return some.length === others.length && some.every((value, i) => value === others[i]);
}

function epochOf(pk: string): number {
  return Number(/#e(\d+)#/.exec(pk)?.[1]);
}
