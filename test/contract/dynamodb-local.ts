import { ChildProcess, execFile, spawn, spawnSync } from 'child_process';
import { createHash } from 'crypto';
import { existsSync } from 'fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'fs/promises';
import { createServer } from 'net';
import { homedir } from 'os';
import * as path from 'path';
import { setTimeout as sleep } from 'timers/promises';
import { promisify } from 'util';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';

/** AWS's own model of DynamoDB, in Java: a second opinion on every conditional write. */
const VERSION = '2.6.1';
const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>cdk-burst-compute.test</groupId>
  <artifactId>dynamodb-local</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>com.amazonaws</groupId>
      <artifactId>DynamoDBLocal</artifactId>
      <version>${VERSION}</version>
    </dependency>
  </dependencies>
</project>
`;
/** Copies the jars and, beside them, the SQLite libraries for every platform, which are artifacts of their own. */
const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
const MAIN = 'com.amazonaws.services.dynamodbv2.local.main.ServerRunner';
const READY_MS = 30_000;

export interface DynamoDbLocal {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** What DynamoDB Local needs and this machine has not; undefined: nothing is missing. */
export function missingForDynamoDbLocal(): string | undefined {
  const missing = ['java', 'mvn'].filter((tool) => spawnSync(tool, ['-version'], { stdio: 'ignore' }).error !== undefined);
  return missing.length > 0 ? missing.join(' and ') : undefined;
}

/** Starts DynamoDB Local with an empty memory; the first call on a machine fetches it with Maven into the user's cache. */
export async function startDynamoDbLocal(): Promise<DynamoDbLocal> {
  const missing = missingForDynamoDbLocal();
  if (missing !== undefined) throw new Error(`DynamoDB Local needs ${missing}: install a JDK of version 17 or later and Maven`);
  const lib = await fetched();
  const port = await freePort();
  const child = spawn('java', [
    '-Xmx1g', `-Djava.library.path=${lib}`, '-cp', `${lib}/*`, MAIN, '-inMemory', '-disableTelemetry', '-port', String(port),
  ], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => said.push(String(text)));
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    await answering(endpoint, child);
  } catch (error) {
    end();
    throw new Error(`DynamoDB Local did not start: ${String(error)}\n${said.join('')}`);
  }
  return {
    endpoint,
    stop: async () => {
      process.removeListener('exit', end);
      const ended = new Promise((resolve) => child.once('exit', resolve));
      end();
      await ended;
    },
  };
}

/** The folder with the jars. Several processes may come at the same time: whoever is first puts it in place. */
async function fetched(): Promise<string> {
  const cache = path.join(process.env.XDG_CACHE_HOME || path.join(process.env.HOME || homedir(), '.cache'), 'cdk-burst-compute');
  const target = path.join(cache, `dynamodb-local-${VERSION}-${createHash('sha256').update(POM + COPY).digest('hex').slice(0, 12)}`);
  if (existsSync(target)) return target;
  await mkdir(cache, { recursive: true });
  const fresh = await mkdtemp(`${target}.making-`);
  try {
    await writeFile(path.join(fresh, 'pom.xml'), POM);
    await promisify(execFile)('mvn', ['-q', '-B', COPY, '-DincludeScope=runtime', '-DoutputDirectory=lib'], { cwd: fresh, maxBuffer: 64 * 1024 * 1024 });
    await rename(path.join(fresh, 'lib'), target).catch((error) => {
      if (!existsSync(target)) throw error;
    });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`DynamoDB Local could not be fetched with Maven: ${String(error)}\n${(stderr || stdout || '').slice(-2000)}`);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return target;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

async function answering(endpoint: string, child: ChildProcess): Promise<void> {
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' }, maxAttempts: 1 });
  try {
    for (const end = Date.now() + READY_MS; ;) {
      if (child.exitCode !== null) throw new Error(`it exited with ${child.exitCode}`);
      try {
        await client.send(new ListTablesCommand({}));
        return;
      } catch (error) {
        if (Date.now() > end) throw error;
        await sleep(100);
      }
    }
  } finally {
    client.destroy();
  }
}
