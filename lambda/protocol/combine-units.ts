import { ROW_LIMIT_BYTES } from './group';
import { addToNode, rootComplete, Tree } from './join';
import { entriesObject, groupKey, partialKey, partialObject, Writer } from './keys';
import { FIRST_FAILURES } from './manifest';
import { CombinerEvent, DispatchEvent, Failure, GroupRow, PartialRow, Reason } from './model';
import { Tries, triesOf } from './part';
import { childrenOfPlace, parentOfPlace, Place, putPartial, readPartials, rootPlace } from './partial';
import { groupCount } from './plan';
import { CallOutcome, Ports } from './ports';
import { headOf, inlineResults, inputOfPartial, inputsOfGroup, isInline, storedResults, TreeInput, treeEvent } from './tree-event';
import { backoff, Window } from './window';

/** Calls of one leaf at a time: the event of each may have 4 MiB, of which several copies are in memory. */
const MAX_AT_ONCE = 16;
/** How often the combiner is called again for a unit after it failed, as in the Combine state. */
const COMBINER_RETRIES = 2;
/** How often the outcome of a unit's calls may be unknown, and how often Lambda may refuse, as for workers. */
const MAX_UNKNOWN = 6;
const MAX_REFUSALS = 4;
const MAX_MESSAGE_CHARS = 1_000;

interface Unit extends Place {
  /** Groups of the leaf, as units of the epoch, that are through once this is. */
  readonly groups: number[];
  readonly tries: Tries;
  refusals: number;
  notBefore: number;
}

export type UnitEnd =
  /** These groups of the leaf are through: committed, combined, and the join told as far up as it is full. `isNew`: it took a call. */
  | { readonly kind: 'through'; readonly groups: number[]; readonly isNew: boolean }
  | { readonly kind: 'throttled' }
  | { readonly kind: 'later' }
  | { readonly kind: 'failed'; readonly reason: Reason };

interface Answer { readonly text: string; readonly failures: CombinerEvent['failures'] }

/**
 * The units of combine mode TREE that a leaf has to see to: its groups, and every node that one of them was the last to fill. A
 * leaf's cursor passes a group only once all that is through, so the leaf's lease is the lease of these units, too: who goes on
 * from the cursor signals again, finds the node full, and does what is missing.
 */
export class CombineUnits {
  private readonly open = new Map<string, Unit>();
  private readonly waiting: Unit[] = [];
  private readonly through = new Set<string>();
  private readonly earlier = new Map<string, Tries>();
  private readonly tree: Tree;
  /** Apart from that of workers: a combiner with little concurrency of its own does not hold them up. */
  private readonly window = new Window(MAX_AT_ONCE);
  private running = 0;

  constructor(
    private readonly ports: Ports, private readonly job: DispatchEvent, private readonly writer: Writer,
    private readonly parameters: string | undefined,
  ) {
    // all groups of the job, also where an epoch runs some of them only
    this.tree = { jobId: job.jobId, epoch: job.epoch, plan: { groups: groupCount(job.plan.batches), ttl: job.plan.ttl } };
  }

  /** Takes over what predecessors tried in vain. */
  inherit(combining: [key: string, tries: Tries][]): void {
    combining.forEach(([key, tries]) => this.earlier.set(key, tries));
  }

  /** What a successor must know. */
  tries(): [key: string, tries: Tries][] {
    const open = [...this.open].flatMap(([key, { tries }]): [string, Tries][] => (tries.calls > 0 ? [[key, triesOf(tries)]] : []));
    return [...this.earlier, ...open];
  }

  /** Has a place combined on behalf of these groups; those returned are through already. */
  add(place: Place, groups: number[]): number[] {
    const key = this.key(place);
    if (this.through.has(key)) return groups;
    const known = this.open.get(key);
    if (known) {
      known.groups.push(...groups);
      return [];
    }
    const tries = this.earlier.get(key) ?? { calls: 0, failures: 0, unknowns: 0 };
    const unit: Unit = { ...place, groups: [...groups], tries, refusals: 0, notBefore: 0 };
    this.earlier.delete(key);
    this.open.set(key, unit);
    this.waiting.push(unit);
    return [];
  }

  /** The next unit that may be combined now. */
  next(now: number): Unit | undefined {
    this.window.grow(now);
    if (this.running >= this.window.current) return undefined;
    const due = this.waiting.findIndex(({ notBefore }) => notBefore <= now);
    return due < 0 ? undefined : this.waiting.splice(due, 1)[0];
  }

  get isIdle(): boolean {
    return this.waiting.length === 0;
  }

  /** When `next` is worth another try; Infinity: once something has ended. */
  nextAt(): number {
    return this.running >= this.window.current ? Infinity : this.waiting.reduce((least, { notBefore }) => Math.min(least, notBefore), Infinity);
  }

  async run(unit: Unit): Promise<UnitEnd> {
    this.running++;
    try {
      return await this.combine(unit);
    } finally {
      this.running--;
    }
  }

  private async combine(unit: Unit): Promise<UnitEnd> {
    const [there] = await readPartials(this.ports, this.job, [unit], ['level', 'index']);
    if (!there) {
      const end = unit.level === 0 ? await this.combineGroup(unit) : await this.combineNode(unit);
      if (end) return end;
    }
    return { kind: 'through', groups: await this.signal(unit), isNew: !there };
  }

