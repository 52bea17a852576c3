import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';

test('where toolchains are missing, each is named with what to do, and CI fails before anything is installed', () => {
  const root = path.join(__dirname, '..', '..');
  const nowhere = mkdtempSync(path.join(tmpdir(), 'burst-'));
  const { status, stdout, stderr } = spawnSync(process.execPath, [require.resolve('ts-node/dist/bin'), '-T', 'consumers/run.ts'], {
    cwd: root, encoding: 'utf8', env: { ...process.env, PATH: nowhere, CI: 'true' },
  });
  expect(status).toBe(1);
  for (const language of ['python', 'java', 'go']) expect(stdout + stderr).toMatch(new RegExp(`missing: ${language} needs \`.*\` to work: install`));
  expect(stderr + stdout).toMatch(/CI needs the toolchains of all languages/);
});
