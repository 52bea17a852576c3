/** No job of this name was started here. */
export class UnknownJobError extends Error {
  constructor(readonly jobId: string, stateMachineArn: string) {
    super(`there is no job ${jobId} at ${stateMachineArn}, or it was removed after its retention`);
    this.name = 'UnknownJobError';
  }
}

/** The job did not succeed. */
export class JobFailedError extends Error {
  constructor(readonly jobId: string, readonly status: string, readonly code: string | undefined, message: string) {
    super(`job ${jobId} is ${status}${code === undefined ? '' : ` (${code})`}: ${message}`);
    this.name = 'JobFailedError';
  }
}
