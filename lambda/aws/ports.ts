import { randomBytes } from 'node:crypto';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { S3Inputs } from './inputs';
import { Functions, LambdaInvoker } from './invoker';
import { S3Payloads } from './payloads';
import { DynamoTable } from './table';
import { AwsWorkflow } from './workflow';
import type { Clock, Log, Ports, Random } from '../protocol/ports';

/** A leaf's window and what else it asks for meanwhile. */
const MAX_SOCKETS = 128;
/** Longer than any function may run. */
const CALL_TIMEOUT_MS = 905_000;
const CONNECT_TIMEOUT_MS = 5_000;

const clock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) => new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  }),
};

const random: Random = {
  next: () => Math.random(),
  nonce: () => randomBytes(8).toString('hex'),
};

export interface Environment {
  readonly tasksTable: string;
  readonly resultsTable: string;
  readonly bucket: string;
  readonly functions: Functions;
}

/** Connections on which a request that is not answered in time fails, with a TimeoutError. */
export function connections(requestTimeout: number): NodeHttpHandler {
  return new NodeHttpHandler({
    connectionTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout,
    throwOnRequestTimeout: true, // without it, it is only logged
    httpAgent: new HttpAgent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
    httpsAgent: new HttpsAgent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
  });
}

/** The ports on AWS, or on whatever AWS_ENDPOINT_URL names. */
export function awsPorts(environment: Environment, logger: Logger): Ports {
  const control = { maxAttempts: 6, requestHandler: connections(30_000) };
  const s3 = { ...control, forcePathStyle: process.env.AWS_ENDPOINT_URL !== undefined };
  const dynamo = new DynamoDBClient(control);
  return {
    clock,
    random,
    store: {
      tasks: new DynamoTable(dynamo, environment.tasksTable),
      results: new DynamoTable(dynamo, environment.resultsTable),
    },
    payloads: new S3Payloads(new S3Client(s3), environment.bucket),
    inputs: new S3Inputs(new S3Client({ ...s3, followRegionRedirects: true })), // a user's bucket may be anywhere
    invoker: new LambdaInvoker(
      new LambdaClient({ maxAttempts: 1, requestHandler: connections(CALL_TIMEOUT_MS) }), new LambdaClient(control), environment.functions,
    ),
    workflow: new AwsWorkflow(new SFNClient(control), new EventBridgeClient(control)),
    log: logOf(logger),
  };
}

function logOf(logger: Logger): Log {
  return {
    debug: (message, fields = {}) => logger.debug(message, fields),
    info: (message, fields = {}) => logger.info(message, fields),
    warn: (message, fields = {}) => logger.warn(message, fields),
    error: (message, fields = {}) => logger.error(message, fields),
  };
}
