import { execFile, spawnSync } from 'child_process';
import { existsSync } from 'fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'fs/promises';
import { homedir } from 'os';
import * as path from 'path';
import { promisify } from 'util';

/** Copies the jars and, beside them, native libraries, which are artifacts of their own. */
const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';

/** What Java programs need and this machine has not; undefined: nothing is missing. */
export function missingForJava(): string | undefined {
  const missing = ['java', 'mvn'].filter((tool) => spawnSync(tool, ['-version'], { stdio: 'ignore' }).error !== undefined);
  return missing.length > 0 ? missing.join(' and ') : undefined;
}

/**
 * A folder with an artifact and all that it needs to run; the first call on a machine fetches it with Maven into the user's cache.
 * Several processes may come at the same time: whoever is first puts it in place.
 */
export async function jarsOf(groupId: string, artifactId: string, version: string): Promise<string> {
  const missing = missingForJava();
  if (missing !== undefined) throw new Error(`${artifactId} needs ${missing}: install a JDK of version 17 or later and Maven`);
  const cache = path.join(process.env.XDG_CACHE_HOME || path.join(process.env.HOME || homedir(), '.cache'), 'cdk-burst-compute');
  const target = path.join(cache, `${artifactId}-${version}`);
  if (existsSync(target)) return target;
  await mkdir(cache, { recursive: true });
  const fresh = await mkdtemp(`${target}.making-`);
  try {
    await writeFile(path.join(fresh, 'pom.xml'), `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>cdk-burst-compute.test</groupId>
  <artifactId>jars</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId><version>${version}</version></dependency>
  </dependencies>
</project>
`);
    await promisify(execFile)('mvn', ['-q', '-B', COPY, '-DincludeScope=runtime', '-DoutputDirectory=lib'], { cwd: fresh, maxBuffer: 64 * 1024 * 1024 });
    await rename(path.join(fresh, 'lib'), target).catch((error) => {
      if (!existsSync(target)) throw error;
    });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${artifactId} could not be fetched with Maven: ${String(error)}\n${(stderr || stdout || '').slice(-2000)}`);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return target;
}
