import { Logger } from '@aws-lambda-powertools/logger';
import type { Context } from 'aws-lambda';
import { required } from './aws/environment';
import { awsPorts } from './aws/ports';
import { DispatchEvent, fanOut, orSeal, runLeaf } from './protocol';

const logger = new Logger();
const ports = awsPorts({
  tasksTable: required('TASKS_TABLE'),
  resultsTable: required('RESULTS_TABLE'),
  bucket: required('PAYLOAD_BUCKET'),
  functions: { worker: required('WORKER_ARN'), dispatcher: required('AWS_LAMBDA_FUNCTION_NAME') },
}, logger);

/** One function, two roles: on several leaves it starts dispatchers for parts of them, on one it runs that leaf. */
export const handler = async (event: DispatchEvent, context: Context): Promise<void> => {
  logger.resetKeys();
  logger.appendKeys({ jobId: event.jobId, epoch: event.epoch, requestId: context.awsRequestId });
  if (event.hi - event.lo > 1) {
    await orSeal(ports, event, () => fanOut(ports, event));
  } else {
    await runLeaf(ports, event, { remainingMs: () => context.getRemainingTimeInMillis() });
  }
};
