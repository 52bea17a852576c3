import { DescribeStacksCommand, Stack } from '@aws-sdk/client-cloudformation';
import { DescribeStateMachineCommand } from '@aws-sdk/client-sfn';
import { ADDRESS_DESCRIPTION, addressInDefinition, JobAddress, parseAddress } from './address';
import { Connection, ConnectionOptions } from './connection';
import { AddressError } from './errors';

/** Which BurstCompute is meant: exactly one of `stateMachineArn`, `stack` and `address`. */
export interface Target {
  /**
   * ARN of its state machine; that of one of its executions will do. Everything else is read from the state machine's definition:
   * takes `states:DescribeStateMachine` on it, which `grantStart` and `grantReadResults` give.
   */
  readonly stateMachineArn?: string;
  /** Its CloudFormation stack, by name or ARN: takes `cloudformation:DescribeStacks` on the stack. */
  readonly stack?: string;
  /** Which one of `stack`: a construct path such as MyStack/Pricing, or the end of one. @default - the only one there is */
  readonly construct?: string;
  /** The value of the construct's output, as text or parsed: takes no permission. */
  readonly address?: JobAddress | string;
}

const STATE_MACHINE = /^arn:[\w-]+:states:([\w-]+):\d{12}:stateMachine:[^:]+$/;
const EXECUTION = /^(arn:[\w-]+:states:[\w-]+:\d{12}):execution:([^:]+):[^:]+$/;

/** A deployed BurstCompute. */
export interface Deployment {
  /** The construct's path, such as MyStack/Pricing. */
  readonly path: string;
  readonly stack: string;
  readonly address: JobAddress;
}

/** Checks what can be checked without a request, and lets the Region follow from the ARN. */
export function checkTarget<T extends Target & ConnectionOptions>(options: T): T {
  const given = (['stateMachineArn', 'stack', 'address'] as const).filter((name) => options[name] !== undefined);
  if (given.length !== 1) throw new AddressError(`give exactly one of stateMachineArn, stack and address: got ${given.join(' and ') || 'none'}`);
  if (options.construct !== undefined && options.stack === undefined) throw new AddressError('construct: only together with stack');
  const address = typeof options.address === 'string' ? parseAddress(options.address) : options.address;
  const stateMachineArn = address?.stateMachineArn ?? options.stateMachineArn?.replace(EXECUTION, '$1:stateMachine:$2');
  if (stateMachineArn === undefined) return options;
  const region = STATE_MACHINE.exec(stateMachineArn)?.[1];
  if (region === undefined) throw new AddressError(`stateMachineArn: got ${stateMachineArn.slice(0, 200)}, allowed: arn:aws:states:REGION:ACCOUNT:stateMachine:NAME`);
  if (options.region !== undefined && options.region !== region) {
    throw new AddressError(`the state machine is in ${region}, not in ${options.region}: leave the Region out, or give another state machine`);
  }
  return { ...options, region, ...address ? { address } : { stateMachineArn } };
}

/** Where everything is of a target that was checked; at most one request for an ARN or a stack. */
export async function resolve(connection: Connection, target: Target, abortSignal?: AbortSignal): Promise<JobAddress> {
  if (target.address !== undefined) return target.address as JobAddress;
  if (target.stack !== undefined) return choose(await deploymentsOf(connection, target.stack, abortSignal), target.construct).address;
  const stateMachineArn = target.stateMachineArn!;
  try {
    const { definition } = await connection.steps().send(new DescribeStateMachineCommand({ stateMachineArn }), { abortSignal });
    return addressInDefinition(stateMachineArn, definition!);
  } catch (error) {
    if ((error as Error).name !== 'StateMachineDoesNotExist') throw error;
    throw new AddressError(`there is no state machine ${stateMachineArn}: check name, account and Region, or give its stack`, { cause: error });
  }
}

async function deploymentsOf(connection: Connection, stack: string, abortSignal?: AbortSignal): Promise<Deployment[]> {
  const client = connection.cloudFormation();
  try {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: stack }), { abortSignal });
    const found = deploymentsIn(Stacks ?? []);
    if (found.length === 0) throw new AddressError(`stack ${stack} contains no BurstCompute`);
    return found;
  } catch (error) {
    if ((error as Error).name !== 'ValidationError') throw error;
    throw new AddressError(`there is no stack ${stack} in ${await client.config.region()}: check its name, the account and the Region`, { cause: error });
  }
}

/** Every BurstCompute of some stacks, by path. */
export function deploymentsIn(stacks: Stack[]): Deployment[] {
  return stacks
    .flatMap((stack) => (stack.Outputs ?? [])
      .filter(({ Description }) => Description?.startsWith(`${ADDRESS_DESCRIPTION} `))
      .map(({ Description, OutputValue }) => ({
        path: Description!.slice(ADDRESS_DESCRIPTION.length + 1), stack: stack.StackName!, address: parseAddress(OutputValue!),
      })))
    .sort((a, b) => a.path.localeCompare(b.path));
}

/**
 * The one that is meant: by its construct path, the end of that path, or its stack's name; without a name, the only one.
 *
 * @throws AddressError that lists what there is
 */
export function choose(deployments: Deployment[], name?: string): Deployment {
  const list = (some: Deployment[]) => some.map((job) => `  ${job.path} (stack ${job.stack})`).join('\n');
  if (deployments.length === 0) throw new AddressError('these stacks contain no BurstCompute: is it the right app?');
  const exact = deployments.filter((job) => job.path === name);
  const loose = deployments.filter((job) => name === undefined || job.stack === name || job.path.endsWith(`/${name}`));
  const found = exact.length > 0 ? exact : loose;
  if (found.length === 1) return found[0];
  if (found.length === 0) throw new AddressError(`there is no BurstCompute ${name}; there is:\n${list(deployments)}`);
  throw new AddressError(`${name === undefined ? 'there are several BurstComputes' : `${name} may be any of several`}: name one of\n${list(found)}`);
}
