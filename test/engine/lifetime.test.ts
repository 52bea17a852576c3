import { ChildProcess, spawn } from 'child_process';
import { existsSync, mkdtempSync, rmSync } from 'fs';
import { tmpdir } from 'os';
import * as path from 'path';
import { createFunction, invoke, processesMentioning, until } from './support';
import { Engine } from '../../engine';

const root = path.join(__dirname, '..', '..');
let dataDir: string;
let caller: ChildProcess | undefined;

beforeEach(() => {
  dataDir = mkdtempSync(path.join(tmpdir(), 'burst-lifetime-'));
});

afterEach(async () => {
  caller?.kill('SIGKILL');
  caller = undefined;
  await until(() => processesMentioning(dataDir).length === 0);
  rmSync(dataDir, { recursive: true, force: true });
});

/** A process of its own that has started an engine, of which one function idles and another is busy for ever. */
async function startCaller(): Promise<{ caller: ChildProcess; enginePid: number }> {
  const child = spawn(process.execPath, ['-r', 'ts-node/register/transpile-only', 'test/engine/fixture/caller.ts', dataDir], {
    cwd: root, env: { ...process.env, TS_NODE_PROJECT: 'tsconfig.dev.json' }, stdio: ['ignore', 'pipe', 'inherit'],
  });
  caller = child;
  const enginePid = await new Promise<number>((resolve, reject) => {
    child.stdout!.once('data', (data: Buffer) => resolve(Number(data.toString())));
    child.once('exit', () => reject(new Error('the caller ended too early')));
  });
  await until(() => existsSync(path.join(dataDir, 'tmp', 'busy')));
  // the caller, the launcher, its guardian and both functions
  expect(processesMentioning(dataDir)).toHaveLength(5);
  return { caller: child, enginePid };
}

const nothingIsLeft = async () => until(() => processesMentioning(dataDir).filter((line) => !line.includes('caller.ts')).length === 0);

describe('nothing is left', () => {
  test('after the caller was interrupted', async () => {
    const started = await startCaller();
    started.caller.kill('SIGINT');
    await until(() => processesMentioning(dataDir).length === 0);
  });

  test('after the caller was killed', async () => {
    const started = await startCaller();
    started.caller.kill('SIGKILL');
    await until(() => processesMentioning(dataDir).length === 0);
  });

  test('after the launcher was killed', async () => {
    const { enginePid } = await startCaller();
    process.kill(enginePid, 'SIGKILL');
    await nothingIsLeft();
  });

  test('after the guardian was killed', async () => {
    const { enginePid } = await startCaller();
    const guardian = processesMentioning(dataDir).map((line) => ({ line, pid: Number(line.trim().split(' ')[0]) }))
      .find(({ line, pid }) => line.includes('launcher.py') && pid !== enginePid);
    process.kill(guardian!.pid, 'SIGKILL');
    await nothingIsLeft();
  });

  test('after the launcher was asked to end', async () => {
    const { enginePid } = await startCaller();
    process.kill(enginePid, 'SIGTERM');
    await nothingIsLeft();
  });

  test('after stop(), not even in the temporary folder', async () => {
    const engine = await Engine.start();
    await invoke(engine.endpoint, await createFunction(engine.endpoint, 'any', 'exports.handler = async () => 1;'));
    const own = processesMentioning('launcher.py').filter((line) => line.trim().startsWith(`${engine.pid} `))
      .map((line) => / --data (\S+)/.exec(line)?.[1])[0];
    expect(processesMentioning(own!)).toHaveLength(3);
    await engine.stop();
    expect(processesMentioning(own!)).toEqual([]);
    expect(existsSync(own!)).toBe(false);
    await expect(engine.enforceIam(true)).rejects.toThrow('the local engine has ended: start it again');
  });
});
