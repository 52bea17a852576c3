import { setTimeout as sleep } from 'node:timers/promises';
import { CloudWatchLogsClient, paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import { GetFunctionConfigurationCommand, UpdateFunctionConfigurationCommand, waitUntilFunctionUpdatedV2 } from '@aws-sdk/client-lambda';
import type { JobAddress } from '../../client/address';
import { Connection } from '../../client/connection';
import { Spread, spread } from '../statistics';

/** What Lambda says of the calls of one function. */
export interface Calls {
  readonly calls: number;
  /** Calls in a new environment, by their Init Duration. */
  readonly cold: number;
  readonly initMs?: Spread;
  readonly billedMs: number;
  readonly mostMegabytes: number;
}

export type Role = 'worker' | 'dispatcher' | 'monitor';

const UPDATE_SECONDS = 120;
/** Lines may come late; what has not come by then is left out. */
const LATE_MS = { aws: 60_000, engine: 5_000 };
const LOOK_MS = { aws: 5_000, engine: 200 };

const functionsOf = ({ workers, dispatcher, monitor }: JobAddress): { readonly [role in Role]: string } =>
  ({ worker: workers![0], dispatcher, monitor });

/** Makes every next environment a new one, by a variable that nobody reads: all runs begin alike. */
export async function renew(connection: Connection, address: JobAddress, run: number): Promise<void> {
  const client = connection.lambda();
  await Promise.all(Object.values(functionsOf(address)).map(async (FunctionName) => {
    const { Environment } = await client.send(new GetFunctionConfigurationCommand({ FunctionName }));
    const Variables = { ...Environment?.Variables, BENCH_RUN: String(run) };
    await client.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }));
    await waitUntilFunctionUpdatedV2({ client, maxWaitTime: UPDATE_SECONDS, minDelay: 1, maxDelay: 2 }, { FunctionName });
  }));
}

/** The REPORT lines that Lambda wrote since, in the text format; waits for those of `calls` workers. */
export async function reported(
  connection: Connection, address: JobAddress, since: Date, calls: number, where: 'aws' | 'engine',
): Promise<{ [role in Role]?: Calls }> {
  const logs = new CloudWatchLogsClient({});
  const groups = Object.fromEntries(await Promise.all(Object.entries(functionsOf(address)).map(async ([role, FunctionName]) => {
    const { LoggingConfig } = await connection.lambda().send(new GetFunctionConfigurationCommand({ FunctionName }));
    return [role, LoggingConfig?.LogGroup];
  }))) as { [role in Role]?: string };
  const until = Date.now() + LATE_MS[where];
  for (;;) {
    const worker = await callsIn(logs, groups.worker, since);
    if ((worker?.calls ?? 0) < calls && Date.now() < until) {
      await sleep(LOOK_MS[where]);
      continue;
    }
    return { worker, dispatcher: await callsIn(logs, groups.dispatcher, since), monitor: await callsIn(logs, groups.monitor, since) };
  }
}

async function callsIn(client: CloudWatchLogsClient, logGroupName: string | undefined, since: Date): Promise<Calls | undefined> {
  const inits: number[] = [];
  let [calls, billedMs, mostMegabytes] = [0, 0, 0];
  try {
    for await (const { events = [] } of paginateFilterLogEvents({ client }, { logGroupName, startTime: since.getTime(), filterPattern: '"REPORT RequestId"' })) {
      for (const { message = '' } of events) {
        if (!message.startsWith('REPORT')) continue;
        const figure = (name: string) => Number(new RegExp(`${name}: ([\\d.]+) M[Bs]`, 'i').exec(message)?.[1] ?? NaN);
        calls++;
        billedMs += figure('Billed Duration') || 0;
        mostMegabytes = Math.max(mostMegabytes, figure('Max Memory Used') || 0);
        const init = figure('Init Duration');
        if (!Number.isNaN(init)) inits.push(init);
      }
    }
  } catch (error) {
    if ((error as Error).name === 'ResourceNotFoundException') return undefined;
    throw error;
  }
  if (calls === 0) return undefined;
  return { calls, cold: inits.length, ...inits.length > 0 && { initMs: spread(inits) }, billedMs, mostMegabytes };
}
