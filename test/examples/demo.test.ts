import { cp, mkdir, mkdtemp, readFile, readdir, rm } from 'fs/promises';
import * as path from 'path';
import { Writable } from 'stream';
import { JobStatus } from '../../client';
import { Phases } from '../../demo/phases';
import { differences } from '../../demo/plain-search';
import { FROM_SOURCES, synthesise } from '../../demo/prepare';
import { progressOn } from '../../demo/progress';
import { build as buildDigitSearch } from '../../examples/digit-search/functions/build';
import type { QueryAnswer, SearchAnswer } from '../../examples/digit-search/functions/node/combiner';
import { build as buildMandelbrot } from '../../examples/mandelbrot/functions/build';
import { missingForJava } from '../maven';

const ROOT = path.join(__dirname, '..', '..');

describe('the check', () => {
  const data = {
    queries: { pixels: new Uint8Array(0), labels: Uint8Array.from([3, 8]) },
    candidates: { pixels: new Uint8Array(0), labels: Uint8Array.from([3, 8, 3]) },
  };
  const expected = [[{ index: 0, distance: 10 }, { index: 2, distance: 11 }], [{ index: 1, distance: 5 }, { index: 2, distance: 5 }]];
  const queries: QueryAnswer[] = [
    { label: 3, predicted: 3, neighbours: [{ index: 0, distance: 10, label: 3 }, { index: 2, distance: 11, label: 3 }] },
    { label: 8, predicted: 8, neighbours: [{ index: 1, distance: 5, label: 8 }, { index: 2, distance: 5, label: 3 }] },
  ];
  const check = (answered: QueryAnswer[]) => {
    const answer: SearchAnswer = { k: 2, queries: answered, accuracy: 1, missingBatches: [] };
    return differences(answer, data, expected);
  };
  const changed = (query: number, change: Partial<QueryAnswer>) =>
    queries.map((original, i) => (i === query ? { ...original, ...change } : original));

  test('finds nothing when there is nothing', () => expect(check(queries)).toEqual([]));

  test('finds another distance', () => {
    const neighbours = [{ index: 0, distance: 9, label: 3 }, queries[0].neighbours[1]];
    expect(check(changed(0, { neighbours }))).toEqual(['query 0, neighbour 1: candidate 0 at 9 instead of candidate 0 at 10']);
  });

  test('finds another order', () => {
    expect(check(changed(1, { neighbours: [...queries[1].neighbours].reverse() }))).toEqual([
      'query 1, neighbour 1: candidate 2 at 5 instead of candidate 1 at 5',
      'query 1, neighbour 2: candidate 1 at 5 instead of candidate 2 at 5',
    ]);
  });

  test('finds neighbours too few and too many', () => {
    expect(check(changed(0, { neighbours: queries[0].neighbours.slice(0, 1) }))).toEqual(['query 0, neighbour 2: none instead of candidate 2 at 11']);
    expect(check(changed(0, { neighbours: [...queries[0].neighbours, { index: 1, distance: 12, label: 8 }] })))
      .toEqual(['query 0, neighbour 3: candidate 1 at 12 instead of none']);
  });

  test('finds wrong labels and a query too few', () => {
    expect(check(changed(1, { label: 3 }))).toEqual(['query 1: labelled 3 instead of 8']);
    const neighbours = [{ index: 0, distance: 10, label: 7 }, queries[0].neighbours[1]];
    expect(check(changed(0, { neighbours }))).toEqual(['query 0: candidate 0 labelled 7 instead of 3']);
    expect(check(queries.slice(0, 1))[0]).toBe('1 queries answered instead of 2');
  });
});

describe('the steps', () => {
  test('are measured, and a failing one says its name', async () => {
    const lines: string[] = [];
    const phases = new Phases((line) => lines.push(line));
    await expect(phases.run('build', async () => 42)).resolves.toBe(42);
    await expect(phases.run('run', async () => Promise.reject(new Error('no')))).rejects.toThrow('run failed: no');
    expect(phases.done).toEqual([{ name: 'build', seconds: expect.any(Number) }]);
    expect(lines).toEqual([expect.stringMatching(/^build {8}0\.\d s$/)]);
  });
});

