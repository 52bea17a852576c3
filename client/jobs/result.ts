import { Context } from './context';
import { manifestObject, resultObject } from '../../lambda/protocol/keys';
import type { Manifest } from '../../lambda/protocol/model';
import { JobFailedError, UnknownJobError } from '../errors';

export async function result(context: Context, jobId: string, options: { readonly partial?: boolean }): Promise<unknown> {
  const row = await context.jobRow(jobId);
  if (row === undefined) throw new UnknownJobError(jobId, context.address.stateMachineArn);
  const isPartial = options.partial === true && row.terminal?.epoch === row.epoch && row.result !== undefined;
  if (row.terminal?.status !== 'SUCCEEDED' && !isPartial) {
    throw new JobFailedError(jobId, row.terminal?.status ?? row.status, row.reason?.code, row.reason?.message ?? 'it has not ended yet');
  }
  return row.result === undefined ? undefined : JSON.parse(await context.text(resultObject(jobId, row.epoch)));
}

export async function manifest(context: Context, jobId: string): Promise<Manifest> {
  const row = await context.jobRow(jobId);
  if (row?.manifest === undefined) throw new UnknownJobError(jobId, context.address.stateMachineArn);
  return JSON.parse(await context.text(manifestObject(jobId, row.epoch))) as Manifest;
}
