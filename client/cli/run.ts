import { Command } from 'commander';
import { interruptible } from './interrupt';
import { Output, pieces, printJson } from './output';
import { Progress } from './progress';
import { readRequest } from './request';
import { resultLines } from './results';
import { clientOf, jobArn, Named, named, TargetFlags, withTarget } from './target';
import { checkName, checkRequest } from '../check-request';
import { JobFailedError } from '../errors';
import { JobStatus } from '../jobs/status';
import { newJobName } from '../jobs/submit';

interface RunFlags extends TargetFlags {
  readonly name?: string;
  readonly output?: string;
}

export const runCommands = (): Command[] => [
  withTarget(new Command('run'))
    .description('start a job, show how it goes, print its result')
    .argument('<request>', 'file with the request as JSON, - for standard input')
    .option('--name <job>', 'name of the job: the same name with the same request is the same job')
    .option('-o, --output <file>', 'write the result there instead of to standard output; it must not exist yet')
    .addHelpText('after', `
Without a combiner the result is a line of JSON per batch. Ctrl-C detaches, and the job goes on.

Example:
  burst run request.json --state-machine arn:aws:states:eu-west-1:111122223333:stateMachine:Job --output result.json`)
    .action(run),
  withTarget(new Command('submit'))
    .description('start a job and print its name')
    .argument('<request>', 'file with the request as JSON, - for standard input')
    .option('--name <job>', 'name of the job: the same name with the same request is the same job')
    .addHelpText('after', `
Example:
  burst submit request.json --stack MyStack --name nightly-2026-01-31`)
    .action(submit),
  withTarget(new Command('wait'))
    .description('wait for a job and print its result, as run does')
    .argument('<job>', 'its name, or the ARN of its execution')
    .option('-o, --output <file>', 'write the result there instead of to standard output; it must not exist yet')
    .addHelpText('after', `
Example:
  burst wait arn:aws:states:eu-west-1:111122223333:execution:Job:nightly-2026-01-31`)
    .action(async (job: string, flags: RunFlags) => follow(named(job, flags), flags, await Output.to(flags.output))),
];

async function run(file: string, flags: RunFlags): Promise<void> {
  const output = await Output.to(flags.output);
  const job = await start(file, flags);
  await follow(job, flags, output);
}

async function submit(file: string, flags: RunFlags): Promise<void> {
  const { client, jobId } = await start(file, flags);
  const { stateMachineArn } = await client.address();
  if (flags.json) printJson({ jobId, stateMachineArn });
  else process.stdout.write(`${jobId}\n`);
}

/** Says the job's name before it is started: whatever fails from then on, it can be found. */
async function start(file: string, flags: RunFlags): Promise<Named> {
  const request = await readRequest(file);
  checkRequest(request);
  if (flags.name !== undefined) checkName(flags.name);
  const client = clientOf(flags);
  const job = { client, jobId: flags.name ?? newJobName() };
  process.stderr.write(`job ${await jobArn(job, flags)}\n`);
  await client.submit({ request, name: job.jobId });
  return job;
}

async function follow(job: Named, flags: RunFlags, output: Output): Promise<void> {
  const { client, jobId } = job;
  const arn = await jobArn(job, flags);
  const detached = `detached from job ${jobId}, which goes on; come back with\n  burst wait ${arn}\nend it with\n  burst cancel ${arn}`;
  const progress = new Progress();
  const status = await interruptible((signal) => client.wait(jobId, { signal, onProgress: (now) => progress.job(now) }), detached)
    .finally(() => progress.stop());
  if (status.status !== 'SUCCEEDED') {
    if (flags.json) printJson(status);
    const { code, message } = status.reason ?? { code: undefined, message: 'no reason is known' };
    const see = status.failed > 0 ? `; see \`burst failures ${arn}\`` : '';
    throw new JobFailedError(jobId, status.status, code, `${message}${see}`);
  }
  const result = await client.result(jobId);
  if (process.stderr.isTTY) progress.step(summary(status));
  if (result === undefined && !flags.json) {
    await interruptible((signal) => output.write(resultLines(client.results(jobId, { signal }))), `stopped: \`burst results ${arn}\` begins again`);
  } else {
    await output.write([`${flags.json ? JSON.stringify({ ...status, result }) : JSON.stringify(result, undefined, 2)}\n`]);
  }
}

function summary({ jobId, status, hasTasks, finished, failed, startedAt, endedAt }: JobStatus): string {
  const seconds = startedAt && endedAt ? ` in ${((endedAt.getTime() - startedAt.getTime()) / 1000).toFixed(1)} s` : '';
  return `job ${jobId} ${status}: ${pieces(finished, hasTasks)}, ${failed} failed${seconds}`;
}
