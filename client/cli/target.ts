import { Command, Option } from 'commander';
import { UsageError } from './errors';
import { BurstClient } from '../client';

/** Which BurstCompute, and how AWS is reached: options of every command that talks to one. */
export interface TargetFlags {
  readonly stateMachine?: string;
  readonly stack?: string;
  readonly construct?: string;
  readonly region?: string;
  readonly profile?: string;
  readonly endpoint?: string;
  readonly json?: boolean;
}

const EXECUTION = /^(arn:[\w-]+:states:[\w-]+:\d+):execution:([^:]+):([^:]+)$/;

export function withTarget(command: Command): Command {
  return command
    .addOption(new Option('-m, --state-machine <arn>', 'the state machine of the BurstCompute').env('BURST_STATE_MACHINE'))
    .option('--stack <name>', 'the CloudFormation stack of the BurstCompute instead')
    .option('--construct <path>', 'which one, if the stack has several: its path or the end of it')
    .option('--region <name>', 'AWS Region (default: that of the state machine, of AWS_REGION or of the profile)')
    .option('--profile <name>', 'profile of the AWS configuration files')
    .option('--endpoint <url>', 'an endpoint in place of AWS, such as that of `burst local`')
    .option('--json', 'print JSON');
}

/** A job by its name, and the client for it; the ARN of an execution says both. */
export interface Named {
  readonly client: BurstClient;
  readonly jobId: string;
}

export function clientOf(flags: TargetFlags): BurstClient {
  const { stack, construct, region, profile, endpoint } = flags;
  const stateMachine = flags.stateMachine || undefined; // an empty variable is none
  if (stack === undefined && stateMachine === undefined) {
    throw new UsageError('which BurstCompute? Give --state-machine ARN (or BURST_STATE_MACHINE), or --stack NAME, or name the job by the ARN of its execution');
  }
  if (construct !== undefined && stack === undefined) throw new UsageError('--construct says which BurstCompute of a stack: give --stack, too');
  const target = stack === undefined ? { stateMachineArn: stateMachine } : { stack, construct };
  return new BurstClient({ ...target, region, profile, endpoint });
}

export function named(job: string, flags: TargetFlags): Named {
  const [, prefix, machine, name] = EXECUTION.exec(job) ?? [];
  if (name === undefined) return { client: clientOf(flags), jobId: job };
  return { client: clientOf({ ...flags, stateMachine: `${prefix}:stateMachine:${machine}`, stack: undefined }), jobId: name.replace(/\.e\d+$/, '') };
}

/** How to say which job is meant, in a command of its own. */
export async function jobArn({ client, jobId }: Named, flags: TargetFlags): Promise<string> {
  const { stateMachineArn } = await client.address();
  const also = (['profile', 'endpoint'] as const).filter((name) => flags[name] !== undefined).map((name) => ` --${name} ${flags[name]}`);
  return `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${jobId}${also.join('')}`;
}
