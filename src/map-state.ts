import { Stack } from 'aws-cdk-lib';
import { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { IBucket } from 'aws-cdk-lib/aws-s3';
import { CustomState, RetryProps } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { ChildType } from './fan-out';

export interface MapOptions {
  readonly childType: ChildType;
  /** Holds what the map reads, and takes what it writes. */
  readonly bucket: IBucket;
  /** Takes the rows of committed batches. */
  readonly table: ITable;
}

/** An Express execution is over after 5 minutes: longer waits would be in vain. */
const EXPRESS_RETRIES = 40;
const EXPRESS_MAX_DELAY = 10;
/** The longest run of a function and a minute: a child does not wait for an answer that cannot come any more. */
const CALL_SECONDS = 16 * 60;
const MAX_MESSAGE_CHARS = 1_000;
const MAX_TYPE_CHARS = 200;

const IN = '$states.input';
/** A conditional put that was refused; the documentation has both spellings, of the optimized and of the SDK integration. */
const COMMITTED_BEFORE = ['DynamoDB.ConditionalCheckFailedException', 'DynamoDb.ConditionalCheckFailedException'];
const CAUSE = "($exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : '')";
const OVERSIZED = ['States.DataLimitExceeded'];

const expression = (text: string) => `{% ${text} %}`;
const joined = (...parts: string[]) => parts.join(' & ');
const literal = (text: string) => `'${text}'`;

/** The Distributed Map: a child execution for each line of an object that Prepare writes. */
export function mapState(scope: Construct, options: MapOptions & { readonly throttled: RetryProps }): CustomState {
  const { bucket, childType } = options;
  const { partition } = Stack.of(scope);
  return new CustomState(scope, 'Batches', {
    stateJson: {
      Type: 'Map',
      Label: 'Batches',
      MaxConcurrencyPath: '$.map.maxConcurrency',
      ToleratedFailureCountPath: '$.map.toleratedFailures',
      ItemReader: {
        Resource: `arn:${partition}:states:::s3:getObject`,
        ReaderConfig: { InputType: 'JSONL' },
        Parameters: { 'Bucket': bucket.bucketName, 'Key.$': '$.map.items' },
      },
      ItemSelector: { 'job.$': '$.map.job', 'item.$': '$$.Map.Item.Value', 'calls': 0, 'failures': 0 },
      ItemProcessor: {
        ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: childType },
        StartAt: 'Work',
        States: childStates(partition, options),
      },
      // without it the outputs of all children would be the output of this state, which may have 256 KiB, whatever ResultPath says
      ResultWriter: {
        Resource: `arn:${partition}:states:::s3:putObject`,
        WriterConfig: { Transformation: 'COMPACT', OutputType: 'JSONL' },
        Parameters: { 'Bucket': bucket.bucketName, 'Prefix.$': '$.map.output' },
      },
      ResultPath: null,
    },
  });
}

/**
 * Work -> Answered -> Commit, as the leaf of a tree does it. What the worker is sent and what it answers stay texts: through values of
 * JSONata a number would lose what it has beyond 15 digits. Only what is short passes from state to state beside them.
 */
