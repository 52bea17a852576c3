import { mkdtemp, rm } from 'fs/promises';
import { tmpdir } from 'os';
import * as path from 'path';
import { buildDistributions, developmentPython, Distributions, environmentWith, execute } from '../../client/python/build';

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
  const metadata = await execute(fresh, ['-c', 'import importlib.metadata as m; print(m.requires("burst-compute"), m.files("burst-compute")[0].locate())']);
  expect(metadata).toMatch(/'boto3>=[\d.]+'/);
  expect(metadata).toContain(path.dirname(path.dirname(fresh)));
});

test('sources and tests are typed strictly', async () => {
  await execute(python, ['-m', 'mypy', '--cache-dir', path.join(folder, 'mypy'), 'src', 'tests'], { cwd: SOURCES, env: { MYPYPATH: 'src' } });
});

test('pytest passes on the installed wheel', async () => {
  await execute(fresh, ['-m', 'pytest', '-q', 'tests'], { cwd: SOURCES });
});
