import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidArgumentError, Option, program } from 'commander';
import { Account, confirm, findAccount } from './account';
import { measure, Measured } from './measure';
import { planRuns, Run, timeoutSeconds, worstDollars } from './plan';
import { bootstrap, byHand, deploy, remove } from './stack';
import { planTable, resultTables, simulate } from './tables';
import { Way, WAYS } from './ways';
import { exitCodeOf, Interrupted, UsageError } from '../../client/cli/errors';
import { Connection } from '../../client/connection';
import { ASSUMPTIONS } from '../../client/cost/estimate';
import { PRICES } from '../../client/cost/price';
import { AccessDeniedError } from '../../client/errors';
import { Engine } from '../../engine';
import type { Times } from '../../simulation/aws/world';
import { figure, markdown } from '../table';

/** The same jobs in a real account: deployed, measured, priced, removed. */

const deployed = (ways: readonly Way[]) => `One stack with a BurstCompute for each of ${ways.join(', ')}, a worker that only waits and a combiner for each: Lambda functions, tables, buckets, state machines, log groups, roles. `
  + 'It is removed at the end, however that comes. Before each job all functions get new environments.';
/** Until Lambda gives a function its first thousand environments again. */
const RAMP_MS = 10_000;

interface Options {
  readonly sizes: number[];
  readonly ways: Way[];
  readonly batchSeconds: number;
  readonly maxDollars: number;
  readonly region?: string;
  readonly profile?: string;
  readonly yes?: string;
  readonly output?: string;
  readonly dryRun?: boolean;
  readonly engine?: boolean;
  readonly verbose?: boolean;
}

program
  .name('bench:aws')
  .description('Measures what only an AWS account can tell: how fast jobs start there, and what they use. Costs money, see --dry-run')
  .option('--sizes <n,...>', 'batches of each job', list((text) => number(1, 1_000_000, true)(text)), [100, 1_000, 10_000])
  .addOption(new Option('--ways <name,...>', `any of ${WAYS.join(', ')}`).argParser(list(way)).default([...WAYS], WAYS.join(',')))
  .option('--batch-seconds <s>', 'how long a batch takes', number(0.01, 780), 1)
  .option('--max-dollars <d>', 'spend no more than that', number(0, 1_000), 5)
  .option('--region <name>', 'as AWS_REGION')
  .option('--profile <name>', 'as AWS_PROFILE')
  .option('--yes <account>', 'deploy to this account without a question; it must be that of the credentials')
  .option('--output <name>', 'write NAME.json and NAME.md (default: the name of the stack)')
  .option('--dry-run', 'print what would be deployed and run, and what it would cost; asks nobody')
  .option('--engine', 'on the local AWS in place of an account: tries the measuring, its figures mean nothing')
  .option('--verbose', 'show what the CDK prints')
  .addHelpText('after', `
Exit codes: 0 measured and removed, 1 failed on the way, 2 called wrongly, refused or not confirmed, 4 credentials or permissions, 130 interrupted and removed

Example:
  npm run bench:aws -- --sizes 100,1000 --max-dollars 1 --region eu-west-1 --yes 111122223333`)
  .parse();

const say = (line: string) => process.stderr.write(`${line}\n`);

async function main(options: Options): Promise<void> {
  const { sizes, ways, maxDollars, engine: isLocal, dryRun } = options;
  const batchMs = Math.round(options.batchSeconds * 1_000);
  const planFor = (accountConcurrency: number) => afford(planRuns({ sizes, ways, batchMs, accountConcurrency }), maxDollars);
  if (dryRun) {
    const runs = planRuns({ sizes, ways, batchMs, accountConcurrency: ASSUMPTIONS.accountConcurrency });
    console.log(`${deployed(ways)}\n\n${markdown(planTable(runs, batchMs))}\n\nAssumed: ${ASSUMPTIONS.accountConcurrency} concurrent executions. Nothing was asked, deployed or run.`);
    afford(runs, maxDollars);
    return;
  }
  // for an account is not asked what is too dear anyhow
  if (!isLocal) planFor(Math.max(ASSUMPTIONS.accountConcurrency, ...sizes));
  if (options.region) process.env.AWS_REGION = options.region;
  if (options.profile) process.env.AWS_PROFILE = options.profile;
  const engine = isLocal ? await localAws() : undefined;
  try {
    const connection = new Connection({});
    const account = await findAccount(connection);
    const runs = planFor(account.concurrency);
    say(`Account ${account.id}, ${account.region}, ${account.concurrency} concurrent executions${account.isEmulated ? ' (emulated, not AWS)' : ''}`);
    if (account.region !== PRICES.region) say(`Prices are those of ${PRICES.region}, sheet of ${PRICES.date}.`);
    say(`${deployed(ways)}\n\n${markdown(planTable(runs, batchMs))}\n`);
    if (!engine) await confirm(account, options.yes);
    await measureAll({ connection, account, runs, batchMs, options, isFresh: engine !== undefined });
  } finally {
    await engine?.stop();
  }
}

/** Refuses what might cost more than is allowed. */
function afford(runs: Run[], maxDollars: number): Run[] {
  const worst = worstDollars(runs);
  if (worst <= maxDollars) return runs;
  throw new UsageError(`--max-dollars is ${maxDollars}, these jobs may cost $${figure(worst)}: raise it, or leave --sizes or --ways out`);
}

