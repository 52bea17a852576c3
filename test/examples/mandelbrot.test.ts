import { execFile } from 'child_process';
import { mkdtemp, rm } from 'fs/promises';
import { tmpdir } from 'os';
import * as path from 'path';
import { promisify } from 'util';
import { inflateSync } from 'zlib';
import * as fc from 'fast-check';
import { PNG } from 'pngjs';
import { invokeJava } from './java-runtime';
import { buildJar } from '../../examples/mandelbrot/functions/build';
import { palette } from '../../examples/mandelbrot/functions/node/colours';
import { handler as combiner } from '../../examples/mandelbrot/functions/node/combiner';
import { TILE, View, iterations, readView, tileAt, tileCount } from '../../examples/mandelbrot/functions/node/tiles';
import { ComputedTiles, handler as worker } from '../../examples/mandelbrot/functions/node/worker';
import { missingForJava } from '../maven';

const VIEW: View = { width: 200, height: 150, center: [-0.6, 0.1], scale: 3, maxIterations: 120 };

const views: fc.Arbitrary<View> = fc.record({
  width: fc.integer({ min: 1, max: 150 }),
  height: fc.integer({ min: 1, max: 150 }),
  center: fc.tuple(fc.double({ min: -2, max: 1, noNaN: true }), fc.double({ min: -1, max: 1, noNaN: true })),
  scale: fc.double({ min: 1e-9, max: 4, noNaN: true }),
  maxIterations: fc.integer({ min: 1, max: 60 }),
});

async function compute(view: View, batchSize: number): Promise<ComputedTiles[]> {
  const results: ComputedTiles[] = [];
  for (let start = 0; start < tileCount(view); start += batchSize) {
    results.push(await worker({ range: { start, end: Math.min(start + batchSize, tileCount(view)) }, parameters: view }));
  }
  return results;
}

async function combine(view: View, inline: (ComputedTiles | null)[]) {
  const failed = inline.flatMap((result, batchId) => (result ? [] : [batchId]));
  return combiner({
    jobId: 'job',
    status: 'SUCCEEDED',
    isComplete: failed.length === 0,
    isTimedOut: false,
    batchCount: inline.length,
    failures: { count: failed.length, first: [] },
    parameters: view,
    startedAt: new Date(0).toISOString(),
    elapsedSeconds: 1,
    results: { inline, failed, missing: [] },
  });
}

/** The image, computed pixel by pixel without tiles. */
function directly(view: View): Buffer {
  const colours = palette(view.maxIterations);
  const pixels: number[] = [];
  for (let y = 0; y < view.height; y++) {
    for (let x = 0; x < view.width; x++) pixels.push(...colours[iterations(view, x, y)], 255);
  }
  return Buffer.from(pixels);
}

test('the PNG holds what a direct computation gives', async () => {
  const picture = await combine(VIEW, await compute(VIEW, 4));
  const file = Buffer.from(picture.png, 'base64');
  const image = PNG.sync.read(file);
  expect(picture).toMatchObject({ width: 200, height: 150, missingTiles: 0, bytes: file.length });
  expect([image.width, image.height]).toEqual([200, 150]);
  expect(image.data.equals(directly(VIEW))).toBe(true);
});

test('so it does for any view and batch size', async () => {
  await fc.assert(fc.asyncProperty(views, fc.integer({ min: 1, max: 5 }), async (view, batchSize) => {
    const { png } = await combine(view, await compute(view, batchSize));
    expect(PNG.sync.read(Buffer.from(png, 'base64')).data.equals(directly(view))).toBe(true);
  }), { numRuns: 15 });
});

test('tiles cover each pixel once', () => {
  fc.assert(fc.property(views, (view) => {
    const covered = new Uint8Array(view.width * view.height);
    for (let index = 0; index < tileCount(view); index++) {
      const { x, y, width, height } = tileAt(view, index);
      for (let row = y; row < y + height; row++) {
        for (let column = x; column < x + width; column++) covered[row * view.width + column]++;
      }
    }
    expect(covered.every((times) => times === 1)).toBe(true);
  }));
});

test('tiles of a failed batch stay white, and are counted', async () => {
  const results = await compute(VIEW, 4); // 4 x 3 tiles
  const { missingTiles, png } = await combine(VIEW, [results[0], null, results[2]]);
  const { data } = PNG.sync.read(Buffer.from(png, 'base64'));
  expect(missingTiles).toBe(4);
  expect([...data.subarray((TILE * VIEW.width) * 4, (TILE * VIEW.width) * 4 + 3)]).toEqual([255, 255, 255]);
});

test('points of the set are black, others are not', () => {
  const colours = palette(100);
  expect(iterations({ ...VIEW, width: 1, height: 1, center: [0, 0], maxIterations: 100 }, 0, 0)).toBe(100);
  expect(iterations({ ...VIEW, width: 1, height: 1, center: [2, 2], maxIterations: 100 }, 0, 0)).toBe(1);
  expect(colours[100]).toEqual([0, 0, 0]);
  expect(colours).toHaveLength(101);
});

describe('returns the same counts as the worker in TypeScript:', () => {
  const event = { range: { start: 1, end: tileCount(VIEW) }, parameters: VIEW };
  const counts = ({ first, tiles }: ComputedTiles) => [first, ...tiles.map((tile) => inflateSync(Buffer.from(tile, 'base64')).toString('hex'))];

  test('the worker in Python', async () => {
    const script = 'import json, sys; from worker import handler; print(json.dumps(handler(json.loads(sys.argv[1]), None)))';
    const { stdout } = await promisify(execFile)('python3', ['-B', '-c', script, JSON.stringify(event)], {
      cwd: path.join(__dirname, '..', '..', 'examples', 'mandelbrot', 'functions', 'python'),
      maxBuffer: 16 * 1024 * 1024,
    });
    expect(counts(JSON.parse(stdout))).toEqual(counts(await worker(event)));
  });

  (missingForJava() === undefined ? test : test.skip)('the worker in Java, in the runtime of AWS', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'burst-jar-'));
    try {
      await buildJar(folder);
      expect(counts(await invokeJava(path.join(folder, 'worker.jar'), 'example.Worker::handle', event) as ComputedTiles)).toEqual(counts(await worker(event)));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

test.each([
  ['width', 0, 'a whole number from 1 to 2048'],
  ['height', 2049, 'a whole number from 1 to 2048'],
  ['maxIterations', 65_536, 'a whole number from 1 to 65535'],
  ['center', [1], 'two numbers, [real, imaginary]'],
  ['center', [1, null], 'two numbers, [real, imaginary]'],
  ['scale', 0, 'a number above 0'],
])('%s = %p is refused', (name, value, allowed) => {
  expect(() => readView({ ...VIEW, [name]: value })).toThrow(`parameters.${name} must be ${allowed}, got ${JSON.stringify(value)}`);
});

test('a job without parameters is told what it lacks', () => {
  expect(() => readView(undefined)).toThrow('parameters.width must be');
});
