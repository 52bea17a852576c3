import { execFile } from 'child_process';
import { mkdir, readFile, rm } from 'fs/promises';
import * as path from 'path';
import { promisify } from 'util';

/** What has to be there before an example of this repository can be deployed: bundles and a cloud assembly. Needs nothing built. */

const run = promisify(execFile);
const ROOT = path.join(__dirname, '..');
/** CDK's own checks of the templates take four fifths of the time; they belong into tests. */
const UNCHECKED = { CDK_VALIDATION: 'false' };
/** For the bundles of an example's functions: what they import of this package is then its sources. */
export const FROM_SOURCES = { alias: { 'cdk-burst-compute/runtime': path.join(ROOT, 'runtime', 'index.ts') } };
const QUIET = { JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: '20', JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION: '20' };

interface Tasks {
  readonly tasks: Record<string, { readonly steps?: readonly { readonly execArgs?: readonly string[] }[] } | undefined>;
}

/** Bundles the construct's own functions into assets/: the commands of `projen bundle`, all at once. */
export async function bundleConstruct(): Promise<void> {
  const { tasks } = JSON.parse(await readFile(path.join(ROOT, '.projen', 'tasks.json'), 'utf8')) as Tasks;
  const commands = ['dispatcher', 'monitor'].map((name) => {
    const args = tasks[`bundle:lambda/${name}`]?.steps?.[0].execArgs;
    if (args?.[0] !== 'esbuild') throw new Error(`.projen/tasks.json does not say how to bundle lambda/${name}: run \`npx projen\``);
    return [...args.slice(1), '--log-level=warning'];
  });
  await Promise.all(commands.map(async (args) => run(path.join(ROOT, 'node_modules', '.bin', 'esbuild'), args, { cwd: ROOT })));
}

/**
 * Synthesises an example with the construct as it is in src/, without type checks: those are the build's.
 *
 * @param app the app's file, absolute or relative to the repository
 * @param assembly the folder for the cloud assembly; what is there is replaced
 * @param checks whether CDK checks the templates
 * @returns what the app and CDK had to say
 */
export async function synthesise(app: string, assembly: string, checks = false): Promise<string> {
  await rm(assembly, { recursive: true, force: true });
  await mkdir(assembly, { recursive: true });
  const { stdout, stderr } = await run(process.execPath, [
    '-r', require.resolve('ts-node/register/transpile-only'),
    '-r', path.join(__dirname, 'resolve-package.ts'),
    path.resolve(ROOT, app),
  ], {
    cwd: ROOT,
    env: { ...process.env, ...QUIET, ...!checks && UNCHECKED, CDK_OUTDIR: assembly, TS_NODE_PROJECT: path.join(ROOT, 'tsconfig.dev.json') },
  });
  return stdout + stderr;
}
