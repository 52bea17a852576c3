import { CfnResource, Token } from 'aws-cdk-lib';
import { CfnFunction, IFunction } from 'aws-cdk-lib/aws-lambda';

/** What Lambda uses where a function sets no time-out, in seconds. */
const LAMBDA_DEFAULT_TIMEOUT = 3;

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

/** As runningTimeout, but looks behind aliases and versions: good enough to refuse a bad one early. */
export function findTimeout(fn: IFunction): number | undefined {
  const behind = (fn as { lambda?: IFunction }).lambda;
  return behind ? findTimeout(behind) : runningTimeout(fn);
}

function isCfnFunction(resource: unknown): resource is CfnFunction {
  return CfnResource.isCfnResource(resource) && resource.cfnResourceType === CfnFunction.CFN_RESOURCE_TYPE_NAME;
}
