import { INLINE_BYTES } from './inline';
import { BatchRange, CombinerEvent, Failure, GroupDocument, GroupRow, PartialRow, Plan, TreeEntry } from './model';
import { batchesOfPlace, Place } from './partial';
import { Ports } from './ports';
import { fetchText } from './redo';

/** What each takes beside itself: its range, a comma. */
const ENTRY_BYTES = 64;

/** One result for the combiner; `text`: as JSON. */
export interface TreeInput {
  readonly batches: BatchRange;
  readonly bytes: number;
  readonly text?: string;
  readonly ref?: { readonly key: string; readonly bytes: number };
  readonly failure?: Failure;
}

export type TreeHead = Pick<CombinerEvent, 'jobId' | 'status' | 'isComplete' | 'isTimedOut' | 'failures' | 'tree'>;

/** The results of a group, in batch order. */
export async function inputsOfGroup(ports: Ports, row: GroupRow): Promise<TreeInput[]> {
  const { entries } = JSON.parse(row.data ?? await fetchText(ports)(row.object!)) as GroupDocument;
  const failures = new Map(row.failed.map((failure) => [failure.batchId, failure]));
  return entries.map((entry, i) => {
    const batches = { start: row.first + i, end: row.first + i + 1 };
    if (entry === null) return { batches, bytes: 4, failure: failures.get(row.first + i) };
    if ('ref' in entry) return { batches, bytes: entry.ref.bytes, ref: entry.ref };
    const text = JSON.stringify(entry.result);
    return { batches, bytes: Buffer.byteLength(text), text };
  });
}

export function inputOfPartial(row: PartialRow, batches: number): TreeInput {
  const { data: text, object: key, bytes } = row;
  return { batches: batchesOfPlace(row, batches), bytes, ...(key === undefined ? { text } : { ref: { key, bytes } }) };
}

export function isInline(inputs: readonly { readonly bytes: number }[]): boolean {
  return inputs.reduce((sum, { bytes }) => sum + bytes + ENTRY_BYTES, 0) <= INLINE_BYTES;
}

/** The combiner's event as JSON text; `results`: of `inlineResults` or `storedResults`. */
export function treeEvent(ports: Ports, plan: Plan, head: TreeHead, parameters: string | undefined, results: string): string {
  const whole: Omit<CombinerEvent, 'results' | 'parameters'> = {
    ...head,
    batchCount: plan.batches,
    startedAt: new Date(plan.startedAt).toISOString(),
    elapsedSeconds: (ports.clock.now() - plan.startedAt) / 1000,
  };
  return `${JSON.stringify(whole).slice(0, -1)}${parameters === undefined ? '' : `,"parameters":${parameters}`},"results":${results}}`;
}

export async function inlineResults(ports: Ports, inputs: TreeInput[]): Promise<string> {
  const fetch = fetchText(ports);
  const texts = await Promise.all(inputs.map(({ text, ref }) => text ?? (ref ? fetch(ref.key) : 'null')));
  const failed = inputs.flatMap(({ failure }) => (failure ? [failure.batchId] : []));
  return `{"inline":[${texts.join(',')}],"failed":${JSON.stringify(failed)},"missing":[],"batches":${JSON.stringify(inputs.map(({ batches }) => batches))}}`;
}

/** Puts the results where the combiner can read them, one per line. */
export async function storedResults(ports: Ports, key: string, inputs: AsyncIterable<TreeInput> | TreeInput[]): Promise<string> {
  await ports.payloads.putStream(key, lines(inputs));
  return JSON.stringify({ entries: ports.payloads.uri(key) });
}

async function* lines(inputs: AsyncIterable<TreeInput> | TreeInput[]): AsyncGenerator<Uint8Array> {
  for await (const { batches, text, ref, failure } of inputs) {
    const entry: TreeEntry = { batches, ...(ref && { ref }), ...(failure && { failure }) };
    yield Buffer.from(`${JSON.stringify(entry).slice(0, -1)}${text === undefined ? '' : `,"result":${text}`}}\n`);
  }
}

/** Of one place, as it is called for while the job runs. */
export function headOf(jobId: string, plan: Plan, place: Place, failures: CombinerEvent['failures'], isFinal: boolean): TreeHead {
  return {
    jobId,
    status: 'RUNNING',
    isComplete: failures.count === 0,
    isTimedOut: false,
    failures,
    tree: { ...place, batches: batchesOfPlace(place, plan.batches), isFinal },
  };
}
