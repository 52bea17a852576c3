import * as path from 'path';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { IKey } from 'aws-cdk-lib/aws-kms';
import { Architecture, CfnFunction, Code, Function as LambdaFunction, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { ILogGroup, LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { statement, traceStatement } from './permissions';
import { LEAF_START_GRACE } from './settings';

export interface RuntimeOptions {
  readonly environment: Record<string, string>;
  readonly encryptionKey?: IKey;
  readonly logGroup?: ILogGroup;
  readonly removalPolicy?: RemovalPolicy;
  readonly tracing?: Tracing;
}

/** One of our functions, and how it gets what it may do. */
export interface RuntimeFunction {
  readonly fn: LambdaFunction;
  /** Writes the policy: a resource of its own, because it names what in turn depends on the function. */
  allow(statements: PolicyStatement[]): Policy;
}

/** The function that fans out: an event of it that Lambda cannot deliver in time is dropped, the monitor sends another. */
export function createDispatcher(scope: Construct, options: RuntimeOptions): RuntimeFunction {
  const dispatcher = createFunction(scope, 'Dispatcher', 'Fans a job out and supervises its workers', options);
  dispatcher.fn.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.seconds(LEAF_START_GRACE) });
  return dispatcher;
}

/** The function behind every state of the state machine. */
export function createMonitor(scope: Construct, options: RuntimeOptions): RuntimeFunction {
  return createFunction(scope, 'Monitor', 'Plans, repairs, combines and finishes jobs', options);
}

/** Whether the functions send traces at all. */
export function isTraced(tracing?: Tracing): boolean {
  return tracing === Tracing.ACTIVE || tracing === Tracing.PASS_THROUGH;
}

function createFunction(scope: Construct, id: 'Dispatcher' | 'Monitor', description: string, options: RuntimeOptions): RuntimeFunction {
  const logGroup = options.logGroup ?? new LogGroup(scope, `${id}Logs`, {
    retention: RetentionDays.ONE_MONTH,
    encryptionKey: options.encryptionKey,
    removalPolicy: options.removalPolicy ?? RemovalPolicy.DESTROY,
  });
  // an own role: the default one may write to every log group of the account
  const role = new Role(scope, `${id}Role`, {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    description,
  });
  const fn = new LambdaFunction(scope, id, {
    description,
    code: Code.fromAsset(path.join(__dirname, '..', 'assets', 'lambda', id.toLowerCase())),
    handler: 'index.handler',
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    memorySize: 1_024,
    timeout: Duration.minutes(15),
    environment: {
      ...options.environment,
      POWERTOOLS_SERVICE_NAME: 'cdk-burst-compute',
      POWERTOOLS_LOG_LEVEL: 'INFO',
    },
    logGroup,
    role,
  });
  if (isTraced(options.tracing)) {
    // set on the resource: the prop would add a statement without a name
    (fn.node.defaultChild as CfnFunction).tracingConfig = { mode: options.tracing };
  }
  return {
    fn,
    allow: (statements) => new Policy(scope, `${id}Policy`, {
      roles: [role],
      statements: [
        ...statements,
        statement('WriteLogs', ['logs:CreateLogStream', 'logs:PutLogEvents'], [logGroup.logGroupArn]), // ends with the `:*` of its streams
        ...isTraced(options.tracing) ? [traceStatement()] : [],
      ],
    }),
  };
}
