import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CREDENTIALS, PayloadsWorld, payloadsWorlds, REGION } from './worlds';
import { Engine } from '../../engine';
import { S3Inputs } from '../../lambda/aws/inputs';
import { Inputs } from '../../lambda/protocol';
import { MemoryInputs } from '../../simulation/memory';

interface InputsWorld {
  readonly inputs: Inputs;
  put(key: string, body: string): Promise<unknown>;
  stop(): Promise<unknown>;
}

const worlds: [string, () => Promise<InputsWorld>][] = [
  ['memory', async () => {
    const inputs = new MemoryInputs();
    return { inputs, put: async (key, body) => inputs.objects.set(`bucket/${key}`, Buffer.from(body)), stop: async () => undefined };
  }],
  ['the engine', async () => {
    const engine = await Engine.start();
    const client = new S3Client({ endpoint: engine.endpoint, region: REGION, credentials: CREDENTIALS, forcePathStyle: true });
    await client.send(new CreateBucketCommand({ Bucket: 'bucket' }));
    return {
      inputs: new S3Inputs(client), put: (key, body) => client.send(new PutObjectCommand({ Bucket: 'bucket', Key: key, Body: Buffer.from(body) })), stop: () => engine.stop(),
    };
  }],
];

/** What the protocol may rely on in any `Inputs`. */
describe.each(worlds)('Inputs in %s', (_, start) => {
  let world: InputsWorld;
  const at = (key: string) => ({ bucket: 'bucket', key });
  const pages = async (prefix: string) => {
    const all: string[][] = [];
    for await (const page of world.inputs.list(at(prefix))) all.push(page.map(({ key, size }) => `${key}:${size}`));
    return all;
  };

  beforeAll(async () => { world = await start(); }, 240_000);
  afterAll(() => world?.stop());

  test('a range comes with the size and the version of the whole', async () => {
    await world.put('range', 'abcdé');
    const { bytes, size, version, encoding } = await world.inputs.read(at('range'), { from: 1, to: 3 });
    expect([Buffer.from(bytes).toString(), size, encoding]).toEqual(['bc', 6, undefined]);
    expect(version).toMatch(/.+/);
    const rest = await world.inputs.read(at('range'), { from: 4, to: 1000 }, version);
    expect([Buffer.from(rest.bytes).toString(), rest.size, rest.version]).toEqual(['é', 6, version]);
  });

  test('a range of nothing is empty', async () => {
    await world.put('nothing', 'abc');
    const { version } = await world.inputs.read(at('nothing'), { from: 0, to: 1 });
    expect((await world.inputs.read(at('nothing'), { from: 2, to: 2 }, version)).bytes).toHaveLength(0);
  });

  test('an empty object has no bytes', async () => {
    await world.put('empty', '');
    expect(await world.inputs.read(at('empty'), { from: 0, to: 100 })).toMatchObject({ size: 0, bytes: expect.objectContaining({ length: 0 }) });
  });

  test('a version that is gone is an error, the same content is no other version', async () => {
    await world.put('version', 'one');
    const { version } = await world.inputs.read(at('version'), { from: 0, to: 3 });
    await world.put('version', 'one');
    await world.inputs.read(at('version'), { from: 0, to: 3 }, version);
    await world.put('version', 'two');
    await expect(world.inputs.read(at('version'), { from: 0, to: 3 }, version)).rejects.toMatchObject({
      name: 'InputChanged', message: expect.stringContaining('s3://bucket/version was changed while the job used it'),
    });
  });

  test('an object that does not exist is named', () => expect(world.inputs.read(at('a/b c'), { from: 0, to: 3 })).rejects.toMatchObject({
    name: 'InvalidInput', message: expect.stringContaining('no object at s3://bucket/a/b c'),
  }));

  test('a listing has every key below the prefix, whatever its characters, in the order of bytes', async () => {
    const keys = ['l/a', 'l/b c', 'l/b+c', 'l/b%2Bc', 'l/é', 'l/😀', 'l/\uFFFD', 'l/<&>"\'', 'l/z/z', 'l/'];
    await Promise.all([...keys, 'l', 'la', 'k/l/a'].map((key) => world.put(key, key)));
    const sorted = keys.map((key) => Buffer.from(key)).sort((a, b) => Buffer.compare(a, b));
    expect((await pages('l/')).flat()).toEqual(sorted.map((key) => `${key}:${key.length}`));
  });

  test('a listing of nothing has no pages', async () => expect(await pages('not/there')).toEqual([]));
});

describe.each(payloadsWorlds)('a stream put into payloads in %s', (_, start) => {
  let world: PayloadsWorld;
  beforeAll(async () => { world = await start(); }, 240_000);
  afterAll(() => world?.stop());

  test.each([['nothing', []], ['a few bytes', [3, 0, 5]], ['several parts', [10_000_000, 1, 9_999_999, 17_000_000, 12]]])('%s', async (__, sizes) => {
    const chunks = sizes.map((size, i) => Buffer.alloc(size, i + 1));
    await world.payloads.putStream('jobs/job-1/e1/stream', (async function* () { yield* chunks; })());
    expect(Buffer.from(await world.payloads.get('jobs/job-1/e1/stream')).equals(Buffer.concat(chunks))).toBe(true);
  });

  test('that breaks off leaves no object', async () => {
    const broken = (async function* () {
      yield Buffer.alloc(17_000_000);
      throw new Error('broken');
    })();
    await expect(world.payloads.putStream('jobs/job-1/e1/broken', broken)).rejects.toThrow('broken');
    await expect(world.payloads.get('jobs/job-1/e1/broken')).rejects.toMatchObject({ name: 'PayloadMissing' });
  });
});
