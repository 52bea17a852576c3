import { ChildProcess, spawn } from 'child_process';
import { createServer } from 'net';
import { setTimeout as sleep } from 'timers/promises';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { jarsOf } from '../maven';

/** AWS's own model of DynamoDB, in Java: a second opinion on every conditional write. */
const VERSION = '2.6.1';
const MAIN = 'com.amazonaws.services.dynamodbv2.local.main.ServerRunner';
const READY_MS = 30_000;

export interface DynamoDbLocal {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** Starts DynamoDB Local with an empty memory. */
export async function startDynamoDbLocal(): Promise<DynamoDbLocal> {
  const lib = await jarsOf('com.amazonaws', 'DynamoDBLocal', VERSION);
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
