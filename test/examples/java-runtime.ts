import { spawn } from 'child_process';
import { createServer } from 'http';
import { AddressInfo } from 'net';
import * as path from 'path';
import { json } from 'stream/consumers';
import { jarsOf } from '../maven';

/** AWS's own runtime of Java functions, as it is in Lambda. The local AWS runs none: it would need Docker for that. */
const RUNTIME = ['com.amazonaws', 'aws-lambda-java-runtime-interface-client', '2.7.0'] as const;
const MAIN = 'com.amazonaws.services.lambda.runtime.api.client.AWSLambda';

/**
 * What a function in Java answers to an event, in AWS's runtime, which asks for events and answers over HTTP as it does in Lambda.
 *
 * @throws an Error with the type and message that Lambda would show, when the function throws
 */
export async function invokeJava(jar: string, handler: string, event: unknown): Promise<unknown> {
  const lib = await jarsOf(...RUNTIME);
  let answered: (answer: { path: string; body: any }) => void;
  const answer = new Promise<{ path: string; body: any }>((resolve) => { answered = resolve; });
  let given = false;
  const server = createServer((request, response) => {
    const url = request.url!;
    if (request.method === 'POST') {
      void json(request).then((body) => answered({ path: url, body })).then(() => response.writeHead(202).end());
    } else if (!given) {
      given = true;
      response.writeHead(200, {
        'Content-Type': 'application/json', // it crashes without one
        'Lambda-Runtime-Aws-Request-Id': 'one',
        'Lambda-Runtime-Deadline-Ms': `${Date.now() + 60_000}`,
      }).end(JSON.stringify(event));
    } // a second question waits, as in Lambda
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const said: string[] = [];
  const child = spawn('java', ['-cp', [jar, path.join(lib, '*')].join(path.delimiter), MAIN, handler], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${(server.address() as AddressInfo).port}`,
      AWS_LAMBDA_FUNCTION_NAME: 'worker',
      _HANDLER: handler,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
      AWS_LAMBDA_FUNCTION_VERSION: '1',
      LAMBDA_TASK_ROOT: path.dirname(jar),
    },
  });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => said.push(String(text)));
  try {
    const ended = new Promise<never>((_, reject) => child.once('exit', (code) => reject(new Error(`the runtime exited with ${code}:\n${said.join('')}`))));
    const { path: where, body } = await Promise.race([answer, ended]);
    if (!where.endsWith('/response')) throw new Error(`${body.errorType}: ${body.errorMessage}`);
    return body;
  } finally {
    child.kill('SIGKILL');
    server.close();
    server.closeAllConnections();
  }
}
