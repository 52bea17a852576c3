import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { FUNCTION, Way } from './ways';
import { BurstCompute, ChildType, FanOut } from '../../src';

/** What is measured: the same job with each way to fan out, each with functions of its own, and nothing that outlives the stack. */
const app = new App();
const stack = new Stack(app, String(app.node.getContext('stack')), { description: 'Measurements of cdk-burst-compute; removed by itself' });
const batchMs = String(app.node.getContext('batchMs'));
const ways = String(app.node.getContext('ways')).split(',') as Way[];

/** Waits, so that all it tells is when it began, and whether its environment was new. */
const WORKER = `let isNew = 1;
exports.handler = async () => {
  const answer = [Date.now(), isNew];
  isNew = 0;
  await new Promise((resolve) => setTimeout(resolve, Number(process.env.BATCH_MS)));
  return answer;
};`;
const COMBINER = 'exports.handler = async ({ batchCount, isComplete }) => ({ batchCount, isComplete });';

/** May write to its own log group alone: a group that CloudFormation has deleted is not made again by lines that come late. */
function logged(id: string, code: string): LambdaFunction {
  const logGroup = new LogGroup(stack, `${id}Logs`, { retention: RetentionDays.ONE_DAY, removalPolicy: RemovalPolicy.DESTROY });
  const role = new Role(stack, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  logGroup.grantWrite(role);
  return new LambdaFunction(stack, id, {
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    memorySize: FUNCTION.memoryMegabytes,
    timeout: Duration.seconds(Math.ceil(Number(batchMs) / 1_000) + 30),
    handler: 'index.handler',
    code: Code.fromInline(code),
    environment: { BATCH_MS: batchMs },
    logGroup,
    role,
  });
}

const FAN_OUTS: { readonly [way in Way]: FanOut } = {
  Tree: FanOut.tree(),
  Standard: FanOut.distributedMap(),
  Express: FanOut.distributedMap({ childType: ChildType.EXPRESS }),
};
for (const way of ways) {
  new BurstCompute(stack, way, {
    fanOut: FAN_OUTS[way],
    worker: logged(`${way}Worker`, WORKER),
    combiner: logged(`${way}Combiner`, COMBINER),
    removalPolicy: RemovalPolicy.DESTROY,
  });
}
