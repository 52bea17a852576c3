import { createHash, createHmac } from 'crypto';
import { createServer, IncomingHttpHeaders, Server } from 'http';
import { AddressInfo } from 'net';
import { types } from 'util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { CREDENTIALS, REGION } from './worlds';
import { LambdaInvoker } from '../../lambda/aws/invoker';
import { S3Payloads } from '../../lambda/aws/payloads';
import { connections } from '../../lambda/aws/ports';
import { DynamoTable } from '../../lambda/aws/table';
import { AwsWorkflow } from '../../lambda/aws/workflow';

/**
 * Answers that AWS documents and no emulator gives: each becomes what the protocol can act on. The real clients ask
 * a server that gives one answer after the other, and the last one again and again.
 */
interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly hangUp?: boolean;
  readonly isSilent?: boolean;
}

// jest's tests have an Error of their own, of which Node's errors are no instances; the SDK wraps what is none
Object.defineProperty(Error, Symbol.hasInstance, {
  value(this: unknown, candidate: unknown) {
    return this === Error ? types.isNativeError(candidate) : Function.prototype[Symbol.hasInstance].call(this as typeof Error, candidate);
  },
});

let server: Server;
let answers: Answer[];
let asked: number;
let last: { readonly url: string; readonly headers: IncomingHttpHeaders; readonly body: string };

beforeAll(() => new Promise<void>((resolve) => {
  server = createServer((request, response) => {
    let sent = '';
    request.on('data', (chunk) => { sent += chunk; }).on('end', () => {
      last = { url: request.url!, headers: request.headers, body: sent };
      const { status, headers, body, hangUp, isSilent } = answers[Math.min(asked++, answers.length - 1)];
      if (isSilent) return;
      if (hangUp) return request.socket.destroy();
      return response.writeHead(status, headers).end(body);
    });
  }).listen(0, '127.0.0.1', resolve);
}));
afterAll(() => new Promise((resolve) => {
  server.closeAllConnections();
  server.close(resolve);
}));
beforeEach(() => { asked = 0; });

const config = (maxAttempts = 2) => ({
  endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, region: REGION, credentials: CREDENTIALS, maxAttempts,
});
const HANG_UP: Answer = { status: 0, hangUp: true };
const SILENCE: Answer = { status: 0, isSilent: true };
const xml = (status: number, code: string): Answer => ({
  status, headers: { 'content-type': 'application/xml' }, body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>said S3</Message></Error>`,
});
/** As DynamoDB, Step Functions and EventBridge answer. */
const json = (status: number, type: string, more: object = {}): Answer => ({
  status, headers: { 'content-type': 'application/x-amz-json-1.0' }, body: JSON.stringify({ __type: `com.amazonaws#${type}`, message: 'said AWS', ...more }),
});
/** As Lambda answers. */
const rest = (status: number, type: string): Answer => ({
  status, headers: { 'content-type': 'application/json', 'x-amzn-errortype': type, 'x-amzn-requestid': 'id' }, body: '{"Message":"said Lambda"}',
});

test('nobody listens: worth another try', async () => {
  const table = new DynamoTable(new DynamoDBClient({ ...config(), endpoint: 'http://127.0.0.1:1' }), 'rows');
  await expect(table.get('a', { consistent: true })).rejects.toMatchObject({ name: 'Transient', message: expect.stringContaining('ECONNREFUSED') });
});

