import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import { required, workFunctions } from './aws/environment';
import { awsPorts } from './aws/ports';
import { checkMonitorEvent, combine, Epoch, Execution, finish, finishStopped, jobIdOf, prepare, repair, settle, Settings, takeTurn, TokenBearer, UNKNOWN_COMBINER_TIMEOUT_SECONDS } from './protocol';

const logger = new Logger();
const settings = JSON.parse(required('BURST_SETTINGS')) as Settings;
const combinerArn = process.env.COMBINER_ARN;
const ports = awsPorts({
  tasksTable: required('TASKS_TABLE'),
  resultsTable: required('RESULTS_TABLE'),
  bucket: required('PAYLOAD_BUCKET'),
  functions: { ...workFunctions(), dispatcher: required('DISPATCHER_ARN'), combiner: combinerArn },
}, logger);

/** The states of the state machine, by the `action` that each sends. */
type MonitorEvent =
  | { action: 'prepare'; execution: Execution; request: unknown }
  | { action: 'await' } & TokenBearer
  | { action: 'repair'; round: number } & Epoch
  | { action: 'settle'; error: unknown } & Epoch
  | { action: 'combine' } & Epoch
  | { action: 'finish'; execution: Execution; input: unknown }
  | { action: 'stopped'; execution: { name: string; arn: string; status: string } };

export const handler = async (event: MonitorEvent, context: Context): Promise<unknown> => {
  checkMonitorEvent(event);
  logger.resetKeys();
  logger.appendKeys({
    jobId: 'jobId' in event ? event.jobId : jobIdOf(event.execution.name),
    state: event.action,
    requestId: context.awsRequestId,
    ...('epoch' in event ? { epoch: event.epoch } : {}),
  });
  switch (event.action) {
    case 'prepare':
      return prepare(ports, settings, event.execution, event.request);
    case 'await':
      return takeTurn(ports, event);
    case 'repair':
      return repair(ports, event);
    case 'settle':
      return settle(ports, event, event.error);
    case 'combine':
      return combine(ports, {
        hasCombiner: combinerArn !== undefined,
        combineOnTimeout: settings.combineOnTimeout ?? false,
        combinerTimeoutSeconds: settings.combinerTimeoutSeconds ?? UNKNOWN_COMBINER_TIMEOUT_SECONDS,
      }, event, { remainingMs: () => context.getRemainingTimeInMillis() });
    case 'finish':
      return finish(ports, event.execution, event.input);
    case 'stopped':
      return finishStopped(ports, event.execution);
  }
};