describe('the progress', () => {
  const statuses = [0, 0, 1, 100, 130, 200, 248].map((finished): JobStatus => ({
    jobId: 'job', status: 'RUNNING', epoch: 1, batchCount: finished === 0 ? 0 : 248, hasTasks: false, finished, failed: 0, running: 3, leaves: 1,
  }));

  function shown(isTTY: boolean): string {
    let text = '';
    const stream = Object.assign(new Writable({ write: (chunk, _encoding, done) => { text += String(chunk); done(); } }), { isTTY, columns: 120 });
    const progress = progressOn(Object.assign(stream, {
      cursorTo: () => true, clearLine: () => true, moveCursor: () => true,
    }) as unknown as NodeJS.WriteStream);
    statuses.forEach((status) => progress.update(status));
    progress.stop();
    return text;
  }

  test('is a line for each quarter without a terminal', () => {
    expect(shown(false).split('\n')).toEqual([
      expect.stringContaining('1/248 batches, 3 workers running, 0 failed'),
      expect.stringContaining('100/248'), expect.stringContaining('130/248'), expect.stringContaining('200/248'), expect.stringContaining('248/248'), '',
    ]);
  });

  test('is a bar on a terminal', () => expect(shown(true)).toMatch(/█+░* .*248\/248 batches, 3 workers running, 0 failed/));
});

describe('the apps', () => {
  let folder: string;

  beforeAll(async () => {
    const scratch = path.join(ROOT, '.burst'); // within the repository, so that its packages are found
    await mkdir(scratch, { recursive: true });
    folder = await mkdtemp(path.join(scratch, 'apps-'));
  });
  afterAll(async () => rm(folder, { recursive: true, force: true }));

  interface Template {
    readonly Resources: Record<string, { readonly Type: string; readonly Properties: Record<string, unknown> }>;
    readonly Outputs: Record<string, { readonly Description: string; readonly Value: unknown }>;
  }

  /** Builds and synthesises a copy of an example: another test may be deploying the original. */
  async function templateOf(example: string, build: typeof buildDigitSearch, stack: string): Promise<Template> {
    const copy = path.join(folder, `${example}-copy`);
    await cp(path.join(ROOT, 'examples', example), copy, { recursive: true, filter: (file) => path.basename(file) !== 'dist' });
    await build(path.join(copy, 'functions', 'dist'), FROM_SOURCES);
    const assembly = path.join(folder, example);
    expect(await synthesise(path.join(copy, 'typescript', 'app.ts'), assembly, true)).toBe(''); // no complaint about the template
    return JSON.parse(await readFile(path.join(assembly, `${stack}.template.json`), 'utf8')) as Template;
  }

  const addresses = ({ Outputs }: Template) => Object.values(Outputs).map(({ Description }) => Description).filter((text) => text.startsWith('cdk-burst-compute job')).sort();
  const runtimes = ({ Resources }: Template, handler: RegExp) => Object.values(Resources)
    .filter(({ Type, Properties }) => Type === 'AWS::Lambda::Function' && handler.test(String(Properties.Handler))).map(({ Properties }) => Properties.Runtime);

  test('digit-search synthesises, with the data of the worker as its asset', async () => {
    const template = await templateOf('digit-search', buildDigitSearch, 'DigitSearch');
    expect(addresses(template)).toEqual(['cdk-burst-compute job DigitSearch/Search', 'cdk-burst-compute job DigitSearch/SearchInPython']);
    const assets = (await readdir(path.join(folder, 'digit-search'))).filter((name) => name.startsWith('asset.'));
    const contents = await Promise.all(assets.map(async (name) => (await readdir(path.join(folder, 'digit-search', name)).catch(() => [])).sort().join()));
    expect(contents).toEqual(expect.arrayContaining([
      'candidate-pixels.bin,index.js,query-pixels.bin', 'candidate-pixels.bin,query-pixels.bin,worker.py', 'candidate-labels.bin,index.js,query-labels.bin',
    ]));
  });

  (missingForJava() === undefined ? test : test.skip)('mandelbrot synthesises with a worker in TypeScript, one in Python and one in Java', async () => {
    const template = await templateOf('mandelbrot', buildMandelbrot, 'Mandelbrot');
    expect(addresses(template)).toEqual(['InJava', 'InPython', 'InTypeScript'].map((id) => `cdk-burst-compute job Mandelbrot/${id}`));
    expect(runtimes(template, /^worker\.handler$/)).toEqual(['python3.13']);
    expect(runtimes(template, /^example\.Worker::handle$/)).toEqual(['java21']);
    const assets = (await readdir(path.join(folder, 'mandelbrot'))).filter((name) => name.startsWith('asset.'));
    const contents = await Promise.all(assets.map(async (name) => (await readdir(path.join(folder, 'mandelbrot', name)).catch(() => [])).join()));
    expect(contents).toContain('worker.py');
  });
});