describe('S3', () => {
  const payloads = () => new S3Payloads(new S3Client({ ...config(), forcePathStyle: true }), 'bucket');

  test('409 to a conditional put: another is under way, so it is tried again', async () => {
    answers = [xml(409, 'ConditionalRequestConflict'), xml(409, 'ConditionalRequestConflict'), { status: 200 }];
    expect(await payloads().put('key', 'x', { ifAbsent: true })).toBe(true);
    expect(asked).toBe(3);
  });

  test('409 and then 412: the other one won', async () => {
    answers = [xml(409, 'ConditionalRequestConflict'), xml(412, 'PreconditionFailed')];
    expect(await payloads().put('key', 'x', { ifAbsent: true })).toBe(false);
  });

  test('409 without end is worth another try of the state', async () => {
    answers = [xml(409, 'ConditionalRequestConflict')];
    await expect(payloads().put('key', 'x', { ifAbsent: true })).rejects.toMatchObject({ name: 'Transient' });
  });

  test('403 to a get: no permission, or, to those who may not list the bucket, no such object', async () => {
    answers = [xml(403, 'AccessDenied')];
    await expect(payloads().get('key')).rejects.toMatchObject({
      name: 'NotAllowed', message: 's3:GetObject of s3://bucket/key was refused, or there is no such object: AccessDenied: said S3',
    });
  });

  test('416: nothing is there', async () => {
    answers = [xml(416, 'InvalidRange')];
    expect(await payloads().get('key', { from: 5, to: 9 })).toHaveLength(0);
  });

  test.each<[string, Answer, string]>([
    ['503 SlowDown', xml(503, 'SlowDown'), 'Transient'],
    ['500', xml(500, 'InternalError'), 'Transient'],
    ['a lost connection', HANG_UP, 'Transient'],
    ['404 NoSuchBucket', xml(404, 'NoSuchBucket'), 'NotAllowed'],
    ['403 to a put', xml(403, 'AccessDenied'), 'NotAllowed'],
  ])('%s', async (_, answer, name) => {
    answers = [answer];
    await expect(payloads().put('key', 'x')).rejects.toMatchObject({ name });
  });
});

describe('DynamoDB', () => {
  const table = () => new DynamoTable(new DynamoDBClient(config()), 'rows');

  test.each<[string, Answer, string]>([
    ['throttling', json(400, 'ThrottlingException'), 'Transient'],
    ['a hot partition', json(400, 'ProvisionedThroughputExceededException'), 'Transient'],
    ['500', json(500, 'InternalServerError'), 'Transient'],
    ['a lost connection', HANG_UP, 'Transient'],
    ['a missing permission', json(400, 'AccessDeniedException'), 'NotAllowed'],
    ['a missing table', json(400, 'ResourceNotFoundException'), 'NotAllowed'],
    ['a row that is too large', json(400, 'ValidationException'), 'RowRefused'],
  ])('%s', async (_, answer, name) => {
    answers = [answer];
    await expect(table().put({ pk: 'a' })).rejects.toMatchObject({ name, message: expect.stringMatching(/dynamodb:PutItem.* rows/) });
    await expect(table().update('a', { set: { b: 1 } })).rejects.toMatchObject({ name });
  });

  test('a put whose answer was lost, and which is then refused by its own row: the row is shown', async () => {
    answers = [HANG_UP, json(400, 'ConditionalCheckFailedException', { Item: { pk: { S: 'a' }, by: { S: 'me' } } })];
    expect(await table().put({ pk: 'a', by: 'me' }, { absent: 'pk' })).toEqual({ ok: false, row: { pk: 'a', by: 'me' } });
  });

  test('keys that stay unread: asked for a few times, then worth another try of the state', async () => {
    const keys = { rows: { Keys: [{ pk: { S: 'a' } }] } };
    answers = [json(200, '', { Responses: {}, UnprocessedKeys: keys })];
    await expect(table().getMany(['a'])).rejects.toMatchObject({ name: 'Transient', message: expect.stringContaining('1 keys unread') });
    expect(asked).toBe(8);
  }, 30_000);

  test('keys that are read one by one are all read, however many tries that takes', async () => {
    const row = (n: number) => ({ pk: { S: `k${n}` } });
    const rows = Array.from({ length: 12 }, (_, n) => row(n));
    answers = rows.map((one, n) => json(200, '', { Responses: { rows: [one] }, UnprocessedKeys: n < 11 ? { rows: { Keys: rows.slice(n + 1) } } : {} }));
    expect(await table().getMany(rows.map(({ pk }) => pk.S))).toEqual(rows.map(({ pk }) => ({ pk: pk.S })));
  });
});