  private async combineGroup(unit: Unit): Promise<UnitEnd | undefined> {
    const { jobId, epoch } = this.job;
    const [row] = await this.ports.store.results.getMany([groupKey(jobId, epoch, unit.groups[0])]) as unknown as GroupRow[];
    const failures = { count: row.failed.length, first: row.failed.slice(0, FIRST_FAILURES) };
    return this.call(unit, await inputsOfGroup(this.ports, row), failures);
  }

  private async combineNode(unit: Unit): Promise<UnitEnd | undefined> {
    const children = childrenOfPlace(unit, this.tree.plan.groups);
    const rows = await readPartials(this.ports, this.job, children);
    if (rows.length < children.length) {
      throw new Error(`node ${unit.level}/${unit.index} of job ${this.job.jobId} is full, but only ${rows.length} of its ${children.length} partial results are committed`);
    }
    if (rows.length === 1) return this.adopt(unit, rows[0]); // nothing to combine it with
    const first: Failure[] = rows.flatMap(({ firstFailures }) => firstFailures).slice(0, FIRST_FAILURES);
    const failures = { count: rows.reduce((sum, { failedCount }) => sum + failedCount, 0), first };
    return this.call(unit, rows.map((row) => inputOfPartial(row, this.job.plan.batches)), failures);
  }

  /** Undefined: the answer is committed. */
  private async call(unit: Unit, inputs: TreeInput[], failures: CombinerEvent['failures']): Promise<UnitEnd | undefined> {
    const { ports, job, writer } = this;
    const head = headOf(job.jobId, job.plan, { level: unit.level, index: unit.index }, failures, this.isRoot(unit));
    const results = isInline(inputs) ? await inlineResults(ports, inputs)
      : await storedResults(ports, entriesObject(job.jobId, job.epoch, unit.level, unit.index, writer.owner), inputs);
    unit.tries.calls++;
    const outcome = usable(await ports.invoker.callCombiner(treeEvent(ports, job.plan, head, this.parameters, results)));
    switch (outcome.kind) {
      case 'returned':
        this.window.succeeded();
        await this.commit(unit, { text: outcome.payload, failures });
        return undefined;
      case 'threw':
        return ++unit.tries.failures > COMBINER_RETRIES ? failed(unit, `the combiner failed: ${outcome.errorType}: ${outcome.message}`, outcome.requestId) : this.later(unit);
      case 'unknown':
        return ++unit.tries.unknowns > MAX_UNKNOWN ? failed(unit, `no answer from Lambda, so whether the combiner ran is unknown: ${outcome.message}`) : this.later(unit);
      case 'throttled':
        unit.tries.calls--;
        this.window.throttled(this.running - 1, ports.clock.now()); // without this one
        this.later(unit, 100 + backoff(2, 500, 2_000, ports.random.next()));
        return { kind: 'throttled' };
      case 'refused':
        unit.tries.calls--;
        if (++unit.refusals < MAX_REFUSALS) return this.later(unit, 500 * 2 ** unit.refusals);
        return { kind: 'failed', reason: { code: 'NotAllowed', message: `Lambda refused to run the combiner: ${outcome.errorType}: ${outcome.message}` } };
    }
  }

  private async commit({ level, index }: Place, { text, failures }: Answer): Promise<void> {
    const { ports, job, writer } = this;
    const bytes = Buffer.byteLength(text);
    const isSmall = bytes <= ROW_LIMIT_BYTES;
    const object = partialObject(writer, level, index);
    if (!isSmall) await ports.payloads.put(object, text);
    await putPartial(ports, job, {
      level, index, bytes, failedCount: failures.count, firstFailures: failures.first, ttl: job.plan.ttl, ...(isSmall ? { data: text } : { object }),
    });
  }

  private async adopt({ level, index }: Place, child: PartialRow): Promise<undefined> {
    await putPartial(this.ports, this.job, { ...child, level, index });
    return undefined;
  }

  /** The place has its partial result: tells its parent, and sees to that if this was the last that it lacked. */
  private async signal(unit: Unit): Promise<number[]> {
    const key = this.key(unit);
    let { groups } = unit;
    if (this.isRoot(unit)) {
      await rootComplete(this.ports, this.job);
    } else if (await addToNode(this.ports, this.tree, unit.level, [unit.index])) {
      groups = this.add(parentOfPlace(unit), groups);
    }
    this.open.delete(key);
    this.through.add(key);
    return groups;
  }

  private later(unit: Unit, ms = backoff(unit.tries.calls, 200, 10_000, this.ports.random.next())): UnitEnd {
    unit.notBefore = this.ports.clock.now() + ms;
    this.waiting.push(unit);
    return { kind: 'later' };
  }

  private isRoot({ level }: Place): boolean {
    return level === rootPlace(this.tree.plan.groups).level;
  }

  private key({ level, index }: Place): string {
    return partialKey(this.job.jobId, this.job.epoch, level, index);
  }
}

function failed({ level, index, tries }: Unit, message: string, requestId = ''): UnitEnd {
  const what = level === 0 ? `group ${index}` : `partial results ${level}/${index}`;
  return {
    kind: 'failed',
    reason: {
      code: 'CombinerFailed',
      message: `${message.slice(0, MAX_MESSAGE_CHARS)} (request id ${requestId || 'none'}; ${tries.calls} calls for ${what}); the batches' results are kept`,
    },
  };
}

/** A runtime of the user's own may return anything. */
function usable(outcome: CallOutcome): CallOutcome {
  if (outcome.kind !== 'returned') return outcome;
  try {
    JSON.parse(outcome.payload);
    return outcome;
  } catch {
    return { kind: 'threw', errorType: 'ResultNotJson', message: 'it returned something that is not JSON', requestId: outcome.requestId };
  }
}
