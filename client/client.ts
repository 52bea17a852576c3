import { JobAddress } from './address';
import { checkName, checkRequest } from './check-request';
import { Connection, ConnectionOptions } from './connection';
import { Context } from './jobs/context';
import { cancel, redrive } from './jobs/end';
import { FollowOptions } from './jobs/groups';
import { JobSummary, list, ListOptions } from './jobs/list';
import { manifest, result } from './jobs/result';
import { failures, results } from './jobs/results';
import { JobStatus, status, wait, WaitOptions } from './jobs/status';
import { submit, SubmitOptions } from './jobs/submit';
import { JobTimeline, timeline, TimelineOptions } from './jobs/timeline';
import { checkTarget, resolve, Target } from './target';
import type { Failure, Manifest } from '../lambda/protocol/model';
import type { BatchResult } from '../lambda/protocol/results';

export interface BurstClientOptions extends Target, ConnectionOptions {}

export interface CallOptions {
  /** Ends the call with an AbortError. */
  readonly signal?: AbortSignal;
}

/**
 * Starts, watches and gathers the jobs of one deployed BurstCompute.
 *
 * Every method throws a `BurstError` where there is something to be done about it: `CredentialsError`, `AccessDeniedError`,
 * `UnreachableError`, `AddressError`, `UnknownJobError` and what it names itself; anything else as the AWS SDK throws it.
 */
export class BurstClient {
  private readonly connection: Connection;
  private readonly target: Target;
  private found?: JobAddress;

  /** Makes no request. Throws AddressError where the options do not say which BurstCompute is meant. */
  constructor(options: BurstClientOptions) {
    const { stateMachineArn, stack, construct, address, ...connection } = checkTarget(options);
    this.connection = new Connection(connection);
    this.target = { stateMachineArn, stack, construct, address };
  }

  /** Where everything is; found with one request, once. */
  async address(options: CallOptions = {}): Promise<JobAddress> {
    return (this.found ??= await resolve(this.connection, this.target, options.signal));
  }

  /**
   * Starts a job. The same name with the same request is the same job, however often it is submitted.
   *
   * A list that is too large for the input of an execution is uploaded first, under `jobs/<job>/upload/` of the payload bucket.
   *
   * @throws InvalidRequestError if name or request are wrong, with the field; what the construct's props forbid, the job says
   * @throws NameTakenError if the name was used for another request
   * @throws RequestTooLargeError if the request is too large without its list, too
   */
  async submit(options: SubmitOptions): Promise<{ jobId: string }> {
    checkRequest(options.request);
    if (options.name !== undefined) checkName(options.name);
    return submit(await this.context(options), options);
  }

  /** How a job stands: at most two requests, whatever the job's size; one with more than 100 dispatchers is estimated from 100 of them. */
  async status(jobId: string, options: CallOptions = {}): Promise<JobStatus> {
    return status(await this.context(options), jobId);
  }

  /**
   * Waits until the job has ended, however it did.
   *
   * A look takes two requests, whatever the job's size. Pauses grow with the time waited, from 0.5 s to 5 s: at most 114 requests in the
   * first minute, 24 a minute from 100 s on.
   */
  async wait(jobId: string, options: WaitOptions = {}): Promise<JobStatus> {
    return wait(await this.context(options), jobId, options);
  }

  /**
   * The combiner's answer, or of unlike tasks what became of each, by id; undefined without either. `partial`: of a job that
   * did not succeed, too: where it has unlike tasks, or ran out of time and the construct says `combineOnTimeout`.
   *
   * @throws JobFailedError if the job did not succeed
   */
  async result(jobId: string, options: CallOptions & { readonly partial?: boolean } = {}): Promise<unknown> {
    return result(await this.context(options), jobId, options);
  }

  /**
   * What became of every batch, each once: results come as soon as their group of 64 batches is finished, while the job still runs,
   * and to the end of the job however it ends. With `order: 'batch'`, the default, by number, so that a slow group holds back those
   * behind it; with `'finished'` as they come. Batches that the job ended without are `missing`, and come last unless in order.
   *
   * Beside the results themselves, which are read once, 100 groups to a request, a look takes two requests; it paces itself as `wait` does.
   * A job with more than 100 dispatchers is looked over 100 at a time. One group is in memory at a time.
   */
  async* results(jobId: string, options: FollowOptions = {}): AsyncGenerator<BatchResult> {
    yield* results(await this.context(options), jobId, options);
  }

  /**
   * The batches that failed for good, of finished groups; once the job has ended, of the others, too. Read as `results` are, without
   * the results.
   */
  async* failures(jobId: string, options: FollowOptions = {}): AsyncGenerator<Failure> {
    yield* failures(await this.context(options), jobId, options);
  }

  /**
   * Ends a job early: nothing new starts, its status becomes CANCELLED, results so far stay readable. Workers that run
   * already run on to their end. A job that has ended stays as it is.
   */
  async cancel(jobId: string, options: CallOptions = {}): Promise<void> {
    return cancel(await this.context(options), jobId);
  }

  /**
   * Runs the failed and missing batches of an ended job again, under the same job id; the results of the others stay.
   *
   * @returns the epoch that this starts
   * @throws JobRunningError while the job has not ended
   * @throws JobFailedError if it cannot be redriven, with the reason
   */
  async redrive(jobId: string, options: CallOptions = {}): Promise<{ jobId: string; epoch: number }> {
    return redrive(await this.context(options), jobId);
  }

  /** Jobs, the latest first: two requests per 100 executions. Step Functions remembers them for 90 days. */
  async* list(options: ListOptions = {}): AsyncGenerator<JobSummary> {
    yield* list(await this.context(options), options);
  }

  /** The manifest of a job that has ended. */
  async manifest(jobId: string, options: CallOptions = {}): Promise<Manifest> {
    return manifest(await this.context(options), jobId);
  }

  /** When what ran. For jobs that have ended. */
  async timeline(jobId: string, options: CallOptions & TimelineOptions = {}): Promise<JobTimeline> {
    return timeline(await this.context(options), jobId, options);
  }

  private async context({ signal }: CallOptions): Promise<Context> {
    signal?.throwIfAborted();
    return new Context(this.connection, await this.address({ signal }), signal);
  }
}
