import { Ports } from '../../../lambda/protocol';
import { indexItems, ObjectReader } from '../../../lambda/protocol/inputs/object';
import { Format } from '../../../lambda/protocol/inputs/uri';
import { GROUP_SIZE } from '../../../lambda/protocol/plan';
import { MemoryInputs, MemoryPayloads } from '../../../simulation/memory';

export const object = { bucket: 'data', key: 'items' };

/** The ports that reading needs. */
export function ports() {
  const inputs = new MemoryInputs();
  const payloads = new MemoryPayloads();
  let nonce = 0;
  const silent = () => undefined;
  const world = {
    inputs, payloads, clock: { now: () => 0 }, random: { nonce: () => `n${nonce++}` }, log: { debug: silent, info: silent, warn: silent, error: silent },
  };
  return { inputs, payloads, ports: world as unknown as Ports };
}

/** What leaves get of a text, by group. */
export async function delivered(text: string | Uint8Array, format: Format, batchSize: number, chunkBytes: number): Promise<unknown[][]> {
  const world = ports();
  world.inputs.objects.set('data/items', Buffer.from(text));
  const { source, items } = await indexItems(world.ports, 'job', { object, format }, batchSize, { chunkBytes });
  const read: unknown[][] = [];
  const reader = new ObjectReader(world.ports, source);
  // backwards: a leaf begins anywhere
  for (let group = Math.ceil(items / (batchSize * GROUP_SIZE)) - 1; group >= 0; group--) {
    read[group] = (await reader.group(group)).map((json) => JSON.parse(json));
  }
  return read;
}
