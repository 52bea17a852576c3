import { nodeKey } from './keys';
import { Manifest, Plan } from './model';
import { childrenOfPlace, isAbove, lackingGroups, Place, putPartial, readPartials, rootPlace } from './partial';
import { groupCount } from './plan';
import { Ports } from './ports';

/**
 * Combine mode TREE: makes the tree of a new epoch ready. Partial results below which nothing is run again are taken over as
 * committed ones, and counted in the nodes above them, so that only the way from a group that is run again to the root is combined
 * anew. Returns the groups to run, beside those that lack something: such as have no partial result yet, and one below each node
 * that lacks its own only. Run again, it repeats what it did; what an earlier epoch than the last had adopted stays as it is.
 */
export async function adoptPartials(ports: Ports, epoch: number, manifest: Manifest, plan: Plan): Promise<Set<number>> {
  const adoption = new Adoption(ports, manifest, epoch, plan, await lackingGroups(ports, manifest, { failed: true }));
  return adoption.run();
}

class Adoption {
  private readonly groups: number;
  private readonly toRun = new Set<number>();

  constructor(
    private readonly ports: Ports, private readonly last: Manifest, private readonly epoch: number, private readonly plan: Plan,
    private readonly lacking: number[],
  ) {
    this.groups = groupCount(plan.batches);
  }

  async run(): Promise<Set<number>> {
    const root = rootPlace(this.groups);
    if (this.groups > 0 && (await this.adopt([root])).size === 0) await this.visit(root, false);
    return this.toRun;
  }

  /** Takes over what there is of these places; the indices of those that now need nothing more. */
  private async adopt(places: Place[]): Promise<Set<number>> {
    const { jobId } = this.last;
    const whole = places.filter((place) => !isAbove(place, this.lacking));
    const rows = await readPartials(this.ports, { jobId, epoch: this.last.epoch }, whole);
    await Promise.all(rows.map((row) => putPartial(this.ports, { jobId, epoch: this.epoch }, { ...row, ttl: this.plan.ttl })));
    return new Set(rows.map(({ index }) => index));
  }

  /** `isAdopted`: the place has its partial result, and is only to be passed by a signal. */
  private async visit(place: Place, isAdopted: boolean): Promise<void> {
    if (place.level === 0) {
      this.toRun.add(place.index);
      return;
    }
    const children = childrenOfPlace(place, this.groups);
    const last = children[children.length - 1];
    const adopted = isAdopted ? new Set<number>() : await this.adopt(children);
    const open = isAdopted ? [last] : children.filter(({ index }) => !adopted.has(index));
    // nobody would signal a node of which nothing is open: one group below it does
    const isOnlySignalled = isAdopted || open.length === 0;
    if (open.length === 0) open.push(last);
    if (isAdopted) await this.mark(last);
    const counted = children.filter((child) => !open.includes(child)).map(({ index }) => index);
    if (counted.length > 0) {
      await this.ports.store.tasks.update(
        nodeKey(this.last.jobId, this.epoch, place.level - 1, place.index), { set: { ttl: this.plan.ttl }, addToSet: { children: counted } },
      );
    }
    for (const child of open) await this.visit(child, isOnlySignalled);
  }

  /** Below an adopted partial result nothing is combined: this says that there is nothing to do. */
  private async mark({ level, index }: Place): Promise<void> {
    const nothing = { bytes: 0, failedCount: 0, firstFailures: [], ttl: this.plan.ttl };
    await putPartial(this.ports, { jobId: this.last.jobId, epoch: this.epoch }, { level, index, ...nothing });
  }
}
