import { Duration, Lazy, Token } from 'aws-cdk-lib';
import { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { BurstComputeProps } from './burst-compute';
import { CombineMode } from './combine-mode';
import { ChildType } from './fan-out';
import { findTimeout, FunctionSize, runningSize, runningTimeout } from './function-timeout';
import { Checker } from './validation';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const DEFAULTS = {
  batchSize: 1,
  branching: 64,
  timeout: Duration.hours(12),
  workerRetries: 2,
  toleratedFailurePercentage: 0,
  resultRetention: Duration.days(7),
  repairInterval: Duration.seconds(60),
};

/** An ARN has up to 140 characters, the environment of a function 4 KB in all (Lambda quotas). */
const MAX_FUNCTIONS = 15;
const TASK_FUNCTION_NAME = /^[A-Za-z0-9_-]{1,64}$/;
/** A dispatcher lives 15 minutes at most and must outlive the workers that it supervises, with room to commit. */
const MAX_WORKER_TIMEOUT = 13 * MINUTE;

/** An Express execution lives 5 minutes at most; the rest is for the commit. */
const MAX_EXPRESS_WORKER_TIMEOUT = 270;
/** Child executions of a Distributed Map in parallel (Step Functions quotas). */
const MAX_CHILDREN = 10_000;

/** The monitor calls the combiner and lives 15 minutes at most: the rest is for the manifest before and the answer after. */
const MAX_COMBINER_TIMEOUT = 13 * MINUTE;

/** A round of Await and Repair takes about 13 of the 25,000 events of an execution; 1,500 rounds leave a fifth for retries. */
const MAX_ROUNDS = 1_500;

/** The wait between two repairs never grows beyond this. */
const MAX_REPAIR_INTERVAL = 15 * MINUTE;

/** The longest job that any repair interval allows; stands in for a time-out that is a token. */
const LONGEST_JOB = MAX_ROUNDS * MAX_REPAIR_INTERVAL;

/** The maximum duration of a Standard execution. */
const YEAR = 365 * DAY;

/**
 * What the state machine allows on top of the job's own time-out: three runs of the combiner (two retries) of 15 minutes
 * each, and as much again for preparing, finishing and waiting out throttles.
 */
const COMBINE_ALLOWANCE = HOUR;

/**
 * How long a leaf may take to show its first sign of life before the monitor starts it again: the maximum event age of the
 * dispatcher, after which Lambda itself has given the event up.
 */
export const LEAF_START_GRACE = 60;

/** The checked props, with every default in place. Durations are in seconds, and any number may be a token. */
export interface Settings {
  /** `BURST_SETTINGS` of the monitor, to be written with `stack.toJsonString`. */
  readonly environment: Record<string, unknown>;
  /** How long the state machine lets an execution run. */
  readonly executionTimeout: number;
  /** How long a job may run, the longest possible one where that is a token. */
  readonly longestJob: number;
  /** After how many days an object may go: it is as old as its job, and readable for as long as the job's rows. */
  readonly expireAfterDays: number;
  readonly combineMode: CombineMode;
  /** Of the Distributed Map that fans out; absent: a tree of dispatchers does. */
  readonly childType?: ChildType;
  /** Functions whose time-outs the monitor has to ask Lambda for. */
  readonly asksFor: IFunction[];
}

/**
 * Checks every prop and puts the defaults in place.
 *
 * @throws an Error that names the prop, the value received and what is allowed
 */
export function readSettings(scope: Construct, props: BurstComputeProps): Settings {
  const check = new Checker(scope);

  const whole = { whole: true };
  const batchSize = check.number('batchSize', props.batchSize ?? DEFAULTS.batchSize, { ...whole, min: 1 });
  const maxConcurrency = props.maxConcurrency === undefined
    ? undefined
    : check.number('maxConcurrency', props.maxConcurrency, { ...whole, min: 1, advice: 'leave it out to be bounded by the account alone' });
  const branching = check.number('branching', props.branching ?? DEFAULTS.branching, { ...whole, min: 2, max: 1_000 });
  const workerRetries = check.number('workerRetries', props.workerRetries ?? DEFAULTS.workerRetries, { ...whole, min: 0, max: 10 });
  const tolerated = check.number('toleratedFailurePercentage',
    props.toleratedFailurePercentage ?? DEFAULTS.toleratedFailurePercentage, { min: 0, max: 100 });
  const timeout = check.duration('timeout', props.timeout ?? DEFAULTS.timeout,
    { min: 10, max: YEAR - COMBINE_ALLOWANCE, advice: 'an execution of Step Functions may take a year' });
  const repairInterval = check.duration('repairInterval', props.repairInterval ?? DEFAULTS.repairInterval, { min: 5, max: MAX_REPAIR_INTERVAL });
  const retention = readRetention(check, props.resultRetention ?? DEFAULTS.resultRetention);

  checkRounds(check, timeout, repairInterval);
  if (known(timeout, retention) && retention < timeout) {
    check.fail(`resultRetention must be at least the timeout of ${timeout} seconds, got ${retention} seconds: `
      + 'results must not expire while their job runs; raise resultRetention or lower timeout');
  }
  checkFunctions(scope, check, props);

  const combineMode = readCombineMode(check, props);
  const fanOut = readFanOut(check, props, combineMode);

  const longestJob = known(timeout) ? timeout : LONGEST_JOB;
  return {
    environment: {
      batchSize,
      maxConcurrency,
      branching,
      timeoutSeconds: timeout,
      workerRetries,
      toleratedFailurePercentage: tolerated,
      combineOnTimeout: props.combineOnTimeout,
      combineMode,
      fanOut,
      speculativeExecution: props.speculativeExecution,
      resultRetentionSeconds: retention,
      repairIntervalSeconds: repairInterval,
      // read at synthesis: an aspect or later code may still set a time-out
      workerTimeoutSeconds: Lazy.any({ produce: () => longestTimeout(workersOf(props)) }),
      taskTimeoutSeconds: props.taskFunctions && Lazy.any({
        produce: () => mapValues(byName(props.taskFunctions), (fn) => runningTimeout(fn) ?? null),
      }),
      combinerTimeoutSeconds: Lazy.any({ produce: () => props.combiner && runningTimeout(props.combiner) }),
      leafStartGraceSeconds: LEAF_START_GRACE,
      functions: Lazy.any({ produce: () => functionSizes(props) }), // for the bill
    },
    executionTimeout: longestJob + COMBINE_ALLOWANCE,
    longestJob,
    expireAfterDays: Math.ceil((longestJob + retention + COMBINE_ALLOWANCE) / DAY), // S3 waits for the next midnight on top
    combineMode,
    childType: fanOut?.childType,
    asksFor: [
      ...longestTimeout(workersOf(props)) === undefined ? workersOf(props) : [],
      ...Object.values(byName(props.taskFunctions)).filter((fn) => runningTimeout(fn) === undefined),
    ],
  };
}

function readCombineMode(check: Checker, { combiner, combineMode }: BurstComputeProps): CombineMode {
  const mode = combineMode ?? (combiner ? CombineMode.COLLECT : CombineMode.NONE);
  if (!Object.values(CombineMode).includes(mode)) {
    check.fail(`combineMode must be one of ${Object.values(CombineMode).join(', ')}, got ${mode}`);
  }
  if (mode !== CombineMode.NONE && !combiner) {
    check.fail(`combineMode ${mode} needs a combiner, got none: set combiner, or leave combineMode out for jobs that end with the manifest of their results`);
  }
  if (mode === CombineMode.NONE && combiner) {
    check.fail(`combineMode NONE calls no combiner, got '${combiner.node.path}': leave out one of the two`);
  }
  return mode;
}

/** Undefined for a tree of dispatchers. */
function readFanOut(
  check: Checker, { fanOut, speculativeExecution, branching }: BurstComputeProps, combineMode: CombineMode,
): { childType: ChildType; maxConcurrency: number } | undefined {
  const map = fanOut?._map;
  if (!map) {
    return undefined;
  }
  const { childType = ChildType.STANDARD, maxConcurrency = MAX_CHILDREN } = map;
  if (!Object.values(ChildType).includes(childType)) {
    check.fail(`childType of FanOut.distributedMap must be one of ${Object.values(ChildType).join(', ')}, got ${childType}`);
  }
  if (combineMode === CombineMode.TREE) {
    check.fail('combineMode TREE needs FanOut.tree(), got FanOut.distributedMap(): dispatchers do the combining, and there are none; '
      + 'use CombineMode.COLLECT or FanOut.tree()');
  }
  if (speculativeExecution) {
    check.fail('speculativeExecution needs FanOut.tree(), got FanOut.distributedMap(): nobody watches a group of batches there; leave it out');
  }
  if (branching !== undefined) {
    check.fail(`branching needs FanOut.tree(), got ${branching} with FanOut.distributedMap(): there are no dispatchers to split; leave it out`);
  }
  return {
    childType,
    maxConcurrency: check.number('maxConcurrency of FanOut.distributedMap', maxConcurrency,
      { whole: true, min: 1, max: MAX_CHILDREN, advice: 'Step Functions runs at most 10,000 child executions of a Distributed Map at once' }),
  };
}

function readRetention(check: Checker, retention: Duration): number {
  if (retention.isUnresolved()) {
    check.fail('resultRetention must be known at synthesis, got a token: rows expire by the second and objects by the day, '
      + 'and CloudFormation cannot convert one into the other');
  }
  return check.duration('resultRetention', retention, { min: 10 });
}

function checkRounds(check: Checker, timeout: number, repairInterval: number): void {
  if (!known(timeout, repairInterval) || timeout <= MAX_ROUNDS * repairInterval) {
    return;
  }
  const shortest = Math.ceil(timeout / MAX_ROUNDS);
  const advice = shortest <= MAX_REPAIR_INTERVAL
    ? `raise repairInterval to at least ${shortest} seconds or lower timeout to at most ${MAX_ROUNDS * repairInterval} seconds`
    : `lower timeout to at most ${LONGEST_JOB} seconds, with a repairInterval of ${MAX_REPAIR_INTERVAL} seconds`;
  check.fail(`timeout and repairInterval must allow at most ${MAX_ROUNDS} repair rounds, got a timeout of ${timeout} seconds with a repairInterval of `
    + `${repairInterval} seconds, up to ${Math.ceil(timeout / repairInterval)} rounds: an execution keeps 25,000 events and a round takes about 13 `
    + `(waits grow while a job is quiet, up to 15 minutes, but every round of a struggling job may be a busy one); ${advice}`);
}

function checkFunctions(scope: Construct, check: Checker, props: BurstComputeProps): void {
  const { worker, workerReplicas = [], combiner } = props;
  const taskFunctions = byName(props.taskFunctions);
  if (workerReplicas.length > MAX_FUNCTIONS) {
    check.fail(`workerReplicas must be at most ${MAX_FUNCTIONS} functions, got ${workerReplicas.length}: their ARNs have to fit in the environment of a function`);
  }
  const names = Object.keys(taskFunctions);
  if (workerReplicas.length + names.length > MAX_FUNCTIONS) {
    check.fail(`taskFunctions and workerReplicas must be at most ${MAX_FUNCTIONS} functions together, got ${names.length} and ${workerReplicas.length}: `
      + 'their ARNs have to fit in the environment of a function; let one function do several kinds of tasks, told apart by their params');
  }
  const badName = names.find((name) => !TASK_FUNCTION_NAME.test(name));
  if (badName !== undefined) {
    check.fail(`taskFunctions must have names of 1 to 64 letters, digits, '-' and '_', got '${badName}'`);
  }
  const twice = workerReplicas.find((fn, i) => [worker, ...workerReplicas.slice(0, i)].some((other) => other.functionArn === fn.functionArn));
  if (twice) {
    check.fail(`workerReplicas must be functions of their own, got '${twice.node.path}' twice: a replica that is the worker itself starts nothing faster`);
  }
  if (combiner?.functionArn === worker.functionArn) {
    check.fail(`combiner must be another function than worker, got '${worker.node.path}' for both: they receive different events; `
      + 'make two functions, which may share their code');
  }
  check.sameEnvironment('worker', worker);
  workerReplicas.forEach((fn) => check.sameEnvironment('workerReplicas', fn));
  names.forEach((name) => check.sameEnvironment(`taskFunctions '${name}'`, taskFunctions[name]));
  if (combiner) {
    check.sameEnvironment('combiner', combiner);
  }
  const supervised: [string, IFunction][] = [
    ...workersOf(props).map((fn): [string, IFunction] => [fn === worker ? 'worker' : 'workerReplicas', fn]),
    ...names.map((name): [string, IFunction] => [`taskFunctions '${name}'`, taskFunctions[name]]),
  ];
  const isExpress = props.fanOut?._map?.childType === ChildType.EXPRESS;
  const timeouts = () => [
    ...supervised.map(([name, fn]) => (isExpress
      ? check.functionTimeout(name, findTimeout(fn), MAX_EXPRESS_WORKER_TIMEOUT,
        'an Express child execution lives 5 minutes and has to outlive it; lower it and give each batch less work, or use ChildType.STANDARD')
      : check.functionTimeout(name, findTimeout(fn), MAX_WORKER_TIMEOUT,
        'its dispatcher lives 15 minutes and has to outlive it; lower it and give each batch less work'))),
    ...combiner
      ? [check.functionTimeout('combiner', findTimeout(combiner), MAX_COMBINER_TIMEOUT, 'the monitor calls it and lives 15 minutes; lower it')]
      : [],
  ].filter((problem) => problem !== undefined);
  const [problem] = timeouts();
  if (problem) {
    check.fail(problem);
  }
  scope.node.addValidation({ validate: timeouts }); // and once more when later code has had its say
}

function workersOf({ worker, workerReplicas = [] }: BurstComputeProps): IFunction[] {
  return [worker, ...workerReplicas];
}

/** Undefined as soon as one of them is known to Lambda only. */
function longestTimeout(functions: IFunction[]): number | undefined {
  const timeouts = functions.map(runningTimeout);
  return timeouts.some((timeout) => timeout === undefined) ? undefined : Math.max(...timeouts as number[]);
}

/** What is known at synthesis of the memory of functions; that of workers, and of taskFunctions, only if it is the same for all. */
function functionSizes(props: BurstComputeProps): { worker?: FunctionSize; combiner?: FunctionSize; task?: FunctionSize } {
  const worker = commonSize(workersOf(props));
  const task = commonSize(Object.values(props.taskFunctions ?? {}));
  const combiner = props.combiner && runningSize(props.combiner);
  return { ...worker && { worker }, ...combiner && { combiner }, ...task && { task } };
}

function commonSize(functions: IFunction[]): FunctionSize | undefined {
  const [first, ...others] = functions.map(runningSize);
  return others.every((size) => size?.memoryMegabytes === first?.memoryMegabytes && size?.architecture === first?.architecture) ? first : undefined;
}

/** Maps of other languages come in any order, and the template should be the same each time. */
export function byName<T>(object: { [name: string]: T } = {}): { [name: string]: T } {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function mapValues<T, R>(object: { [name: string]: T }, of: (value: T) => R): { [name: string]: R } {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, of(value)]));
}

function known(...values: number[]): boolean {
  return !values.some((value) => Token.isUnresolved(value));
}
