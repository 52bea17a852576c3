import { execFile } from 'child_process';
import { cp, rm } from 'fs/promises';
import * as path from 'path';
import { promisify } from 'util';
import * as esbuild from 'esbuild';

/** Where the apps, in whichever language, expect the code of the functions. */
export const DIST = path.join(__dirname, 'dist');

/**
 * Makes the code of each function: `<folder>/combiner`, `<folder>/node`, `<folder>/python` and `<folder>/java/worker.jar`.
 *
 * @param options for esbuild
 * @throws an Error with what Maven says, when it cannot build the worker in Java
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
    buildJar(path.join(folder, 'java')),
  ]);
}

/** Makes `<folder>/worker.jar`. */
export async function buildJar(folder: string): Promise<void> {
  await promisify(execFile)('mvn', ['-q', '-B', '-f', path.join(__dirname, 'java', 'pom.xml'), 'package', `-DbuildDirectory=${folder}`])
    .catch(({ code, stdout, message }: { code?: unknown; stdout?: string; message: string }) => {
      if (code === 'ENOENT') throw new Error('the worker in Java needs Maven and a JDK from 17 on: install them, such as with `apt install maven openjdk-17-jdk-headless`');
      throw new Error(`the worker in Java cannot be built: ${stdout || message}`);
    });
}

if (require.main === module) {
  build().catch((error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  });
}
