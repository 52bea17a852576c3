import { InvalidRequest } from '../errors';
import { GROUP_SIZE, MAX_BATCHES } from '../plan';
import { Found } from './lines';

/** A leaf holds a few groups of 64 batches in memory at a time. */
export const MAX_GROUP_BYTES = 64 * 1024 * 1024;
export const ENTRY_BYTES = 8;

/** Collects where each group of records begins: 8 bytes per group, whatever the records' number. */
export class GroupIndex {
  items = 0;
  private readonly starts: number[] = [];
  private readonly perGroup: number;
  private end = 0;

  constructor(private readonly name: string, private readonly batchSize: number) {
    this.perGroup = batchSize * GROUP_SIZE;
  }

  readonly add: Found = (start, end) => {
    if (this.items % this.perGroup === 0) this.starts.push(start);
    this.end = end;
    this.items++;
    const bytes = end - this.starts[this.starts.length - 1];
    if (bytes > MAX_GROUP_BYTES && this.batchSize === 1) {
      throw new InvalidRequest(`${this.name}: got over ${MAX_GROUP_BYTES} bytes in the ${GROUP_SIZE} batches from number ${this.items - (this.items - 1) % this.perGroup - 1} on, allowed: at most that, because a dispatcher keeps them in memory: put what is large into objects and name those instead`);
    }
    if (bytes > MAX_GROUP_BYTES) {
      throw new InvalidRequest(`batchSize: got ${this.batchSize}, allowed: less, because ${GROUP_SIZE} batches of ${this.name} have over ${MAX_GROUP_BYTES} bytes from item ${this.items - (this.items - 1) % this.perGroup - 1} on, and a dispatcher keeps them in memory`);
    }
    if (this.items > MAX_BATCHES * this.batchSize) {
      throw new InvalidRequest(`batchSize: got ${this.batchSize}, allowed: more, since ${this.name} has over ${MAX_BATCHES * this.batchSize} items and a job may have at most ${MAX_BATCHES} batches`);
    }
  };

  /** The first bytes of all groups and the end of the last, 8 bytes each, little-endian. */
  bytes(): Uint8Array {
    const index = Buffer.alloc(ENTRY_BYTES * (this.starts.length + 1));
    [...this.starts, this.end].forEach((offset, i) => index.writeBigUInt64LE(BigInt(offset), ENTRY_BYTES * i));
    return index;
  }
}
