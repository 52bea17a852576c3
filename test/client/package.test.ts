import { execFileSync, spawnSync } from 'child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'fs';
import { tmpdir } from 'os';
import * as path from 'path';

/** The package as it is packed, in a project that has nothing else: what it may import, in either way, with types. */
const root = path.join(__dirname, '..', '..');
const folder = mkdtempSync(path.join(tmpdir(), 'burst-package-'));

const USE = `
const client: BurstClient = new BurstClient({ stateMachineArn: 'arn:aws:states:eu-west-1:111122223333:stateMachine:Job' });
const next: Promise<JobStatus> = client.wait('job', { signal: new AbortController().signal, onProgress: ({ finished }) => finished.toFixed() });
export const sum = async (event: CombinerEvent): Promise<number> => {
  let total = 0;
  for await (const { result } of readResults(event)) total += result as number;
  return total + (await next).batchCount;
};
// @ts-expect-error: the types are real
client.wait(5);
`;
const IMPORTS = `import { BurstClient, type JobStatus } from 'cdk-burst-compute/client';
import { readResults, type CombinerEvent } from 'cdk-burst-compute/runtime';
`;

beforeAll(() => {
  execFileSync('npx', ['projen', 'bundle'], { cwd: root, stdio: 'ignore' });
  execFileSync('npx', ['projen', 'types'], { cwd: root, stdio: 'ignore' });
  execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: root, stdio: 'ignore' });
  const [tarball] = readdirSync(folder);
  const project = { name: 'fresh', private: true, dependencies: { 'cdk-burst-compute': `file:${tarball}` } };
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify(project));
  // neither client nor runtime needs what the construct needs
  execFileSync('npm', ['install', '--omit=peer', '--legacy-peer-deps', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'ignore' });
  mkdirSync(path.join(folder, 'node16'));
  mkdirSync(path.join(folder, 'bundler'));
}, 240_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const node = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', env: { ...process.env, AWS_REGION: 'eu-west-1' } });
  return { status, stdout, stderr };
};

test('it brings nothing with it', () => {
  expect(readdirSync(path.join(folder, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual(['cdk-burst-compute']);
});

test.each([
  ['import', 'module', "import { BurstClient, UnknownJobError } from 'cdk-burst-compute/client'; import { readResults } from 'cdk-burst-compute/runtime';"],
  ['require', 'commonjs', "const { BurstClient, UnknownJobError } = require('cdk-burst-compute/client'); const { readResults } = require('cdk-burst-compute/runtime');"],
])('%s', (_, type, imports) => {
  const code = `${imports} console.log(typeof BurstClient, new UnknownJobError('a', 'b').name, typeof readResults);`;
  expect(node(`--input-type=${type}`, '-e', code)).toEqual({ status: 0, stdout: 'function UnknownJobError function\n', stderr: '' });
});

test('one class, whichever way it came', () => {
  const code = "import { createRequire } from 'node:module'; import { BurstError } from 'cdk-burst-compute/client';"
    + "console.log(BurstError === createRequire(process.cwd() + '/x.js')('cdk-burst-compute/client').BurstError)";
  expect(node('--input-type=module', '-e', code).stdout).toBe('true\n');
});

test('what jsii and the CDK look for can be resolved, and nothing inside', () => {
  expect(node('-e', "console.log(require('cdk-burst-compute/package.json').name)").stdout).toBe('cdk-burst-compute\n');
  expect(node('-e', "require('cdk-burst-compute/assets/client/index/index.js')").stderr).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED');
});

test.each([['node16', 'node16', 'use.mts'], ['node16', 'node16', 'use.cts'], ['bundler', 'esnext', 'use.ts']])(
  'types under moduleResolution %s (%s, %s)', (moduleResolution, module, file) => {
    const at = path.join(folder, moduleResolution);
    writeFileSync(path.join(at, file), IMPORTS + USE);
    writeFileSync(path.join(at, 'tsconfig.json'), JSON.stringify({
      compilerOptions: { module, moduleResolution, target: 'es2022', lib: ['es2022', 'dom'], types: [], strict: true, noEmit: true, skipLibCheck: false },
      files: [file],
    }));
    const { stdout, status } = node(path.join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', at);
    expect([stdout, status]).toEqual(['', 0]);
  });

test('the command runs from where it was installed', () => {
  expect(spawnSync(path.join(folder, 'node_modules', '.bin', 'burst'), ['--version'], { encoding: 'utf8' }).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('the alias of the README runs it, in the project and below', () => {
  const [alias] = /^alias burst=.*$/m.exec(readFileSync(path.join(root, 'README.md'), 'utf8'))!;
  for (const cwd of [folder, path.join(folder, 'node16')]) {
    const { stdout } = spawnSync('bash', ['-O', 'expand_aliases', '-c', `${alias}\nburst --version`], { cwd, encoding: 'utf8' });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  }
});
