import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Bench, Deployed, deployOnEngine, overrideSettings, startExecution, untilRunning } from './harness';
import { Policies } from './policies';
import { RequestTooLargeError } from '../../client';

/** Jobs whose items come from S3, in an account that enforces its permissions. */
let bench: Bench;
let job: Deployed;
let s3: S3Client;
let policies: Policies;

beforeAll(async () => {
  bench = await deployOnEngine('npx ts-node -T test/e2e/inputs-app.ts');
  job = bench.jobs.Job;
  s3 = new S3Client({ ...bench.config, forcePathStyle: true });
  policies = new Policies(bench);
  // several leaves, so that several read the object
  await overrideSettings(bench, job, { leafStartGraceSeconds: 2, maxWindow: 4 });
}, 240_000);

afterAll(() => bench?.engine.stop());

const put = (Key: string, Body: string | Uint8Array, more = {}) => s3.send(new PutObjectCommand({ Bucket: 'burst-items', Key, Body: Buffer.from(Body), ...more }));

async function run(request: unknown, name?: string) {
  const { jobId } = await job.client.submit({ request, name });
  const status = await job.client.wait(jobId, { pollMs: 100 });
  return { jobId, status, items: status.status === 'SUCCEEDED' ? (await job.client.result(jobId) as unknown[][]).flat() : undefined };
}

const records = Array.from({ length: 3_000 }, (_, i) => ({ id: `${i}`, text: `line "${i}"\n, é😀`, empty: '' }));
const csv = (end: string) => ['id,text,empty', ...records.map(({ id, text }) => `${id},"${text.replaceAll('"', '""')}",`)].join(end);

describe('an object gives its items to the workers, each once and in order', () => {
  test.each([
    ['lines.jsonl', records.map((record) => JSON.stringify(record)).join('\n')],
    ['lines.ndjson', `\uFEFF${records.map((record) => JSON.stringify(record)).join('\r\n')}\r\n`],
    ['array.json', JSON.stringify(records, null, 2)],
    ['table.csv', csv('\n')],
    ['with mark and CRLF.CSV', `\uFEFF${csv('\r\n')}\r\n`],
  ])('%s', async (key, body) => {
    await put(key, body);
    const { status, items } = await run({ items: { s3: { uri: `s3://burst-items/${key}` } } });
    expect(status).toMatchObject({ status: 'SUCCEEDED', batchCount: 300 });
    expect(status.leaves).toBeGreaterThan(1);
    expect(items).toEqual(records);
  });

  test('of any name, where the format is said, and with another batch size', async () => {
    await put('päth/a b+c%20&d', '[1,2,3]');
    const { status, items } = await run({ items: { s3: { uri: 's3://burst-items/päth/a b+c%20&d', format: 'json' } }, batchSize: 2 });
    expect(status.batchCount).toBe(2);
    expect(items).toEqual([1, 2, 3]);
  });

  test('larger than what is read at once', async () => {
    const wide = Array.from({ length: 9_000 }, (_, i) => ({ i, padding: 'p'.repeat(2_000) }));
    await put('large.jsonl', wide.map((record) => JSON.stringify(record)).join('\n'));
    const { status, items } = await run({ items: { s3: { uri: 's3://burst-items/large.jsonl' } }, batchSize: 100, parameters: { only: 'i' } });
    expect(status).toMatchObject({ status: 'SUCCEEDED', batchCount: 90 });
    expect(items).toEqual(wide.map(({ i }) => i));
  });
});

describe('the objects under a prefix are the items', () => {
  test('with any characters in their keys, over several pages, in the order of keys', async () => {
    const keys = [...Array.from({ length: 1_100 }, (_, i) => `many/${String(i).padStart(5, '0')}`), 'many/a b', 'many/a+b', 'many/a%2Bb', 'many/é&<>"\'😀', 'many/x/y.txt'];
    await put('many', 'not below the prefix');
    for (let at = 0; at < keys.length; at += 50) await Promise.all(keys.slice(at, at + 50).map((key) => put(key, key)));
    const { status, items } = await run({ items: { s3Prefix: { uri: 's3://burst-items/many/' } } });
    expect(status).toMatchObject({ status: 'SUCCEEDED', batchCount: Math.ceil(keys.length / 10) });
    const sorted = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(items).toEqual(sorted.map((key) => ({ bucket: 'burst-items', key, size: Buffer.byteLength(key) })));
  });

  test('none of them are no items', async () => {
    const { status, items } = await run({ items: { s3Prefix: { uri: 's3://burst-items/nothing/here/' } } });
    expect(status).toMatchObject({ status: 'SUCCEEDED', batchCount: 0 });
    expect(items).toEqual([]);
  });
});