function childStates(partition: string, { table, childType, throttled }: MapOptions & { readonly throttled: RetryProps }): object {
  const jsonata = { QueryLanguage: 'JSONata' };
  const fail = (Error: string, Cause: string) => ({ Type: 'Fail', ...jsonata, Error, Cause });
  const isExpress = childType === 'EXPRESS';
  return {
    Work: {
      Type: 'Task',
      ...jsonata,
      Comment: 'Calls the worker; past the deadline the event is an error, so that nothing new starts',
      // not lambda:invoke, which makes values of the texts, and fails before its errors could be told from throttles
      Resource: `arn:${partition}:states:::aws-sdk:lambda:invoke`,
      Arguments: {
        FunctionName: expression(`${IN}.item.function`),
        Payload: expression(`$millis() < ${IN}.job.deadline ? ${joined(
          literal('{"jobId":"'), `${IN}.job.jobId`, literal('","batchId":'), `$string(${IN}.item.batch)`,
          literal(',"invocationAttempt":'), `$string(${IN}.calls + 1)`, literal(','), `${IN}.item.event`,
          literal(',"deadlineMs":'), `$string(${IN}.job.deadline)`, literal('}'),
        )} : $error('the deadline of the job is over')`),
      },
      Output: expression(`$exists($states.result.FunctionError) ? (${functionError()}) : ($parse($states.result.Payload); ${answer()})`),
      TimeoutSeconds: CALL_SECONDS,
      Retry: [
        {
          ErrorEquals: throttled.errors,
          IntervalSeconds: throttled.interval!.toSeconds(),
          BackoffRate: throttled.backoffRate,
          MaxDelaySeconds: isExpress ? EXPRESS_MAX_DELAY : throttled.maxDelay!.toSeconds(),
          MaxAttempts: isExpress ? EXPRESS_RETRIES : throttled.maxAttempts,
          JitterStrategy: 'FULL',
        },
      ],
      Catch: [
        caught(OVERSIZED, 'Answered', tooLarge(), true),
        caught(['States.QueryEvaluationError'], 'Answered', failure(literal('ResultNotJson'), joined(
          literal('the worker returned something that is not JSON: return a value that JSON can express: '), CAUSE)), true),
        caught(['States.ALL'], 'Answered', failure('$states.errorOutput.Error', CAUSE), false),
      ],
      Next: 'Answered',
    },
    Answered: {
      Type: 'Choice',
      ...jsonata,
      Choices: [
        { Condition: expression(`$exists(${IN}.error) and $millis() >= ${IN}.job.deadline`), Next: 'Late' },
        { Condition: expression(`$exists(${IN}.error) and ${IN}.failures <= ${IN}.job.retries`), Next: 'Again' },
        { Condition: expression(`$exists(${IN}.error)`), Next: 'Record' },
      ],
      Default: 'Commit',
    },
    Again: {
      Type: 'Wait',
      ...jsonata,
      Seconds: expression(`$ceil($random() * $min([10, $power(2, ${IN}.failures - 1)]))`),
      Next: 'Work',
    },
    Commit: {
      ...put(partition, table, `[{"result":' & ${IN}.answer & '}]`, '{"L": []}', `$length(${IN}.answer)`),
      Catch: [
        { ErrorEquals: COMMITTED_BEFORE, Next: 'Committed' },
        caught(OVERSIZED, 'Record', tooLarge(), true),
      ],
      Output: {},
      End: true,
    },
    Record: {
      ...put(partition, table, '[null]', `{"L": [{"M": $merge([{
        "batchId": {"N": $string(${IN}.item.batch)}, "errorType": {"S": ${IN}.error.type}, "message": {"S": ${IN}.error.message},
        "attempts": {"N": $string(${IN}.calls)}, "requestId": {"S": ${IN}.error.requestId}
      }, $exists(${IN}.item.taskId) ? {"taskId": {"S": ${IN}.item.taskId}} : {}])}]}`.replace(/\s+/g, ' '), '0'),
      Catch: [{ ErrorEquals: COMMITTED_BEFORE, Next: 'Committed' }],
      Output: expression(`{"error": ${IN}.error}`),
      Next: 'BatchFailed',
    },
    Committed: { Type: 'Succeed', ...jsonata, Comment: 'Somebody did it before: that is what counts', Output: {} },
    BatchFailed: fail('BatchFailed', expression(`${IN}.error.type & ': ' & ${IN}.error.message`)),
    Late: fail('DeadlinePassed', 'the deadline of the job is over; this batch stays without a result'),
  };
}

