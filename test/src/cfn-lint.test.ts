import { execFile } from 'child_process';
import { existsSync } from 'fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'fs/promises';
import { tmpdir } from 'os';
import * as path from 'path';
import { promisify } from 'util';
import { App, Stack } from 'aws-cdk-lib';
import { EDGES, ENVIRONMENT } from './edges';
import { findPython } from '../../engine/install';

const run = promisify(execFile);
const VERSION = '1.58.0';
/** The CDK names each role that a function has among what it depends on, and its VPC of an unknown environment has made-up zones. */
const BY_THE_CDK = ['W3005', 'W3010'];

/** cfn-lint in a venv of the checkout, installed by the first run. */
async function cfnLint(): Promise<string> {
  const root = path.join(__dirname, '..', '..', '.burst');
  const target = path.join(root, `cfn-lint-${VERSION}`);
  if (!existsSync(target)) {
    await mkdir(root, { recursive: true });
    const fresh = await mkdtemp(`${target}.making-`);
    await run(await findPython(), ['-m', 'venv', fresh]);
    await run(path.join(fresh, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', `cfn-lint==${VERSION}`]);
    await rename(fresh, target).catch(async () => rm(fresh, { recursive: true })); // another process may have been quicker
  }
  return path.join(target, 'bin', 'python');
}

test('cfn-lint finds nothing wrong in any template, in an agnostic environment and in a named one', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'burst-lint-'));
  try {
    for (const env of [undefined, ENVIRONMENT]) {
      const app = new App({ outdir: path.join(folder, env ? 'named' : 'agnostic'), context: { 'aws:cdk:disable-asset-staging': true } });
      for (const [id, build] of Object.entries(EDGES)) build(new Stack(app, id, { env }));
      app.synth();
    }
    const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.template.json')).map((file) => path.join(folder, file));
    expect(files.length).toBeGreaterThanOrEqual(2 * (Object.keys(EDGES).length + 2)); // one has a nested stack, one brings another
    const python = await cfnLint();
    // through Python: the first line of the script has the path that the venv was made at
    const report = await run(python, [
      path.join(path.dirname(python), 'cfn-lint'), '--non-zero-exit-code', 'none', '--format', 'parseable', '--ignore-checks', ...BY_THE_CDK, '--', ...files,
    ], { maxBuffer: 2 ** 24 });
    const findings = report.stdout.split('\n').filter((line) => line.trim()).map((line) => line.replace(`${folder}/`, ''));
    expect(findings).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
}, 240_000);
