import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { recursionDetectionMiddleware } from '@aws-sdk/core/client';
import { getEndpointFromInstructions } from '@smithy/core/endpoints';
import { HttpRequest, HttpResponse, loadRestJsonErrorCode } from '@smithy/core/protocols';

type Signer = Awaited<ReturnType<LambdaClient['config']['signer']>>;

interface Route {
  readonly url: URL;
  readonly signer: Signer;
}

/** What Lambda said to an invoke that reached it. */
export interface Answer {
  readonly status: number;
  readonly requestId: string;
  /** Of a function that failed: how, as Lambda puts it. */
  readonly functionError?: string;
  readonly text: string;
  /** Of an invoke that was refused. */
  readonly errorName: string;
  readonly errorMessage: string;
}

/** What the SDK's clients put on a request made within a function: loop detection rides on it. */
const traced = recursionDetectionMiddleware();

/**
 * Synchronous invokes with the SDK's endpoint, credentials, signature, trace header and connections, and without the rest of its middleware, which takes three
 * times as much processor time as all of these (docs/adr/0017): a leaf makes these calls by the thousand.
 */
export class DirectInvoke {
  private route?: Promise<Route>;

  constructor(private readonly client: LambdaClient) {}

  /** Throws what kept the request from an answer; never tries again. */
  async send(functionName: string, payload: string, abortSignal?: AbortSignal): Promise<Answer> {
    this.route ??= this.find();
    const { url, signer } = await this.route.catch((error: unknown) => {
      this.route = undefined; // credentials or settings may be there the next time
      throw error;
    });
    const body = Buffer.from(payload);
    const request = new HttpRequest({
      protocol: url.protocol,
      hostname: url.hostname,
      port: url.port === '' ? undefined : Number(url.port),
      method: 'POST',
      path: `${url.pathname.replace(/\/$/, '')}/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`,
      headers: { 'host': url.host, 'content-type': 'application/octet-stream', 'content-length': String(body.length), 'user-agent': 'cdk-burst-compute' },
      body,
    });
    await traced(async () => ({ response: undefined, output: {} as never }), {})({ request, input: {} });
    const signed = await signer.sign(request);
    const { response } = await this.client.config.requestHandler.handle(signed as HttpRequest, { abortSignal });
    return read(response);
  }

  private async find(): Promise<Route> {
    const { config } = this.client;
    const { url } = await getEndpointFromInstructions({}, InvokeCommand as never, config as never);
    return { url, signer: await config.signer() };
  }
}

async function read({ statusCode: status, headers, body }: HttpResponse): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  const answer = { status, requestId: headers['x-amzn-requestid'] ?? '', functionError: headers['x-amz-function-error'], text };
  return status < 300 ? { ...answer, errorName: '', errorMessage: '' } : { ...answer, ...errorIn(headers, text) };
}

/** As the SDK names and words it. */
function errorIn(headers: HttpResponse['headers'], text: string): Pick<Answer, 'errorName' | 'errorMessage'> {
  let said: { readonly message?: unknown; readonly Message?: unknown } = {};
  try {
    said = Object(JSON.parse(text)) as typeof said;
  } catch {
    // a proxy or a load balancer answered
  }
  return {
    errorName: loadRestJsonErrorCode({ headers } as never, said) ?? 'UnknownError',
    errorMessage: String(said.message ?? said.Message ?? text.slice(0, 1_000)),
  };
}
