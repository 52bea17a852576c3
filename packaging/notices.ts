import { existsSync, readdirSync, readFileSync, writeFileSync } from 'fs';
import * as path from 'path';
import * as esbuild from 'esbuild';

/*
 * Writes THIRD-PARTY-NOTICES: the licences of what is bundled into assets/, from what esbuild says that it takes, bundle by
 * bundle as in .projen/tasks.json, and from the packages' own files.
 */

const ROOT = path.join(__dirname, '..');
const TARGET = path.join(ROOT, 'THIRD-PARTY-NOTICES');
/** Licences that ask for no more than their text; any other needs a look before it ships. */
const ALLOWED = ['Apache-2.0', 'MIT', 'MIT-0', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause'];

interface Bundled {
  readonly name: string;
  readonly licence: string;
  readonly text: string;
}

/** The packages, by the folder that they are installed in, whose code is in any of the bundles. */
async function bundledPackages(): Promise<Set<string>> {
  const { tasks } = JSON.parse(readFileSync(path.join(ROOT, '.projen', 'tasks.json'), 'utf8'));
  const commands = Object.entries<any>(tasks)
    .filter(([name]) => name.startsWith('bundle:') && !name.endsWith(':watch'))
    .flatMap(([, { steps }]) => steps.map(({ execArgs }: { execArgs?: string[] }) => execArgs ?? []))
    .filter(([command]: string[]) => command === 'esbuild') as string[][];
  if (commands.length === 0) throw new Error('.projen/tasks.json has no task that bundles: run `npx projen`');
  const folders = new Set<string>();
  for (const command of commands) {
    const option = (name: string) => command.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
    const { metafile } = await esbuild.build({
      absWorkingDir: ROOT,
      entryPoints: command.slice(1).filter((arg) => !arg.startsWith('--')),
      external: command.filter((arg) => arg.startsWith('--external:')).map((arg) => arg.slice('--external:'.length)),
      mainFields: option('main-fields')?.split(','),
      platform: option('platform') as esbuild.Platform,
      format: option('format') as esbuild.Format,
      target: option('target'),
      bundle: true,
      minify: true,
      metafile: true,
      write: false,
      outdir: ROOT,
    });
    for (const { inputs } of Object.values(metafile.outputs)) {
      for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
        const folder = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0];
        if (folder && bytesInOutput > 0) folders.add(folder);
      }
    }
  }
  return folders;
}

/** @throws an Error that names the package when its licence is not one of those allowed */
function licenceOf(folder: string): Bundled {
  const { name, license, author } = JSON.parse(readFileSync(path.join(ROOT, folder, 'package.json'), 'utf8'));
  if (!ALLOWED.includes(license)) {
    throw new Error(`${name} has the licence ${JSON.stringify(license)}, allowed are ${ALLOWED.join(', ')}: replace it, or allow that one in packaging/notices.ts`);
  }
  const files = readdirSync(path.join(ROOT, folder)).filter((file) => /^(licen[sc]e|notice|copying)(\.|-|$)/i.test(file)).sort();
  const by = typeof author === 'string' ? author : author?.name;
  const text = files.map((file) => readFileSync(path.join(ROOT, folder, file), 'utf8').replace(/\r\n/g, '\n').trim()).join('\n\n');
  return { name, licence: license, text: text || `${license}${by ? `, by ${by}` : ''}; the package brings no text of it.` };
}

async function main(): Promise<void> {
  const byText = new Map<string, Set<string>>();
  for (const { name, licence, text } of [...await bundledPackages()].map(licenceOf)) {
    byText.set(text, (byText.get(text) ?? new Set()).add(`${name} (${licence})`));
  }
  const sections = [...byText].map(([text, names]) => ({ text, names: [...names].sort() })).sort((a, b) => (a.names[0] < b.names[0] ? -1 : 1));
  const notices = [
    'Third-party code that is bundled into the files of assets/, with its licences.',
    ...sections.flatMap(({ names, text }) => ['', '-'.repeat(100), '', ...names, '', text]),
    '',
  ].join('\n');
  if (process.argv.includes('--check')) {
    const current = existsSync(TARGET) ? readFileSync(TARGET, 'utf8') : '';
    if (current !== notices) throw new Error('THIRD-PARTY-NOTICES is not up to date: run `npx projen notices` and commit it');
  } else {
    writeFileSync(TARGET, notices);
  }
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
