/** Where a deployed BurstCompute is; the construct writes it as the JSON value of a stack output. */
export interface JobAddress {
  readonly stateMachineArn: string;
  readonly tasksTable: string;
  readonly resultsTable: string;
  readonly payloadBucket: string;
  readonly dispatcher: string;
  readonly monitor: string;
}

/** How the description of that output begins; the construct's path follows. */
export const ADDRESS_DESCRIPTION = 'cdk-burst-compute job';

/** Reads the value of the output. Throws an error that says what is wrong with it. */
export function parseAddress(value: string): JobAddress {
  let address: Partial<JobAddress>;
  try {
    address = JSON.parse(value) as Partial<JobAddress>;
  } catch {
    throw new Error(`not the address of a BurstCompute: ${value.slice(0, 80)}: take the stack output described as "${ADDRESS_DESCRIPTION} ..."`);
  }
  const missing = (['stateMachineArn', 'tasksTable', 'resultsTable', 'payloadBucket', 'dispatcher', 'monitor'] as const).filter((name) => !address[name]);
  if (missing.length > 0) throw new Error(`the address of a BurstCompute lacks ${missing.join(', ')}: was it deployed with another version of cdk-burst-compute?`);
  return address as JobAddress;
}
