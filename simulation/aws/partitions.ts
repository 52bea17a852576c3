import { Values } from './parameters';

/** Writes of one table: each partition takes so many units a second, and who comes too early waits, as the SDK's retries do. */
export class Partitions {
  private readonly freeAt: number[];

  constructor(private readonly values: Values) {
    this.freeAt = new Array<number>(values.tablePartitions).fill(0);
  }

  /** Ms until a write of these units is taken. All of one key go to one partition. */
  wait(key: string, units: number, now: number): number {
    const at = hash(key) % this.freeAt.length;
    const start = Math.max(now, this.freeAt[at]);
    this.freeAt[at] = start + (units * 1000) / this.values.partitionWrites;
    return start - now;
  }
}

function hash(key: string): number {
  let value = 0;
  for (let i = 0; i < key.length; i++) value = (value * 31 + key.charCodeAt(i)) % 2_147_483_647;
  return value;
}
