import { NotAllowed, Transient } from '../protocol';

interface SdkError {
  readonly name: string;
  readonly message: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const DENIED = new Set(['AccessDenied', 'AccessDeniedException', 'ResourceNotFoundException', 'NoSuchBucket', 'KMSAccessDeniedException', 'UnrecognizedClientException']);
const PASSING = new Set(['ThrottlingException', 'ProvisionedThroughputExceededException', 'RequestLimitExceeded', 'SlowDown', 'ConditionalRequestConflict', 'TooManyRequestsException', 'TimeoutError']);

/** Runs a call to AWS; what can never succeed becomes `NotAllowed` and says what was tried on what, what may pass becomes `Transient`. */
export async function attempt<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const { name, message, $metadata } = error as SdkError;
    if (DENIED.has(name) || $metadata?.httpStatusCode === 403) {
      throw new NotAllowed(`${what} was refused: ${name}: ${message}`, error);
    }
    if (PASSING.has(name) || ($metadata?.httpStatusCode ?? 0) >= 500) throw new Transient(`${what} did not succeed: ${name}: ${message}`, error);
    throw error;
  }
}
