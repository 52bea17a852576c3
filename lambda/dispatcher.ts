import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import { required, workFunctions } from './aws/environment';
import { awsPorts } from './aws/ports';
import { dispatch } from './protocol/dispatch'; // and not from './protocol': what only the monitor needs stays out of the bundle
import type { DispatchEvent } from './protocol/model';

const logger = new Logger();
const ports = awsPorts({
  tasksTable: required('TASKS_TABLE'),
  resultsTable: required('RESULTS_TABLE'),
  bucket: required('PAYLOAD_BUCKET'),
  functions: { ...workFunctions(), dispatcher: required('AWS_LAMBDA_FUNCTION_NAME'), combiner: process.env.COMBINER_ARN },
}, logger);

export const handler = async (event: DispatchEvent, context: Context): Promise<void> => {
  logger.resetKeys();
  logger.appendKeys({ jobId: event?.jobId, epoch: event?.epoch, requestId: context.awsRequestId });
  await dispatch(ports, event, { remainingMs: () => context.getRemainingTimeInMillis() });
};
