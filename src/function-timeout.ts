import { CfnResource, Token } from 'aws-cdk-lib';
import { CfnFunction, IFunction } from 'aws-cdk-lib/aws-lambda';

/** What Lambda uses where a function sets no time-out, in seconds. */
const LAMBDA_DEFAULT_TIMEOUT = 3;
const LAMBDA_DEFAULT_MEMORY = 128;
const LAMBDA_DEFAULT_ARCHITECTURE = 'x86_64';

/**
 * The time-out in seconds of the function that an invocation really runs, or undefined where only Lambda knows: for
 * imported functions, tokens, and whatever carries a qualifier (a version keeps the time-out that it was published with).
 */
export function runningTimeout(fn: IFunction): number | undefined {
  const resource = fn.node.defaultChild;
  if (!isCfnFunction(resource)) {
    return undefined;
  }
  const timeout = resource.timeout ?? LAMBDA_DEFAULT_TIMEOUT;
  return Token.isUnresolved(timeout) ? undefined : timeout;
}

/** What a GB-second of a function is. */
export interface FunctionSize {
  readonly memoryMegabytes: number;
  readonly architecture: string;
}

/** Memory and architecture of the function that an invocation really runs; undefined where only Lambda knows, as for runningTimeout. */
export function runningSize(fn: IFunction): FunctionSize | undefined {
  const resource = fn.node.defaultChild;
  if (!isCfnFunction(resource)) {
    return undefined;
  }
  const { memorySize = LAMBDA_DEFAULT_MEMORY, architectures = [LAMBDA_DEFAULT_ARCHITECTURE] } = resource;
  return Token.isUnresolved(memorySize) || Token.isUnresolved(architectures)
    ? undefined
    : { memoryMegabytes: memorySize, architecture: architectures[0] };
}

/** As runningTimeout, but looks behind aliases and versions: good enough to refuse a bad one early. */
export function findTimeout(fn: IFunction): number | undefined {
  const behind = (fn as { lambda?: IFunction }).lambda;
  return behind ? findTimeout(behind) : runningTimeout(fn);
}

function isCfnFunction(resource: unknown): resource is CfnFunction {
  return CfnResource.isCfnResource(resource) && resource.cfnResourceType === CfnFunction.CFN_RESOURCE_TYPE_NAME;
}
