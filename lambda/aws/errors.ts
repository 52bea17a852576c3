import { NotAllowed, Transient } from '../protocol/errors';

interface SdkError {
  readonly name: string;
  readonly message: string;
  /** Of an error of Node's: the connection failed. */
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const DENIED = new Set(['AccessDenied', 'AccessDeniedException', 'ResourceNotFoundException', 'NoSuchBucket', 'KMSAccessDeniedException', 'UnrecognizedClientException']);
const PASSING = new Set([
  'ThrottlingException', 'ProvisionedThroughputExceededException', 'RequestLimitExceeded', 'SlowDown', 'TooManyRequestsException', 'TimeoutError', 'RequestTimeout', 'ConditionalRequestConflict',
]);
const CONNECTION = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

/** Runs a call to AWS; what can never succeed becomes `NotAllowed` and says what was tried on what, what may pass becomes `Transient`. */
export async function attempt<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const { name, message, code, $metadata } = error as SdkError;
    if (DENIED.has(name) || $metadata?.httpStatusCode === 403) {
      throw new NotAllowed(`${what} was refused: ${name}: ${message}`, error);
    }
    const isPassing = PASSING.has(name) || ($metadata?.httpStatusCode ?? 0) >= 500 || (code !== undefined && CONNECTION.has(code));
    if (isPassing) throw new Transient(`${what} did not succeed: ${name}: ${message}`, error);
    throw error;
  }
}
