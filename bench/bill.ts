import { priceOf } from '../client/cost/price';
import type { Bill } from '../simulation/aws/usage';

/** Whose functions they are: ours run on Arm, those of the peers on x86, as they are published. */
export type Architecture = 'arm64' | 'x86_64';

export interface PricedLine {
  readonly what: string;
  readonly quantity: number;
  readonly dollars: number;
}

export function lines(bill: Bill, architecture: Architecture): PricedLine[] {
  const line = (what: string, name: Parameters<typeof priceOf>[0], quantity: number): PricedLine =>
    ({ what, quantity, dollars: priceOf(name, quantity) });
  return [
    line('Lambda requests', 'lambdaRequest', bill.lambdaRequests),
    line('Lambda GB-s', architecture === 'arm64' ? 'lambdaGbSecondArm' : 'lambdaGbSecondX86', bill.gbSeconds),
    line('table write units', 'tableWriteUnit', bill.writeUnits),
    line('table read units', 'tableReadUnit', bill.readUnits),
    line('S3 puts', 'objectPut', bill.s3Puts),
    line('S3 gets', 'objectGet', bill.s3Gets),
    line('state transitions', 'stateTransition', bill.transitions),
    line('Express requests', 'expressRequest', bill.expressRequests),
    line('Express GB-s', 'expressGbSecond', bill.expressGbSeconds),
    line('log bytes', 'logGigabyte', bill.logBytes / 1024 ** 3),
  ].map((priced) => (priced.what === 'log bytes' ? { ...priced, quantity: bill.logBytes } : priced));
}

export const dollars = (bill: Bill, architecture: Architecture): number => lines(bill, architecture).reduce((sum, line) => sum + line.dollars, 0);
