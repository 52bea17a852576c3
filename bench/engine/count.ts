import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetExecutionHistoryCommand, SFNClient } from '@aws-sdk/client-sfn';
import { CountingProxy, Requests, unbilled } from './counting-proxy';
import { Deployed, OWN_FUNCTIONS, setVariables } from './deploy';
import { json } from './wire';
import { PLATFORM_LOG_BYTES, Usage } from '../../lambda/protocol/usage';
import type { Values } from '../../simulation/aws/parameters';
import { runJob } from '../../simulation/aws/run';
import { Bill, emptyBill, LOG_EVENT_BYTES } from '../../simulation/aws/usage';

/** Of a batch's answer, the quotes of a text included; and of the engine's task tokens, which are shorter than AWS's. */
const RESULT_CHARS = 2;
const TOKEN_CHARS = 36;

/** One job's bill, counted three times. */
export interface Counts {
  readonly batches: number;
  /** From what passed a proxy, the execution's history and Lambda's own log lines. */
  readonly engine: Bill;
  /** What the job says on its row. */
  readonly own: Bill;
  readonly simulation: Bill;
  readonly calls: Requests['calls'];
  /** What costs something and is in none of them. */
  readonly unbilled: string[];
}

/** A job to count; `callMs`: what a call of the worker takes on the engine beyond its sleep. */
export interface Counted { readonly batches: number; readonly sleepMs: number; readonly slots: number; readonly callMs: number }

/** Counts jobs on an engine from outside the functions; from then on all they ask of AWS passes a proxy. */
export class Counter {
  static async before(deployed: Deployed): Promise<Counter> {
    const proxy = await CountingProxy.before(deployed.engine.endpoint);
    await setVariables(deployed, functionsOf(deployed), { AWS_ENDPOINT_URL: proxy.endpoint });
    return new Counter(deployed, proxy);
  }

  private constructor(private readonly deployed: Deployed, private readonly proxy: CountingProxy) {}

  async count({ batches, sleepMs, slots, callMs }: Counted, job: () => Promise<string>): Promise<Counts> {
    const { tree, config } = this.deployed;
    await this.settled();
    const logged = await this.logs();
    this.proxy.reset();
    const jobId = await job();
    const nowLogged = await this.settled();
    const { calls, ...requests } = this.proxy.counted;
    const executionArn = `${tree.address.stateMachineArn.replace(':stateMachine:', ':execution:')}:${jobId}`;
    const { events } = await new SFNClient(config).send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 }));
    const { usage } = await tree.client.status(jobId);
    return {
      batches,
      engine: {
        ...emptyBill(),
        ...requests,
        lambdaRequests: nowLogged.invocations - logged.invocations,
        gbSeconds: nowLogged.gbSeconds - logged.gbSeconds,
        transitions: events!.filter(({ type }) => type!.endsWith('StateEntered')).length,
        logBytes: nowLogged.bytes - logged.bytes,
      },
      own: billOf(usage!),
      simulation: (await runJob({
        batches,
        batchMs: sleepMs,
        accountConcurrency: slots + OWN_FUNCTIONS,
        workers: 1,
        seed: 1,
        resultChars: RESULT_CHARS,
        tokenChars: TOKEN_CHARS,
        values: speed(callMs),
      })).bill,
      calls,
      unbilled: unbilled({ calls, ...requests }),
    };
  }

  stop(): void {
    this.proxy.stop();
  }

  /** The log of an invocation is written after its answer: waits until no more comes. */
  private async settled(): Promise<Logged> {
    for (let last = await this.logs(); ; ) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      const now = await this.logs();
      if (now.bytes === last.bytes) return now;
      last = now;
    }
  }

  /** What Lambda wrote about our functions, and they themselves. */
  private async logs(): Promise<Logged> {
    const all = { invocations: 0, gbSeconds: 0, bytes: 0 };
    const lambda = new LambdaClient(this.deployed.config);
    for (const FunctionName of functionsOf(this.deployed)) {
      const { LoggingConfig } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
      const logGroupName = LoggingConfig?.LogGroup ?? `/aws/lambda/${FunctionName}`;
      let nextToken: string | undefined;
      do {
        const page: LogPage = await json<LogPage>(this.deployed.engine.endpoint, 'Logs_20140328.FilterLogEvents', { logGroupName, nextToken });
        for (const { message } of page.events) {
          all.bytes += Buffer.byteLength(message) + LOG_EVENT_BYTES;
          const [, ms, megabytes] = /^REPORT .*Billed Duration: (\d+) ms\tMemory Size: (\d+) MB/.exec(message) ?? [];
          if (ms === undefined) continue;
          all.invocations++;
          all.gbSeconds += (Number(ms) / 1_000) * (Number(megabytes) / 1_024);
        }
        nextToken = page.nextToken;
      } while (nextToken);
    }
    return all;
  }
}

/** The engine's delays for the model in the place of AWS's, so that what a job does by the clock is done as often. */
function speed(callMs: number): Partial<Values> {
  const request = 3;
  return {
    spread: 1e-9,
    coldStartMs: 1e-9,
    initMs: 1e-9,
    invokeMs: callMs,
    callCpuMs: 1e-9,
    connectCpuMs: 1e-9,
    asyncAcceptMs: request,
    asyncHopMs: request,
    tableMs: request,
    objectMs: request,
    transitionMs: request,
  };
}

interface Logged { readonly invocations: number; readonly gbSeconds: number; readonly bytes: number }
interface LogPage { readonly events: { readonly message: string }[]; readonly nextToken?: string }

const functionsOf = ({ tree: { address } }: Deployed) => [address.dispatcher, address.monitor];

/** The lines of a bill out of what a job counted, without worker and combiner. */
function billOf(usage: Usage): Bill {
  return {
    ...emptyBill(),
    lambdaRequests: usage.dispatcherInvocations + usage.monitorInvocations,
    gbSeconds: (usage.dispatcherMs + usage.monitorMs) / 1_000, // of 1,024 MB
    writeUnits: usage.tableWriteUnits,
    readUnits: usage.tableReadUnits,
    s3Puts: usage.objectPuts,
    s3Gets: usage.objectGets,
    transitions: usage.stateTransitions,
    logBytes: usage.logBytes - PLATFORM_LOG_BYTES * (usage.workerInvocations + usage.combinerInvocations),
  };
}