/** What the leaf stores, with the same condition; `entries` is the middle of the document's text. */
function put(partition: string, table: ITable, entries: string, failed: string, bytes: string): object {
  const number = (text: string) => ({ N: expression(`$string(${text})`) });
  const { item, job } = { item: `${IN}.item`, job: `${IN}.job` };
  return {
    Type: 'Task',
    QueryLanguage: 'JSONata',
    Resource: `arn:${partition}:states:::dynamodb:putItem`,
    Arguments: {
      TableName: table.tableName,
      ConditionExpression: 'attribute_not_exists(pk)',
      Item: {
        pk: { S: expression(`'j#' & ${job}.jobId & '#e' & $string(${job}.epoch) & '#g' & $string(${item}.unit)`) },
        unit: number(`${item}.unit`),
        group: number(`${item}.batch`),
        first: number(`${item}.batch`),
        count: { N: '1' },
        attempt: { N: '1' },
        failed: expression(failed),
        data: {
          S: expression(`'{"first":' & $string(${item}.batch) & ${item}.ids & ',"entries":${entries},"started":[' & $string(${IN}.started) & `
            + `'],"took":[' & $string(${IN}.took) & '],"attempts":[' & $string(${IN}.calls) & ']}'`),
        },
        bytes: number(bytes),
        calls: number(`${IN}.calls`),
        took: number(`${IN}.took`),
        ttl: number(`${job}.ttl`),
      },
    },
    Retry: [
      { ErrorEquals: COMMITTED_BEFORE, MaxAttempts: 0 },
      { ErrorEquals: ['States.TaskFailed'], IntervalSeconds: 1, BackoffRate: 2, MaxDelaySeconds: 20, MaxAttempts: 6, JitterStrategy: 'FULL' },
    ],
  };
}

/** Times in ms: when the call began, since the job's start, and how long it took, with what waiting for a free slot took. */
const TIMING = `"started": $toMillis($states.context.State.EnteredTime) - ${IN}.job.startedAt, "took": $millis() - $toMillis($states.context.State.EnteredTime)`;

function answer(): string {
  const { item } = { item: `${IN}.item` };
  return `{"job": ${IN}.job, "item": $merge([{"unit": ${item}.unit, "batch": ${item}.batch, "ids": ${item}.ids}, $exists(${item}.taskId) ? {"taskId": ${item}.taskId} : {}]), `
    + `"calls": ${IN}.calls + 1, "failures": ${IN}.failures, "answer": $states.result.Payload, ${TIMING}}`;
}

/** What the runtime says about a function that threw, timed out or was killed. */
function functionError(): string {
  const id = '$states.result.SdkResponseMetadata.RequestId';
  return '$said := $parse($states.result.Payload); '
    + `$merge([${IN}, {"calls": ${IN}.calls + 1, "failures": ${IN}.failures + 1, ${TIMING}, "error": {`
    + `"type": $exists($said.errorType) ? $substring($string($said.errorType), 0, ${MAX_TYPE_CHARS}) : $states.result.FunctionError, `
    + `"message": $substring($exists($said.errorMessage) ? $string($said.errorMessage) : $states.result.Payload, 0, ${MAX_MESSAGE_CHARS}), `
    + `"requestId": $exists(${id}) ? ${id} : ''}}])`;
}

function failure(type: string, message: string): string {
  return `{"type": $substring(${type}, 0, ${MAX_TYPE_CHARS}), "message": $substring(${message}, 0, ${MAX_MESSAGE_CHARS}), "requestId": ''}`;
}

function tooLarge(): string {
  return failure(literal('ResultTooLarge'), literal('the result of a batch must fit in 256 KiB as a JSON string with FanOut.distributedMap(): '
    + 'return less, use a smaller batchSize, put what is large into an object, or use FanOut.tree()'));
}

/** Without what was answered, which may be what was too large. */
function caught(errors: string[], next: string, error: string, isFinal: boolean): object {
  const isCalled = next === 'Answered';
  const failures = isFinal ? `${IN}.job.retries + 1` : `${IN}.failures + 1`;
  return {
    ErrorEquals: errors,
    Output: expression(isCalled
      ? `$merge([${IN}, {"calls": ${IN}.calls + 1, "failures": ${failures}, ${TIMING}, "error": ${error}}])`
      : `{"job": ${IN}.job, "item": ${IN}.item, "calls": ${IN}.calls, "started": ${IN}.started, "took": ${IN}.took, "error": ${error}}`),
    Next: next,
  };
}
