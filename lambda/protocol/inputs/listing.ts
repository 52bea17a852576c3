import { listingObject } from '../keys';
import { ItemSource } from '../model';
import { ObjectUri, Ports } from '../ports';
import { GroupIndex } from './group-index';
import { Stored } from './object';
import { showUri } from './uri';

/** Writes one item `{"bucket", "key", "size"}` per object under a prefix, page by page, in the order of their keys' bytes. */
export async function listItems(ports: Ports, jobId: string, prefix: ObjectUri, batchSize: number): Promise<Stored<ItemSource>> {
  const groups = new GroupIndex(`the listing of ${showUri(prefix)}`, batchSize);
  // a second try, after a lost answer, may list other objects: it must not write over what the first one planned with
  const key = listingObject(jobId, ports.random.nonce());
  let indexAt = 0;

  async function* lines(): AsyncGenerator<Uint8Array> {
    for await (const page of ports.inputs.list(prefix)) {
      const texts = page.map((listed) => Buffer.from(`${JSON.stringify({ bucket: prefix.bucket, key: listed.key, size: listed.size })}\n`));
      for (const { length } of texts) groups.add(indexAt, indexAt += length);
      yield Buffer.concat(texts);
    }
    yield groups.bytes();
  }
  await ports.payloads.putStream(key, lines());
  ports.log.info('objects listed', { prefix: showUri(prefix), items: groups.items });
  return { source: { kind: 'lines', key, indexAt }, items: groups.items };
}
