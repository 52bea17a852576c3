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

/** The name was used for another request. */
export class NameTakenError extends Error {
  constructor(readonly jobId: string, status: string) {
    super(`job ${jobId} exists already (${status}) and its request was another one: choose another name, or submit the same request`);
    this.name = 'NameTakenError';
  }
}

/** The job has not ended yet. */
export class JobRunningError extends Error {
  constructor(readonly jobId: string, status: string) {
    super(`job ${jobId} is ${status}: only a job that has ended can be redriven; wait for it or cancel it first`);
    this.name = 'JobRunningError';
  }
}

/** A request larger than Step Functions takes, its list aside. */
export class RequestTooLargeError extends Error {
  constructor(bytes: number, readonly maxBytes: number) {
    super(`the request has ${bytes} bytes without its list, allowed: ${maxBytes}: put large parameters into an object of your own and pass its address, and items into S3 with items.s3`);
    this.name = 'RequestTooLargeError';
  }
}
