import { Context, PAGE } from './context';
import { groupKey, leafKey } from '../../lambda/protocol/keys';
import type { GroupRow, JobRow, LeafRow, ManifestGroup } from '../../lambda/protocol/model';
import { GROUP_SIZE, groupsOfLeaf } from '../../lambda/protocol/plan';

/** Everything but the results, which the failures need not. */
const WITHOUT_RESULTS = ['unit', 'group', 'first', 'count', 'failed', 'bytes'];
/** Groups that a leaf may have open before finished ones, and still be found at once. */
const OPEN_GROUPS = 2;

/** Of a Distributed Map's batches, that many from the first that is not there are asked for at each look. */
const MAP_LOOK = 1_000;

interface Leaf {
  readonly end: number;
  /** The first unit not taken, */
  next: number;
  /** those taken beyond it, */
  readonly beyond: Set<number>;
  /** and the batches of all that were taken. */
  batches: number;
  /** What the leaf's row said last: every unit below is committed; batches that have an end. */
  cursor: number;
  finished: number;
  /** How many of its first units that were not taken may be committed. */
  likely: number;
}

/**
 * Finds committed groups while a job runs. No row lists them: what a leaf reports tells which are worth asking for, so that hardly a
 * read is in vain. What is not found is asked for again once its leaf has got on.
 */
export class Commits {
  private readonly leaves: Leaf[];
  private turn = 0;

  constructor(private readonly context: Context, private readonly row: JobRow, private readonly withResults: boolean) {
    const { leaves, groups, map } = row.plan;
    const spans = map ? [{ start: 0, end: groups }] : Array.from({ length: leaves }, (_, leaf) => groupsOfLeaf(leaf, groups, leaves));
    this.leaves = spans
      .map(({ start, end }) => ({ end, next: start, beyond: new Set(), batches: 0, cursor: start, finished: 0, likely: 0 }));
  }

  /** What follows on what was taken, without a gap. */
  async* inOrder(): AsyncGenerator<ManifestGroup> {
    for (;;) {
      const leaves = this.unfinished().slice(0, PAGE);
      if (leaves.length === 0) return;
      await this.look(leaves, Infinity);
      for (const leaf of leaves) {
        while (leaf.likely > 0) {
          const before = leaf.next;
          for (const group of await this.take(leaf)) yield group;
          if (leaf.next === before) leaf.likely = 0;
        }
        if (leaf.next < leaf.end) return;
      }
    }
  }

  /** What is new: of up to 100 leaves in turn, or of all. */
  async* fresh(all: boolean): AsyncGenerator<ManifestGroup> {
    const unfinished = this.unfinished();
    const parts = all ? Math.ceil(unfinished.length / PAGE) : 1;
    for (let part = 0; part < parts; part++) {
      this.turn = unfinished.length <= PAGE ? 0 : this.turn % unfinished.length;
      const leaves = [...unfinished.slice(this.turn), ...unfinished.slice(0, this.turn)].slice(0, PAGE);
      this.turn += PAGE;
      await this.look(leaves, MAP_LOOK);
      const wanted = leaves.flatMap((leaf) => this.candidates(leaf).map((unit) => ({ leaf, unit })));
      for (let from = 0; from < wanted.length; from += PAGE) {
        const page = wanted.slice(from, from + PAGE);
        const rows = await this.read(page.map(({ unit }) => unit));
        for (const { leaf, unit } of page) {
          const row = rows.get(unit);
          if (row !== undefined) yield taken(leaf, row);
        }
      }
      for (const leaf of leaves) leaf.likely = 0;
    }
  }

  private unfinished(): Leaf[] {
    return this.leaves.filter(({ next, end }) => next < end);
  }

  /** One request. */
  private async look(leaves: Leaf[], atMost: number): Promise<void> {
    const { jobId, epoch, plan } = this.row;
    // nobody tells how far the children of a Distributed Map are, but they start in order
    if (plan.map) return leaves.forEach((leaf) => { leaf.likely = Math.min(atMost, leaf.end - leaf.next); });
    const keys = leaves.map((leaf) => leafKey(jobId, epoch, this.leaves.indexOf(leaf)));
    const rows = await this.context.rows<LeafRow>(this.context.address.tasksTable, keys, ['pk', 'cursor', 'counts']);
    for (const { pk, cursor = 0, counts } of rows) {
      const leaf = this.leaves[Number(pk.slice(pk.lastIndexOf('#l') + 2))];
      const finished = counts?.finished ?? 0;
      if (cursor <= leaf.cursor && finished === leaf.finished) continue;
      leaf.cursor = Math.max(leaf.cursor, cursor);
      leaf.finished = finished;
      const whole = Math.max(0, Math.floor((finished - leaf.batches) / GROUP_SIZE));
      leaf.likely = Math.max(leaf.cursor - leaf.next, whole + OPEN_GROUPS);
    }
  }

  private candidates({ next, end, beyond, likely }: Leaf): number[] {
    const units: number[] = [];
    for (let unit = next; unit < end && units.length < likely; unit++) if (!beyond.has(unit)) units.push(unit);
    return units;
  }

  /** Up to the first that is not there. */
  private async take(leaf: Leaf): Promise<ManifestGroup[]> {
    const units = this.candidates(leaf).slice(0, PAGE);
    const rows = await this.read(units);
    const gap = units.findIndex((unit) => !rows.has(unit));
    return units.slice(0, gap < 0 ? units.length : gap).map((unit) => taken(leaf, rows.get(unit)!));
  }

  /** Eventually consistent: what is not there yet comes with a later look, or with the manifest. */
  private async read(units: number[]): Promise<Map<number, GroupRow>> {
    const { jobId, epoch } = this.row;
    const keys = units.map((unit) => groupKey(jobId, epoch, unit));
    const rows = await this.context.rows<GroupRow>(this.context.address.resultsTable, keys, this.withResults ? undefined : WITHOUT_RESULTS);
    return new Map(rows.map((row) => [row.unit, row]));
  }
}

function taken(leaf: Leaf, row: GroupRow): ManifestGroup {
  leaf.beyond.add(row.unit);
  while (leaf.beyond.delete(leaf.next)) leaf.next++;
  leaf.batches += row.count;
  leaf.likely--;
  const { group, first, count, failed, data, object, bytes } = row;
  return { group, first, count, failed, bytes, ...data !== undefined && { data: JSON.parse(data) }, ...object !== undefined && { object } };
}
