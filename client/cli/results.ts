import { Command, Option } from 'commander';
import { groupFailures, logsOf } from './failures';
import { interruptible } from './interrupt';
import { Output, printJson, printTable } from './output';
import { jobArn, named, TargetFlags, withTarget } from './target';
import type { Failure } from '../../lambda/protocol/model';
import type { BatchResult } from '../../lambda/protocol/results';
import { ResultOrder } from '../jobs/groups';

interface ResultFlags extends TargetFlags {
  readonly output?: string;
  readonly order: ResultOrder;
  readonly follow: boolean;
}

export const resultCommands = (): Command[] => [
  withTarget(new Command('results'))
    .description('print what became of every batch or task, a line of JSON for each, while the job runs and after')
    .argument('<job>', 'its name, or the ARN of its execution')
    .addOption(new Option('--order <how>', 'by number, or as they are finished').choices(['batch', 'finished']).default('batch'))
    .option('--no-follow', 'print what there is, without waiting for the rest')
    .option('-o, --output <file>', 'write them there instead of to standard output; it must not exist yet')
    .addHelpText('after', `
A line is { "batchId", "state": "succeeded" | "failed" | "missing", "result" | "failure" }, with "taskId" for a task; --json makes one array of them.

Example:
  burst results nightly-2026-01-31 --stack MyStack --order finished | jq .result`)
    .action(results),
  withTarget(new Command('failures'))
    .description('print which batches or tasks failed, by error, with where their logs are')
    .argument('<job>', 'its name, or the ARN of its execution')
    .addHelpText('after', `
Example:
  burst failures nightly-2026-01-31 --stack MyStack`)
    .action(failures),
];

async function results(name: string, flags: ResultFlags): Promise<void> {
  const output = await Output.to(flags.output);
  const { client, jobId } = named(name, flags);
  await interruptible((signal) => {
    const batches = client.results(jobId, { order: flags.order, follow: flags.follow, signal });
    return output.write(flags.json ? jsonArray(batches) : resultLines(batches));
  }, 'stopped; the job is as it was');
}

export async function* resultLines(batches: AsyncIterable<BatchResult>): AsyncGenerator<string> {
  for await (const batch of batches) yield `${JSON.stringify(batch)}\n`;
}

async function* jsonArray(batches: AsyncIterable<BatchResult>): AsyncGenerator<string> {
  let before = '[';
  for await (const batch of batches) {
    yield `${before}${JSON.stringify(batch)}`;
    before = ',\n';
  }
  yield before === '[' ? '[]\n' : ']\n';
}

async function failures(name: string, flags: TargetFlags): Promise<void> {
  const job = named(name, flags);
  const found: Failure[] = [];
  for await (const failure of job.client.failures(job.jobId, { follow: false })) found.push(failure);
  const status = await job.client.status(job.jobId);
  const logs = logsOf(await job.client.address(), flags, status);
  const groups = groupFailures(found).map((group) => ({ ...group, logs: logs(group.example) }));
  const unlisted = Math.max(0, status.failed - found.length);
  if (flags.json) {
    printJson({ jobId: job.jobId, status: status.status, failed: status.failed, unlisted, groups });
    return;
  }
  if (groups.length > 0) {
    printTable(['COUNT', 'ERROR', 'MESSAGE', status.hasTasks ? 'TASKS' : 'BATCHES'], groups.map(({ count, errorType, message, which }) => [count, errorType, message, which]));
    process.stdout.write(`\n${groups.map(({ example, logs: where }) => `logs of ${example.taskId === undefined ? `batch ${example.batchId}` : `task ${example.taskId}`}: ${where}`).join('\n')}\n`);
  } else if (unlisted === 0) {
    process.stdout.write(`no ${status.hasTasks ? 'task' : 'batch'} is known to have failed (${status.status})\n`);
  }
  if (unlisted > 0) process.stdout.write(`${unlisted}${groups.length > 0 ? ' more' : ''} failed that are not listed, because their dispatcher was lost or has not finished their group${status.reason ? `; the job's reason: ${status.reason.message}` : ''}\n`);
  if (status.failed > 0 && status.endedAt) process.stdout.write(`run them again with: burst redrive ${await jobArn(job, flags)}\n`);
}
