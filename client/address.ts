import { AddressError } from './errors';

/** Where a deployed BurstCompute is; the construct writes it as the JSON value of a stack output. */
export interface JobAddress {
  readonly stateMachineArn: string;
  readonly tasksTable: string;
  readonly resultsTable: string;
  readonly payloadBucket: string;
  readonly dispatcher: string;
  readonly monitor: string;
  /** ARNs of the worker and its replicas. */
  readonly workers?: string[];
}

/** How the description of that output begins; the construct's path follows. */
export const ADDRESS_DESCRIPTION = 'cdk-burst-compute job';
/** How the definition's comment begins; the address without the state machine follows, as JSON. */
const COMMENT = 'One job of cdk-burst-compute {';

/** Reads the value of the output. Throws an error that says what is wrong with it. */
export function parseAddress(value: string): JobAddress {
  let address: Partial<JobAddress>;
  try {
    address = JSON.parse(value) as Partial<JobAddress>;
  } catch {
    throw new AddressError(`not the address of a BurstCompute: ${value.slice(0, 80)}: take the stack output described as "${ADDRESS_DESCRIPTION} ..."`);
  }
  const missing = (['stateMachineArn', 'tasksTable', 'resultsTable', 'payloadBucket', 'dispatcher', 'monitor'] as const).filter((name) => !address[name]);
  if (missing.length > 0) throw new AddressError(`the address of a BurstCompute lacks ${missing.join(', ')}: was it deployed with another version of cdk-burst-compute?`);
  return address as JobAddress;
}

/** The address that stands in the definition of a state machine. Throws AddressError where none does. */
export function addressInDefinition(stateMachineArn: string, definition: string): JobAddress {
  const comment = String((JSON.parse(definition) as { Comment?: string }).Comment);
  if (!comment.startsWith(COMMENT)) {
    throw new AddressError(`${stateMachineArn} is not of a BurstCompute, or of one deployed before its definition said where everything is: deploy it anew, or give its stack`);
  }
  return parseAddress(JSON.stringify({ stateMachineArn, ...JSON.parse(comment.slice(COMMENT.length - 1)) as object }));
}
