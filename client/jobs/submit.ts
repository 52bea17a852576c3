import { randomBytes } from 'node:crypto';
import { ExecutionAlreadyExists, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { Context } from './context';
import { digestOf } from '../../lambda/protocol/digest';
import { NameTakenError } from '../errors';
import { uploadList } from '../upload';

export interface SubmitOptions {
  /** The execution's input: see docs/jobs.md for its fields. */
  readonly request: unknown;
  /** Name of the job: 1 to 75 letters, digits, "-", "_". @default - a random one */
  readonly name?: string;
  /** Gives up; the job may have started by then. */
  readonly signal?: AbortSignal;
}

/** A name that no other job has. */
export function newJobName(): string {
  return `job-${new Date().toISOString().replace(/\D/g, '').slice(0, 14)}-${randomBytes(3).toString('hex')}`;
}

export async function submit(context: Context, { request, name: jobId = newJobName() }: SubmitOptions): Promise<{ jobId: string }> {
  const input = await uploadList(context, jobId, request);
  try {
    await start(context, jobId, input);
  } catch (error) {
    if (!(error instanceof ExecutionAlreadyExists)) throw error;
    const row = await context.jobRow(jobId);
    // a job that is not planned yet has no digest: Prepare refuses it if it differs
    if (row?.requestDigest !== undefined && row.requestDigest !== digestOf(input)) throw new NameTakenError(jobId, row.status);
  }
  return { jobId };
}

export async function start(context: Context, name: string, request: unknown): Promise<void> {
  const { stateMachineArn } = context.address;
  await context.connection.steps().send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(request) }), context.send);
}
