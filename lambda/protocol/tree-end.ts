import { JobState } from './errors';
import { entriesObject } from './keys';
import { Failure, JobRow, Manifest, PartialRow } from './model';
import { childrenOfPlace, isAbove, lackingGroups, partialText, Place, readPartials, rootPlace } from './partial';
import { groupCount } from './plan';
import { Ports } from './ports';
import { fetchText } from './redo';
import { headOf, inlineResults, inputOfPartial, isInline, storedResults, TreeHead, TreeInput, treeEvent } from './tree-event';

/** Partial results read at a time: at up to 8 KB each, some MB. */
const PAGE = 500;

/** What the root's unit gave: the result of the job. */
export async function rootResult(ports: Ports, row: JobRow): Promise<string> {
  const [root] = await readPartials(ports, row, [rootPlace(groupCount(row.plan.batches))]);
  if (!root) throw new JobState(`job ${row.jobId}: its join tree is complete, but its root has no partial result`);
  return partialText(ports, root);
}

/** A partial result as it stands in the table, without what it says. */
export type Standing = Pick<PartialRow, 'level' | 'index' | 'bytes' | 'object'>;

/**
 * The largest partial results that are committed, in order: each batch is in one at most. Only such as are made of groups that the
 * manifest has: a leaf that has not heard of the end may commit more after it, and this may run again.
 */
export async function standingPartials(ports: Ports, row: JobRow, manifest: Manifest): Promise<Standing[]> {
  const groups = groupCount(row.plan.batches);
  if (groups === 0) return [];
  const later = await lackingGroups(ports, manifest, { failed: false });
  const read = async (places: Place[]): Promise<Standing[]> =>
    readPartials(ports, row, places.filter((place) => !isAbove(place, later)), ['level', 'index', 'bytes', 'object']);
  const below = async (place: Place): Promise<Standing[]> => {
    if (place.level === 0) return [];
    const children = childrenOfPlace(place, groups);
    const there = new Map((await read(children)).map((partial) => [partial.index, partial]));
    const standing: Standing[] = [];
    for (const child of children) standing.push(...there.has(child.index) ? [there.get(child.index)!] : await below(child));
    return standing;
  };
  const root = rootPlace(groups);
  const top = await read([root]);
  return top.length > 0 ? top : below(root);
}

/** The event of the last call: of a job that ran out of time, with all that it left, or of one that has no batches. */
export async function lastEvent(ports: Ports, row: JobRow, manifest: Manifest, first: Failure[], standing: Standing[]): Promise<string> {
  const { plan, jobId, epoch } = row;
  const place = rootPlace(groupCount(plan.batches));
  const head: TreeHead = {
    ...headOf(jobId, plan, place, { count: manifest.failedCount, first }, true),
    status: manifest.outcome,
    isComplete: manifest.succeededCount === manifest.batchCount,
    isTimedOut: manifest.outcome === 'TIMED_OUT',
  };
  const parameters = plan.parametersKey === undefined ? undefined : await fetchText(ports)(plan.parametersKey);
  let results: string;
  if (isInline(standing)) {
    const inputs: TreeInput[] = [];
    for await (const input of loaded(ports, row, standing)) inputs.push(input);
    results = await inlineResults(ports, inputs);
  } else {
    results = await storedResults(ports, entriesObject(jobId, epoch, place.level, place.index, ports.random.nonce()), loaded(ports, row, standing));
  }
  return treeEvent(ports, plan, head, parameters, results);
}

async function* loaded(ports: Ports, row: JobRow, standing: Standing[]): AsyncGenerator<TreeInput> {
  for (let from = 0; from < standing.length; from += PAGE) {
    const page = standing.slice(from, from + PAGE);
    const rows = new Map((await readPartials(ports, row, page)).map((partial) => [`${partial.level}/${partial.index}`, partial]));
    for (const { level, index } of page) yield inputOfPartial(rows.get(`${level}/${index}`)!, row.plan.batches);
  }
}
