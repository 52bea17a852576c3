import { Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from './errors';
import { count, pieces } from './output';
import { readRequest } from './request';
import { InvalidRequest } from '../../lambda/protocol/errors';
import { ASSUMPTIONS, Assumptions, ChildType, CombineMode, Estimate } from '../cost/estimate';
import { estimateRequest } from '../cost/estimate-request';

interface Flags {
  readonly items?: number;
  readonly combine: Lowercase<CombineMode>;
  readonly fanOut?: 'tree' | 'distributed-map';
  readonly childType?: Lowercase<ChildType>;
  readonly batchSize?: number;
  readonly maxConcurrency?: number;
  readonly repairInterval?: number;
  readonly batchSeconds?: number;
  readonly memory?: number;
  readonly architecture?: 'x86_64' | 'arm64';
  readonly resultBytes?: number;
  readonly combinerSeconds?: number;
  readonly combinerMemory?: number;
  readonly answerBytes?: number;
  readonly accountConcurrency?: number;
  readonly workerFunctions?: number;
  readonly workerTimeout?: number;
  readonly inputBytes?: number;
  readonly explain?: boolean;
  readonly json?: boolean;
}

/** Says what a job would use, take and cost; asks neither AWS nor anybody else. */
export function estimateCommand(): Command {
  const whole = (least: number, most = Number.MAX_SAFE_INTEGER) => number(least, most, true);
  return new Command('estimate')
    .description('say what a job would use, take and cost if nothing fails; asks nobody')
    .argument('<request>', 'file with the request of the job as JSON, - for standard input')
    .option('--batch-seconds <s>', `how long the worker takes for a batch (default: ${ASSUMPTIONS.batchSeconds})`, number(0.001, 780))
    .option('--memory <MB>', `memory of the worker (default: ${ASSUMPTIONS.worker.memoryMegabytes})`, whole(128, 10_240))
    .addOption(new Option('--architecture <name>', `of worker and combiner (default: ${ASSUMPTIONS.worker.architecture})`).choices(['x86_64', 'arm64']))
    .option('--result-bytes <n>', `what the worker returns for a batch, as JSON (default: ${ASSUMPTIONS.resultBytes})`, whole(1, 6 * 1024 * 1024))
    .addOption(new Option('--combine <mode>', 'combine mode of the construct').choices(['collect', 'tree', 'none']).default('collect'))
    .addOption(new Option('--fan-out <how>', 'as the prop fanOut').choices(['tree', 'distributed-map']).default('tree'))
    .addOption(new Option('--child-type <type>', 'of a Distributed Map (default: standard)').choices(['standard', 'express']))
    .option('--combiner-seconds <s>', `how long the combiner takes, each time (default: ${ASSUMPTIONS.combinerSeconds})`, number(0, 780))
    .option('--combiner-memory <MB>', `memory of the combiner (default: ${ASSUMPTIONS.combiner.memoryMegabytes})`, whole(128, 10_240))
    .option('--answer-bytes <n>', `what the combiner returns, each time (default: ${ASSUMPTIONS.partialBytes})`, whole(1, 6 * 1024 * 1024))
    .option('--items <n>', 'items of an input in S3', whole(0))
    .option('--input-bytes <n>', 'size of an input in S3', whole(0))
    .option('--batch-size <n>', 'as the prop batchSize, where the request has none (default: 1)', whole(1, 1e9))
    .option('--max-concurrency <n>', 'as the prop maxConcurrency', whole(1, 1_000_000))
    .option('--account-concurrency <n>', `concurrent executions of the account (default: ${ASSUMPTIONS.accountConcurrency})`, whole(3))
    .option('--worker-functions <n>', 'the worker and its replicas (default: 1)', whole(1, 16))
    .option('--worker-timeout <s>', `time-out of the worker (default: ${ASSUMPTIONS.workerTimeoutSeconds}, or more for longer batches)`, whole(1, 780))
    .option('--repair-interval <s>', 'as the prop repairInterval (default: 60)', whole(5, 900))
    .option('--explain', 'print every formula with its figures')
    .option('--json', 'print everything as JSON')
    .action(async (file: string, flags: Flags) => {
      const estimated = await estimateOf(file, flags);
      process.stdout.write(flags.json ? `${JSON.stringify(estimated, undefined, 2)}\n` : text(estimated, flags));
    });
}

async function estimateOf(file: string, flags: Flags): Promise<Estimate> {
  if (flags.childType !== undefined && flags.fanOut !== 'distributed-map') throw new UsageError('--child-type: only with --fan-out distributed-map');
  const request = await readRequest(file);
  try {
    return estimateRequest(request, {
      items: flags.items,
      combineMode: flags.combine.toUpperCase() as CombineMode,
      childType: flags.fanOut === 'distributed-map' ? (flags.childType ?? 'standard').toUpperCase() as ChildType : undefined,
      batchSize: flags.batchSize,
      maxConcurrency: flags.maxConcurrency,
      repairIntervalSeconds: flags.repairInterval,
      assumptions: assumptionsOf(flags),
    });
  } catch (error) {
    throw error instanceof InvalidRequest ? new UsageError(error.message) : error;
  }
}

function assumptionsOf(flags: Flags): Partial<Assumptions> {
  const { worker, combiner, workerTimeoutSeconds } = ASSUMPTIONS;
  const { architecture = worker.architecture, memory = worker.memoryMegabytes, combinerMemory = combiner.memoryMegabytes } = flags;
  const given = {
    batchSeconds: flags.batchSeconds,
    resultBytes: flags.resultBytes,
    combinerSeconds: flags.combinerSeconds,
    partialBytes: flags.answerBytes,
    accountConcurrency: flags.accountConcurrency,
    workerFunctions: flags.workerFunctions,
    inputBytes: flags.inputBytes,
    workerTimeoutSeconds: flags.workerTimeout ?? Math.max(workerTimeoutSeconds, Math.ceil(flags.batchSeconds ?? 0)),
    worker: { memoryMegabytes: memory, architecture },
    combiner: { memoryMegabytes: combinerMemory, architecture },
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function number(least: number, most: number, isWhole = false): (given: string) => number {
  return (given) => {
    const value = Number(given);
    if (given.trim() !== '' && value >= least && value <= most && (!isWhole || Number.isSafeInteger(value))) return value;
    throw new InvalidArgumentError(`Allowed: a ${isWhole ? 'whole ' : ''}number ${most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`}.`);
  };
}

function text(estimated: Estimate, flags: Flags): string {
  const { batches, leaves, window, seconds, cost, assumptions, steps } = estimated;
  const atOnce = Math.min(batches, steps.find(({ name }) => name === 'mapConcurrency')!.value);
  const staff = flags.fanOut === 'distributed-map' ? `a Distributed Map with up to ${count(figure(atOnce), 'child', 'children')} at a time`
    : `${count(figure(leaves), 'dispatcher')} with up to ${count(window, 'worker')} each`;
  const { batchSeconds, worker, resultBytes, accountConcurrency, combinerSeconds, combiner } = assumptions;
  const rows = cost.lines.map(({ what, quantity, unit, dollars }) => [what, figure(quantity), unit, dollars === undefined ? '' : money(dollars)]);
  rows.push(['', '', 'in all', money(cost.dollars)], ['', '', 'beside worker and combiner', money(cost.overheadDollars)]);
  const lines = [
    `${pieces(figure(batches), steps.some(({ name, value }) => name === 'tasks' && value === 1))}, ${staff}: about ${duration(seconds)}, about ${money(cost.dollars)}`,
    '',
    ...table(rows),
    '',
    `Prices of ${cost.region}, sheet of ${cost.date}, without free tiers and storage. Calculated for a job in which nothing fails, not measured on AWS.`,
    `Assumed: ${batchSeconds} s per batch on ${worker.memoryMegabytes} MB of ${worker.architecture}, ${resultBytes} bytes of result, ${accountConcurrency} concurrent executions`
      + `${flags.combine === 'none' ? '' : `, a combiner of ${combinerSeconds} s on ${combiner.memoryMegabytes} MB`}. Options change that: burst estimate --help`,
  ];
  if (flags.explain) {
    const explained = steps.map(({ name, value, unit = '', formula, from }) => [name, figure(value), unit, formula === undefined ? `(${from})` : `= ${formula}`]);
    lines.push('', ...table(explained));
  }
  return `${lines.join('\n')}\n`;
}

const figure = (value: number) => new Intl.NumberFormat('en-US', { maximumSignificantDigits: value < 1000 ? 3 : 15, maximumFractionDigits: 3 }).format(value < 1000 ? value : Math.round(value));
const money = (dollars: number) => `$${new Intl.NumberFormat('en-US', dollars >= 100 ? { maximumFractionDigits: 2 } : { maximumSignificantDigits: 3 }).format(dollars)}`;

function duration(seconds: number): string {
  if (seconds < 120) return `${figure(seconds)} s`;
  return seconds < 7200 ? `${figure(seconds / 60)} min` : `${figure(seconds / 3600)} h`;
}

/** Figures to the right, the last column as it is. */
function table(rows: string[][]): string[] {
  const width = (column: number) => Math.max(...rows.map((row) => row[column].length));
  const [first, second, third] = [0, 1, 2].map(width);
  return rows.map(([a, b, c, d]) => `${a.padEnd(first)}  ${b.padStart(second)}  ${c.padEnd(third)}  ${d}`.trimEnd());
}
