import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { startDynamoDbLocal } from './dynamodb-local';
import { Engine } from '../../engine';
import { S3Payloads } from '../../lambda/aws/payloads';
import { DynamoTable } from '../../lambda/aws/table';
import { Payloads, Table } from '../../lambda/protocol';
import { MemoryPayloads, MemoryTable } from '../../simulation/memory';
import { missingForJava } from '../maven';

export const REGION = 'us-east-1';
export const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' };

/** An implementation of `Table` under the contract tests. */
export interface TableWorld {
  readonly table: Table;
  stop(): Promise<unknown>;
}

const memory = async (): Promise<TableWorld> => ({ table: new MemoryTable(), stop: async () => undefined });

async function onEngine(): Promise<TableWorld> {
  const engine = await Engine.start();
  return { table: await newTable(engine.endpoint), stop: () => engine.stop() };
}

async function onDynamoDbLocal(): Promise<TableWorld> {
  const server = await startDynamoDbLocal();
  return { table: await newTable(server.endpoint), stop: () => server.stop() };
}

async function newTable(endpoint: string): Promise<Table> {
  const client = new DynamoDBClient({ endpoint, region: REGION, credentials: CREDENTIALS });
  await client.send(new CreateTableCommand({
    TableName: 'rows',
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    BillingMode: 'PAY_PER_REQUEST',
  }));
  return new DynamoTable(client, 'rows');
}

/** Every implementation that can run here. In CI all of them must: a missing Java is a failure there. */
export function tableWorlds(): [name: string, start: () => Promise<TableWorld>][] {
  const worlds: [string, () => Promise<TableWorld>][] = [['memory', memory], ['the engine', onEngine]];
  const missing = missingForJava();
  if (missing === undefined || process.env.CI === 'true') {
    worlds.push(['DynamoDB Local', onDynamoDbLocal]);
  } else {
    process.stderr.write(`no ${missing} here: the contract of Table is not held against DynamoDB Local\n`);
  }
  return worlds;
}

/** An implementation of `Payloads` under the contract tests. */
export interface PayloadsWorld {
  readonly payloads: Payloads;
  stop(): Promise<unknown>;
}

export const payloadsWorlds: [name: string, start: () => Promise<PayloadsWorld>][] = [
  ['memory', async () => ({ payloads: new MemoryPayloads(), stop: async () => undefined })],
  ['the engine', async () => {
    const engine = await Engine.start();
    const client = new S3Client({ endpoint: engine.endpoint, region: REGION, credentials: CREDENTIALS, forcePathStyle: true });
    await client.send(new CreateBucketCommand({ Bucket: 'bucket' }));
    return { payloads: new S3Payloads(client, 'bucket'), stop: () => engine.stop() };
  }],
];
