import {
  AccessDeniedError, AddressError, CredentialsError, InvalidRequestError, JobFailedError, JobRunningError, NameTakenError, RequestTooLargeError,
  UnknownJobError,
} from '../errors';

/** The command was called in a way it cannot be. */
export class UsageError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UsageError';
  }
}

/** Ctrl-C: whatever was started goes on. */
export class Interrupted extends Error {}

export const EXIT_CODES = `
Exit codes:
  0    done; for run and wait: the job succeeded
  1    something failed on the way: network, AWS, this machine
  2    called wrongly: arguments, request, files, no such job, no such BurstCompute
  3    the job ended, but did not succeed
  4    no credentials, expired ones, or a permission is missing
  130  interrupted; a job that was started goes on`;

/** The exit code of an error. */
export function exitCodeOf(error: unknown): number {
  const is = (...kinds: (new (...args: any[]) => Error)[]) => kinds.some((kind) => error instanceof kind);
  if (is(Interrupted)) return 130;
  if (is(CredentialsError, AccessDeniedError)) return 4;
  if (is(JobFailedError)) return 3;
  if (is(UsageError, InvalidRequestError, AddressError, UnknownJobError, NameTakenError, JobRunningError, RequestTooLargeError)) return 2;
  return (error as { exitCode?: number }).exitCode ?? 1;
}
