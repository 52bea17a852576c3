import { mkdir, mkdtemp, readFile, rm } from 'fs/promises';
import * as path from 'path';
import { ListBucketsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PNG } from 'pngjs';
import { Bench, deployOnEngine, ROOT } from './harness';
import { differences, plainSearch } from '../../demo/plain-search';
import { FROM_SOURCES, synthesise } from '../../demo/prepare';
import { DIST as DIGIT_SEARCH, build as buildDigitSearch } from '../../examples/digit-search/functions/build';
import type { SearchAnswer } from '../../examples/digit-search/functions/node/combiner';
import { PIXELS } from '../../examples/digit-search/functions/node/digits';
import { readDataSet } from '../../examples/digit-search/functions/prepare';
import { DIST as MANDELBROT, build as buildMandelbrot } from '../../examples/mandelbrot/functions/build';
import { palette } from '../../examples/mandelbrot/functions/node/colours';
import type { Picture } from '../../examples/mandelbrot/functions/node/combiner';
import { iterations, readView, tileCount } from '../../examples/mandelbrot/functions/node/tiles';
import { missingForJava } from '../maven';

/** The examples as a user runs them: deployed, with IAM enforced, and their answers held against a plain computation. */
/** For the Mandelbrot set's third worker, which is made but not run here: the local AWS would need Docker for it. */
const hasJava = missingForJava() === undefined;
let bench: Bench;
let folder: string;

beforeAll(async () => {
  await mkdir(path.join(ROOT, '.burst'), { recursive: true });
  folder = await mkdtemp(path.join(ROOT, '.burst', 'e2e-'));
  await Promise.all([buildDigitSearch(DIGIT_SEARCH, FROM_SOURCES), ...hasJava ? [buildMandelbrot(MANDELBROT, FROM_SOURCES)] : []]);
  const assemblies = ['digit-search', ...hasJava ? ['mandelbrot'] : [], 'csv-enrich'].map((name) => path.join(folder, name));
  for (const assembly of assemblies) await synthesise(`examples/${path.basename(assembly)}/typescript/app.ts`, assembly);
  bench = await deployOnEngine(assemblies);
}, 240_000);

afterAll(async () => {
  await bench?.engine.stop();
  await rm(folder, { recursive: true, force: true });
});

test('digit search finds exactly the neighbours that a plain search finds', async () => {
  const data = await readDataSet();
  const { client } = bench.jobs.Search;
  const { jobId } = await client.submit({
    request: { items: { range: { start: 0, end: data.candidates.labels.length } }, batchSize: 40, parameters: { k: 7 } },
  });
  expect(await client.wait(jobId, { pollMs: 100 })).toMatchObject({ status: 'SUCCEEDED', batchCount: 248, failed: 0 });
  const answer = await client.result(jobId) as SearchAnswer;
  expect(answer.queries).toHaveLength(100);
  expect(differences(answer, data, plainSearch(data, 7))).toEqual([]);
});

test('with the worker in Python it finds those of the candidates that it is given', async () => {
  const data = await readDataSet();
  const few = 1_500; // which is slow enough
  const { client } = bench.jobs.SearchInPython;
  const { jobId } = await client.submit({ request: { items: { range: { start: 0, end: few } }, parameters: { k: 3 } } });
  expect(await client.wait(jobId, { pollMs: 100 })).toMatchObject({ status: 'SUCCEEDED', failed: 0 });
  const candidates = { pixels: data.candidates.pixels.subarray(0, few * PIXELS), labels: data.candidates.labels.subarray(0, few) };
  expect(differences(await client.result(jobId) as SearchAnswer, data, plainSearch({ ...data, candidates }, 3))).toEqual([]);
});

(hasJava ? test : test.skip).each(['InTypeScript', 'InPython'])('the Mandelbrot set %s has the colour of each pixel', async (id) => {
  const parameters = { width: 200, height: 150, center: [-0.6, 0], scale: 3, maxIterations: 100 };
  const view = readView(parameters);
  const { client } = bench.jobs[id];
  const { jobId } = await client.submit({ request: { items: { range: { start: 0, end: tileCount(view) } }, parameters } });
  expect((await client.wait(jobId, { pollMs: 100 })).status).toBe('SUCCEEDED');
  const picture = await client.result(jobId) as Picture;
  const png = PNG.sync.read(Buffer.from(picture.png, 'base64'));
  expect([png.width, png.height]).toEqual([200, 150]);
  const colours = palette(view.maxIterations);
  const expected = Buffer.alloc(png.data.length, 255);
  for (let y = 0; y < view.height; y++) {
    for (let x = 0; x < view.width; x++) expected.set(colours[iterations(view, x, y)], 4 * (y * view.width + x));
  }
  expect(png.data.equals(expected)).toBe(true);
});

test.each(['EnrichInNode', 'EnrichInPython'])('the orders of a CSV, %s, add up by country', async (id) => {
  const s3 = new S3Client({ ...bench.config, forcePathStyle: true });
  const { Buckets } = await s3.send(new ListBucketsCommand({}));
  const bucket = Buckets!.map(({ Name }) => Name!).find((name) => name.startsWith('csvenrich-orders'))!;
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'orders.csv', Body: await readFile(path.join(ROOT, 'examples', 'csv-enrich', 'orders.csv')) }));
  const { client } = bench.jobs[id];
  const { jobId } = await client.submit({ request: { items: { s3: { uri: `s3://${bucket}/orders.csv` } }, batchSize: 2 } });
  expect((await client.wait(jobId, { pollMs: 100 })).status).toBe('SUCCEEDED');
  expect(await client.result(jobId)).toEqual({ DE: 1099, FR: 1240, GB: 702, US: 1863 + 644 });
});

test('unlike tasks beside the CSV, one in Node and one in Python, keep their own results', async () => {
  const { client } = bench.jobs.EnrichInNode;
  const params = { id: '7', country: 'CH', currency: 'CHF', amount: '12.50' };
  const { jobId } = await client.submit({ request: { tasks: [{ id: 'paper', function: 'invoice', params }, { id: 'check', function: 'audit', params }] } });
  expect((await client.wait(jobId, { pollMs: 100 })).status).toBe('SUCCEEDED');
  expect(await client.result(jobId)).toEqual({
    paper: { status: 'SUCCEEDED', result: 'order 7 to CH: 12.50 CHF' }, check: { status: 'SUCCEEDED', result: ['unknown currency CHF'] },
  });
});
