import { execFile } from 'child_process';
import { createHash } from 'crypto';
import { existsSync, readFileSync } from 'fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'fs/promises';
import { homedir } from 'os';
import * as path from 'path';
import { promisify } from 'util';
import { findPython } from '../../engine/install';

/** Builds the Python distribution and the environments that test it. `npx projen python:build` runs it as a script. */

const run = promisify(execFile);
const ROOT = path.join(__dirname, '..', '..');
const REQUIREMENTS = path.join(__dirname, 'requirements-dev.txt');
/** Of the user's environment: where pip installs to, and what Python imports, is said here. */
const NOT_OURS = ['PYTHONHOME', 'PYTHONPATH', 'PIP_TARGET', 'PIP_PREFIX', 'PIP_ROOT', 'PIP_USER', 'PIP_REQUIREMENT', 'PIP_CONSTRAINT', 'VIRTUAL_ENV'];

export interface Distributions {
  readonly wheel: string;
  readonly sdist: string;
}

/** Runs a program to its end; its error carries what it printed. */
export async function execute(program: string, args: string[], options: { cwd?: string; env?: Record<string, string> } = {}): Promise<string> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !NOT_OURS.includes(name)));
  try {
    const { stdout } = await run(program, args, {
      ...options, env: { ...env, PIP_DISABLE_PIP_VERSION_CHECK: '1', ...options.env }, maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as { stdout?: string; stderr?: string; message: string };
    throw new Error(`${path.basename(program)} ${args.slice(0, 4).join(' ')} failed: ${stdout}${stderr}` || message);
  }
}

/** A virtual environment with what building and testing need, or only testing on `base`, made once and kept in .burst; returns its Python. */
export async function developmentPython(base?: string): Promise<string> {
  const python = base ?? await findPython();
  const version = (await execute(python, ['-c', 'import sys; print(sys.version.split()[0])'])).trim();
  const pinned = readFileSync(REQUIREMENTS, 'utf8').split('\n').filter((line) => (base ? /^(boto3|pytest|tqdm)=/ : /^\w/).test(line));
  const hash = createHash('sha256').update(pinned.join()).digest('hex').slice(0, 12);
  const folder = path.join(ROOT, '.burst', 'python', `${version}-${hash}`);
  const inside = path.join(folder, 'bin', 'python');
  if (existsSync(path.join(folder, '.complete')) && existsSync(inside)) return inside;
  await mkdir(path.dirname(folder), { recursive: true });
  await rm(folder, { recursive: true, force: true });
  await execute(python, ['-m', 'venv', folder]);
  await execute(inside, ['-m', 'pip', 'install', '--quiet', ...pinned]);
  await writeFile(path.join(folder, '.complete'), '');
  return inside;
}

/** The oldest and the newest Python from 3.10 on that are here, on the PATH or kept by pyenv, apart from the one that `developmentPython` takes. */
export async function otherPythons(): Promise<string[]> {
  const kept = path.join(process.env.PYENV_ROOT || path.join(homedir(), '.pyenv'), 'versions');
  const versions = await readdir(kept).catch(() => []);
  const onPath = [10, 11, 12, 13, 14].map((minor) => `python3.${minor}`);
  const candidates = [...onPath, ...versions.map((version) => path.join(kept, version, 'bin', 'python3'))];
  const minorOf = async (python: string) => Number(await execute(python, ['-c', 'import sys, venv, ensurepip; print(sys.version_info[1])']));
  const own = await minorOf(await findPython());
  const found = new Map<number, string>();
  for (const python of candidates) {
    const minor = await minorOf(python).catch(() => 0); // not there, or without venv
    if (minor >= 10 && minor !== own) found.set(minor, python);
  }
  const minors = [...found.keys()].sort((a, b) => a - b);
  return [...new Set([minors[0], minors[minors.length - 1]])].filter((minor) => minor !== undefined).map((minor) => found.get(minor)!);
}

/** Source distribution and wheel, built by the standard front end; the wheel is made from the unpacked source distribution. */
export async function buildDistributions(python: string, folder: string): Promise<Distributions> {
  await mkdir(folder, { recursive: true });
  const fresh = await mkdtemp(path.join(folder, 'making-'));
  try {
    await execute(python, ['-m', 'build', '--no-isolation', '--outdir', fresh, __dirname]);
    const files = await readdir(fresh);
    for (const file of files) await rename(path.join(fresh, file), path.join(folder, file));
    const built = (suffix: string) => path.join(folder, files.find((file) => file.endsWith(suffix))!);
    return { wheel: built('.whl'), sdist: built('.tar.gz') };
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** A new virtual environment with the wheel in it; what the wheel requires must be among the development packages. Returns its Python. */
export async function environmentWith(wheel: string, python: string): Promise<string> {
  const folder = path.join(ROOT, '.burst', 'python', 'fresh', path.basename(path.dirname(path.dirname(python))));
  await rm(folder, { recursive: true, force: true });
  await execute(python, ['-m', 'venv', '--without-pip', folder]);
  const packages = (of: string) => execute(of, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"), end="")']);
  const inside = path.join(folder, 'bin', 'python');
  await writeFile(path.join(await packages(inside), 'development.pth'), `${await packages(python)}\n`);
  await execute(python, ['-m', 'pip', '--python', inside, 'install', '--quiet', '--no-index', wheel]);
  return inside;
}

if (require.main === module) {
  void developmentPython()
    .then((python) => buildDistributions(python, path.join(ROOT, 'dist', 'burst-compute')))
    .then(({ wheel, sdist }) => process.stdout.write(`${wheel}\n${sdist}\n`), (error: Error) => {
      process.stderr.write(`${error.message}\n`);
      process.exitCode = 1;
    });
}
