import { Duration } from 'aws-cdk-lib';
import { Rule, EventField, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { IFunction, Tracing } from 'aws-cdk-lib/aws-lambda';
import { ILogGroup } from 'aws-cdk-lib/aws-logs';
import {
  DefinitionBody, Fail, IntegrationPattern, IStateMachine, JitterType, JsonPath, LogLevel, RetryProps, StateMachine, TaskInput, Timeout,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke, LambdaInvokeJsonPathProps } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { acknowledgeChildren, acknowledgeJobObjects, acknowledgeNoResource, acknowledgeStateMachine } from './acknowledgements';
import { MapOptions, mapState } from './map-state';
import { logDeliveryStatement, statement, traceStatement } from './permissions';
import { Settings } from './settings';
import { MAP_BATCHES, MAP_OUTPUT } from './storage';

export interface JobStateMachineOptions {
  readonly monitor: IFunction;
  readonly settings: Settings;
  /** Where the other parts are, as JSON: whoever knows the state machine finds them in its definition. */
  readonly parts: string;
  /** Where to log failed states; given, the state machine's role needs the log delivery actions. */
  readonly logGroup?: ILogGroup;
  readonly tracing?: Tracing;
  /** Fans out by a Distributed Map, which takes these permissions; absent: the monitor starts dispatchers. */
  readonly map?: MapOptions & {
    readonly statements: PolicyStatement[];
    readonly selfStatements: (stateMachine: StateMachine) => PolicyStatement[];
  };
}

/** Errors of Lambda itself, and the monitor's own word for "try again". */
const TRANSIENT: RetryProps = {
  errors: [
    'Lambda.ServiceException',
    'Lambda.AWSLambdaException',
    'Lambda.SdkClientException',
    'Lambda.ClientExecutionTimeoutException',
    'Lambda.Unknown',
    // how current runtimes report a monitor that ran out of time or memory
    'Sandbox.Timedout',
    'Runtime.ExitError',
    'Transient',
  ],
  interval: Duration.seconds(1),
  backoffRate: 2,
  maxAttempts: 6,
};

/** The longest run of a function and a minute: no state waits for an answer that cannot come any more. */
const CALL_TIMEOUT = Duration.minutes(16);

/** A retry takes three of the 25,000 events of an execution. */
const MAX_THROTTLE_RETRIES = 6_000;

/** One Standard execution per job and epoch. */
export function createStateMachine(scope: Construct, id: string, options: JobStateMachineOptions): StateMachine {
  const { monitor, settings, parts, logGroup, map } = options;
  const isTraced = options.tracing === Tracing.ACTIVE;
  const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('states.amazonaws.com') });
  const policy = new Policy(scope, `${id}Policy`, {
    roles: [role],
    statements: [
      statement('InvokeMonitor', ['lambda:InvokeFunction'], [monitor.functionArn]),
      ...logGroup ? [logDeliveryStatement()] : [],
      ...isTraced ? [traceStatement(['xray:GetSamplingRules', 'xray:GetSamplingTargets'])] : [],
      ...map?.statements ?? [],
    ],
  });
  if (map) {
    acknowledgeJobObjects(policy, map.bucket, [MAP_BATCHES, MAP_OUTPUT]);
  }
  if (logGroup || isTraced) {
    acknowledgeNoResource(policy, 'log deliveries and traces');
  }

  const stateMachine = new StateMachine(scope, id, {
    definitionBody: DefinitionBody.fromChainable(define(new Construct(scope, 'States'), monitor, settings.longestJob, map)),
    comment: `One job of cdk-burst-compute ${parts}`,
    timeout: Duration.seconds(settings.executionTimeout),
    role: role.withoutPolicyUpdates(), // the policy above is exact; the construct's own would allow every qualifier of the monitor
    logs: logGroup && { destination: logGroup, level: LogLevel.ERROR, includeExecutionData: false },
    tracingEnabled: isTraced || undefined,
  });
  stateMachine.node.addDependency(policy); // what it may do has to stand before it is created, which checks log delivery
  acknowledgeStateMachine(stateMachine, isTraced);
  if (map) {
    // names the state machine, which waits for the policy above
    const self = new Policy(scope, `${id}MapPolicy`, { roles: [role], statements: map.selfStatements(stateMachine) });
    acknowledgeChildren(self, stateMachine);
  }
  return stateMachine;
}

/** Tells the monitor about executions that ended without passing through Finish, for whatever reason. */
export function watchStoppedExecutions(scope: Construct, id: string, stateMachine: IStateMachine, monitor: IFunction): Rule {
  const execution = {
    name: EventField.fromPath('$.detail.name'),
    arn: EventField.fromPath('$.detail.executionArn'),
    status: EventField.fromPath('$.detail.status'),
  };
  return new Rule(scope, id, {
    description: 'Executions that ended otherwise than well; the monitor ignores those that are finished already',
    eventPattern: {
      source: ['aws.states'],
      detailType: ['Step Functions Execution Status Change'],
      detail: { stateMachineArn: [stateMachine.stateMachineArn], status: ['FAILED', 'TIMED_OUT', 'ABORTED'] },
    },
    targets: [new LambdaFunction(monitor, { event: RuleTargetInput.fromObject({ action: 'stopped', execution }) })],
  });
}

