import { setMaxListeners } from 'node:events';
import { GetAccountSettingsCommand, GetFunctionConfigurationCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { Answer, DirectInvoke } from './direct-invoke';
import { attempt } from './errors';
import { NotAllowed } from '../protocol/errors';
import type { CallOutcome, Invoker } from '../protocol/ports';

/** Names of errors are stored with each failure, 64 to a row. */
const MAX_ERROR_TYPE_CHARS = 200;

/** Functions by ARN or name. */
export interface Functions {
  /** The worker and its replicas. */
  readonly workers: string[];
  /** Those that unlike tasks may name. */
  readonly tasks: { readonly [name: string]: string };
  readonly combiner?: string;
  readonly dispatcher: string;
}

/** Lambda. `calls` must not retry: who repeats a user's call, and when, is the protocol's decision. */
export class LambdaInvoker implements Invoker {
  private readonly calls: DirectInvoke;

  constructor(calls: LambdaClient, private readonly control: LambdaClient, private readonly functions: Functions) {
    this.calls = new DirectInvoke(calls);
  }

  async callWorker(payload: string, signal?: AbortSignal, turn = 0, taskFunction?: string): Promise<CallOutcome> {
    if (signal) setMaxListeners(0, signal); // one per call in flight: no leak
    if (taskFunction === undefined || Object.hasOwn(this.functions.tasks, taskFunction)) {
      return this.call(this.functionOf(turn, taskFunction), payload, signal);
    }
    return { kind: 'refused', errorType: 'TaskFunctionMissing', message: `the construct's taskFunctions have no ${taskFunction} any more` };
  }

  functionOf(turn: number, taskFunction?: string): string {
    const { workers, tasks } = this.functions;
    return taskFunction === undefined ? workers[turn % workers.length] : tasks[taskFunction];
  }

  callCombiner(payload: string): Promise<CallOutcome> {
    return this.call(this.functions.combiner!, payload);
  }

  async dispatch(event: object): Promise<void> {
    await attempt(`lambda:InvokeFunction on ${this.functions.dispatcher}`, () => this.control.send(new InvokeCommand({
      FunctionName: this.functions.dispatcher, InvocationType: 'Event', Payload: Buffer.from(JSON.stringify(event)),
    })));
  }

  async accountConcurrency(): Promise<number> {
    const { AccountLimit } = await attempt('lambda:GetAccountSettings', () => this.control.send(new GetAccountSettingsCommand({})));
    const limit = AccountLimit?.UnreservedConcurrentExecutions ?? AccountLimit?.ConcurrentExecutions;
    if (limit === undefined || limit < 3) {
      throw new NotAllowed(`this account may run ${limit ?? 'an unknown number of'} functions at once in this Region, a job needs at least 3: ask for more concurrent executions in Service Quotas`);
    }
    return limit;
  }

  async workerTimeoutSeconds(): Promise<number> {
    return Math.max(...await Promise.all(this.functions.workers.map((worker) => this.timeoutSeconds(worker))));
  }

  taskTimeoutSeconds(name: string): Promise<number> {
    return this.timeoutSeconds(this.functions.tasks[name]);
  }

  private async timeoutSeconds(FunctionName: string): Promise<number> {
    const { Timeout } = await attempt(`lambda:GetFunctionConfiguration on ${FunctionName}`, () =>
      this.control.send(new GetFunctionConfigurationCommand({ FunctionName })));
    return Timeout!;
  }

  private async call(functionName: string, payload: string, abortSignal?: AbortSignal): Promise<CallOutcome> {
    let answer: Answer;
    try {
      answer = await this.calls.send(functionName, payload, abortSignal);
    } catch (error) {
      const { name, message } = error as Error;
      return { kind: 'unknown', message: `${name}: ${message}` };
    }
    const { status, requestId, functionError, text } = answer;
    if (status >= 300) return refusal(answer);
    if (functionError === undefined) return { kind: 'returned', payload: text === '' ? 'null' : text, requestId };
    return { kind: 'threw', requestId, ...thrown(text, functionError) };
  }
}

/** What the runtime says about a function that threw, timed out or was killed. */
function thrown(text: string, fallback: string): { errorType: string; message: string } {
  try {
    const { errorType, errorMessage } = JSON.parse(text) as { errorType?: unknown; errorMessage?: unknown };
    return {
      // a runtime of the user's own may say anything here, of any size
      errorType: typeof errorType === 'string' ? errorType.slice(0, MAX_ERROR_TYPE_CHARS) : fallback,
      message: typeof errorMessage === 'string' ? errorMessage : text,
    };
  } catch {
    return { errorType: fallback, message: text };
  }
}

function refusal({ status, errorName, errorMessage }: Answer): CallOutcome {
  if (status === 429) return { kind: 'throttled' };
  if (status === 413) return { kind: 'threw', errorType: 'EventTooLarge', message: `the batch's event is larger than Lambda takes: use a smaller batchSize (${errorMessage})`, requestId: '' };
  // 409: the function is just being created or updated
  if (status >= 400 && status < 500 && status !== 409) return { kind: 'refused', errorType: errorName, message: errorMessage };
  return { kind: 'unknown', message: `${errorName}: ${errorMessage}` };
}
