import { createHash, createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';
import { measure } from './measure';

/** The same calls with nothing between them and the socket: one signature (AWS Signature Version 4) and one request. */
const { hostname, port, host } = new URL(process.argv[2]);
const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const path = '/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Aworker/invocations';
const body = '{"jobId":"my-job","batchId":7,"invocationAttempt":1,"range":{"start":7000,"end":8000},"deadlineMs":1767225600000}';
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
const sha = (text: string) => createHash('sha256').update(text).digest('hex');

let day = '';
let key: Buffer;

function headers(): Record<string, string> {
  const time = new Date().toISOString().replace(/[:-]|\.\d{3}/g, '');
  if (day !== time.slice(0, 8)) {
    day = time.slice(0, 8);
    key = hmac(hmac(hmac(hmac('AWS4test', day), 'us-east-1'), 'lambda'), 'aws4_request');
  }
  const canonical = ['POST', path.replace(/%/g, '%25'), '', `host:${host}`, `x-amz-date:${time}`, '', 'host;x-amz-date', sha(body)].join('\n');
  const scope = `${day}/us-east-1/lambda/aws4_request`;
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope, sha(canonical)].join('\n')).toString('hex');
  return { 'host': host, 'x-amz-date': time, 'content-length': String(body.length), 'authorization': `AWS4-HMAC-SHA256 Credential=test/${scope}, SignedHeaders=host;x-amz-date, Signature=${signature}` };
}

void measure(() => new Promise((resolve, reject) => {
  request({ hostname, port, path, method: 'POST', agent, headers: headers() }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString())));
  }).on('error', reject).end(body);
}));
