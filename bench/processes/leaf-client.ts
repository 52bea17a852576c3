import { Logger } from '@aws-lambda-powertools/logger';
import { measure } from './measure';
import { awsPorts } from '../../lambda/aws/ports';

/** Worker calls as a leaf makes them, through the ports of production. */
process.env.AWS_ENDPOINT_URL = process.argv[2];
const functions = { workers: ['arn:aws:lambda:us-east-1:123456789012:function:worker'], dispatcher: 'dispatcher', tasks: {} };
const { invoker } = awsPorts({ tasksTable: 't', resultsTable: 'r', bucket: 'b', functions }, new Logger());
const payload = '{"jobId":"my-job","batchId":7,"invocationAttempt":1,"range":{"start":7000,"end":8000},"deadlineMs":1767225600000}';

void measure(async () => {
  const { kind } = await invoker.callWorker(payload);
  if (kind !== 'returned') throw new Error(`the call was ${kind}`);
});
