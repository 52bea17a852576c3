import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { object, ports } from './support';
import { ListedObject, ObjectPart, ObjectUri, Ports } from '../../../lambda/protocol';
import { listItems } from '../../../lambda/protocol/inputs/listing';
import { indexItems } from '../../../lambda/protocol/inputs/object';
import { Format } from '../../../lambda/protocol/inputs/uri';

const MB = 1024 * 1024;
setFlagsFromString('--expose_gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is in use, garbage apart, above what was in use at first. */
class Meter {
  peak = 0;
  private readonly base = this.used();

  private used(): number {
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  }

  look(): void {
    this.peak = Math.max(this.peak, this.used() - this.base);
  }
}

/** An object that is never there as a whole: a beginning, a record again and again, an end. */
function synthetic(begin: string, record: string, end: string, size: number) {
  const count = Math.floor((size - begin.length - end.length) / record.length);
  const total = begin.length + count * record.length + end.length;
  const pattern = Buffer.from(record.repeat(Math.ceil((2 * MB) / record.length)));
  const meter = new Meter();
  const read = async (_: ObjectUri, { from, to }: { from: number; to: number }): Promise<ObjectPart> => {
    if (from % (10 * MB) < MB) meter.look();
    const bytes = Buffer.alloc(Math.min(to, total) - from);
    for (let at = 0; at < bytes.length;) {
      const place = from + at - begin.length;
      const within = place % record.length;
      if (place < 0) at += bytes.write(begin.slice(from + at), at);
      else if (place < count * record.length) at += pattern.copy(bytes, at, within, Math.min(pattern.length, count * record.length - place + within));
      else at += bytes.write(end.slice(place - count * record.length), at);
    }
    return { bytes, size: total, version: '1' };
  };
  return { read, count, meter };
}

test.each<[Format, number, string, string, string]>([
  ['jsonl', 200 * MB, '', `${JSON.stringify({ id: 1, text: 'x'.repeat(200), more: [1, 2, 3] })}\n`, ''],
  ['csv', 40 * MB, 'id,text\n', `1,"${'x'.repeat(100)}\n""quoted"""\n`, ''],
  ['json', 60 * MB, '[', ` ${JSON.stringify({ id: 1, text: 'x'.repeat(200), more: [1, 2, 3] })},`, ' null]'],
])('%s is read in flat memory', async (format, size, begin, record, end) => {
  const { read, count, meter } = synthetic(begin, record, end, size);
  const world = ports();
  const inputs = { ...world.ports.inputs, read };
  const { items } = await indexItems({ ...world.ports, inputs } as Ports, 'job', { object, format }, 1, { chunkBytes: MB });
  expect(items).toBe(count + (format === 'json' ? 1 : 0));
  expect(meter.peak).toBeLessThan(24 * MB);
});

test('objects are listed in flat memory', async () => {
  const meter = new Meter();
  let bytes = 0;
  async function* list(): AsyncGenerator<ListedObject[]> {
    for (let page = 0; page < 500; page++) {
      if (page % 50 === 0) meter.look();
      yield Array.from({ length: 1000 }, (_, i) => ({ key: `some/longer/prefix/of/many/objects/${page}/${i}.json`, size: i }));
    }
  }
  const world = ports();
  const payloads = {
    putStream: async (_: string, chunks: AsyncIterable<Uint8Array>) => { for await (const chunk of chunks) bytes += chunk.length; },
  };
  const { items } = await listItems({ ...world.ports, inputs: { list }, payloads } as unknown as Ports, 'job', { bucket: 'b', key: '' }, 1);
  expect(items).toBe(500_000);
  expect(bytes).toBeGreaterThan(35 * MB);
  expect(meter.peak).toBeLessThan(24 * MB);
});
