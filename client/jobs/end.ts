import { DescribeExecutionCommand, ExecutionAlreadyExists, ExecutionDoesNotExist, StopExecutionCommand, ValidationException } from '@aws-sdk/client-sfn';
import { Context } from './context';
import { statusOf } from './status';
import { start } from './submit';
import { executionName } from '../../lambda/protocol/keys';
import { JobFailedError, JobRunningError, UnknownJobError } from '../errors';
import { Pace } from '../polling';

export async function cancel(context: Context, jobId: string): Promise<void> {
  const row = await context.jobRow(jobId);
  if (row && row.terminal?.epoch === row.epoch) return;
  const executionArn = row?.executionArn ?? context.executionArn(jobId);
  try {
    await context.connection.steps().send(new StopExecutionCommand({ executionArn, error: 'Cancelled', cause: 'cancelled by the client' }), context.send);
  } catch (error) {
    if (error instanceof ExecutionDoesNotExist) throw new UnknownJobError(jobId, context.address.stateMachineArn);
    // it ended in the meantime
    if (!(error instanceof ValidationException)) throw error;
  }
}

export async function redrive(context: Context, jobId: string): Promise<{ jobId: string; epoch: number }> {
  const row = await context.jobRow(jobId);
  if (row === undefined) throw new UnknownJobError(jobId, context.address.stateMachineArn);
  if (row.terminal?.epoch !== row.epoch) throw new JobRunningError(jobId, row.status);
  const epoch = await startRedrive(context, jobId, row.epoch + 1);
  const executionArn = context.executionArn(executionName(jobId, epoch));
  const pace = new Pace({ signal: context.abortSignal });
  // until its first state has run, the row shows the last epoch
  while ((await context.jobRow(jobId))?.epoch !== epoch) {
    const { status, cause } = await context.connection.steps().send(new DescribeExecutionCommand({ executionArn }), context.send);
    if (status !== 'RUNNING' && (await context.jobRow(jobId))?.epoch !== epoch) {
      throw new JobFailedError(jobId, statusOf(row), 'RedriveRefused', cause ?? status!);
    }
    await pace.pause();
  }
  return { jobId, epoch };
}

/** A redrive that was stopped before it began has used up its name: the next number will do. */
async function startRedrive(context: Context, jobId: string, epoch: number): Promise<number> {
  try {
    await start(context, executionName(jobId, epoch), { redrive: { jobId } });
    return epoch;
  } catch (error) {
    if (!(error instanceof ExecutionAlreadyExists)) throw error;
    return startRedrive(context, jobId, epoch + 1);
  }
}
