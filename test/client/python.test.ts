import { readFileSync } from 'fs';
import { cp, mkdtemp, rm, writeFile } from 'fs/promises';
import { tmpdir } from 'os';
import * as path from 'path';
import * as fc from 'fast-check';
import { checkRequest } from '../../client/check-request';
import { estimateRequest } from '../../client/cost/estimate-request';
import { buildDistributions, developmentPython, Distributions, environmentWith, execute, otherPythons } from '../../client/python/build';
import { digestOf } from '../../lambda/protocol/digest';
import { deployOnEngine } from '../e2e/harness';

const SOURCES = path.join(__dirname, '..', '..', 'client', 'python');

let folder: string;
let python: string;
let built: Distributions;
let fresh: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'burst-python-'));
  python = await developmentPython();
  built = await buildDistributions(python, folder);
  fresh = await environmentWith(built.wheel, python);
}, 300_000);

afterAll(() => folder && rm(folder, { recursive: true }));

test('the wheel has the modules, their types and what it requires', async () => {
  const list = await execute(python, ['-m', 'zipfile', '--list', built.wheel]);
  expect(list).toMatch(/burst_compute\/results\.py/);
  expect(list).toMatch(/burst_compute\/py\.typed/);
  const prices = await execute(fresh, ['-c', 'import importlib.resources as r; print((r.files("burst_compute") / "prices.json").read_text(), end="")']);
  expect(prices).toBe(readFileSync(path.join(SOURCES, '..', 'cost', 'prices.json'), 'utf8'));
  const metadata = await execute(fresh, ['-c', 'import importlib.metadata as m; print(m.requires("burst-compute"), m.files("burst-compute")[0].locate())']);
  expect(metadata).toMatch(/'boto3>=[\d.]+'/);
  expect(metadata).toContain(path.dirname(path.dirname(fresh)));
});

test('sources and tests are typed strictly', async () => {
  await execute(python, ['-m', 'mypy', '--cache-dir', path.join(folder, 'mypy'), 'src', 'tests'], { cwd: SOURCES, env: { MYPYPATH: 'src' } });
});

test('pytest passes on the installed wheel', async () => {
  const samples = path.join(folder, 'samples.json');
  await writeFile(samples, JSON.stringify({ json: jsonSamples(), estimates: estimates(), requests: requests() }));
  await execute(fresh, ['-m', 'pytest', '-q', 'tests'], { cwd: SOURCES, env: { BURST_TEST_SAMPLES: samples } });
});

test('pytest passes on the oldest and the newest Python that are here, too', async () => {
  for (const other of await otherPythons()) {
    const installed = await environmentWith(built.wheel, await developmentPython(other));
    await execute(installed, ['-m', 'pytest', '-q', 'tests'], { cwd: SOURCES });
  }
}, 300_000);

