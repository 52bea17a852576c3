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
const OVERSIZED = ['States.DataLimitExceeded'];

/** Since the worker was called, with what waiting for a free slot took. */
const TOOK = `($millis() - ${IN}.enteredAt)`;
const expression = (text: string) => `{% ${text} %}`;

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
      ItemSelector: { 'job.$': '$.map.job', 'item.$': '$$.Map.Item.Value', 'calls': 1, 'failures': 0 },
      ItemProcessor: {
        ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: childType },
        StartAt: 'Due',
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
 * Due -> Work -> Commit, as the leaf of a tree does it. `calls` is the number of the call to make. What the worker answered stays a text:
 * as a value of JSONata a number would lose what it has beyond 15 digits when it is written down.
 */
function childStates(partition: string, { table, childType, throttled }: MapOptions & { readonly throttled: RetryProps }): object {
  const jsonata = { QueryLanguage: 'JSONata' };
  const fail = (Error: string, Cause: string) => ({ Type: 'Fail', ...jsonata, Error, Cause });
  const isExpress = childType === 'EXPRESS';
  return {
    Due: {
      Type: 'Choice',
      ...jsonata,
      Choices: [
        { Condition: expression(`$millis() >= ${IN}.job.deadline`), Next: 'Late' },
        { Condition: expression('true'), Output: expression(`$merge([${IN}, {"enteredAt": $millis()}])`), Next: 'Work' },
      ],
    },
    Work: {
      Type: 'Task',
      Comment: 'Calls the worker. In JSONPath, whose intrinsics make texts of values and values of texts without rounding numbers',
      Resource: `arn:${partition}:states:::lambda:invoke`,
      Parameters: {
        'FunctionName.$': '$.item.function',
        'Payload.$': "States.StringToJson(States.Format('{}{},{}{}', $.item.head, $.calls, $.item.event, $.job.tail))",
      },
      ResultSelector: { 'answer.$': 'States.JsonToString($.Payload)' },
      ResultPath: '$.answered',
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
      // by its name, too: the wildcard leaves it out
      Catch: [OVERSIZED, ['States.ALL']].map((ErrorEquals) => ({ ErrorEquals, ResultPath: '$.caught', Next: 'Failed' })),
      Next: 'Commit',
    },
    Failed: {
      Type: 'Pass',
      ...jsonata,
      Output: expression(failedCall()),
      Next: 'Answered',
    },
    Answered: {
      Type: 'Choice',
      ...jsonata,
      Choices: [
        { Condition: expression(`$millis() >= ${IN}.job.deadline`), Next: 'Late' },
        { Condition: expression(`${IN}.failures <= ${IN}.job.retries`), Next: 'Again' },
      ],
      Default: 'Record',
    },
    Again: {
      Type: 'Wait',
      ...jsonata,
      Seconds: expression(`$ceil($random() * $min([10, $power(2, ${IN}.failures - 1)]))`),
      Next: 'Due',
    },
    Commit: {
      ...put(partition, table, `[{"result":' & ${IN}.answered.answer & '}]`, '{"L": []}', `$length(${IN}.answered.answer)`, TOOK),
      Catch: [
        { ErrorEquals: COMMITTED_BEFORE, Next: 'Committed' },
        {
          ErrorEquals: OVERSIZED,
          Output: expression(`{"job": ${IN}.job, "item": ${IN}.item, "calls": ${IN}.calls + 1, "enteredAt": ${IN}.enteredAt, "took": ${TOOK}, "error": ${tooLarge()}}`),
          Next: 'Record',
        },
      ],
      Output: {},
      End: true,
    },
    Record: {
      ...put(partition, table, '[null]', `{"L": [{"M": $merge([{
        "batchId": {"N": $string(${IN}.item.batch)}, "errorType": {"S": ${IN}.error.type}, "message": {"S": ${IN}.error.message},
        "attempts": {"N": $string(${IN}.calls - 1)}, "requestId": {"S": ''}
      }, $exists(${IN}.item.taskId) ? {"taskId": {"S": ${IN}.item.taskId}} : {}])}]}`.replace(/\s+/g, ' '), '0', `${IN}.took`, `(${IN}.calls - 1)`),
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
function put(partition: string, table: ITable, entries: string, failed: string, bytes: string, took: string, calls = `${IN}.calls`): object {
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
          S: expression(`'{"first":' & $string(${item}.batch) & ${item}.ids & ',"entries":${entries},"started":[' & $string(${IN}.enteredAt - ${job}.startedAt) & `
            + `'],"took":[' & $string(${took}) & '],"attempts":[' & $string(${calls}) & ']}'`),
        },
        bytes: number(bytes),
        calls: number(calls),
        took: number(took),
        ttl: number(`${job}.ttl`),
      },
    },
    Retry: [
      { ErrorEquals: COMMITTED_BEFORE, MaxAttempts: 0 },
      { ErrorEquals: ['States.TaskFailed'], IntervalSeconds: 1, BackoffRate: 2, MaxDelaySeconds: 20, MaxAttempts: 6, JitterStrategy: 'FULL' },
    ],
  };
}

/** The error of a call: what the runtime says about a function that threw, timed out or was killed, or Step Functions about what it could not call. */
function failedCall(): string {
  const isTooLarge = `${IN}.caught.Error = '${OVERSIZED}'`;
  const error = failure(
    '$exists($said.errorType) ? $string($said.errorType) : $caught.Error', '$exists($said.errorMessage) ? $string($said.errorMessage) : $cause',
  );
  return `($caught := ${IN}.caught; $cause := $exists($caught.Cause) ? $caught.Cause : ''; `
    + "$said := $substring($cause, 0, 1) = '{' and $substring($cause, -1) = '}' ? $parse($cause) : {}; "
    + `{"job": ${IN}.job, "item": ${IN}.item, "calls": ${IN}.calls + 1, "failures": ${isTooLarge} ? ${IN}.job.retries + 1 : ${IN}.failures + 1, `
    + `"enteredAt": ${IN}.enteredAt, "took": ${TOOK}, "error": ${isTooLarge} ? ${tooLarge()} : ${error}})`;
}

function failure(type: string, message: string): string {
  return `{"type": $substring(${type}, 0, ${MAX_TYPE_CHARS}), "message": $substring(${message}, 0, ${MAX_MESSAGE_CHARS})}`;
}

function tooLarge(): string {
  return failure("'ResultTooLarge'", "'event and result of a batch must fit in 256 KiB together, as JSON strings, with FanOut.distributedMap(): "
    + "return less, use a smaller batchSize, put what is large into an object, or use FanOut.tree()'");
}
