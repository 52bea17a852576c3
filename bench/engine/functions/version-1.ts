import { AttributeValue, DynamoDBClient, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { digestOf } from './digest';
import { work } from './work';

/*
 * The design of the first burst-compute, written anew from its description: two levels of dispatchers that invoke asynchronously,
 * one after the other, a row per batch under the key of the job, and a monitor that counts the rows. As there, nobody repairs anything.
 */

const lambda = new LambdaClient({});
const table = new DynamoDBClient({});
const { RESULTS_TABLE, DISPATCHER, WORKER } = process.env;

interface Job {
  readonly jobId: string;
  readonly batches: number;
}

interface Part extends Job {
  /** Absent for the root. */
  readonly from?: number;
}

const send = (FunctionName: string, event: object) =>
  lambda.send(new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload: Buffer.from(JSON.stringify(event)) }));

/** The root starts about sqrt(N) dispatchers, each of these as many workers. */
export async function dispatcher({ from, ...job }: Part): Promise<void> {
  const branching = Math.ceil(Math.sqrt(job.batches));
  if (from === undefined) {
    for (let start = 0; start < job.batches; start += branching) await send(DISPATCHER!, { ...job, from: start });
  } else {
    for (let batchId = from; batchId < Math.min(from + branching, job.batches); batchId++) await send(WORKER!, { jobId: job.jobId, batchId });
  }
}

export async function worker({ jobId, batchId }: { jobId: string; batchId: number }): Promise<void> {
  const answer = await work(batchId);
  const Item = { pk: { S: jobId }, batch: { N: String(batchId) }, answer: { N: String(answer) } };
  await table.send(new PutItemCommand({ TableName: RESULTS_TABLE, Item }));
}

export async function monitor({ jobId, batches }: Job): Promise<{ isDone: boolean }> {
  let found = 0;
  for await (const page of pages(jobId, 'COUNT')) found += page.Count!;
  return { isDone: found === batches };
}

export async function combiner({ jobId, batches }: Job): Promise<{ digest: string }> {
  const answers = new Array<number | null>(batches).fill(null);
  for await (const { Items } of pages(jobId, 'ALL_ATTRIBUTES')) for (const row of Items!) answers[Number(row.batch.N)] = Number(row.answer.N);
  return { digest: digestOf(answers) };
}

async function* pages(jobId: string, Select: 'COUNT' | 'ALL_ATTRIBUTES') {
  let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
  do {
    const page = await table.send(new QueryCommand({
      TableName: RESULTS_TABLE,
      Select,
      ExclusiveStartKey,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :job',
      ExpressionAttributeValues: { ':job': { S: jobId } },
    }));
    yield page;
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey);
}
