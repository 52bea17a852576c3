import type { Failure } from '../../lambda/protocol/model';

/** Failures that are alike: same type, and same message but for numbers and identifiers in it. */
export interface FailureGroup {
  readonly errorType: string;
  /** Of the first one. */
  readonly message: string;
  count: number;
  /** The first few. */
  readonly examples: Pick<Failure, 'batchId' | 'taskId' | 'requestId' | 'attempts'>[];
}

const EXAMPLES = 5;
/** Messages that are all unlike must not fill the memory. */
const MOST_GROUPS = 1000;
const VARYING = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|0x[0-9a-f]+|\d+([.,]\d+)*/gi;

/** Gathers failures one by one, in flat memory. */
export class FailureGroups {
  private readonly groups = new Map<string, FailureGroup>();
  private rest?: FailureGroup;

  add({ errorType, message, batchId, taskId, requestId, attempts }: Failure): void {
    const key = JSON.stringify([errorType, message.replace(VARYING, '#')]);
    let group = this.groups.get(key);
    if (group === undefined && this.groups.size < MOST_GROUPS) this.groups.set(key, group = { errorType, message, count: 0, examples: [] });
    group ??= (this.rest ??= { errorType: 'others', message: 'of further kinds', count: 0, examples: [] });
    group.count++;
    if (group.examples.length < EXAMPLES) group.examples.push({ batchId, taskId, requestId, attempts });
  }

  /** The most frequent first. */
  get all(): FailureGroup[] {
    return [...[...this.groups.values()].sort((a, b) => b.count - a.count), ...this.rest === undefined ? [] : [this.rest]];
  }
}
