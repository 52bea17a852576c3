import { execFileSync } from 'child_process';
import { setTimeout as sleep } from 'timers/promises';
import { CloudFormationClient, CreateStackCommand, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { LambdaClient, InvokeCommand } from '@aws-sdk/client-lambda';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';

export const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };

/** Waits until something holds; jest's own time-out says when it never does. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!await condition()) await sleep(20);
}

/** The command lines of the processes that mention a text; an engine and its functions all mention its data folder. */
export function processesMentioning(text: string): string[] {
  return execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 })
    .split('\n')
    .filter((line) => line.includes(text) && !line.includes(' -eo pid='));
}

export interface Answer { readonly payload: any; readonly failed: boolean }

export async function invoke(endpoint: string, name: string, event: object = {}, kind: 'RequestResponse' | 'Event' = 'RequestResponse'): Promise<Answer> {
  const client = new LambdaClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
  try {
    const answer = await client.send(new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(event), InvocationType: kind }));
    const text = answer.Payload ? Buffer.from(answer.Payload).toString() : '';
    return { payload: text ? JSON.parse(text) : undefined, failed: answer.FunctionError !== undefined };
  } finally {
    client.destroy();
  }
}

export async function objects(endpoint: string, bucket: string, prefix: string): Promise<string[]> {
  const client = new S3Client({ endpoint, region: 'us-east-1', credentials, forcePathStyle: true });
  try {
    return ((await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }))).Contents ?? []).map(({ Key }) => Key!);
  } finally {
    client.destroy();
  }
}

/** Creates a function from inline code without the CDK, which takes seconds; returns its name. */
export async function createFunction(endpoint: string, name: string, code: string): Promise<string> {
  const client = new CloudFormationClient({ endpoint, region: 'us-east-1', credentials });
  const template = {
    Resources: {
      F: {
        Type: 'AWS::Lambda::Function',
        Properties: {
          FunctionName: name,
          Runtime: 'nodejs22.x',
          Handler: 'index.handler',
          Role: 'arn:aws:iam::000000000000:role/any',
          Timeout: 600,
          Code: { ZipFile: code },
        },
      },
    },
  };
  await client.send(new CreateStackCommand({ StackName: `stack-${name}`, TemplateBody: JSON.stringify(template) }));
  await until(async () => (await client.send(new DescribeStacksCommand({ StackName: `stack-${name}` }))).Stacks?.[0].StackStatus === 'CREATE_COMPLETE');
  client.destroy();
  return name;
}
