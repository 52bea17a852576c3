import { rm } from 'fs/promises';
import * as path from 'path';
import * as esbuild from 'esbuild';

/** Where app.ts expects the code of both functions. */
export const DIST = path.join(__dirname, 'dist');

/** Bundles the worker and the combiner into `<folder>/worker` and `<folder>/combiner`. */
export async function build(folder: string = DIST): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await esbuild.build({
    entryPoints: { 'worker/index': path.join(__dirname, 'worker.ts'), 'combiner/index': path.join(__dirname, 'combiner.ts') },
    outdir: folder,
    bundle: true,
    external: ['@aws-sdk/*'], // Lambda's runtime has it
    platform: 'node',
    target: 'node20',
    minify: true,
    keepNames: true,
    logLevel: 'warning',
  });
}

if (require.main === module) {
  void build();
}
