/** Anything that this client says itself; `cause` is what AWS said. */
export class BurstError extends Error {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options as ErrorOptions);
    this.name = new.target.name;
  }
}

/** No BurstCompute is at the address, or no Region says where to look. */
export class AddressError extends BurstError {}

/** The request is not one that any BurstCompute takes, or its name is none: nothing was started. */
export class InvalidRequestError extends BurstError {
  /** `field`: the first that is wrong, such as `items.range`. */
  constructor(message: string, readonly field: string, options?: { readonly cause?: unknown }) {
    super(message, options);
  }
}

/** No job of this name was started here. */
export class UnknownJobError extends BurstError {
  constructor(readonly jobId: string, stateMachineArn: string) {
    super(`there is no job ${jobId} at ${stateMachineArn}, or it was removed after its retention`);
  }
}

/** The job did not succeed. */
export class JobFailedError extends BurstError {
  constructor(readonly jobId: string, readonly status: string, readonly code: string | undefined, message: string) {
    super(`job ${jobId} is ${status}${code === undefined ? '' : ` (${code})`}: ${message}`);
  }
}

/** The name was used for another request. */
export class NameTakenError extends BurstError {
  constructor(readonly jobId: string, status: string) {
    super(`job ${jobId} exists already (${status}) and its request was another one: choose another name, or submit the same request`);
  }
}

/** The job has not ended yet. */
export class JobRunningError extends BurstError {
  constructor(readonly jobId: string, status: string, what = 'can be redriven') {
    super(`job ${jobId} is ${status}: only a job that has ended ${what}; wait for it or cancel it first`);
  }
}

/** A request larger than Step Functions takes, its list aside. */
export class RequestTooLargeError extends BurstError {
  constructor(bytes: number, readonly maxBytes: number) {
    super(`the request has ${bytes} bytes without its list, allowed: ${maxBytes}: put large parameters into an object of your own and pass its address, and items into S3 with items.s3`);
  }
}

/** There are no credentials, or AWS does not take them (any more). */
export class CredentialsError extends BurstError {}

/** The credentials are good, but do not allow this. */
export class AccessDeniedError extends BurstError {}

/** The endpoint does not answer. */
export class UnreachableError extends BurstError {}
