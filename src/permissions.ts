import { Annotations, ArnFormat, Stack, Token } from 'aws-cdk-lib';
import { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { IKey } from 'aws-cdk-lib/aws-kms';
import { IFunction } from 'aws-cdk-lib/aws-lambda';
import { IBucket } from 'aws-cdk-lib/aws-s3';
import { IStateMachine, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { Settings } from './settings';
import { JOB_OBJECTS, MAP_BATCHES, MAP_OUTPUT } from './storage';

/** What the two functions work with. */
export interface Access {
  readonly tasksTable: ITable;
  readonly resultsTable: ITable;
  readonly payloadBucket: IBucket;
  readonly worker: IFunction;
  readonly workerReplicas: IFunction[];
  readonly taskFunctions: { [name: string]: IFunction };
  readonly combiner?: IFunction;
  readonly dispatcher: IFunction;
  readonly stateMachine: IStateMachine;
  readonly encryptionKey?: IKey;
}

/** One purpose, named by its Sid. */
export function statement(sid: string, actions: string[], resources: string[]): PolicyStatement {
  return new PolicyStatement({ sid, actions, resources });
}

/** Each once: a function may be registered under several names. */
function arnsOf(functions: IFunction[]): string[] {
  return [...new Set(functions.map((fn) => fn.functionArn))];
}

/** `combines`: in combine mode TREE dispatchers call the combiner. */
export function dispatcherStatements(access: Access, combines: boolean): PolicyStatement[] {
  const taskFunctions = Object.values(access.taskFunctions);
  return [
    statement('ReadTasks', ['dynamodb:GetItem'], [access.tasksTable.tableArn]),
    statement('UpdateTasks', ['dynamodb:UpdateItem'], [access.tasksTable.tableArn]),
    ...dataStatements(access),
    // the very ARN that is invoked: a policy on all qualifiers would be wider
    statement('InvokeWorker', ['lambda:InvokeFunction'], arnsOf([access.worker, ...access.workerReplicas])),
    ...taskFunctions.length > 0 ? [statement('InvokeTaskFunctions', ['lambda:InvokeFunction'], arnsOf(taskFunctions))] : [],
    ...access.combiner && combines ? [invokeCombiner(access.combiner)] : [],
    statement('InvokeDispatcher', ['lambda:InvokeFunction'], [access.dispatcher.functionArn]),
    statement('WakeJob', ['states:SendTaskSuccess'], [access.stateMachine.stateMachineArn]),
  ];
}

function invokeCombiner(combiner: IFunction): PolicyStatement {
  return statement('InvokeCombiner', ['lambda:InvokeFunction'], [combiner.functionArn]);
}

/** `childType`: under a Distributed Map there is neither a dispatcher to start nor a wait to end. */
export function monitorStatements(scope: Construct, access: Access, { asksFor, childType }: Pick<Settings, 'asksFor' | 'childType'>): PolicyStatement[] {
  const { combiner } = access;
  const eventBus = Stack.of(scope).formatArn({ service: 'events', resource: 'event-bus', resourceName: 'default' });
  return [
    statement('ReadTasks', ['dynamodb:GetItem', 'dynamodb:BatchGetItem'], [access.tasksTable.tableArn]),
    statement('UpdateTasks', ['dynamodb:UpdateItem'], [access.tasksTable.tableArn]),
    ...dataStatements(access),
    ...childType ? [] : [statement('InvokeDispatcher', ['lambda:InvokeFunction'], [access.dispatcher.functionArn])],
    ...combiner ? [invokeCombiner(combiner)] : [],
    ...asksFor.length > 0 ? [statement('ReadWorkerTimeout', ['lambda:GetFunctionConfiguration'], arnsOf(asksFor))] : [],
    statement('ReadAccountLimits', ['lambda:GetAccountSettings'], ['*']), // AWS offers no resource for it
    ...childType ? [] : [statement('WakeJob', ['states:SendTaskSuccess'], [access.stateMachine.stateMachineArn])],
    statement('PublishJobEvents', ['events:PutEvents'], [eventBus]),
  ];
}

/** What the state machine does beside calling the monitor where a Distributed Map fans out. */
export function mapStatements(access: Omit<Access, 'stateMachine'>): PolicyStatement[] {
  const taskFunctions = Object.values(access.taskFunctions);
  return [
    statement('InvokeWorker', ['lambda:InvokeFunction'], arnsOf([access.worker, ...access.workerReplicas])),
    ...taskFunctions.length > 0 ? [statement('InvokeTaskFunctions', ['lambda:InvokeFunction'], arnsOf(taskFunctions))] : [],
    statement('CommitResults', ['dynamodb:PutItem'], [access.resultsTable.tableArn]),
    statement('ReadBatches', ['s3:GetObject'], [access.payloadBucket.arnForObjects(MAP_BATCHES)]),
    // as "IAM policies for ResultWriter" in the Step Functions developer guide has it
    statement('WriteMapOutput', ['s3:PutObject', 's3:GetObject', 's3:ListMultipartUploadParts', 's3:AbortMultipartUpload'],
      [access.payloadBucket.arnForObjects(MAP_OUTPUT)]),
    ...access.encryptionKey
      ? [
        statement('DecryptJobData', ['kms:Decrypt'], [access.encryptionKey.keyArn]),
        statement('EncryptJobData', ['kms:GenerateDataKey'], [access.encryptionKey.keyArn]),
      ]
      : [],
  ];
}

/** As "IAM policies for using Distributed Map states" in the Step Functions developer guide has it. */
export function mapSelfStatements({ stateMachineArn, stateMachineName, stack }: StateMachine): PolicyStatement[] {
  const children = stack.formatArn({
    service: 'states', resource: 'execution', resourceName: `${stateMachineName}:*`, arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  return [
    statement('StartChildren', ['states:StartExecution'], [stateMachineArn]),
    statement('SuperviseChildren', ['states:DescribeExecution', 'states:StopExecution'], [children]),
  ];
}

/** What reading items from buckets of the app takes; who prepares a job also lists. */
export function inputStatements(buckets: IBucket[], lists: boolean): PolicyStatement[] {
  const keys = buckets.flatMap(({ encryptionKey }) => (encryptionKey ? [encryptionKey.keyArn] : []));
  const arns = (of: (bucket: IBucket) => string) => buckets.map(of);
  return [
    ...buckets.length > 0 ? [statement('ReadInputs', ['s3:GetObject'], arns((bucket) => bucket.arnForObjects('*')))] : [],
    ...buckets.length > 0 && lists ? [statement('ListInputs', ['s3:ListBucket'], arns((bucket) => bucket.bucketArn))] : [],
    ...keys.length > 0 ? [statement('DecryptInputs', ['kms:Decrypt'], keys)] : [],
  ];
}

/** What a combiner needs when its results come as a manifest. */
export function combinerStatements(access: Access): PolicyStatement[] {
  return [
    statement('ReadPayloads', ['s3:GetObject'], [access.payloadBucket.arnForObjects(JOB_OBJECTS)]),
    ...access.encryptionKey ? [statement('DecryptJobData', ['kms:Decrypt'], [access.encryptionKey.keyArn])] : [],
  ];
}

/** What a function needs in order to send traces. */
export function traceStatement(moreActions: string[] = []): PolicyStatement {
  return statement('WriteTraces', ['xray:PutTraceSegments', 'xray:PutTelemetryRecords', ...moreActions], ['*']); // AWS offers no resource for them
}

/** What Step Functions needs in order to write logs of an execution itself. */
export function logDeliveryStatement(): PolicyStatement {
  return statement('DeliverLogs', [
    'logs:CreateLogDelivery',
    'logs:GetLogDelivery',
    'logs:UpdateLogDelivery',
    'logs:DeleteLogDelivery',
    'logs:ListLogDeliveries',
    'logs:PutResourcePolicy',
    'logs:DescribeResourcePolicies',
    'logs:DescribeLogGroups',
  ], ['*']); // AWS offers no resource for log deliveries
}

function dataStatements(access: Access): PolicyStatement[] {
  const objects = access.payloadBucket.arnForObjects(JOB_OBJECTS);
  return [
    statement('ReadResults', ['dynamodb:BatchGetItem'], [access.resultsTable.tableArn]),
    statement('CommitResults', ['dynamodb:PutItem'], [access.resultsTable.tableArn]),
    statement('ReadPayloads', ['s3:GetObject'], [objects]),
    statement('WritePayloads', ['s3:PutObject'], [objects]),
    ...access.encryptionKey
      ? [
        statement('DecryptJobData', ['kms:Decrypt'], [access.encryptionKey.keyArn]),
        statement('EncryptJobData', ['kms:GenerateDataKey'], [access.encryptionKey.keyArn]),
      ]
      : [],
  ];
}

/** Lets CloudWatch Logs encrypt with the key; nothing else about the key changes. */
export function allowLogEncryption(scope: Construct, key: IKey): void {
  const stack = Stack.of(scope);
  const principal = new ServicePrincipal(`logs.${stack.region}.amazonaws.com`);
  const { statementAdded } = key.addToResourcePolicy(new PolicyStatement({
    sid: 'EncryptBurstComputeLogs',
    principals: [principal],
    actions: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncryptFrom', 'kms:ReEncryptTo', 'kms:GenerateDataKey', 'kms:DescribeKey'],
    resources: ['*'], // in a key policy: this key
    conditions: {
      // a log group names its key, so the key cannot name the log group
      ArnLike: {
        'kms:EncryptionContext:aws:logs:arn': stack.formatArn({
          service: 'logs', resource: 'log-group', resourceName: '*', arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      },
    },
  }));
  if (!statementAdded) {
    Annotations.of(scope).addWarningV2('cdk-burst-compute:keyPolicyForLogs',
      'encryptionKey is imported, so its policy cannot be changed here: it must let '
      + `${Token.isUnresolved(stack.region) ? 'logs.<region>.amazonaws.com' : principal.service} encrypt and decrypt, or the log groups cannot be created; `
      + 'pass a logGroup of your own otherwise');
  }
}
