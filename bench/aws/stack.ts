import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DeleteStackCommand, DescribeStacksCommand, paginateListStackResources, waitUntilStackDeleteComplete } from '@aws-sdk/client-cloudformation';
import { DeleteObjectsCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import type { Account } from './account';
import type { Way } from './ways';
import { UsageError } from '../../client/cli/errors';
import { BurstClient } from '../../client/client';
import { Connection } from '../../client/connection';
import { deploymentsIn } from '../../client/target';

const ROOT = join(__dirname, '..', '..');
const CLI = require.resolve('aws-cdk/bin/cdk');
const TAIL = 15;
/** Functions that still run may write to a bucket that was just emptied. */
const REMOVALS = 3;
const REMOVAL_SECONDS = 900;

export interface App {
  readonly stack: string;
  readonly ways: readonly Way[];
  readonly batchMs: number;
}

/** Deploys the app with the CDK CLI of this project, and finds its jobs. */
export async function deploy(
  connection: Connection, { stack, ways, batchMs }: App, log: (line: string) => void, signal: AbortSignal,
): Promise<{ readonly [way in Way]?: BurstClient }> {
  const context = [`stack=${stack}`, `ways=${ways.join()}`, `batchMs=${batchMs}`].flatMap((value) => ['--context', value]);
  await cdk(['deploy', '--app', 'npx ts-node -T bench/aws/app.ts', ...context, '--method', 'direct', '--require-approval', 'never'], log, signal);
  const { Stacks } = await connection.cloudFormation().send(new DescribeStacksCommand({ StackName: stack }));
  const found = deploymentsIn(Stacks ?? []);
  return Object.fromEntries(ways.map((way) => {
    const { address } = found.find(({ path }) => path.endsWith(`/${way}`))!;
    return [way, new BurstClient({ ...connection.options, address })];
  }));
}

/** A toolkit stack for an account that lives no longer than the engine. */
export function bootstrap(account: Account, log: (line: string) => void, signal: AbortSignal): Promise<void> {
  return cdk(['bootstrap', `aws://${account.id}/${account.region}`], log, signal);
}

async function cdk(args: string[], log: (line: string) => void, signal: AbortSignal): Promise<void> {
  const output = mkdtempSync(join(tmpdir(), 'burst-bench-'));
  try {
    // of a group of its own: a Ctrl-C in the terminal is for us
    const child = spawn(process.execPath, [CLI, ...args, '--output', output, '--no-color', '--no-notices', '--ci', '--progress', 'events'], {
      cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], detached: true, env: { ...process.env, CDK_DISABLE_CLI_TELEMETRY: 'true' },
    });
    const stop = () => {
      try {
        if (child.pid) process.kill(-child.pid, 'SIGTERM');
      } catch {
        // it has just ended
      }
    };
    signal.addEventListener('abort', stop);
    const tail: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        log(line);
        if (line.trim()) tail.push(line);
        if (tail.length > TAIL) tail.shift();
      });
    }
    const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
    signal.removeEventListener('abort', stop);
    signal.throwIfAborted();
    if (code !== 0) throw failure(args[0], tail.join('\n'));
  } finally {
    rmSync(output, { recursive: true, force: true });
  }
}

function failure(verb: string, output: string): Error {
  if (/cdk-bootstrap|been bootstrapped|Need to perform AWS calls for account|No bucket named 'cdk-/i.test(output)) {
    return new UsageError('the CDK has not been bootstrapped in this account and Region: run `npx cdk bootstrap` with the same credentials and Region, once; nothing was deployed');
  }
  return new Error(`\`cdk ${verb}\` failed; its last lines:\n${output}`);
}

/** Empties the buckets of the stack and deletes it, whatever state it is in. False: there was none. */
export async function remove(connection: Connection, stack: string): Promise<boolean> {
  const client = connection.cloudFormation();
  const id = await client.send(new DescribeStacksCommand({ StackName: stack })).then(({ Stacks }) => Stacks?.[0]?.StackId, (error: Error) => {
    if (error.name === 'ValidationError') return undefined;
    throw error;
  });
  if (id === undefined) return false;
  for (let tries = 1; ; tries++) {
    for (const bucket of await bucketsOf(connection, id)) await empty(connection, bucket);
    await client.send(new DeleteStackCommand({ StackName: id }));
    try {
      await waitUntilStackDeleteComplete({ client, maxWaitTime: REMOVAL_SECONDS, minDelay: 1, maxDelay: 10 }, { StackName: id });
      return true;
    } catch (error) {
      if (tries === REMOVALS) throw error;
    }
  }
}

async function bucketsOf(connection: Connection, StackName: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { StackResourceSummaries = [] } of paginateListStackResources({ client: connection.cloudFormation() }, { StackName })) {
    for (const { ResourceType, ResourceStatus, PhysicalResourceId } of StackResourceSummaries) {
      if (ResourceType === 'AWS::S3::Bucket' && ResourceStatus !== 'DELETE_COMPLETE' && PhysicalResourceId) names.push(PhysicalResourceId);
    }
  }
  return names;
}

async function empty(connection: Connection, Bucket: string): Promise<void> {
  const client = connection.s3();
  try {
    for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket })) {
      const Objects = Contents.map(({ Key }) => ({ Key }));
      if (Objects.length > 0) await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
    }
  } catch (error) {
    if ((error as Error).name !== 'NoSuchBucket') throw error;
  }
}

/** What to type where `remove` could not. */
export function byHand(stack: string, region: string): string {
  return `remove it by hand: empty the buckets among \`aws cloudformation list-stack-resources --stack-name ${stack} --region ${region}\` with \`aws s3 rm s3://BUCKET --recursive\`, then \`aws cloudformation delete-stack --stack-name ${stack} --region ${region}\``;
}