async function localAws(): Promise<Engine> {
  const engine = await Engine.start();
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_') && !name.startsWith('AWS_SDK_JS_')) delete process.env[name];
  Object.assign(process.env, engine.env, { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null', AWS_EC2_METADATA_DISABLED: 'true' });
  return engine;
}

interface Session {
  readonly connection: Connection;
  readonly account: Account;
  readonly runs: readonly Run[];
  readonly batchMs: number;
  readonly options: Options;
  /** An account that has never seen the CDK. */
  readonly isFresh: boolean;
}

/** From the deployment to its removal, which comes whatever happens in between. */
async function measureAll(session: Session): Promise<void> {
  const { connection, account, batchMs, options } = session;
  const stack = `burst-bench-${Date.now().toString(36)}`;
  const interrupt = new AbortController();
  let job: (() => Promise<void>) | undefined;
  let asked = 0;
  const stop = () => {
    if (++asked > 1) {
      say(`\nleft as it is; ${byHand(stack, account.region)}`);
      process.exit(130);
    }
    say(`\nstopping: stack ${stack} is being removed; a second Ctrl-C leaves it`);
    interrupt.abort();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, stop);
  const log = (line: string) => { if (options.verbose) say(line); };
  const { signal } = interrupt;
  const measured: Measured[] = [];
  const simulated: Times[] = [];
  try {
    say(`deploying ${stack}`);
    if (session.isFresh) await bootstrap(account, log, signal);
    const jobs = await deploy(connection, { stack, ways: options.ways, batchMs }, log, signal);
    for (const [i, run] of session.runs.entries()) {
      const spent = measured.reduce((sum, { cost, run: { dollars } }) => sum + (cost?.dollars ?? dollars), 0);
      if (spent + worstDollars([run]) > options.maxDollars) {
        say(`stopped before ${run.way}, ${run.batches} batches: $${figure(spent)} of ${options.maxDollars} are spent, and it may cost $${figure(worstDollars([run]))}`);
        break;
      }
      if (!account.isEmulated && i > 0) await sleep(RAMP_MS, undefined, { signal });
      say(`${run.way}, ${run.batches} batches: about ${figure(run.seconds)} s, at most ${timeoutSeconds(run)} s`);
      const client = jobs[run.way]!;
      const onJob = (jobId: string) => { job = () => client.cancel(jobId); };
      measured.push(await measure({ client, connection, run, number: i + 1, batchMs, isEmulated: account.isEmulated, signal, onJob }));
      job = undefined;
      simulated.push(await simulate(run, batchMs, account.concurrency));
      write(options.output ?? stack, session, measured, simulated);
    }
  } catch (error) {
    throw signal.aborted ? new Interrupted('interrupted') : error;
  } finally {
    await job?.().catch(() => undefined); // it may not have begun
    await remove(connection, stack).then((was) => say(was ? `removed ${stack}` : 'nothing was deployed'), (error: Error) => {
      process.exitCode = 1;
      say(`stack ${stack} could not be removed (${error.message.split('\n')[0]}); ${byHand(stack, account.region)}`);
    });
    for (const name of signals) process.removeListener(name, stop);
  }
  if (measured.length > 0) console.log(`${textOf(measured, simulated, account)}\n\nIn ${options.output ?? stack}.md, and with all figures in ${options.output ?? stack}.json`);
  const failed = measured.filter(({ status }) => status !== 'SUCCEEDED');
  if (failed.length > 0) throw new Error(`${failed.map(({ jobId, status }) => `${jobId} is ${status}`).join(', ')}: see the report`);
}

/** After each run, so that nothing paid for is lost. Whose account it was stays out of it. */
function write(name: string, { account, batchMs, options }: Session, measured: readonly Measured[], simulated: readonly Times[]): void {
  const { region, concurrency, isEmulated } = account;
  const nameless = (text: string) => text.replace(new RegExp(`(?<=[:/])${account.id}`, 'g'), 'ACCOUNT'); // in ARNs that errors name
  const { region: pricesOf, date } = PRICES;
  const data = {
    at: new Date().toISOString(),
    ...{ region, concurrency, isEmulated, batchMs, maxDollars: options.maxDollars, prices: { region: pricesOf, date } },
    measured,
    simulated,
  };
  writeFileSync(`${name}.json`, nameless(`${JSON.stringify(data, undefined, 2)}\n`));
  writeFileSync(`${name}.md`, nameless(`${textOf(measured, simulated, account)}\n`));
}

const textOf = (measured: readonly Measured[], simulated: readonly Times[], account: Account) => resultTables(measured, simulated, account).map(markdown).join('\n\n');

function way(text: string): Way {
  const found = WAYS.find((name) => name.toLowerCase() === text.toLowerCase());
  if (!found) throw new InvalidArgumentError(`Allowed: ${WAYS.join(', ')}.`);
  return found;
}

function list<T>(parse: (text: string) => T): (text: string) => T[] {
  return (text) => text.split(',').map((part) => parse(part.trim()));
}

function number(least: number, most: number, isWhole = false): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text !== '' && value >= least && value <= most && (!isWhole || Number.isInteger(value))) return value;
    throw new InvalidArgumentError(`Allowed: ${isWhole ? 'whole ' : ''}numbers from ${least} to ${most}.`);
  };
}

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'; // Node 20 will do here
main(program.opts<Options>()).catch((error: Error) => {
  const { message } = error instanceof AccessDeniedError ? error.cause as Error : error;
  say(`bench:aws: ${message}${error instanceof AccessDeniedError ? ': it takes the rights to deploy, run and remove a stack: use an account for experiments' : ''}`);
  process.exitCode = exitCodeOf(error);
});