describe('Lambda', () => {
  const invoker = () => new LambdaInvoker(new LambdaClient(config(1)), new LambdaClient(config()), { workers: ['worker'], tasks: { brief: 'brief' }, dispatcher: 'dispatcher' });

  test.each<[string, Answer, object]>([
    ['429', rest(429, 'TooManyRequestsException'), { kind: 'throttled' }],
    ['413', rest(413, 'RequestTooLargeException'), { kind: 'threw', errorType: 'EventTooLarge' }],
    ['404', rest(404, 'ResourceNotFoundException'), { kind: 'refused', errorType: 'ResourceNotFoundException' }],
    ['403', rest(403, 'AccessDeniedException'), { kind: 'refused', errorType: 'AccessDeniedException' }],
    ['409: the function is being updated', rest(409, 'ResourceConflictException'), { kind: 'unknown' }],
    ['500', rest(500, 'ServiceException'), { kind: 'unknown' }],
    ['502: no network address for the function', rest(502, 'ENILimitReachedException'), { kind: 'unknown' }],
    ['a lost connection', HANG_UP, { kind: 'unknown' }],
  ])('%s: called once, never again', async (_, answer, outcome) => {
    answers = [answer];
    expect(await invoker().callWorker('{}')).toMatchObject(outcome);
    expect(asked).toBe(1);
  });

  test('refused by what is not Lambda: by the status, with the words that came', async () => {
    answers = [{ status: 403, headers: { 'content-type': 'text/html' }, body: '<h1>Forbidden</h1>' }];
    expect(await invoker().callWorker('{}')).toEqual({ kind: 'refused', errorType: 'UnknownError', message: '<h1>Forbidden</h1>' });
  });

  // the engine takes any signature, Lambda only the right one
  test.each([['worker'], ['arn:aws:lambda:us-east-1:123456789012:function:worker:live']])('worker calls of %s are signed as AWS checks it', async (worker) => {
    const credentials = { ...CREDENTIALS, sessionToken: 'a/session+token=' };
    const client = () => new LambdaClient({ ...config(1), credentials });
    answers = [{ status: 200, body: '1' }];
    await client().send(new InvokeCommand({ FunctionName: worker, Payload: Buffer.from('{"by":"the SDK"}') }));
    const { url } = last;
    expect(signatureOf(last)).toBe(/Signature=(\w+)/.exec(last.headers.authorization!)![1]);
    expect(await new LambdaInvoker(client(), client(), { workers: [worker], tasks: {}, dispatcher: 'd' }).callWorker('{"by":"us 🦄"}')).toMatchObject({ kind: 'returned' });
    expect(last).toMatchObject({ url, body: '{"by":"us 🦄"}', headers: { 'x-amz-security-token': credentials.sessionToken } });
    expect(signatureOf(last)).toBe(/Signature=(\w+)/.exec(last.headers.authorization!)![1]);
  });

  test('loop detection: a call made within a function carries its trace', async () => {
    const trace = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:2';
    Object.assign(process.env, { AWS_LAMBDA_FUNCTION_NAME: 'dispatcher', _X_AMZN_TRACE_ID: trace });
    try {
      answers = [{ status: 200, body: '1' }];
      await invoker().callWorker('{}');
      expect(last.headers['x-amzn-trace-id']).toBe(trace);
    } finally {
      delete process.env.AWS_LAMBDA_FUNCTION_NAME;
      delete process.env._X_AMZN_TRACE_ID;
    }
  });

  test('credentials that are renewed are used, and none are an unknown outcome', async () => {
    let keys = 0;
    const renewed = async () => ({ accessKeyId: `key${keys++}`, secretAccessKey: 's', expiration: new Date(Date.now() + 1_000) }); // about to expire
    const client = new LambdaClient({ ...config(1), credentials: renewed });
    const calls = new LambdaInvoker(client, client, { workers: ['worker'], tasks: {}, dispatcher: 'd' });
    answers = [{ status: 200, body: '1' }];
    const used = [];
    for (let i = 0; i < 2; i++) {
      await calls.callWorker('{}');
      used.push(/Credential=(\w+)/.exec(last.headers.authorization!)![1]);
    }
    expect(new Set(used).size).toBe(2);
    const nobody = new LambdaClient({ ...config(1), credentials: async () => { throw new Error('none here'); } });
    expect(await new LambdaInvoker(nobody, nobody, { workers: ['worker'], tasks: {}, dispatcher: 'd' }).callWorker('{}')).toEqual({ kind: 'unknown', message: 'Error: none here' });
  });

  const errorOf = async (body: string) => {
    answers = [{ status: 200, headers: { 'x-amz-function-error': 'Unhandled', 'x-amzn-requestid': 'id-1' }, body }];
    return invoker().callWorker('{}');
  };
  test.each<[string, string, object]>([
    ['as every runtime does', '{"errorType":"TypeError","errorMessage":"no"}', { errorType: 'TypeError', message: 'no' }],
    ['without a type', '{"errorMessage":"Task timed out after 3.00 seconds"}', { errorType: 'Unhandled', message: 'Task timed out after 3.00 seconds' }],
    ['in text', 'boom', { errorType: 'Unhandled', message: 'boom' }],
    ['with nothing', '', { errorType: 'Unhandled', message: '' }],
    ['with null', 'null', { errorType: 'Unhandled', message: 'null' }],
    ['in other types', '{"errorType":7,"errorMessage":{"a":1}}', { errorType: 'Unhandled', message: '{"errorType":7,"errorMessage":{"a":1}}' }],
    ['at length', `{"errorType":"${'x'.repeat(5000)}","errorMessage":"no"}`, { errorType: 'x'.repeat(200), message: 'no' }],
  ])('a function that fails %s', async (_, body, said) => {
    expect(await errorOf(body)).toEqual({ kind: 'threw', requestId: 'id-1', ...said });
  });

  test('asynchronous invokes are repeated by the client, and say what they lack', async () => {
    answers = [rest(500, 'ServiceException'), { status: 202 }];
    await invoker().dispatch({});
    expect(asked).toBe(2);
    answers = [rest(429, 'TooManyRequestsException')];
    await expect(invoker().dispatch({})).rejects.toMatchObject({ name: 'Transient' });
    answers = [rest(403, 'AccessDeniedException')];
    await expect(invoker().dispatch({})).rejects.toMatchObject({ name: 'NotAllowed', message: expect.stringContaining('lambda:InvokeFunction on dispatcher') });
  });

  test('an account too small for any job', async () => {
    answers = [{ status: 200, body: '{"AccountLimit":{"ConcurrentExecutions":10,"UnreservedConcurrentExecutions":2}}' }];
    await expect(invoker().accountConcurrency()).rejects.toMatchObject({ name: 'NotAllowed', message: expect.stringContaining('2 functions at once') });
  });
});

