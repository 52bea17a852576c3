import { Annotations, CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { Grant, IGrantable, Policy } from 'aws-cdk-lib/aws-iam';
import { IKey } from 'aws-cdk-lib/aws-kms';
import { IFunction, Tracing } from 'aws-cdk-lib/aws-lambda';
import { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { IBucket } from 'aws-cdk-lib/aws-s3';
import { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { acknowledgeInputs, acknowledgeJobObjects, acknowledgeNoResource } from './acknowledgements';
import { CombineMode } from './combine-mode';
import { FanOut } from './fan-out';
import { createDispatcher, createMonitor, isTraced } from './functions';
import { allowLogEncryption, combinerStatements, dispatcherStatements, inputStatements, mapSelfStatements, mapStatements, monitorStatements } from './permissions';
import { byName, mapValues, readSettings } from './settings';
import { createStateMachine, watchStoppedExecutions } from './state-machine';
import { createBucket, createTable, JOB_OBJECTS, UPLOADS } from './storage';

/**
 * Properties of a BurstCompute.
 */
export interface BurstComputeProps {
  /**
   * The function that works on one batch.
   *
   * It receives `{ jobId, batchId, invocationAttempt, range | items, parameters, deadlineMs }`, and what it returns is the
   * result of the batch. It may run more than once for the same batch. Any function of the same account and Region will do,
   * imported ones, aliases and versions too. Its time-out must be at most 13 minutes, checked at synthesis where it is known
   * and at the start of each job otherwise.
   */
  readonly worker: IFunction;

  /**
   * Further functions with the same code as `worker`, which take turns with it.
   *
   * Lambda starts at most 1,000 execution environments per 10 seconds for each function (Lambda quotas): with 7 replicas a job
   * can start eight times as fast, in an account whose concurrency allows that. At most 15.
   *
   * @default - none
   */
  readonly workerReplicas?: IFunction[];

  /**
   * Functions for unlike tasks, by the name that requests call them: `{ "tasks": [{ "id": "a", "function": "<name>", "params": {} }] }`.
   *
   * Such a function receives `{ jobId, batchId, invocationAttempt, task: { id, function, params }, parameters, deadlineMs }`, and
   * what it returns is the result of that task. The result of the job then is an object by task id, with each one's status; the
   * `combiner` is not called. Names have 1 to 64 letters, digits, "-" and "_"; what holds for `worker` holds for each function. At
   * most 15, `workerReplicas` included.
   *
   * @default - none: requests have items, and the worker runs them all
   */
  readonly taskFunctions?: { [name: string]: IFunction };

  /**
   * The function that turns the results of all batches into the answer of the job.
   *
   * It receives the results in batch order, `{ jobId, status, isComplete, isTimedOut, batchCount, failures, parameters,
   * startedAt, elapsedSeconds, results }`, and may run more than once for one job; the first answer that is stored counts. It must be another function than
   * `worker`, of the same account and Region, with a time-out of at most 13 minutes. It is allowed to read the objects of
   * jobs, since results beyond 4 MiB come as the address of a manifest; an imported one needs a known role for that.
   *
   * @default - the results of the batches stay as they are, without a combined answer
   */
  readonly combiner?: IFunction;

  /**
   * How the results are combined: at the end by one call (COLLECT), in parts while the job runs (TREE), or not at all (NONE).
   *
   * With TREE no call has more than 64 results, dispatchers call the combiner in the place of workers, and the time it takes counts
   * towards `timeout`.
   *
   * @default CombineMode.COLLECT with a `combiner`, CombineMode.NONE without
   */
  readonly combineMode?: CombineMode;

  /**
   * Buckets that the items of jobs may be read from, for requests with `items.s3` or `items.s3Prefix`.
   *
   * Lets the monitor read and list them and the dispatcher read them, all of each bucket, and both decrypt with a bucket's
   * `encryptionKey`, where it is known. A bucket or key of another account must allow that by its own policy, too. Workers are
   * not given anything: those that open objects themselves need a grant of their own.
   *
   * @default - none: items come with the request, or through the upload of the client
   */
  readonly inputBuckets?: IBucket[];

  /**
   * How many items one invocation of the worker gets at most; a whole number of at least 1. A request may say otherwise.
   *
   * @default 1 - one invocation per item
   */
  readonly batchSize?: number;

  /**
   * How many invocations of the worker may run at the same time; a whole number of at least 1. A request may ask for fewer.
   *
   * Invocations that outlive a lost dispatcher come on top of it.
   *
   * @default - as many as the account's concurrency allows
   */
  readonly maxConcurrency?: number;

  /**
   * How batches reach the worker: by a tree of dispatchers, or by a Distributed Map of Step Functions.
   *
   * Jobs that are started before it changes must end before it does.
   *
   * @default FanOut.tree()
   */
  readonly fanOut?: FanOut;

  /**
   * In how many parts a dispatcher splits its share of a job at most; a whole number from 2 to 1,000.
   *
   * @default 64
   */
  readonly branching?: number;

  /**
   * How long a job may take, combining at the end excluded, in whole seconds from 10 on. A request may ask for less.
   *
   * A job that is not done by then ends as TIMED_OUT; see `combineOnTimeout` for what is there already. At most 1,500 times
   * `repairInterval`, so at most 15 days and 15 hours.
   *
   * @default Duration.hours(12)
   */
  readonly timeout?: Duration;

  /**
   * Whether the combiner is called for a job that runs out of time, with the results that are there.
   *
   * The job ends as TIMED_OUT all the same. The combiner's event says `isTimedOut`, and names the missing batches.
   *
   * @default false - the results stay readable, uncombined
   */
  readonly combineOnTimeout?: boolean;

  /**
   * Whether a batch that takes much longer than the others of its group of 64 is given to a second invocation of the worker: once
   * nine tenths of the group are done, after twice the time in which 95 % of them were done and at least a second. The
   * first answer wins; the other invocation runs on to its end, and is paid for. At most one more per dispatcher.
   *
   * @default false
   */
  readonly speculativeExecution?: boolean;

  /**
   * How often a batch is tried again after its worker failed; a whole number from 0 to 10. Throttles do not count.
   *
   * @default 2 - three attempts
   */
  readonly workerRetries?: number;

  /**
   * The share of batches that may fail, in per cent from 0 to 100, before the job fails as a whole. A request may say otherwise.
   *
   * @default 0 - one failed batch fails the job
   */
  readonly toleratedFailurePercentage?: number;

  /**
   * How long the results of a job can be read after its time-out, whether it needed all of that or not; in whole seconds. At
   * least `timeout`, and not a token.
   *
   * @default Duration.days(7)
   */
  readonly resultRetention?: Duration;

  /**
   * How long the state machine waits before it looks for lost work, from 5 seconds to 15 minutes.
   *
   * After a quiet round the wait is a quarter of the job's age, at least this and at most 15 minutes: what is lost late in a
   * job is then mended within a quarter of the time spent so far.
   *
   * @default Duration.seconds(60)
   */
  readonly repairInterval?: Duration;

  /**
   * The key that encrypts the tables, the bucket and the log groups.
   *
   * The policy of a key of the same app is extended so that CloudWatch Logs may use it; an imported key must allow it already. The input of
   * an execution and its history stay under a key of AWS.
   *
   * @default - keys that AWS manages
   */
  readonly encryptionKey?: IKey;

  /**
   * What becomes of tables, bucket and log groups when the construct is removed.
   *
   * With `RemovalPolicy.DESTROY`, empty the bucket first: CloudFormation does not delete one that holds objects.
   *
   * @default - tables and log groups are deleted, because the data of jobs is transient and can be computed again. The bucket
   * stays behind, and its lifecycle rule empties it once `timeout` and `resultRetention` are over.
   */
  readonly removalPolicy?: RemovalPolicy;

  /**
   * Where both functions write their logs, and the state machine its failed states.
   *
   * Logs of a state machine need permission to manage log deliveries, for which AWS offers no narrower resource than `*`.
   *
   * @default - one log group per function, kept for a month; the state machine writes none, its executions keep their
   * history for 90 days
   */
  readonly logGroup?: ILogGroup;

  /**
   * Whether AWS X-Ray traces both functions and, with `Tracing.ACTIVE`, the state machine.
   *
   * @default Tracing.DISABLED
   */
  readonly tracing?: Tracing;
}

/**
 * Runs massively parallel jobs on AWS Lambda: one Step Functions execution per job, which fans out to thousands of
 * invocations of `worker`, repairs what is lost on the way and has `combiner` turn the results into one answer.
 *
 * Start a job with an execution of `stateMachine` whose input is the request, for instance
 * `{ "items": { "range": { "start": 0, "end": 1000 } } }`.
 */
export class BurstCompute extends Construct {
  /**
   * The function that works on one batch, as given.
   */
  public readonly worker: IFunction;

  /**
   * Further functions with the same code, as given; empty without any.
   */
  public readonly workerReplicas: IFunction[];

  /**
   * Functions for unlike tasks by their names, as given; empty without any.
   */
  public readonly taskFunctions: { [name: string]: IFunction };

  /**
   * The function that combines the results, as given; undefined without one.
   */
  public readonly combiner?: IFunction;

  /**
   * The function that fans a job out and supervises its workers. Under a Distributed Map it is never called, and may do nothing.
   */
  public readonly dispatcher: IFunction;

  /**
   * The function behind the states of the state machine: plans, repairs, combines and finishes.
   */
  public readonly monitor: IFunction;

  /**
   * The table with the state of jobs, for the two functions and for reading progress.
   */
  public readonly tasksTable: ITable;

  /**
   * The table with the results of jobs.
   */
  public readonly resultsTable: ITable;

  /**
   * The bucket with whatever is too large for a row, under `jobs/`.
   */
  public readonly payloadBucket: IBucket;

  /**
   * The state machine; each of its executions is a job.
   */
  public readonly stateMachine: IStateMachine;

  /**
   * The key that encrypts what jobs leave behind, as given; undefined without one.
   */
  public readonly encryptionKey?: IKey;

  /**
   * @param scope the parent
   * @param id the id within it; several in one stack do not disturb each other
   * @param props what to run, and how
   * @throws an Error that names the prop, the value received and what is allowed
   */
  constructor(scope: Construct, id: string, props: BurstComputeProps) {
    super(scope, id);
    const settings = readSettings(this, props);
    const { worker, combiner, encryptionKey, removalPolicy, logGroup, tracing } = props;
    this.worker = worker;
    this.workerReplicas = props.workerReplicas ?? [];
    this.taskFunctions = byName(props.taskFunctions);
    this.combiner = combiner;
    this.encryptionKey = encryptionKey;

    if (encryptionKey && !logGroup) {
      allowLogEncryption(this, encryptionKey);
    }
    const storage = { encryptionKey, removalPolicy };
    this.tasksTable = createTable(this, 'Tasks', storage);
    this.resultsTable = createTable(this, 'Results', storage);
    this.payloadBucket = createBucket(this, 'Payloads', { ...storage, expireAfterDays: settings.expireAfterDays });

    const runtime = { encryptionKey, removalPolicy, logGroup, tracing };
    const environment = {
      TASKS_TABLE: this.tasksTable.tableName,
      RESULTS_TABLE: this.resultsTable.tableName,
      PAYLOAD_BUCKET: this.payloadBucket.bucketName,
      WORKER_ARN: worker.functionArn,
      ...this.workerReplicas.length > 0 && { WORKER_REPLICA_ARNS: this.workerReplicas.map((fn) => fn.functionArn).join(',') },
      ...Object.keys(this.taskFunctions).length > 0 && {
        TASK_FUNCTION_ARNS: Stack.of(this).toJsonString(mapValues(this.taskFunctions, (fn) => fn.functionArn)),
      },
    };
    const combines = settings.combineMode === CombineMode.TREE;
    const dispatcher = createDispatcher(this, {
      ...runtime, environment: { ...environment, ...combiner && combines && { COMBINER_ARN: combiner.functionArn } },
    });
    const monitor = createMonitor(this, {
      ...runtime,
      environment: {
        ...environment,
        ...combiner && { COMBINER_ARN: combiner.functionArn },
        DISPATCHER_ARN: dispatcher.fn.functionArn,
        BURST_SETTINGS: Stack.of(this).toJsonString(settings.environment),
      },
    });
    this.dispatcher = dispatcher.fn;
    this.monitor = monitor.fn;
    const parts = {
      tasksTable: this.tasksTable.tableName,
      resultsTable: this.resultsTable.tableName,
      payloadBucket: this.payloadBucket.bucketName,
      dispatcher: this.dispatcher.functionName,
      monitor: this.monitor.functionName,
      workers: [worker, ...this.workerReplicas].map((fn) => fn.functionArn),
    };
    const map = settings.childType && {
      childType: settings.childType,
      bucket: this.payloadBucket,
      table: this.resultsTable,
      statements: mapStatements(this),
      selfStatements: mapSelfStatements,
    };
    this.stateMachine = createStateMachine(this, 'StateMachine', {
      monitor: monitor.fn, settings, parts: Stack.of(this).toJsonString(parts), logGroup, tracing, map,
    });
    watchStoppedExecutions(this, 'Stopped', this.stateMachine, this.monitor);

    const inputBuckets = props.inputBuckets ?? [];
    const monitorPolicy = monitor.allow([...monitorStatements(this, this, settings), ...inputStatements(inputBuckets, true)]);
    acknowledgeNoResource(monitorPolicy, 'lambda:GetAccountSettings and the trace actions');
    // under a Distributed Map there is nothing for it to do, so it may do nothing
    const dispatcherPolicy = dispatcher.allow(map ? [] : [...dispatcherStatements(this, combines), ...inputStatements(inputBuckets, false)]);
    if (isTraced(tracing)) {
      acknowledgeNoResource(dispatcherPolicy, 'the trace actions');
    }
    const holders = [monitorPolicy, ...map ? [] : [dispatcherPolicy]];
    acknowledgeInputs(holders, inputBuckets);
    for (const policy of [...holders, ...this.allowCombiner()]) {
      acknowledgeJobObjects(policy, this.payloadBucket);
    }

    new CfnOutput(this, 'Address', {
      description: `cdk-burst-compute job ${this.node.path}`,
      value: Stack.of(this).toJsonString({
        stateMachineArn: this.stateMachine.stateMachineArn,
        ...parts,
      }),
    });
  }

  /**
   * Lets a principal start jobs: start executions, describe the state machine, whose definition tells the client where everything
   * is, and write objects at `jobs/<job>/upload/`, encrypted with the `encryptionKey` if there is one.
   *
   * The client puts a list there that is larger than the 256 KiB which the input of an execution may have. Which job that
   * will be is not known before; results are kept elsewhere, out of reach.
   *
   * @param grantee who may start executions of the state machine
   * @returns the grant; read its `success` where the grantee may be imported
   */
  public grantStart(grantee: IGrantable): Grant {
    const grant = this.stateMachine.grant(grantee, 'states:StartExecution', 'states:DescribeStateMachine').combine(Grant.addToPrincipal({
      grantee,
      actions: ['s3:PutObject'],
      resourceArns: [this.payloadBucket.arnForObjects(UPLOADS)],
    }));
    return this.encryptionKey ? grant.combine(this.encryptionKey.grant(grantee, 'kms:GenerateDataKey')) : grant;
  }

  /**
   * Lets a principal cancel jobs: stop executions of this state machine. Whatever runs then ends as CANCELLED, and its
   * results so far stay readable. The client's `cancel` also needs `grantReadResults`, to find the execution of the job.
   *
   * @param grantee who may cancel
   */
  public grantCancel(grantee: IGrantable): Grant {
    return this.stateMachine.grantExecution(grantee, 'states:StopExecution');
  }

  /**
   * Lets a principal redrive jobs: run failed and missing batches of an ended job again.
   *
   * A redrive is an execution of its own, and AWS offers no permission that would tell it from the start of a job: this
   * allows what `grantStart` allows. The client's `redrive` also needs `grantReadResults`, to see whether the job has ended.
   *
   * @param grantee who may redrive
   */
  public grantRedrive(grantee: IGrantable): Grant {
    return this.stateMachine.grantStartExecution(grantee);
  }

  /**
   * Lets a principal follow jobs and read their results: describe the state machine, list and describe its executions, read rows by
   * their key, read the objects of jobs, and decrypt with the `encryptionKey` if there is one.
   *
   * @param grantee who may read
   * @returns the grants in one
   */
  public grantReadResults(grantee: IGrantable): Grant {
    const grant = Grant.addToPrincipal({
      grantee,
      actions: ['dynamodb:GetItem', 'dynamodb:BatchGetItem'],
      resourceArns: [this.tasksTable.tableArn, this.resultsTable.tableArn],
    })
      .combine(this.stateMachine.grant(grantee, 'states:DescribeStateMachine', 'states:ListExecutions'))
      .combine(this.stateMachine.grantExecution(grantee, 'states:DescribeExecution'))
      .combine(Grant.addToPrincipal({
        grantee,
        actions: ['s3:GetObject'],
        resourceArns: [this.payloadBucket.arnForObjects(JOB_OBJECTS)],
      }));
    return this.encryptionKey ? grant.combine(this.encryptionKey.grantDecrypt(grantee)) : grant;
  }

  /**
   * Metric for the number of jobs that were started.
   *
   * @param props what differs from the sum over 5 minutes
   */
  public metricStarted(props?: MetricOptions): Metric {
    return this.stateMachine.metricStarted(props);
  }

  /**
   * Metric for the number of jobs that succeeded.
   *
   * @param props what differs from the sum over 5 minutes
   */
  public metricSucceeded(props?: MetricOptions): Metric {
    return this.stateMachine.metricSucceeded(props);
  }

  /**
   * Metric for the number of jobs that did not succeed, those past their time-out included.
   *
   * @param props what differs from the sum over 5 minutes
   */
  public metricFailed(props?: MetricOptions): Metric {
    return this.stateMachine.metricFailed(props);
  }

  /**
   * Metric for the number of executions that the state machine's own time-out ended.
   *
   * It lies beyond the time-out of jobs, so that anything above zero deserves a look; jobs that are merely late count as failed.
   *
   * @param props what differs from the sum over 5 minutes
   */
  public metricTimedOut(props?: MetricOptions): Metric {
    return this.stateMachine.metricTimedOut(props);
  }

  /**
   * Metric for the number of jobs whose execution was stopped from outside.
   *
   * @param props what differs from the sum over 5 minutes
   */
  public metricAborted(props?: MetricOptions): Metric {
    return this.stateMachine.metricAborted(props);
  }

  /**
   * Metric for the time that jobs took, in milliseconds.
   *
   * @param props what differs from the average over 5 minutes
   */
  public metricJobTime(props?: MetricOptions): Metric {
    return this.stateMachine.metricTime(props);
  }

  /**
   * Metric for the number of invocations of the worker.
   *
   * @param props what differs from the sum over 5 minutes
   */
  public metricWorkerInvocations(props?: MetricOptions): Metric {
    return this.worker.metricInvocations(props);
  }

  /**
   * Metric for the number of invocations of the worker that failed; each counts, tried again or not.
   *
   * @param props what differs from the sum over 5 minutes
   */
  public metricWorkerErrors(props?: MetricOptions): Metric {
    return this.worker.metricErrors(props);
  }

  /**
   * Metric for the number of invocations of the worker that Lambda throttled. Some are part of how a job finds its pace.
   *
   * @param props what differs from the sum over 5 minutes
   */
  public metricWorkerThrottles(props?: MetricOptions): Metric {
    return this.worker.metricThrottles(props);
  }

  /**
   * Metric for the duration of invocations of the worker, in milliseconds.
   *
   * @param props what differs from the average over 5 minutes
   */
  public metricWorkerDuration(props?: MetricOptions): Metric {
    return this.worker.metricDuration(props);
  }

  /**
   * Metric for the number of dispatchers that failed. The monitor repairs what they leave undone.
   *
   * @param props what differs from the sum over 5 minutes
   */
  public metricDispatcherErrors(props?: MetricOptions): Metric {
    return this.dispatcher.metricErrors(props);
  }

  /**
   * Metric for the number of failed invocations of the monitor. A job that does not succeed fails one, too.
   *
   * @param props what differs from the sum over 5 minutes
   */
  public metricMonitorErrors(props?: MetricOptions): Metric {
    return this.monitor.metricErrors(props);
  }

  /** A policy of its own, here: the combiner may live in another stack, which must not come to depend on this one. */
  private allowCombiner(): Policy[] {
    if (!this.combiner) {
      return [];
    }
    const { role } = this.combiner;
    if (!role) {
      Annotations.of(this).addWarningV2('cdk-burst-compute:combinerRole',
        `combiner '${this.combiner.node.path}' is imported without its role: allow s3:GetObject on ${JOB_OBJECTS} of the payload bucket, `
        + `${this.encryptionKey ? 'and kms:Decrypt with the encryptionKey, ' : ''}to it where it is defined, or import it with its role; `
        + 'it needs that when results exceed 4 MiB');
      return [];
    }
    const policy = new Policy(this, 'CombinerPolicy', { statements: combinerStatements(this) });
    role.attachInlinePolicy(policy); // leaves out imported roles that cannot be changed
    return [policy];
  }
}
