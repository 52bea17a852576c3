import sheet from './prices.json';
import type { FunctionSize, FunctionSizes } from '../../lambda/protocol/model';
import { NO_USAGE, PLATFORM_LOG_BYTES, StoredUsage, Usage } from '../../lambda/protocol/usage';

/** What something costs: so many dollars for so many units. */
export interface Price {
  readonly dollars: number;
  readonly per: number;
  readonly unit: string;
  /** Date of the page it was read on. */
  readonly seen: string;
  readonly source: string;
}

export type PriceName = 'lambdaRequest' | 'lambdaGbSecondX86' | 'lambdaGbSecondArm' | 'tableWriteUnit' | 'tableReadUnit' | 'objectPut' | 'objectGet'
  | 'stateTransition' | 'expressRequest' | 'expressGbSecond' | 'logGigabyte';

/** Prices of one region at one date. */
export interface PriceSheet {
  readonly region: string;
  readonly date: string;
  readonly prices: { readonly [name in PriceName]: Price };
}

export const PRICES: PriceSheet = sheet;

/** One line of a bill. */
export interface CostLine {
  /** Who or what it is paid for. */
  readonly what: 'worker' | 'combiner' | 'dispatcher' | 'monitor' | 'tables' | 'bucket' | 'state machine' | 'logs';
  readonly quantity: number;
  readonly unit: string;
  /** Undefined: it has a price, but not enough is known to tell it. */
  readonly dollars?: number;
  readonly note?: string;
}

export interface Cost {
  /** Sum of the lines that have one. */
  readonly dollars: number;
  /** Without worker and combiner, whose work has to be paid for anyhow. */
  readonly overheadDollars: number;
  /** What the dollars leave out, for want of a figure. */
  readonly unknown: string[];
  readonly lines: CostLine[];
  /** Region and date of the price sheet. */
  readonly region: string;
  readonly date: string;
}

/** As the construct makes dispatcher and monitor. */
export const OWN_FUNCTION: FunctionSize = { memoryMegabytes: 1024, architecture: 'arm64' };

/** What an Express child of a Distributed Map is billed by, at least; a payload near its limit may take more. */
const EXPRESS_CHILD = { memoryMegabytes: 64 };

export function priceOf(name: PriceName, quantity: number, prices: PriceSheet = PRICES): number {
  const { dollars, per } = prices.prices[name];
  return (quantity * dollars) / per;
}

/** GB-seconds of a function; a GB is 1,024 MB. */
export function gbSeconds(ms: number, { memoryMegabytes }: Pick<FunctionSize, 'memoryMegabytes'>): number {
  return (ms / 1000) * (memoryMegabytes / 1024);
}

/** What the usage of a job costs. Calls of a function whose memory is unknown are shown in ms, and without dollars. */
export function costOf(stored: StoredUsage, functions: FunctionSizes = {}, prices: PriceSheet = PRICES): Cost {
  const usage: Usage = { ...NO_USAGE, ...stored };
  const line = (what: CostLine['what'], name: PriceName, quantity: number): CostLine =>
    ({ what, quantity, unit: prices.prices[name].unit, dollars: priceOf(name, quantity, prices) });
  const lambda = (what: 'worker' | 'combiner' | 'dispatcher' | 'monitor', size: FunctionSize | undefined): CostLine[] => {
    const invocations = usage[`${what}Invocations`];
    const ms = usage[`${what}Ms`];
    if (invocations === 0) return [];
    return [line(what, 'lambdaRequest', invocations), size
      ? line(what, size.architecture === 'arm64' ? 'lambdaGbSecondArm' : 'lambdaGbSecondX86', gbSeconds(ms, size))
      : { what, quantity: ms, unit: 'ms', note: 'the memory of the function is unknown' }];
  };
  // what Lambda logs of each call; the rest of the log lines are ours
  const theirLogs = (what: 'worker' | 'combiner') => PLATFORM_LOG_BYTES * usage[`${what}Invocations`];
  const logs = (what: CostLine['what'], bytes: number) => (bytes > 0 ? [line(what, 'logGigabyte', bytes / 1024 ** 3)] : []);
  const lines = [
    ...lambda('worker', functions.worker),
    ...logs('worker', theirLogs('worker')),
    ...lambda('combiner', functions.combiner),
    ...logs('combiner', theirLogs('combiner')),
    ...lambda('dispatcher', OWN_FUNCTION),
    ...lambda('monitor', OWN_FUNCTION),
    line('tables', 'tableWriteUnit', usage.tableWriteUnits),
    line('tables', 'tableReadUnit', usage.tableReadUnits),
    line('bucket', 'objectPut', usage.objectPuts),
    line('bucket', 'objectGet', usage.objectGets),
    line('state machine', 'stateTransition', usage.stateTransitions),
    ...usage.expressRequests > 0
      ? [line('state machine', 'expressRequest', usage.expressRequests), line('state machine', 'expressGbSecond', gbSeconds(usage.expressMs, EXPRESS_CHILD))]
      : [],
    ...logs('logs', usage.logBytes - theirLogs('worker') - theirLogs('combiner')),
  ];
  const sum = (some: CostLine[]) => some.reduce((total, { dollars }) => total + (dollars ?? 0), 0);
  return {
    dollars: sum(lines),
    overheadDollars: sum(lines.filter(({ what }) => what !== 'worker' && what !== 'combiner')),
    unknown: lines.filter(({ dollars }) => dollars === undefined).map(({ what, note }) => `${what}: ${note}`),
    lines,
    region: prices.region,
    date: prices.date,
  };
}