test('who never answers is given up: what waits goes on', async () => {
  const silent = { ...config(1), requestHandler: connections(200) };
  answers = [SILENCE];
  await expect(new DynamoTable(new DynamoDBClient(silent), 'rows').get('a', { consistent: true })).rejects.toMatchObject({ name: 'Transient', message: expect.stringContaining('TimeoutError') });
  const client = new LambdaClient(silent);
  expect(await new LambdaInvoker(client, client, { workers: ['worker'], tasks: {}, dispatcher: 'd' }).callWorker('{}')).toMatchObject({ kind: 'unknown', message: expect.stringContaining('TimeoutError') });
});

describe('Step Functions', () => {
  const workflow = () => new AwsWorkflow(new SFNClient(config()), new EventBridgeClient(config()));

  test.each(['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken'])('%s: the token is no longer good', async (type) => {
    answers = [json(400, type)];
    expect(await workflow().wake('token')).toBe(false);
  });

  test.each<[string, Answer, string]>([
    ['throttling', json(400, 'ThrottlingException'), 'Transient'],
    ['a lost connection', HANG_UP, 'Transient'],
    ['a missing permission', json(400, 'AccessDeniedException'), 'NotAllowed'],
  ])('%s', async (_, answer, name) => {
    answers = [answer];
    await expect(workflow().wake('token')).rejects.toMatchObject({ name, message: expect.stringContaining('states:SendTaskSuccess') });
  });

  test('an event that the bus did not take is worth another try', async () => {
    answers = [json(200, '', { FailedEntryCount: 1, Entries: [{ ErrorCode: 'InternalFailure', ErrorMessage: 'sorry' }] })];
    await expect(workflow().announce({ id: 'a', detailType: 'b', detail: {} })).rejects.toMatchObject({ name: 'Transient', message: expect.stringContaining('InternalFailure: sorry') });
  });
});

/** Signature Version 4 from its description, of what the server received. */
function signatureOf({ url, headers, body }: typeof last): string {
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const sha = (text: string) => createHash('sha256').update(text).digest('hex');
  const [, scope, signed] = /Credential=[^/]+\/([^,]+), SignedHeaders=([^,]+)/.exec(headers.authorization!)!;
  expect(signed.split(';')).toEqual(expect.arrayContaining(['host', 'x-amz-date', 'x-amz-security-token']));
  const canonical = ['POST', url.split('/').map(encodeURIComponent).join('/'), '', ...signed.split(';').map((name) => `${name}:${headers[name]}`), '', signed, sha(body)].join('\n');
  const key = scope.split('/').reduce<string | Buffer>((so, part) => hmac(so, part), `AWS4${CREDENTIALS.secretAccessKey}`);
  return hmac(key, ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha(canonical)].join('\n')).toString('hex');
}
