import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { GroupDocument, Manifest } from '../../lambda/protocol/model';
import { batchResults } from '../../lambda/protocol/results';
import { CombinerEvent, readResults } from '../../runtime';

setFlagsFromString('--expose_gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is held at most while a manifest of that many pieces is read; the objects are made when they are asked for. */
async function peakOfReading(pieces: number) {
  const groups = 16;
  const used = () => {
    collectGarbage();
    return process.memoryUsage().heapUsed + process.memoryUsage().external;
  };
  const document: Pick<GroupDocument, 'entries'> = { entries: Array.from({ length: 64 }, () => ({ result: 'x'.repeat(1000) })) };
  const text = JSON.stringify(document);
  const fetch = async (key: string) => {
    if (key.startsWith('g')) return ` ${text}`.slice(1); // a string of its own
    const line = (group: number) => JSON.stringify({ group, first: 64 * group, count: 64, failed: [], object: `g${group}`, bytes: 64_000 });
    return Array.from({ length: groups }, (_, i) => line(Number(key) * groups + i)).join('\n');
  };
  const base = used();
  let [read, peak] = [0, 0];
  const manifest = { batchCount: 64 * groups * pieces, pieces: Array.from({ length: pieces }, (_, i) => `${i}`) } as unknown as Manifest;
  for await (const { batchId, result } of batchResults(manifest, fetch)) {
    if (batchId % 4096 === 4000) peak = Math.max(peak, used() - base);
    read += (result as string).length;
  }
  return { read, peak };
}

test('a manifest much larger than what may be held is read in flat memory', async () => {
  const { read, peak } = await peakOfReading(300);
  expect(read).toBe(300 * 16 * 64 * 1000);
  expect(peak).toBeLessThan(read / 20);
});

test('an event that is not a combiner\'s, and an address that is none, are refused', async () => {
  const first = (event: unknown) => readResults(event as CombinerEvent).next();
  await expect(first({ jobId: 'job', range: { start: 0, end: 1 } })).rejects.toThrow(/not the event of a combiner.*jobId, range.*"results"/);
  await expect(first({ results: { manifest: 'https://b/k' } })).rejects.toThrow(/"https:\/\/b\/k", allowed: s3:\/\/bucket\/key/);
});
