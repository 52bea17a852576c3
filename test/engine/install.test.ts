import { execFileSync } from 'child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'fs';
import { tmpdir } from 'os';
import * as path from 'path';
import { EngineError } from '../../engine';
import { engineFolder, findPython, installedPython } from '../../engine/install';
import { packageRoot } from '../../engine/package-root';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'burst-install-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A Python that says of itself what findPython asks. */
function fakePython(name: string, major: number, minor: number, venv: boolean): void {
  const file = path.join(folder, name);
  writeFileSync(file, `#!/bin/sh\necho '[${major}, ${minor}, ${venv}]'\n`);
  chmodSync(file, 0o755);
}

describe('finding Python', () => {
  test('says what to install when there is none', async () => {
    const found = findPython({ PATH: folder });
    await expect(found).rejects.toThrow(EngineError);
    await expect(found).rejects.toThrow('the local engine needs Python 3.10 or newer with venv: none found on the PATH. '
      + 'Install it with `apt install python3 python3-venv`, `dnf install python3` or `brew install python`, or set PYTHON to one.');
  });

  test('says which is too old and which lacks venv', async () => {
    fakePython('python3', 3, 9, true);
    fakePython('python3.12', 3, 12, false);
    await expect(findPython({ PATH: folder })).rejects.toThrow(
      'python3 is 3.9; python3.12 (3.12) has no venv or ensurepip module: install it with `apt install python3.12-venv`');
  });

  test('takes the first suitable one', async () => {
    fakePython('python3', 3, 9, true);
    fakePython('python3.11', 3, 11, true);
    expect(await findPython({ PATH: folder })).toBe('python3.11');
  });

  test('takes PYTHON and no other when that is set', async () => {
    fakePython('python3', 3, 11, true);
    fakePython('mine', 3, 12, true);
    expect(await findPython({ PATH: folder, PYTHON: path.join(folder, 'mine') })).toBe(path.join(folder, 'mine'));
    await expect(findPython({ PATH: folder, PYTHON: '/none' })).rejects.toThrow('PYTHON=/none cannot be run');
  });
});

describe('installing', () => {
  test('replaces a half-made folder, with two processes at it at the same time', async () => {
    const env = { ...process.env, XDG_CACHE_HOME: folder };
    const target = engineFolder(readFileSync(path.join(packageRoot(), 'engine', 'requirements.txt'), 'utf8'), env);
    mkdirSync(path.join(target, 'bin'), { recursive: true });
    writeFileSync(path.join(target, 'bin', 'python'), '');

    const [one, two] = await Promise.all([installedPython(() => undefined, env), installedPython(() => undefined, env)]);
    expect(one).toBe(path.join(target, 'bin', 'python'));
    expect(two).toBe(one);
    expect(execFileSync(one, ['-c', 'import ministack, boto3; print(1)'], { encoding: 'utf8' })).toBe('1\n');
    execFileSync(one, ['-m', 'pip', 'check']); // the pins fit each other
    expect(readdirSync(path.dirname(target))).toEqual([path.basename(target)]);

    const log: string[] = [];
    await installedPython((line) => log.push(line), env);
    expect(log).toEqual([]);
  });

  test('says what to check when pip fails, and leaves nothing behind', async () => {
    const env = { ...process.env, XDG_CACHE_HOME: folder, PIP_INDEX_URL: 'http://127.0.0.1:1/simple', PIP_RETRIES: '0', PIP_NO_CACHE_DIR: '1', PIP_FIND_LINKS: '' };
    await expect(installedPython(() => undefined, env)).rejects.toThrow(
      /the local engine could not be installed with pip: (.|\n)*Check the network, or pip's own settings \(PIP_INDEX_URL, PIP_CERT, HTTPS_PROXY\)/);
    expect(existsSync(path.join(folder, 'cdk-burst-compute'))).toBe(true);
    expect(readdirSync(path.join(folder, 'cdk-burst-compute'))).toEqual([]);
  });
});
