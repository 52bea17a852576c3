import { batchObject, groupKey, groupObject, Writer } from './keys';
import { Entry, Failure, GroupDocument, GroupRow, Plan } from './model';
import { batchesOfGroup, groupSize, spanSize } from './plan';
import { Ports, Row } from './ports';

/** A group's document rides in its row up to this size. One S3 PUT costs as much as 8 DynamoDB write units of 1 KB. */
export const ROW_LIMIT_BYTES = 8 * 1024;
/** A result above this leaves the leaf's memory at once; so does any while the leaf holds more than the buffer. */
export const SPILL_BYTES = 256 * 1024;
export const BUFFER_BYTES = 32 * 1024 * 1024;

/** What one batch came to. `text`: its entry as JSON text. */
export interface Settled {
  readonly text: string;
  readonly failure?: Failure;
  /** Bytes of the result, wherever it is. */
  readonly bytes: number;
  readonly startedMs: number;
  readonly tookMs: number;
  readonly attempts: number;
  /** Of unlike tasks, in a part. */
  readonly taskId?: string;
}

/** Collects a group's batches until it is whole. */
export class GroupInProgress {
  readonly first: number;
  readonly count: number;
  private readonly settled = new Map<number, Settled>();
  private held = 0;

  /** `unit`: position of `group` among the groups of the epoch. `ids`: of unlike tasks, in batch order. */
  constructor(readonly unit: number, readonly group: number, plan: Plan, private readonly ids?: string[]) {
    const span = batchesOfGroup(group, plan.batches, groupSize(plan));
    this.first = span.start;
    this.count = spanSize(span);
  }

  /** The first answer for a batch counts; a later one is dropped. */
  settle(batch: number, what: Settled): boolean {
    if (this.settled.has(batch)) return false;
    this.settled.set(batch, what);
    this.held += what.text.length;
    return true;
  }

  has(batch: number): boolean {
    return this.settled.has(batch);
  }

  get isWhole(): boolean {
    return this.settled.size === this.count;
  }

  get settledCount(): number {
    return this.settled.size;
  }

  get failures(): Failure[] {
    return [...this.settled.values()].flatMap((s) => (s.failure ? [this.named(s.failure)] : []));
  }

  /** The duration in ms below which that share of the settled batches' calls lies. */
  durationQuantile(share: number): number {
    const durations = [...this.settled.values()].map(({ tookMs }) => tookMs).sort((a, b) => a - b);
    return durations[Math.min(durations.length - 1, Math.floor(share * durations.length))] ?? 0;
  }

  /** Characters held in memory. */
  get heldChars(): number {
    return this.held;
  }

  /** The settled batches, for a part. */
  entries(): [number, Settled][] {
    return [...this.settled].map(([batch, settled]) => {
      const taskId = this.ids?.[batch - this.first];
      if (taskId === undefined) return [batch, settled];
      return [batch, { ...settled, taskId, ...(settled.failure && { failure: this.named(settled.failure) }) }];
    });
  }

  document(): Document {
    const { text, bytes, failed } = documentOf(this.first, Array.from({ length: this.count }, (_, i) => this.settled.get(this.first + i)!), this.ids);
    return { text, bytes, failed: failed.map((failure) => this.named(failure)) };
  }

  /** With the id of its task, if it is one. */
  named(failure: Failure): Failure {
    return this.ids ? { ...failure, taskId: this.ids[failure.batchId - this.first] } : failure;
  }
}

/** A `GroupDocument` as text, the bytes of its results, wherever they are, and its failures. */
interface Document {
  readonly text: string;
  readonly bytes: number;
  readonly failed: Failure[];
}

/** Of consecutive batches. */
export function documentOf(first: number, inOrder: Settled[], ids?: string[]): Document {
  const text = `{"first":${first}${ids ? `,"ids":${JSON.stringify(ids)}` : ''},"entries":[${inOrder.map((s) => s.text).join(',')}]`
    + `,"started":${JSON.stringify(inOrder.map((s) => s.startedMs))}`
    + `,"took":${JSON.stringify(inOrder.map((s) => s.tookMs))}`
    + `,"attempts":${JSON.stringify(inOrder.map((s) => s.attempts))}}`;
  return { text, bytes: inOrder.reduce((sum, s) => sum + s.bytes, 0), failed: inOrder.flatMap((s) => s.failure ?? []) };
}

/** What a document and the failures beside it say of each batch, as a group in progress holds it. */
export function settledOf({ first, ids, entries, started, took, attempts }: GroupDocument, failed: Failure[]): [number, Settled][] {
  const failures = new Map(failed.map((failure) => [failure.batchId, failure]));
  return entries.map((entry, i) => {
    const text = JSON.stringify(entry);
    const bytes = entry === null ? 0 : 'ref' in entry ? entry.ref.bytes : Buffer.byteLength(text);
    const failure = failures.get(first + i);
    return [first + i, {
      text, bytes, startedMs: started[i], tookMs: took[i], attempts: attempts[i], ...(failure && { failure }), ...(ids && { taskId: ids[i] }),
    }];
  });
}

export function resultEntry(json: string): string {
  return `{"result":${json}}`;
}

/** Puts a large result aside; `call`: number of the worker call that gave it. */
export async function spilledEntry(
  ports: Ports, writer: Writer, batch: number, call: number, json: string, bytes: number,
): Promise<string> {
  const key = batchObject(writer, batch, call);
  await ports.payloads.put(key, json);
  const entry: Entry = { ref: { key, bytes } };
  return JSON.stringify(entry);
}

/**
 * Commits a group: one put of its row, if there is none. First wins, whoever it was; either way the group is committed
 * when this returns, and only then may the join be signalled. `failed`: failures of what is stored. An unknown outcome throws, and nothing was signalled.
 */
export async function commitGroup(ports: Ports, writer: Writer, plan: Plan, group: GroupInProgress): Promise<{ won: boolean; failed: number }> {
  const { text, bytes, failed } = group.document();
  const size = Buffer.byteLength(text);
  const row: GroupRow = {
    pk: groupKey(writer.jobId, writer.epoch, group.unit),
    unit: group.unit,
    group: group.group,
    first: group.first,
    count: group.count,
    attempt: writer.attempt,
    failed,
    bytes: Math.max(bytes, size),
    ttl: plan.ttl,
  };
  if (size <= ROW_LIMIT_BYTES) {
    row.data = text;
  } else {
    row.object = groupObject(writer, group.group);
    await ports.payloads.put(row.object, text);
  }
  const written = await ports.store.results.put(row as unknown as Row, { absent: 'pk' });
  return { won: written.ok, failed: (written.row as unknown as GroupRow).failed.length };
}

/** What is committed of these units: strongly consistent, without the results. */
export async function committedUnits(ports: Ports, job: { jobId: string; epoch: number }, units: number[]): Promise<CommittedUnit[]> {
  const rows = await ports.store.results.getMany(units.map((unit) => groupKey(job.jobId, job.epoch, unit)), ['unit', 'group', 'count', 'failed']);
  return rows as unknown as GroupRow[];
}

type CommittedUnit = Pick<GroupRow, 'unit' | 'group' | 'count' | 'failed'>;
