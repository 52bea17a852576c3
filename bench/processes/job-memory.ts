import { Logger } from '@aws-lambda-powertools/logger';
import { JOB } from './job';
import { BurstClient } from '../../client';
import { awsPorts } from '../../lambda/aws/ports';
import { combine } from '../../lambda/protocol';
import { readResults } from '../../runtime';

/** Somebody who reads what a job of so many batches came to, through the AWS SDK; prints the most memory that took, after collection, in MB. */
const [role, endpoint, count] = process.argv.slice(2);
process.env.AWS_ENDPOINT_URL = endpoint;
const batches = Number(count);
const SAMPLE_MS = 50;
const BUDGET_MS = 900_000;

const address = {
  stateMachineArn: 'arn:aws:states:us-east-1:123456789012:stateMachine:job', tasksTable: 't', resultsTable: 'r', payloadBucket: 'b', dispatcher: 'd', monitor: 'm',
};

async function counted(results: AsyncIterable<unknown>): Promise<void> {
  let read = 0;
  for await (const _ of results) read++;
  if (read !== batches) throw new Error(`${read} of ${batches} results were read`);
}

const ROLES: { readonly [role: string]: () => Promise<unknown> } = {
  monitor: async () => {
    const functions = { workers: ['w'], dispatcher: 'd', combiner: 'c', tasks: {} };
    const ports = awsPorts({ tasksTable: 't', resultsTable: 'r', bucket: 'b', functions }, new Logger({ logLevel: 'SILENT' }));
    const settings = { hasCombiner: true, combinerTimeoutSeconds: 60, combineOnTimeout: false };
    const { batchCount } = await combine(ports, settings, { jobId: JOB, epoch: 1 }, { remainingMs: () => BUDGET_MS });
    if (batchCount !== batches) throw new Error(`the job ended with ${batchCount} of ${batches} batches`);
  },
  combiner: () => counted(readResults({ results: { manifest: `s3://b/jobs/${JOB}/e1/manifest.json` } } as never)),
  client: () => counted(new BurstClient({ endpoint, address, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } }).results(JOB)),
};

let most = 0;
function sample(): void {
  global.gc!();
  const { heapUsed, external } = process.memoryUsage();
  most = Math.max(most, heapUsed + external);
}

const sampling = setInterval(sample, SAMPLE_MS);
ROLES[role]().then(() => {
  clearInterval(sampling);
  sample();
  console.log(JSON.stringify({ megabytes: most / 1024 / 1024 }));
  process.exit(0);
}, (error: Error) => {
  console.error(error);
  process.exit(1);
});
