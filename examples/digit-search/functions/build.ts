import { cp, rm } from 'fs/promises';
import * as path from 'path';
import * as esbuild from 'esbuild';
import { readDataSet, writeDataSet } from './prepare';

/** Where the apps, in whichever language, expect the code of the functions. */
export const DIST = path.join(__dirname, 'dist');

/**
 * Makes the code of each function, with its data beside it: `<folder>/combiner`, `<folder>/node` and `<folder>/python`.
 *
 * @param options for esbuild
 */
export async function build(folder: string = DIST, options: esbuild.BuildOptions = {}): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await Promise.all([
    esbuild.build({
      entryPoints: { 'node/index': path.join(__dirname, 'node', 'worker.ts'), 'combiner/index': path.join(__dirname, 'node', 'combiner.ts') },
      outdir: folder,
      bundle: true,
      external: ['@aws-sdk/*'], // Lambda's runtime has it
      platform: 'node',
      target: 'node20',
      minify: true,
      keepNames: true,
      logLevel: 'warning',
      ...options,
    }),
    cp(path.join(__dirname, 'python', 'worker.py'), path.join(folder, 'python', 'worker.py')),
    readDataSet().then(async (data) => writeDataSet(data, ['node', 'python'].map((worker) => path.join(folder, worker)), path.join(folder, 'combiner'))),
  ]);
}

if (require.main === module) {
  build().catch((error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  });
}
