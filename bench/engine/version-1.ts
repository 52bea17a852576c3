import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { Choice, Condition, DefinitionBody, JsonPath, StateMachine, TaskInput, Wait, WaitTime } from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvocationType, LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';

/** How long the monitor waits between looks. */
const POLL = Duration.seconds(1);

/** The first burst-compute as an app of its own; see functions/version-1.ts. */
export class Version1 extends Construct {
  readonly stateMachine: StateMachine;
  readonly worker: LambdaFunction;

  constructor(scope: Construct, id: string, code: Code) {
    super(scope, id);
    const table = new Table(this, 'Results', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'batch', type: AttributeType.NUMBER },
      billingMode: BillingMode.PAY_PER_REQUEST,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const fn = (name: string, environment: Record<string, string> = {}) => new LambdaFunction(this, name, {
      code,
      handler: `version-1.${name === 'Root' ? 'dispatcher' : name.toLowerCase()}`,
      runtime: Runtime.NODEJS_24_X,
      memorySize: 256,
      timeout: Duration.minutes(5),
      environment: { RESULTS_TABLE: table.tableName, ...environment },
    });
    this.worker = fn('Worker');
    const second = fn('Dispatcher', { WORKER: this.worker.functionArn });
    const root = fn('Root', { DISPATCHER: second.functionArn }); // apart from the others, so that no function has to name itself
    const [monitor, combiner] = [fn('Monitor'), fn('Combiner')];
    this.worker.grantInvoke(second);
    second.grantInvoke(root);
    table.grantWriteData(this.worker);
    for (const reader of [monitor, combiner]) table.grantReadData(reader);

    const payload = TaskInput.fromObject({ jobId: JsonPath.stringAt('$$.Execution.Name'), batches: JsonPath.numberAt('$.batches') });
    const start = new LambdaInvoke(this, 'Start', {
      lambdaFunction: root, payload, invocationType: LambdaInvocationType.EVENT, resultPath: JsonPath.DISCARD,
    });
    const count = new LambdaInvoke(this, 'Count', { lambdaFunction: monitor, payload, resultPath: '$.count' });
    const wait = new Wait(this, 'WaitForMore', { time: WaitTime.duration(POLL) });
    const combine = new LambdaInvoke(this, 'Combine', { lambdaFunction: combiner, payload, outputPath: '$.Payload' });
    const isDone = new Choice(this, 'IsDone').when(Condition.booleanEquals('$.count.Payload.isDone', true), combine).otherwise(wait);
    wait.next(count);
    this.stateMachine = new StateMachine(this, 'StateMachine', { definitionBody: DefinitionBody.fromChainable(start.next(count).next(isDone)) });
  }
}
