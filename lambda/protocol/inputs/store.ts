import { writeLines } from '../items';
import { itemsObject } from '../keys';
import { ItemSource } from '../model';
import { GROUP_SIZE } from '../plan';
import { Ports } from '../ports';
import type { JobRequest } from '../request';
import { listItems } from './listing';
import { indexItems, Stored } from './object';
import { storeTasks } from './tasks';

/** Puts the items or tasks of a request where leaves find those of their groups, and counts them. `registered`: names of the construct's taskFunctions. */
export async function storeItems(
  ports: Ports, jobId: string, { items, batchSize }: JobRequest, registered: string[],
): Promise<Stored<ItemSource> & { readonly functions?: string[] }> {
  if ('tasks' in items) return storeTasks(ports, jobId, items.tasks, registered);
  if ('range' in items) return { source: { kind: 'range', start: items.range.start }, items: items.range.end - items.range.start };
  if ('s3' in items) return indexItems(ports, jobId, items.s3, batchSize);
  if ('s3Prefix' in items) return listItems(ports, jobId, items.s3Prefix, batchSize);
  const key = itemsObject(jobId, 1);
  const { body, indexAt } = writeLines(items.list, batchSize, GROUP_SIZE);
  await ports.payloads.put(key, body);
  return { source: { kind: 'lines', key, indexAt }, items: items.list.length };
}
