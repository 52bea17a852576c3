import { Command } from 'commander';
import { interruptible } from './interrupt';
import { Output, printJson } from './output';
import { Progress } from './progress';
import { named, TargetFlags, withTarget } from './target';

interface ReportFlags extends TargetFlags {
  readonly output: string;
}

export const reportCommand = (): Command => withTarget(new Command('report'))
  .description('write a report of a job that has ended as one HTML page: figures, cost, time-line, durations, retries and failures')
  .argument('<job>', 'its name, or the ARN of its execution')
  .requiredOption('-o, --output <file>', 'write it there; it must not exist yet')
  .addHelpText('after', `
The page loads nothing and runs no script; it stays below 2 MB, whatever the size of the job.

Example:
  burst report nightly-2026-01-31 --stack MyStack -o report.html`)
  .action(report);

async function report(name: string, flags: ReportFlags): Promise<void> {
  const output = await Output.to(flags.output);
  const { client, jobId } = named(name, flags);
  const { collectReport, reportHtml } = await import('../report/index.js'); // the charts take a while to load
  const progress = new Progress();
  await interruptible(async (signal) => {
    const data = await collectReport(client, jobId, { signal, onProgress: (read, of) => progress.read(read, of) });
    progress.stop();
    await output.write([reportHtml(data)]);
  }, 'stopped; no report was written').finally(() => progress.stop());
  if (flags.json) printJson({ jobId, report: flags.output });
  else process.stderr.write(`report of ${jobId}: ${flags.output}\n`);
}
