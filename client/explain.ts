import { AccessDeniedError, AddressError, CredentialsError, UnreachableError } from './errors';

interface SdkError extends Error {
  readonly code?: string;
  readonly hostname?: string;
  readonly address?: string;
  readonly port?: number;
  readonly errors?: SdkError[];
}

const EXPIRED = /^(ExpiredToken|RequestExpired|TokenRefreshRequired)/;
const REFUSED = /^(UnrecognizedClient|InvalidClientTokenId|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidSignature|IncompleteSignature|AuthFailure|MissingAuthenticationToken)/;
const DENIED = /^(AccessDenied|AuthorizationError|NotAuthorized|Forbidden)/;
const UNREACHABLE = new Set(['ENOTFOUND', 'ECONNREFUSED', 'ECONNRESET', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EPIPE']);

/** What went wrong on the way to AWS, in words that say what to do; anything else as it is. `whom`: the service and where it is. */
export function explain(error: unknown, whom: string): unknown {
  const { name, message, code, errors } = error as SdkError;
  const options = { cause: error };
  if (name === 'CredentialsProviderError' || name === 'TokenProviderError') {
    return new CredentialsError(`no AWS credentials were found (${firstLine(message)}): set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run \`aws sso login\``, options);
  }
  if (EXPIRED.test(name)) return new CredentialsError(`the AWS credentials have expired (${whom}: ${firstLine(message)}): get new ones, for instance with \`aws sso login\``, options);
  if (REFUSED.test(name)) return new CredentialsError(`the AWS credentials are not accepted (${whom}: ${firstLine(message)}): check profile, keys and Region`, options);
  if (DENIED.test(name)) return new AccessDeniedError(`not allowed (${whom}): ${firstLine(message)}: the construct's grantStart, grantReadResults, grantCancel and grantRedrive give what is needed`, options);
  if (message === 'Region is missing') return new AddressError('no AWS Region is set: set AWS_REGION, or name the state machine by its ARN', options);
  const network = code ?? errors?.[0]?.code;
  if (name === 'TimeoutError' || (network !== undefined && UNREACHABLE.has(network))) {
    return new UnreachableError(`${whom} does not answer (${network ?? name}): check the network, the Region and the endpoint`, options);
  }
  return error;
}

function firstLine(text: string): string {
  return text.split('\n')[0].replace(/[.\s]+$/, '');
}
