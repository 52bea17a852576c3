import { execFile } from 'child_process';
import { createHash } from 'crypto';
import { existsSync, readFileSync } from 'fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'fs/promises';
import { homedir } from 'os';
import * as path from 'path';
import { promisify } from 'util';
import { EngineError } from './errors';
import { packageRoot } from './package-root';

const run = promisify(execFile);

const FLOOR = { major: 3, minor: 10 };
const CANDIDATES = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python'];
/** Written last: a folder without it was left half-made. */
const MARKER = '.complete';

/** Receives one line of progress, without its line end. */
export type LogSink = (line: string) => void;

/**
 * The Python of the installed engine. The first call installs it in a folder of the user's cache, which takes some seconds and
 * the network; further calls find it there. Several processes may call it at the same time.
 *
 * @throws EngineError when there is no suitable Python, or when the packages cannot be installed
 */
export async function installedPython(log: LogSink, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const requirements = path.join(packageRoot(), 'engine', 'requirements.txt');
  const target = engineFolder(readFileSync(requirements, 'utf8'), env);
  const python = path.join(target, 'bin', 'python');
  if (isComplete(target)) return python;

  const base = await findPython(env);
  await mkdir(path.dirname(target), { recursive: true });
  const fresh = await mkdtemp(`${target}.making-`);
  try {
    log(`installing the local engine into ${target} (once)`);
    await buildVenv(base, fresh, requirements, env);
    await putInPlace(fresh, target);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return python;
}

/** The cache folder of one version of the engine. */
export function engineFolder(requirements: string, env: NodeJS.ProcessEnv = process.env): string {
  const cache = env.XDG_CACHE_HOME || path.join(env.HOME || homedir(), '.cache');
  const version = /^ministack==(\S+)/m.exec(requirements)?.[1];
  const hash = createHash('sha256').update(requirements).digest('hex').slice(0, 12);
  return path.join(cache, 'cdk-burst-compute', `engine-${version}-${hash}`);
}

function isComplete(folder: string): boolean {
  // existsSync follows links: a Python that was upgraded away makes the folder incomplete, too
  return existsSync(path.join(folder, MARKER)) && existsSync(path.join(folder, 'bin', 'python'));
}

/** Whoever comes first wins; what is not complete gives way. */
async function putInPlace(fresh: string, target: string): Promise<void> {
  for (let attempt = 0; attempt < 10; attempt++) {
    try {
      return await rename(fresh, target);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOTDIR') throw error;
      if (isComplete(target)) return;
      const aside = `${target}.broken-${process.pid}-${attempt}`;
      await rename(target, aside).catch(() => undefined); // another process may have been quicker
      await rm(aside, { recursive: true, force: true });
    }
  }
  throw new EngineError(`${target} could not be replaced: remove it and try again`);
}

async function buildVenv(python: string, folder: string, requirements: string, env: NodeJS.ProcessEnv): Promise<void> {
  // pip keeps the user's proxy, certificates and index; where it installs to is ours to say
  const ours = ['PYTHONHOME', 'PYTHONPATH', 'PIP_TARGET', 'PIP_PREFIX', 'PIP_ROOT', 'PIP_USER', 'PIP_REQUIREMENT', 'PIP_CONSTRAINT'];
  const pipEnv = Object.fromEntries(Object.entries(env).filter(([name]) => !ours.includes(name)));
  const options = { env: { ...pipEnv, PIP_DISABLE_PIP_VERSION_CHECK: '1', PIP_NO_INPUT: '1' }, cwd: folder, maxBuffer: 64 * 1024 * 1024 };
  const inside = path.join(folder, 'bin', 'python');
  try {
    await run(python, ['-m', 'venv', folder], options);
  } catch (error) {
    throw new EngineError(`${python} could not make a virtual environment in ${folder}: ${lastLines(error)}`, { cause: error });
  }
  try {
    await run(inside, ['-m', 'pip', 'install', '--quiet', '--no-deps', '--requirement', requirements], options);
  } catch (error) {
    throw new EngineError('the local engine could not be installed with pip: '
      + `${lastLines(error)}\nCheck the network, or pip's own settings (PIP_INDEX_URL, PIP_CERT, HTTPS_PROXY), and try again.`, { cause: error });
  }
  await writeFile(path.join(folder, MARKER), `${python}\n`);
}

function lastLines(error: unknown): string {
  const { stderr, stdout, message } = error as { stderr?: string; stdout?: string; message: string };
  return (stderr?.trim() || stdout?.trim() || message).split('\n').slice(-6).join('\n');
}

/**
 * A Python that can run the engine: $PYTHON if that is set, else the first suitable one on the PATH.
 *
 * @throws EngineError that says what is missing and how to install it
 */
export async function findPython(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const rejected: string[] = [];
  for (const candidate of env.PYTHON ? [env.PYTHON] : CANDIDATES) {
    const found = await inspect(candidate, env);
    if (!found) continue;
    const { major, minor, venv } = found;
    if (major < FLOOR.major || (major === FLOOR.major && minor < FLOOR.minor)) {
      rejected.push(`${candidate} is ${major}.${minor}`);
    } else if (!venv) {
      rejected.push(`${candidate} (${major}.${minor}) has no venv or ensurepip module: install it with \`apt install python${major}.${minor}-venv\``);
    } else {
      return candidate;
    }
  }
  const why = rejected.length > 0 ? rejected.join('; ') : env.PYTHON ? `PYTHON=${env.PYTHON} cannot be run` : 'none found on the PATH';
  throw new EngineError(`the local engine needs Python ${FLOOR.major}.${FLOOR.minor} or newer with venv: ${why}. Install it with `
    + '`apt install python3 python3-venv`, `dnf install python3` or `brew install python`, or set PYTHON to one.');
}

async function inspect(python: string, env: NodeJS.ProcessEnv): Promise<{ major: number; minor: number; venv: boolean } | undefined> {
  const script = [
    'import sys, json',
    'try:',
    '    import venv, ensurepip; ok = True',
    'except ImportError:',
    '    ok = False',
    'print(json.dumps([sys.version_info[0], sys.version_info[1], ok]))',
  ].join('\n');
  try {
    const { stdout } = await run(python, ['-I', '-c', script], { env });
    const [major, minor, venv] = JSON.parse(stdout) as [number, number, boolean];
    return { major, minor, venv };
  } catch {
    return undefined; // not there, or not a Python
  }
}