test('client, workers, combiner and executor do real jobs', async () => {
  const code = path.join(folder, 'code');
  await execute(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', '--no-index', '--target', code, built.wheel]);
  await cp(path.join(__dirname, 'functions'), code, { recursive: true });
  const examples = readFileSync(path.join(SOURCES, 'README.md'), 'utf8').split('```python\n').map((block) => block.split('```')[0]);
  const inFunction = examples.find((block) => block.includes('os.environ["JOB"]'))!;
  await writeFile(path.join(code, 'caller.py'), inFunction);
  const bench = await deployOnEngine('npx ts-node -T test/client/python-app.ts', { environment: { PYTHON_CODE: code } });
  try {
    const addresses = Object.fromEntries(Object.entries(bench.jobs).map(([id, { address }]) => [id, JSON.stringify(address)]));
    await execute(fresh, ['-m', 'pytest', '-q', '--durations=5', 'tests/engine'], {
      cwd: SOURCES, env: { ...bench.engine.env, BURST_TEST_ADDRESSES: JSON.stringify(addresses), PYTHONPATH: path.join(__dirname, 'functions') },
    });
  } finally {
    await bench.engine.stop();
  }
}, 600_000);

/** Requests with what is known of them, and what the estimate says. */
function estimates() {
  const inputs = [
    { items: { range: { start: 5, end: 5 } } }, { items: { list: [1, 2, 3] } }, { items: { range: { start: 0, end: 10_000 } } },
    { items: { range: { start: 0, end: 1_000_000 } }, batchSize: 7, maxConcurrency: 300 },
    { items: { range: { start: 0, end: 262_145 } }, parameters: { a: 1 } },
    { items: { s3: { uri: 's3://bucket/k.csv' } } }, { items: { s3: { uri: 's3://bucket/k.jsonl' } }, batchSize: 10 }, { items: { s3Prefix: { uri: 's3://bucket/' } } },
    { tasks: [{ function: 'a' }, { function: 'b' }] }, { tasks: { s3: { uri: 's3://bucket/k.jsonl' } } },
  ];
  const assumptions = [
    {}, { batchSeconds: 60.5, resultBytes: 300_000 }, { batchSeconds: 0.01, accountConcurrency: 10, partialBytes: 9_000 },
    { batchSeconds: 600, workerTimeoutSeconds: 780, accountConcurrency: 20_000, workerFunctions: 2, resultBytes: 1, inputBytes: 1e9 },
  ];
  const ways = [{ combineMode: 'COLLECT' }, { combineMode: 'TREE' }, { combineMode: 'NONE' }, { childType: 'STANDARD' }, { childType: 'EXPRESS', combineMode: 'NONE' }] as const;
  return inputs.flatMap((request) => ways.flatMap((way) => assumptions.map((assumed) => {
    const { combineMode } = { combineMode: undefined, ...way };
    const options = { items: 100_000, ...way, ...(combineMode === 'TREE' && { branching: 4, maxConcurrency: 1000, repairIntervalSeconds: 10 }) };
    const { cost: { dollars, overheadDollars }, ...found } = estimateRequest(request, { ...options, assumptions: assumed });
    const { batches, leaves, window, seconds, usage } = found;
    return { request, options, assumed, expected: { batches, leaves, window, seconds, usage, dollars, overheadDollars } };
  })));
}

/** Requests, most of them wrong, and what is said of them; null: nothing is wrong. */
function requests(): [string, string | null][] {
  const any = fc.constantFrom<unknown>(null, true, 0, 1, -3, 1.5, 2 ** 53, 2 ** 70, '', 'x', [], {}, { a: 1 });
  const mostly = (...right: unknown[]) => fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...right) }, any);
  const object = (needed: Record<string, fc.Arbitrary<unknown>>, optional: Record<string, fc.Arbitrary<unknown>>) => fc.oneof(
    { weight: 9, arbitrary: fc.record({ ...needed, ...optional }, { requiredKeys: Object.keys(needed) }) },
    fc.record({ ...needed, ...optional, unknown: fc.constant(1), andAnother: any }, { requiredKeys: [] }), any,
  );
  const uri = mostly(...['s3://bucket/a.jsonl', 's3://bucket/a/b.CSV', 's3://bucket/a.csv.gz', 's3://bucket/a', 's3://bucket/', 's3://bucket', 's3://B/a', 'bucket/a']);
  const range = object({ start: mostly(0, 5, -(2 ** 53) + 1), end: mostly(7, 0, 30_000_000, 2 ** 53 - 1) }, {});
  const list = mostly([1, { a: [] }], [], 'abc');
  const s3 = object({ uri }, { format: mostly('csv', 'json', 'CSV') });
  const prefix = object({ uri }, {});
  const task = object({ function: mostly('name') }, { id: mostly('a', 'x'.repeat(257)), params: any });
  const items = fc.oneof(
    ...[range.map((of) => ({ range: of })), list.map((of) => ({ list: of })), s3.map((of) => ({ s3: of })), prefix.map((of) => ({ s3Prefix: of }))]
      .map((arbitrary) => ({ weight: 4, arbitrary: arbitrary as fc.Arbitrary<unknown> })),
    object({}, { range, list, s3, s3Prefix: prefix }),
  );
  const others = {
    batchSize: mostly(1, 10, 1e9),
    parameters: any,
    timeoutSeconds: mostly(60),
    maxConcurrency: mostly(5, 1_000_000),
    toleratedFailurePercentage: mostly(0.5, 100, 101),
  };
  const jobs = fc.oneof(
    fc.record({ items }), object({ items }, others), fc.record({ tasks: fc.array(task, { maxLength: 3 }) }),
    object({ tasks: fc.oneof(any, object({ s3: prefix }, {})) }, others), object({}, { items, tasks: fc.constant([]) }),
    object({ redrive: fc.oneof(any, object({ jobId: mostly('job') }, {})) }, { items }),
  );
  return fc.sample(jobs, { numRuns: 1500, seed: 11 }).map((sample) => JSON.stringify(sample)).map((text) => {
    try {
      checkRequest(JSON.parse(text));
      return [text, null];
    } catch (error) {
      return [text, (error as Error).message];
    }
  });
}

/** Values with whatever is written in more than one way: numbers, keys that look like indices, strings beyond ASCII. */
function jsonSamples(): [string, string, string][] {
  const keys = ['__proto__', '4294967294', '4294967295', '01', '-1', '\ud800', '\uffff', '\u{1f600}'];
  const key = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 4 }), fc.nat().map(String), fc.constantFrom(...keys));
  const number = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }), fc.maxSafeInteger(), fc.constantFrom(1e21, 1e-7, 123456789012345680000, -0, 5e-324, 0.1),
  );
  const string = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\u2028\u2029', '\ud800', '\udc00\ud800', '\u007f\u0000\u001f/\\"'));
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 }, number, string, fc.boolean(), fc.constant(null),
      fc.array(tie('value'), { maxLength: 4 }), fc.dictionary(key, tie('value'), { maxKeys: 6 }),
    ),
  }));
  // parsed as the other side parses it: what JSON does not tell apart is the same
  return fc.sample(value, { numRuns: 500, seed: 7 }).map((sample) => JSON.stringify(sample)).map((text) => {
    const parsed = JSON.parse(text) as unknown;
    return [text, JSON.stringify(parsed), digestOf(parsed)];
  });
}
