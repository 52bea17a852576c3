import type { TargetFlags } from './target';
import type { Failure } from '../../lambda/protocol/model';
import { JobAddress } from '../address';
import { customEndpoint } from '../connection';
import { JobStatus } from '../jobs/status';

export interface FailureGroup {
  readonly errorType: string;
  /** Of the first; numbers that differ do not make another group. */
  readonly message: string;
  readonly count: number;
  /** The first few, by task id or number of the batch. */
  readonly which: string;
  readonly example: Failure;
}

const SHOWN = 5;
const MESSAGE_CHARS = 100;

/** By error, the most frequent first. */
export function groupFailures(failures: Failure[]): FailureGroup[] {
  const groups = new Map<string, Failure[]>();
  for (const failure of failures) {
    const key = `${failure.errorType}\n${failure.message.replace(/[0-9a-f]{8}-[0-9a-f-]{27}|\d+/g, '#')}`;
    const group = groups.get(key);
    if (group) group.push(failure);
    else groups.set(key, [failure]);
  }
  return [...groups.values()].sort((a, b) => b.length - a.length).map((group) => {
    const [example] = group;
    const message = example.message.split('\n')[0];
    return {
      errorType: example.errorType,
      message: message.length > MESSAGE_CHARS ? `${message.slice(0, MESSAGE_CHARS)}...` : message,
      count: group.length,
      which: group.slice(0, SHOWN).map(({ taskId, batchId }) => taskId ?? batchId).join(', ') + (group.length > SHOWN ? ', ...' : ''),
      example,
    };
  });
}

const CONSOLES: Record<string, string> = { 'aws-cn': 'console.amazonaws.cn', 'aws-us-gov': 'console.amazonaws-us-gov.com' };
const A_MINUTE = 60_000;

/**
 * Where the log lines of a failure's last call are: a page of the console, or a command where an endpoint stands in for AWS. The log
 * group is the one that Lambda makes for a function; a function that logs elsewhere has its lines there, under the same request id.
 */
export function logsOf(address: JobAddress, flags: TargetFlags, status: JobStatus): (failure: Failure) => string {
  const [, partition, , region] = address.stateMachineArn.split(':');
  const workers = (address.workers ?? []).map((arn) => arn.split(':')[6]);
  const group = `/aws/lambda/${workers[0]}`;
  return ({ requestId, taskId }) => {
    if (requestId === '') return 'none: the call never reached the function';
    if (taskId !== undefined || workers.length !== 1) return `request id ${requestId}, in the log group of ${taskId === undefined ? 'a worker' : 'its function'}`;
    if (customEndpoint({ endpoint: flags.endpoint }) !== undefined) {
      return `aws logs filter-log-events --log-group-name ${group} --filter-pattern '"${requestId}"'`;
    }
    const since = (status.startedAt?.getTime() ?? 0) - A_MINUTE;
    const query = `?filterPattern=${encodeURIComponent(`"${requestId}"`)}&start=${since}`;
    // the console keeps its own state in the fragment, encoded twice with $ in place of %
    const fragment = `log-group/${encodeURIComponent(encodeURIComponent(group)).replace(/%/g, '$')}/log-events${encodeURIComponent(query).replace(/%/g, '$')}`;
    return `https://${region}.${CONSOLES[partition] ?? 'console.aws.amazon.com'}/cloudwatch/home?region=${region}#logsV2:log-groups/${fragment}`;
  };
}
