import { GetAccountSettingsCommand, GetFunctionConcurrencyCommand, GetFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { GetServiceQuotaCommand } from '@aws-sdk/client-service-quotas';
import { Command } from 'commander';
import { count, pieces, printJson, printTable } from './output';
import { readRequest } from './request';
import { clientOf, TargetFlags, withTarget } from './target';
import { staff } from '../../lambda/protocol/plan';
import { JobAddress } from '../address';
import { Connection } from '../connection';
import { estimateRequest } from '../cost/estimate-request';
import { AccessDeniedError } from '../errors';

type Verdict = 'ok' | 'warning' | 'problem' | 'unknown';

interface Finding {
  readonly check: string;
  readonly verdict: Verdict;
  readonly found: string;
}

const MOST_WORKER_SECONDS = 780;
/** "CreateLogStream throttle limit in transactions per second" (CloudWatch Logs quotas). */
const LOG_STREAMS = { ServiceCode: 'logs', QuotaCode: 'L-76507CEF' };
const LOG_STREAMS_PER_SECOND = 50; // by default
/** New environments of a function per second (Lambda quotas); they are nobody's to raise. */
const NEW_ENVIRONMENTS_PER_SECOND = 100;

export function doctorCommand(): Command {
  return withTarget(new Command('doctor'))
    .description('check what a job needs: credentials, the BurstCompute, quotas, functions')
    .option('--request <file>', 'say what this job would need, too; - for standard input')
    .addHelpText('after', `
Takes states:DescribeStateMachine, lambda:GetAccountSettings, servicequotas:GetServiceQuota, and lambda:GetFunctionConfiguration and
lambda:GetFunctionConcurrency on the worker; what is not allowed is reported as unknown, and the default quota taken. Exit code 1 if there is a problem.

Example:
  burst doctor --stack MyStack --request request.json`)
    .action(doctor);
}

async function doctor(flags: TargetFlags & { readonly request?: string }): Promise<void> {
  const request = flags.request === undefined ? undefined : await readRequest(flags.request);
  const client = clientOf(flags);
  const address = await client.address(); // credentials, Region and address: what is wrong with them is an error of its own
  const region = address.stateMachineArn.split(':')[3];
  const connection = new Connection({ region, profile: flags.profile, endpoint: flags.endpoint });
  const { findings, concurrency } = await account(connection, address.workers?.length ?? 1);
  const all: Finding[] = [
    { check: 'credentials', verdict: 'ok', found: `accepted in ${region}` },
    { check: 'state machine', verdict: 'ok', found: address.stateMachineArn },
    ...findings,
    ...(await Promise.all((address.workers ?? []).map((arn) => worker(connection, arn, concurrency)))).flat(),
    ...request === undefined ? [] : [need(request, concurrency, address)],
  ];
  if (flags.json) printJson(all);
  else printTable(['CHECK', 'VERDICT', 'FOUND'], all.map(({ check, verdict, found }) => [check, verdict, found]));
  const problems = all.filter(({ verdict }) => verdict === 'problem');
  if (problems.length > 0) throw new Error(`${problems.length === 1 ? 'a problem' : `${problems.length} problems`}: ${problems.map(({ check }) => check).join(', ')}`);
}

async function account(connection: Connection, functions: number): Promise<{ findings: Finding[]; concurrency?: number }> {
  const answer = await allowed(() => connection.lambda().send(new GetAccountSettingsCommand({})));
  if (typeof answer === 'string') return { findings: [{ check: 'account concurrency', verdict: 'unknown', found: answer }] };
  const { ConcurrentExecutions = 0, UnreservedConcurrentExecutions = ConcurrentExecutions } = answer.AccountLimit ?? {};
  const { leaves, window } = staff(Number.MAX_SAFE_INTEGER, undefined, UnreservedConcurrentExecutions);
  const found = `${ConcurrentExecutions}, ${UnreservedConcurrentExecutions} of them unreserved: at most ${count(leaves * window, 'worker')} and ${count(leaves, 'dispatcher')} at a time`;
  const streams = Math.min(leaves * window, functions * NEW_ENVIRONMENTS_PER_SECOND);
  const quota = await logStreams(connection);
  return {
    concurrency: UnreservedConcurrentExecutions,
    findings: [
      UnreservedConcurrentExecutions < 3
        ? { check: 'account concurrency', verdict: 'problem', found: `${found}; a job needs 3: ask for more concurrent executions in Service Quotas` }
        : UnreservedConcurrentExecutions < 100
          ? { check: 'account concurrency', verdict: 'warning', found: `${found}; ask for more concurrent executions in Service Quotas` }
          : { check: 'account concurrency', verdict: 'ok', found },
      {
        check: 'log streams',
        verdict: streams > quota.perSecond ? 'warning' : 'ok',
        found: `a full start makes up to ${streams} per second; the quota is ${quota.perSecond}${quota.note}${streams > quota.perSecond
          ? ': log lines may be late or lost until CreateLogStream is raised in Service Quotas' : ''}`,
      },
    ],
  };
}

/** What the account has; the default where it does not say. */
async function logStreams(connection: Connection): Promise<{ perSecond: number; note: string }> {
  try {
    const { Quota } = await connection.quotas().send(new GetServiceQuotaCommand(LOG_STREAMS));
    if (Quota?.Value !== undefined) return { perSecond: Quota.Value, note: '' };
    return { perSecond: LOG_STREAMS_PER_SECOND, note: ' by default' };
  } catch (error) {
    return { perSecond: LOG_STREAMS_PER_SECOND, note: ` by default (the account's own is unknown: ${firstLine(error as Error)})` };
  }
}

const firstLine = ({ name, message }: Error) => (message === 'UnknownError' ? name : message).split('\n')[0].slice(0, 200);

async function worker(connection: Connection, arn: string, concurrency?: number): Promise<Finding[]> {
  const check = `worker ${arn.split(':').slice(6).join(':')}`;
  const answer = await allowed(() => connection.lambda().send(new GetFunctionConfigurationCommand({ FunctionName: arn })));
  if (typeof answer === 'string') return [{ check, verdict: 'unknown', found: answer }];
  const { Timeout = 0, MemorySize, State, StateReason } = answer;
  const found = `time-out ${Timeout} s, ${MemorySize} MB`;
  if (State !== undefined && State !== 'Active') return [{ check, verdict: 'problem', found: `${found}; it is ${State}: ${StateReason}` }];
  if (Timeout > MOST_WORKER_SECONDS) return [{ check, verdict: 'problem', found: `${found}; allowed: ${MOST_WORKER_SECONDS} s` }];
  const reserved = await allowed(() => connection.lambda().send(new GetFunctionConcurrencyCommand({ FunctionName: arn })));
  const own = typeof reserved === 'string' ? undefined : reserved.ReservedConcurrentExecutions;
  if (own === 0) return [{ check, verdict: 'problem', found: `${found}; its reserved concurrency is 0, so that it never runs` }];
  if (own !== undefined && own < (concurrency ?? Infinity)) {
    return [{ check, verdict: 'warning', found: `${found}; its reserved concurrency is ${own}: set maxConcurrency to that` }];
  }
  return [{ check, verdict: 'ok', found }];
}

function need(request: unknown, accountConcurrency: number | undefined, { workers }: JobAddress): Finding {
  try {
    const assumptions = { accountConcurrency: accountConcurrency ?? 1000, workerFunctions: workers?.length ?? 1 };
    const { batches, leaves, window, seconds } = estimateRequest(request, { assumptions });
    const hasTasks = 'tasks' in (request as object);
    const atOnce = Math.min(batches, leaves * window);
    return {
      check: 'this job',
      verdict: 'ok',
      found: `${pieces(batches, hasTasks)}, up to ${atOnce} at a time, ${count(Math.ceil(batches / Math.max(1, atOnce)), 'round')}; about ${Math.ceil(seconds)} s if a ${hasTasks ? 'task' : 'batch'} takes 1 s (see \`burst estimate\`)`,
    };
  } catch (error) {
    return { check: 'this job', verdict: 'problem', found: (error as Error).message };
  }
}

/** The answer, or why there is none, where that is a permission. */
async function allowed<T>(ask: () => Promise<T>): Promise<T | string> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof AccessDeniedError || (error as Error).name === 'ResourceNotFoundException') return (error as Error).message;
    throw error;
  }
}
