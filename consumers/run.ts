import { mkdtemp } from 'fs/promises';
import { tmpdir } from 'os';
import * as path from 'path';
import { deployable, differences, logicalIds } from './compare';
import { Language, LANGUAGES, missing } from './toolchains';
import { App, Workspace } from './workspace';

/*
 * Installs each packed artifact in a fresh project of its own language, synthesises the same app in all of them, compares what
 * comes out byte for byte, with the newest aws-cdk-lib, too, and runs a job on what Python and Java made.
 * So are the examples, apart from their jobs, which the tests run.
 * Where a toolchain is missing, its language is left out; in CI that is a failure.
 */

const REQUEST = { items: { range: { start: 0, end: 20_000 } }, batchSize: 1000 };
/** Of an example in README.md, in a language: rosetta knows the types, or it could not tell a struct from a map. */
const TRANSLATED = {
  python: 'BurstCompute(self, "Media", worker=resize, task_functions={"resize": resize,',
  java: 'BurstCompute.Builder.create(this, "Media").worker(resize).taskFunctions(Map.of("resize", resize,',
  go: 'NewBurstCompute(this, jsii.String("Media"), &BurstComputeProps{',
};
const PRIMES = 2262; // below 20,000
const started = Date.now();

async function main(): Promise<void> {
  const lacks = LANGUAGES.flatMap(missing);
  lacks.forEach((line) => say(`missing: ${line}`));
  if (lacks.length > 0 && process.env.CI) throw new Error('CI needs the toolchains of all languages, see above');
  const languages = LANGUAGES.filter((language) => missing(language).length === 0);

  const workspace = new Workspace(await mkdtemp(path.join(tmpdir(), 'burst-consumers-')));
  try {
    const apps = await workspace.fill(languages);
    await inTwos(languages, async (language) => timed(`${language}: installed`, async () => workspace.install(language, apps)));

    for (const language of languages) {
      if (language !== 'typescript' && !(await workspace.readme(language)).includes(TRANSLATED[language])) {
        throw new Error(`the documents of ${language} should hold ${TRANSLATED[language]}: run \`npm run package-all\``);
      }
    }

    const names = [...new Set(apps.map((app) => app.name))];
    await timed('functions built', async () => inTwos(names, async (name) => workspace.build(apps.filter((app) => app.name === name))));
    const assemblies = new Map<App, string>();
    await inTwos(apps, async (app) => timed(`${app.language}: ${app.name} synthesised`, async () => {
      assemblies.set(app, await workspace.synthesise(app));
    }));

    const madeFor = (wanted: string) => new Map([...assemblies].flatMap(([{ name, language }, folder]) => (
      name === wanted ? [[language, folder] as const] : [])));
    for (const name of names) compare(name, madeFor(name));
    const app = apps.find(({ name, language }) => name === 'consumers' && language === 'typescript');
    if (app) await timed('typescript: consumers on the newest aws-cdk-lib', async () => compareIds(assemblies.get(app)!, await workspace.synthesiseOnNewest(app)));
    await runJobs(workspace, madeFor('consumers'));
    await workspace.remove();
  } catch (error) {
    say(`the workspace is kept: ${workspace.folder}`);
    throw error;
  }
}

function compare(name: string, assemblies: Map<Language, string>): void {
  const [[first, folder], ...others] = [...assemblies];
  const expected = deployable(folder);
  for (const [language, other] of others) {
    const found = differences(expected, deployable(other));
    if (found.length > 0) throw new Error(`what ${language} synthesises of ${name} differs from what ${first} does:\n${found.join('\n')}`);
  }
  say(`${name} in ${[...assemblies.keys()].join(', ')}: the same ${[...expected.keys()].join(', ')}`);
}

function compareIds(oldest: string, newest: string): void {
  const ids = new Set(logicalIds(deployable(newest)));
  const lost = logicalIds(deployable(oldest)).filter((id) => !ids.has(id));
  if (lost.length > 0) throw new Error(`the newest aws-cdk-lib would replace or remove ${lost.join(', ')}`);
}

/** A job on the local AWS from the assemblies that Python and Java made, with the packed `burst` command. */
async function runJobs(workspace: Workspace, assemblies: Map<Language, string>): Promise<void> {
  const results = new Map<Language, string>();
  for (const language of ['python', 'java'] as const) {
    const assembly = assemblies.get(language);
    if (!assembly) continue;
    await timed(`${language}: a job on its assembly`, async () => {
      results.set(language, await workspace.output(
        ['burst', 'local', '--app', assembly, '--job', 'Everything', '--request', '-'], workspace.folder, JSON.stringify(REQUEST)));
    });
  }
  for (const [language, result] of results) {
    const { primes, isComplete } = JSON.parse(result) as { primes: number; isComplete: boolean };
    if (primes !== PRIMES || !isComplete) throw new Error(`the job of ${language} should find ${PRIMES} primes, got ${result}`);
  }
  if (new Set(results.values()).size > 1) throw new Error(`the jobs differ: ${JSON.stringify([...results])}`);
}

/** Two at a time: most of each is one busy process. */
async function inTwos<T>(list: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...list];
  await Promise.all([1, 2].map(async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  }));
}

async function timed(what: string, work: () => Promise<void>): Promise<void> {
  const start = Date.now();
  await work();
  say(`${what} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

main().then(
  () => say(`consumers: all well after ${Math.round((Date.now() - started) / 1000)} s`),
  (error: Error) => {
    say(`consumers: failed: ${error.message}`);
    process.exitCode = 1;
  },
);
