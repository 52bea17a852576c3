import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'fs';
import * as path from 'path';
import { generateDtsBundle } from 'dts-bundle-generator';

/**
 * Writes one declaration file beside each bundled entry of the package; it needs no other package. Nothing of the AWS clients is
 * declared there, so a stand-in with the same names does for them: they are large, and take a minute to read.
 */
const ROOT = path.join(__dirname, '..');
const ENTRIES = ['client/index', 'runtime/index'];
const STAND_IN = '.burst/types/stand-in.d.ts'; // where tsconfig.types.json looks for AWS clients
const IMPORT = /^(?:import|export)(?: type)? (?:\{([^}]*)\}|\*) from '([^']+)'/gm;

/** What a file and those that it imports take from AWS clients. */
function namesFromAws(file: string, seen: Set<string>): string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  return [...readFileSync(file, 'utf8').matchAll(IMPORT)].flatMap(([, names = '', from]) => {
    if (/^@(aws-sdk|smithy)\//.test(from)) return names.split(',').map((name) => name.trim().replace(/ as .*/, '')).filter((name) => name !== '');
    if (!from.startsWith('.')) return [];
    const target = path.resolve(path.dirname(file), from);
    return namesFromAws(existsSync(`${target}.ts`) ? `${target}.ts` : path.join(target, 'index.ts'), seen);
  });
}

function write(file: string, text: string): void {
  mkdirSync(path.dirname(path.join(ROOT, file)), { recursive: true });
  writeFileSync(path.join(ROOT, file), text);
}

const sources = ENTRIES.map((entry) => path.join(ROOT, `${entry}.ts`));
const seen = new Set<string>();
const names = new Set(sources.flatMap((source) => namesFromAws(source, seen)));
write(STAND_IN, [...names].map((name) => `export type ${name} = any;\nexport const ${name}: any;\n`).join(''));
generateDtsBundle(sources.map((filePath) => ({ filePath, output: { noBanner: true } })), { preferredConfigPath: path.join(ROOT, 'tsconfig.types.json') })
  .forEach((text, i) => write(`assets/${ENTRIES[i]}/index.d.ts`, text));