/** Prepare -> Await -> Combine, with Repair beside Await and everything else on the way to Finish; or Prepare -> Batches -> Combine, with Settle beside Batches. */
function define(scope: Construct, monitor: IFunction, longestJob: number, map?: MapOptions): LambdaInvoke {
  const call = (id: string, payload: Record<string, unknown>, props: Partial<LambdaInvokeJsonPathProps> = {}) =>
    LambdaInvoke.jsonPath(scope, id, {
      lambdaFunction: monitor,
      payload: TaskInput.fromObject({ action: id.toLowerCase(), ...payload }),
      outputPath: '$.Payload',
      taskTimeout: Timeout.duration(CALL_TIMEOUT),
      retryOnServiceExceptions: false, // ours are below
      ...props,
    });
  const execution = {
    name: JsonPath.stringAt('$$.Execution.Name'),
    arn: JsonPath.stringAt('$$.Execution.Id'),
    startTime: JsonPath.stringAt('$$.Execution.StartTime'),
  };
  const jobId = JsonPath.stringAt('$.jobId');
  const epoch = JsonPath.numberAt('$.epoch');

  const prepare = call('Prepare', { execution, request: JsonPath.objectAt('$') });
  const combine = call('Combine', { jobId, epoch });
  const finish = call('Finish', { execution, input: JsonPath.objectAt('$') });
  const jobFailed = new Fail(scope, 'JobFailed', {
    comment: 'The job ended otherwise than well, and its end is recorded',
    errorPath: JsonPath.stringAt('$.errorName'),
    causePath: JsonPath.stringAt('$.message'),
  });
  const finishFailed = new Fail(scope, 'FinishFailed', {
    comment: 'The end of the job could not be recorded; the rule on failed executions tries again',
    errorPath: JsonPath.stringAt('$.Error'),
    causePath: JsonPath.stringAt('$.Cause'),
  });

  const withRetry = (task: LambdaInvoke) => task.addRetry(throttled(longestJob)).addRetry(TRANSIENT);
  const orFinish = (task: LambdaInvoke) => withRetry(task).addCatch(finish, { errors: ['States.ALL'], resultPath: '$.error' });

  combine.addRetry({ errors: ['CombinerFailed'], interval: Duration.seconds(2), backoffRate: 2, maxAttempts: 2 });
  withRetry(prepare).addCatch(finish, { errors: ['States.ALL'], resultPath: '$' }); // there is no job yet that the error could be put beside
  orFinish(combine);
  withRetry(finish).addCatch(finishFailed, { errors: ['States.ALL'], resultPath: '$' });
  finish.next(jobFailed);

  if (map) {
    const batches = mapState(scope, { ...map, throttled: throttled(longestJob) });
    const settle = orFinish(call('Settle', { jobId, epoch, error: JsonPath.objectAt('$.error') }));
    batches.addCatch(settle, { errors: ['States.ALL'], resultPath: '$.error' });
    settle.next(combine);
    prepare.next(batches).next(combine);
    return prepare;
  }
  const round = JsonPath.numberAt('$.round');
  const awaiting = call('Await', {
    token: JsonPath.taskToken,
    retryCount: JsonPath.numberAt('$$.State.RetryCount'),
    jobId,
    epoch,
    round,
    usage: JsonPath.objectAt('$.usage'),
  }, {
    integrationPattern: IntegrationPattern.WAIT_FOR_TASK_TOKEN,
    taskTimeout: Timeout.at('$.waitSeconds'),
    outputPath: undefined,
    resultPath: JsonPath.DISCARD,
  });
  const repair = call('Repair', { jobId, epoch, round });
  withRetry(awaiting).addCatch(repair, { errors: ['States.Timeout'], resultPath: JsonPath.DISCARD })
    .addCatch(finish, { errors: ['States.ALL'], resultPath: '$.error' });
  orFinish(repair);
  prepare.next(awaiting);
  awaiting.next(combine);
  repair.next(awaiting);
  return prepare;
}

/**
 * Throttles are waited out for as long as the job may take: an account whose slots are all taken is no reason to give up.
 * With full jitter a retry waits half the longest delay on average, a delay that grows with the job to keep to MAX_THROTTLE_RETRIES.
 */
function throttled(longestJob: number): RetryProps {
  const maxDelay = Math.max(30, Math.ceil(2 * longestJob / MAX_THROTTLE_RETRIES));
  return {
    errors: ['Lambda.TooManyRequestsException'],
    interval: Duration.seconds(1),
    backoffRate: 2,
    maxDelay: Duration.seconds(maxDelay),
    jitterStrategy: JitterType.FULL,
    maxAttempts: Math.ceil(2 * longestJob / maxDelay) + 10, // the first few wait less than the longest delay
  };
}
