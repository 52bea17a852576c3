import { Command, InvalidArgumentError, Option } from 'commander';
import { count, printJson, printTable } from './output';
import { clientOf, jobArn, named, TargetFlags, withTarget } from './target';
import { JobSummary } from '../jobs/list';
import { JobStatus, StatusName } from '../jobs/status';

const STATUSES: StatusName[] = ['PENDING', 'RUNNING', 'COMBINING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'CANCELLED'];
/** A job that was just cancelled may still be told as RUNNING. */
const ENDED_OTHERWISE: StatusName[] = ['SUCCEEDED', 'FAILED', 'TIMED_OUT'];
const NAME = 'its name, or the ARN of its execution';

export const jobCommands = (): Command[] => [
  ofJob('status', 'say how a job stands', status),
  withTarget(new Command('list'))
    .description('list jobs, the latest first')
    .addOption(new Option('--status <name>', 'only these').choices(STATUSES))
    .option('--limit <n>', 'how many at most', wholeNumber, 20)
    .addHelpText('after', `
Example:
  burst list --stack MyStack --status FAILED --limit 5`)
    .action(list),
  ofJob('cancel', 'end a job: nothing new starts, its results so far stay', cancel),
  ofJob('redrive', 'run the failed and missing batches of an ended job again', redrive),
];

function ofJob(name: string, description: string, action: (job: string, flags: TargetFlags) => Promise<void>): Command {
  return withTarget(new Command(name)).description(description).argument('<job>', NAME).addHelpText('after', `
Example:
  burst ${name} nightly-2026-01-31 --stack MyStack`).action(action);
}

async function status(name: string, flags: TargetFlags): Promise<void> {
  const { client, jobId } = named(name, flags);
  const now = await client.status(jobId);
  if (flags.json) printJson(now);
  else process.stdout.write(`${lines(now).map(([what, value]) => `${what.padEnd(9)} ${value}`).join('\n')}\n`);
}

function lines(job: JobStatus): [string, string][] {
  const { status: name, batchCount, hasTasks, finished, failed, running, epoch, startedAt, endedAt, reason, cost } = job;
  const all: [string, string | undefined][] = [
    ['status', epoch > 1 ? `${name} (redriven ${count(epoch - 1, 'time')})` : name],
    [hasTasks ? 'tasks' : 'batches', `${finished} of ${batchCount} finished, ${failed} failed, ${running} running`],
    ['started', startedAt?.toISOString()],
    ['ended', endedAt?.toISOString()],
    ['cost', cost && `$${cost.dollars.toPrecision(3)} by the price sheet`],
    ['reason', reason && `${reason.code}: ${reason.message}`],
  ];
  return all.filter((line): line is [string, string] => line[1] !== undefined);
}

async function list(flags: TargetFlags & { readonly status?: StatusName; readonly limit: number }): Promise<void> {
  const jobs: JobSummary[] = [];
  for await (const job of clientOf(flags).list({ status: flags.status, limit: flags.limit })) jobs.push(job);
  if (flags.json) {
    printJson(jobs);
  } else if (jobs.length === 0) {
    process.stdout.write('there are no such jobs\n');
  } else {
    printTable(['JOB', 'STATUS', 'BATCHES', 'FAILED', 'STARTED', 'SECONDS'], jobs.map(({ jobId, status: name, batchCount, failed, startedAt, endedAt }) =>
      [jobId, name, batchCount, failed, startedAt.toISOString(), endedAt ? ((endedAt.getTime() - startedAt.getTime()) / 1000).toFixed(1) : '']));
  }
}

async function cancel(name: string, flags: TargetFlags): Promise<void> {
  const { client, jobId } = named(name, flags);
  await client.cancel(jobId);
  const { status: now } = await client.status(jobId);
  if (flags.json) printJson({ jobId, status: now });
  else process.stdout.write(ENDED_OTHERWISE.includes(now) ? `job ${jobId} had ended already: ${now}\n` : `job ${jobId} is cancelled: nothing new starts\n`);
}

async function redrive(name: string, flags: TargetFlags): Promise<void> {
  const job = named(name, flags);
  const begun = await job.client.redrive(job.jobId);
  if (flags.json) printJson(begun);
  else process.stdout.write(`job ${job.jobId} runs again (epoch ${begun.epoch}): burst wait ${await jobArn(job, flags)}\n`);
}

function wholeNumber(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('Give a whole number of at least 1.');
  return number;
}
