import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Counts } from '../../bench/engine/count';

interface Figures { readonly reports: { readonly engine: { readonly data: { readonly counts: Counts[] } } } }

test('a job on the engine uses what it says, and what the simulation says, by a count from outside', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-engine-'));
  try {
    const file = join(folder, 'figures.json');
    await promisify(execFile)('npx', ['ts-node', '-T', 'bench/bench.ts', 'engine', '--quick', '--json', file], { cwd: join(__dirname, '..', '..') });
    const [{ engine, own, simulation, calls }] = (JSON.parse(readFileSync(file, 'utf8')) as Figures).reports.engine.data.counts;
    const counted = ({ gbSeconds: _, logBytes: __, ...rest }: Counts['own']) => rest;
    expect(calls['Lambda RequestResponse']).toBe(64 + 1);
    expect(engine).toMatchObject({ lambdaRequests: 4, transitions: 3 });
    expect(counted(own)).toEqual(counted(engine));
    expect(counted(simulation)).toEqual(counted(engine));
    expect(own.gbSeconds).toBeLessThanOrEqual(engine.gbSeconds);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 180_000);