describe('a list too large for a request', () => {
  const list = Array.from({ length: 20_000 }, (_, i) => ({ i, text: `é${i}` }));

  test('gives what a small one gives, and the same name and list are the same job', async () => {
    const { jobId, status, items } = await run({ items: { list }, batchSize: 100 }, 'large-list');
    expect(status).toMatchObject({ status: 'SUCCEEDED', batchCount: 200 });
    expect(items).toEqual(list);
    expect(await job.client.submit({ request: { items: { list }, batchSize: 100 }, name: jobId })).toEqual({ jobId });
    await expect(job.client.submit({ request: { items: { list: list.slice(1) }, batchSize: 100 }, name: jobId })).rejects.toThrow('request was another one');
  });

  test('does not help parameters that are too large', async () => {
    const submit = job.client.submit({ request: { items: { list }, parameters: 'p'.repeat(300_000) } });
    await expect(submit).rejects.toThrow(RequestTooLargeError);
    await expect(submit).rejects.toThrow(/without its list, allowed: 250000: put large parameters/);
  });
});

describe('what cannot be read ends the job and says why', () => {
  const object = (uri: string, format?: string) => ({ items: { s3: { uri, format } } });
  test.each<[string, object, string, string]>([
    ['no such object', object('s3://burst-items/missing.jsonl'), 'InvalidInput', 'no object at s3://burst-items/missing.jsonl'],
    ['no such bucket', object('s3://burst-nowhere/items.jsonl'), 'NotAllowed|InvalidInput', 's3://burst-nowhere/items.jsonl'],
    ['a bucket that may not be read', object('s3://burst-foreign/items.jsonl'), 'NotAllowed', 's3:GetObject of s3://burst-foreign/items.jsonl was refused: AccessDenied'],
    ['and what to do', object('s3://burst-foreign/items.jsonl'), 'NotAllowed', 'hand the bucket to the prop "inputBuckets"'],
    ['a bucket that may not be listed', { items: { s3Prefix: { uri: 's3://burst-foreign/a/' } } }, 'NotAllowed', 's3:ListBucket of s3://burst-foreign/a/ was refused'],
    ['an empty object', object('s3://burst-items/empty.jsonl'), 'InvalidInput', 's3://burst-items/empty.jsonl is empty (0 bytes)'],
    ['gzip by name', object('s3://burst-items/items.jsonl.gz'), 'InvalidRequest', 'items.jsonl.gz is compressed; allowed: plain jsonl, csv or json'],
    ['gzip by content', object('s3://burst-items/zipped.jsonl'), 'InvalidRequest', 'zipped.jsonl is compressed'],
    ['gzip by its encoding', object('s3://burst-items/encoded.jsonl'), 'InvalidRequest', 'encoded.jsonl is compressed'],
    ['a bad line', object('s3://burst-items/bad.jsonl'), 'InvalidInput', 'line 2 of s3://burst-items/bad.jsonl: got "{\\"b\\": nope}", allowed: one JSON value per line'],
    ['a bad record', object('s3://burst-items/bad.csv'), 'InvalidInput', 'line 3 of s3://burst-items/bad.csv: got "3", allowed: as many fields as the header has'],
    ['a name missing in the header', object('s3://burst-items/header.csv'), 'InvalidInput', 'column 2 has no name'],
    ['a name twice in the header', object('s3://burst-items/twice.csv'), 'InvalidInput', 'two columns are named "a"'],
    ['an array that is none', object('s3://burst-items/object.json'), 'InvalidInput', 'got "{" at its beginning, allowed: one JSON array'],
    ['an unknown extension', object('s3://burst-items/items.parquet'), 'InvalidRequest', 'items.s3.format: got nothing, and the name "items.parquet" does not tell it; allowed: jsonl, csv, json'],
    ['no extension', object('s3://burst-items/items'), 'InvalidRequest', 'the name "items" does not tell it'],
    ['an unknown format', object('s3://burst-items/items', 'xml'), 'InvalidRequest', 'items.s3.format: got "xml", allowed: jsonl, csv, json'],
    ['no uri', { items: { s3: {} } }, 'InvalidRequest', 'items.s3.uri: got nothing, allowed: s3://bucket/key'],
    ['no address of S3', object('https://burst-items/items.csv'), 'InvalidRequest', 'items.s3.uri: got "https://burst-items/items.csv", allowed: s3://bucket/key'],
    ['no key', object('s3://burst-items/'), 'InvalidRequest', 'items.s3.uri: got "s3://burst-items/", allowed: s3://bucket/key'],
    ['a bad bucket name', { items: { s3Prefix: { uri: 's3://No_Bucket/a' } } }, 'InvalidRequest', 'items.s3Prefix.uri: got "s3://No_Bucket/a", allowed: s3://bucket or s3://bucket/prefix'],
    ['an unknown field', { items: { s3: { url: 's3://b/k' } } }, 'InvalidRequest', 'items.s3.url: unknown field, allowed here: uri, format'],
    ['something else than an object', { items: { s3: 's3://b/k' } }, 'InvalidRequest', 'items.s3: got "s3://b/k", allowed: an object such as'],
    ['two kinds of items', { items: { s3: { uri: 's3://burst-items/a.csv' }, list: [] } }, 'InvalidRequest', 'exactly one of range, list, s3, s3Prefix'],
  ])('%s', async (_, request, code, message) => {
    await Promise.all([
      put('empty.jsonl', ''),
      put('zipped.jsonl', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0])),
      put('encoded.jsonl', '{"looks": "plain"}', { ContentEncoding: 'gzip' }),
      put('bad.jsonl', '{"a":1}\n{"b": nope}\n'),
      put('bad.csv', 'a,b\n1,2\n3\n'),
      put('header.csv', 'a,,c\n1,2,3\n'),
      put('twice.csv', 'a,b,a\n1,2,3\n'),
      put('object.json', '{"a":[]}'),
    ]);
    const status = await job.client.wait(await startExecution(bench, job, request), { pollMs: 100 });
    expect(status).toMatchObject({ status: 'FAILED', reason: { code: expect.stringMatching(new RegExp(`^(${code})$`)), message: expect.stringContaining(message) } });
  });

  test('an object that changes while its job runs', async () => {
    await put('changing.jsonl', '1\n'.repeat(300));
    const { jobId } = await job.client.submit({
      request: { items: { s3: { uri: 's3://burst-items/changing.jsonl' } }, batchSize: 1, maxConcurrency: 2, parameters: { sleepMs: 30 } },
    });
    await untilRunning(job, jobId, 1);
    await put('changing.jsonl', '2\n'.repeat(300));
    expect(await job.client.wait(jobId, { pollMs: 100 })).toMatchObject({
      status: 'FAILED', reason: { code: 'InputChanged', message: expect.stringContaining('s3://burst-items/changing.jsonl was changed while the job used it') },
    });
  });
});

describe('every permission on the buckets is needed', () => {
  test.each<['monitor' | 'dispatcher', string, object, string]>([
    ['monitor', 'ReadInputs', { s3: { uri: 's3://burst-items/needed.jsonl' } }, 's3:GetObject of s3://burst-items/needed.jsonl was refused'],
    ['monitor', 'ListInputs', { s3Prefix: { uri: 's3://burst-items/needed' } }, 's3:ListBucket of s3://burst-items/needed was refused'],
    ['dispatcher', 'ReadInputs', { s3: { uri: 's3://burst-items/needed.jsonl' } }, 's3:GetObject of s3://burst-items/needed.jsonl was refused'],
  ])('%s without %s', async (role, sid, items, says) => {
    await put('needed.jsonl', '1\n2\n');
    expect((await run({ items })).status.status).toBe('SUCCEEDED');
    const { status } = await policies.without(job.address[role], sid, () => run({ items }));
    expect(status).toMatchObject({ status: 'FAILED', reason: { code: 'NotAllowed', message: expect.stringContaining(says) } });
  });
});
