import { SPILL_BYTES } from './group';
import { ItemReader } from './items';
import { resultObject } from './keys';
import { Entry, Failure, JobRow, Manifest, ManifestGroup, Task } from './model';
import { GROUP_SIZE, groupCount, groupOfBatch } from './plan';
import { Ports } from './ports';
import { fetchText } from './redo';
import { groupDocument, manifestGroups } from './results';

/** Groups that are fetched, and held in memory, at a time: of each up to 64 results of 256 KB. */
const PAGE = 8;

/**
 * Writes the result of a job of unlike tasks: an object by task id, with each one's status, and its result or error. Results
 * over 256 KB stay where they are, and the object gives their address. The same manifest gives the same result, however
 * often this runs. Returns the address of it.
 */
export async function writeTaskResults(ports: Ports, row: JobRow, manifest: Manifest): Promise<string> {
  const key = resultObject(row.jobId, row.epoch);
  await ports.payloads.putStream(key, chunks(ports, row, manifest));
  return ports.payloads.uri(key);
}

async function* chunks(ports: Ports, row: JobRow, manifest: Manifest): AsyncGenerator<Uint8Array> {
  let isFirst = true;
  let page: Promise<string[]>[] = [];
  async function* flush() {
    const members = (await Promise.all(page)).flat();
    page = [];
    if (members.length === 0) return;
    yield Buffer.from(`${isFirst ? '{' : ','}${members.join(',')}`);
    isFirst = false;
  }
  for await (const members of allMembers(ports, row, manifest)) {
    if (page.push(members()) === PAGE) yield* flush();
  }
  yield* flush();
  yield Buffer.from(isFirst ? '{}' : '}');
}

/** The members of all batches, those that have no end too, in order, up to 64 at a time. */
async function* allMembers(ports: Ports, { plan }: JobRow, manifest: Manifest): AsyncGenerator<() => Promise<string[]>> {
  const items = new ItemReader(ports, plan, { start: 0, end: groupCount(plan.batches) });
  let held: { readonly at: number; readonly tasks: Promise<Task[]> } | undefined;
  const tasksAt = (at: number) => {
    if (held?.at !== at) held = { at, tasks: items.group(at).then(({ tasks }) => tasks!) };
    return held.tasks;
  };
  const notRun = function* (start: number, end: number) {
    for (let from = start, to: number; from < end; from = to) {
      const [at, batch] = [groupOfBatch(from), from];
      to = Math.min(end, (at + 1) * GROUP_SIZE);
      const [first, last] = [batch - at * GROUP_SIZE, to - at * GROUP_SIZE];
      yield async () => (await tasksAt(at)).slice(first, last).map(({ id }) => member(id, { status: 'NOT_RUN' }));
    }
  };
  let next = 0;
  for await (const line of manifestGroups(manifest, fetchText(ports))) {
    yield* notRun(next, line.first);
    yield () => membersOf(ports, line);
    next = line.first + line.count;
  }
  yield* notRun(next, plan.batches);
}

async function membersOf(ports: Ports, group: ManifestGroup): Promise<string[]> {
  const failures = new Map(group.failed.map((failure) => [failure.batchId, failure]));
  const { ids, entries } = await groupDocument(group, fetchText(ports));
  return Promise.all(entries.map(async (entry, i) => member(ids![i], await outcome(ports, entry, failures.get(group.first + i)))));
}

async function outcome(ports: Ports, entry: Entry, failure: Failure | undefined): Promise<object> {
  if (entry === null) {
    const { errorType, message, attempts, requestId } = failure!;
    return { status: 'FAILED', error: { errorType, message, attempts, requestId } };
  }
  if ('result' in entry) return { status: 'SUCCEEDED', result: entry.result };
  if (entry.ref.bytes > SPILL_BYTES) return { status: 'SUCCEEDED', resultUri: ports.payloads.uri(entry.ref.key) };
  return { status: 'SUCCEEDED', result: JSON.parse(await fetchText(ports)(entry.ref.key)) };
}

function member(id: string, value: object): string {
  return `${JSON.stringify(id)}:${JSON.stringify(value)}`;
}
