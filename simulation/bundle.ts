import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';

/** A change to the text of one file of lambda/protocol. The text must be there, once, or the build fails. */
export interface Patch {
  readonly file: string;
  readonly find: string | RegExp;
  readonly replace: string;
}

const constant = (file: string, name: string, value: string): Patch => ({
  file, find: new RegExp(`const ${name} = [^;]+;`), replace: `const ${name} = ${value};`,
});

/** Sizes at which a job of some twenty batches has several groups, join levels, spilled results and manifest pieces. */
const SMALL: Patch[] = [
  constant('plan.ts', 'GROUP_SIZE', '4'),
  constant('plan.ts', 'JOIN_FAN_IN', '3'),
  constant('group.ts', 'ROW_LIMIT_BYTES', '250'),
  constant('group.ts', 'SPILL_BYTES', '420'),
  constant('group.ts', 'BUFFER_BYTES', '2000'),
  constant('inline.ts', 'INLINE_BYTES', '3000'),
  constant('manifest.ts', 'INLINE_CHARS', '1500'),
  constant('manifest.ts', 'PIECE_CHARS', '600'),
  constant('manifest.ts', 'PAGE', '3'),
  constant('repair.ts', 'PAGE', '2'),
  constant('tree-end.ts', 'PAGE', '2'),
  constant('leaf.ts', 'SPECULATION_SHARE', '0.5'),
  constant('leaf.ts', 'SPECULATION_FLOOR_MS', '200'),
];

export interface BundleOptions {
  /** `real`: with the sizes of production, about ten times slower. @default 'small' */
  readonly scale?: 'small' | 'real';
  /** Defects to put into the core. */
  readonly patches?: readonly Patch[];
  /** What the script does, below simulation/. @default 'runner.ts' */
  readonly entry?: string;
  /** Folder with simulation/ and lambda/protocol/. */
  readonly root?: string;
}

/** The simulation with the core from its sources, as one script for a worker thread. */
export async function bundle({ scale = 'small', patches = [], entry = 'runner.ts', root = join(__dirname, '..') }: BundleOptions = {}): Promise<string> {
  const all = [...scale === 'small' ? SMALL : [], ...patches];
  const { outputFiles } = await build({
    entryPoints: [join(root, 'simulation', entry)],
    inject: [join(root, 'simulation', 'abort.ts')],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    logLevel: 'silent',
    plugins: [{
      name: 'patches',
      setup: ({ onLoad }) => onLoad({ filter: /[\\/]lambda[\\/]protocol[\\/][a-z-]+\.ts$/ }, ({ path }) => ({
        loader: 'ts',
        contents: all.filter(({ file }) => file === basename(path)).reduce(apply, readFileSync(path, 'utf8')),
      })),
    }],
  });
  return outputFiles[0].text;
}

function apply(text: string, { file, find, replace }: Patch): string {
  const parts = text.split(find);
  if (parts.length !== 2) throw new Error(`lambda/protocol/${file} has ${parts.length - 1} places that match ${String(find)}, expected 1: adapt the patch to the core`);
  return parts.join(replace);
}
