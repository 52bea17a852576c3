import type { Simulation } from './simulation';
import { short } from './trace';
import { CombinerEvent, GroupRow, PartialRow, Row, TreeEntry } from '../lambda/protocol';
import { groupKey, partialKey } from '../lambda/protocol/keys';
import { childrenOfPlace, parentOfPlace, Place, rootPlace } from '../lambda/protocol/partial';
import { groupCount } from '../lambda/protocol/plan';

/** A batch and the worker call whose result counts; null: it failed. */
type Told = [batch: number, call: number | null];

/** What the combiner of the simulation returns: batches behind one another, so that loss, repetition and disorder show; `by` tells calls apart. */
export interface Partial {
  readonly by: number;
  readonly told: Told[];
}

interface Input {
  readonly start: number;
  readonly end: number;
  /** As the combiner is given it; null: a failure. */
  readonly value: unknown;
}

/** Holds what is promised of combine mode TREE. */
export class TreeChecker {
  /** What each partial result was when it was committed, by key. */
  private readonly committed = new Map<string, string>();
  private readonly given = new Set<string>();
  private readonly called = new Map<string, number>();
  private calls = 0;

  constructor(private readonly sim: Simulation, private readonly violated: (what: string) => void) {}

  /** A row of a partial result was written. */
  written(pk: string, before: Row | undefined, after: PartialRow): void {
    if (before) {
      if (JSON.stringify(before) !== JSON.stringify(after)) this.violated(`the committed row ${pk} was changed`);
      return;
    }
    if (after.data === undefined && after.object === undefined) return;
    const text = after.data ?? this.text(after.object!);
    this.committed.set(pk, text);
    if (!this.given.has(text)) this.violated(`${pk} is ${text}, which the combiner never returned`);
  }

  /** A node counts a child. */
  counted(epoch: number, child: Place): void {
    // below an adopted partial result there is nothing to combine
    const places = [child, parentOfPlace(child)];
    if (!places.some(({ level, index }) => this.sim.results.rows.has(partialKey('job', epoch, level, index)))) {
      this.violated(`the node over ${child.level}/${child.index} counts it, whose partial result is not committed`);
    }
  }

  rootDone(epoch: number, batches: number): void {
    const { level, index } = rootPlace(groupCount(batches));
    if (batches > 0 && !this.committed.has(partialKey('job', epoch, level, index))) this.violated('the root is said to be complete, but has no partial result');
  }

  /** The result of an epoch was stored: every batch once, in order, as the manifest gives it. */
  stored(epoch: number, text: string, batches: number, published: ReadonlyMap<number, string | null>, isWhole: boolean): void {
    const { told } = JSON.parse(text) as Partial;
    told.forEach(([batch, call], i) => {
      if (i > 0 && batch <= told[i - 1][0]) this.violated(`the result of epoch ${epoch} has batch ${batch} after ${told[i - 1][0]}`);
      const due = published.get(batch);
      if (due === undefined || callOf(due) !== call) this.violated(`the result of epoch ${epoch} has call ${call} of batch ${batch}, the manifest has ${due}`);
    });
    if (!isWhole) return;
    if (told.length !== batches) this.violated(`the result of epoch ${epoch} has ${told.length} of ${batches} batches`);
    const { level, index } = rootPlace(groupCount(batches));
    if (batches > 0 && this.committed.get(partialKey('job', epoch, level, index)) !== text) this.violated(`the result of epoch ${epoch} is not what its root has`);
  }

  /** The combiner is called: what it is given must be committed, as it was. Returns what it answers. */
  combined(event: CombinerEvent, epoch: number): string {
    const { level, index, isFinal, batches } = event.tree!;
    const inputs = this.inputsOf(event);
    const place = `${epoch}/${level}/${index}`;
    this.called.set(place, (this.called.get(place) ?? 0) + 1);
    if (event.status === 'RUNNING') {
      const groups = groupCount(event.batchCount);
      const isRoot = level === rootPlace(groups).level;
      if (isFinal !== isRoot) this.violated(`the call for ${place} says isFinal: ${isFinal}`);
      if (inputs[0].start !== batches.start || inputs[inputs.length - 1].end !== batches.end) this.violated(`the call for ${place} is given ${short(inputs)} for ${short(batches)}`);
      if (level === 0) this.isGroup(epoch, index, inputs);
      else this.areChildren(epoch, childrenOfPlace({ level, index }, groups), inputs);
    } else if (batches.end > 0) {
      for (const { value } of inputs) if (![...this.committed.values()].includes(JSON.stringify(value))) this.violated(`the last call is given ${short(value)}, which is not committed`);
    }
    const told = inputs.flatMap(({ start, value }): Told[] => (value === null ? [[start, null]]
      : 'told' in (value as object) ? (value as Partial).told : [[start, (value as { call: number }).call]]));
    const answer: Partial = { by: this.calls++, told };
    const text = JSON.stringify(answer);
    this.given.add(text);
    return text;
  }

  /** Of a run in which nothing went wrong: no unit was combined twice. */
  calm(): void {
    for (const [place, times] of this.called) if (times > 1) this.violated(`nothing went wrong, yet ${place} was combined ${times} times`);
  }

  private isGroup(epoch: number, group: number, inputs: Input[]): void {
    const rows = [...this.sim.results.rows.values()].filter(({ pk }) => pk.startsWith(groupKey('job', epoch, 0).slice(0, -1))) as unknown as GroupRow[];
    const row = rows.find((other) => other.group === group);
    if (!row) return this.violated(`group ${group} is combined, which is not committed`);
    const outcomes = this.sim.checker.outcomesOf(row.pk);
    const given = inputs.map(({ value }) => (value === null ? null : JSON.stringify(value)));
    if (JSON.stringify(outcomes) !== JSON.stringify(given)) this.violated(`group ${group} is combined as ${given.join()}, committed is ${outcomes?.join()}`);
  }

  private areChildren(epoch: number, children: Place[], inputs: Input[]): void {
    const due = children.map(({ level, index }) => this.committed.get(partialKey('job', epoch, level, index)));
    const given = inputs.map(({ value }) => JSON.stringify(value));
    if (JSON.stringify(due) !== JSON.stringify(given)) this.violated(`a node of epoch ${epoch} is combined from ${given.join()}, committed is ${due.join()}`);
  }

  private inputsOf({ results }: CombinerEvent): Input[] {
    if ('inline' in results) return results.inline.map((value, i) => ({ ...results.batches![i], value }));
    if ('manifest' in results) throw new Error('a manifest in combine mode TREE');
    return this.text(keyOf(results.entries)).trimEnd().split('\n').filter((line) => line !== '').map((line) => {
      const { batches, result, ref, failure } = JSON.parse(line) as TreeEntry;
      return { ...batches, value: failure ? null : ref ? JSON.parse(this.text(ref.key)) as unknown : result };
    });
  }

  private text(key: string): string {
    const object = this.sim.payloads.objects.get(key);
    if (!object) this.violated(`there is no object ${key}`);
    return object?.toString() ?? '{"told":[]}';
  }
}

function keyOf(uri: string): string {
  return uri.replace(/^s3:\/\/[^/]+\//, '');
}

function callOf(outcome: string | null): number | null {
  return outcome === null ? null : (JSON.parse(outcome) as { call: number }).call;
}
