package consumer;

import io.github.cdkburstcompute.BurstCompute;
import io.github.cdkburstcompute.CombineMode;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import software.amazon.awscdk.App;
import software.amazon.awscdk.CfnOutput;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.RemovalPolicy;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.services.cloudwatch.CreateAlarmOptions;
import software.amazon.awscdk.services.cloudwatch.MetricOptions;
import software.amazon.awscdk.services.iam.Role;
import software.amazon.awscdk.services.iam.ServicePrincipal;
import software.amazon.awscdk.services.kms.Key;
import software.amazon.awscdk.services.lambda.Code;
import software.amazon.awscdk.services.lambda.Function;
import software.amazon.awscdk.services.lambda.IFunction;
import software.amazon.awscdk.services.lambda.Runtime;
import software.amazon.awscdk.services.lambda.Tracing;
import software.amazon.awscdk.services.logs.LogGroup;
import software.amazon.awscdk.services.s3.Bucket;

/** The same app as in the other languages beside it: each prop and each kind of method crosses the language's binding. */
public final class Consumer {
    private Consumer() {
    }

    public static void main(String[] args) {
        App app = new App();
        Stack stack = new Stack(app, "Consumer");

        Function worker = function(stack, "Worker", "worker", "index.handler", Runtime.NODEJS_24_X);
        Function replica = function(stack, "Replica", "worker", "index.handler", Runtime.NODEJS_24_X);
        Function pythonWorker = function(stack, "PythonWorker", "python", "worker.handler", Runtime.PYTHON_3_13);
        Function combiner = function(stack, "Combiner", "combiner", "index.handler", Runtime.NODEJS_24_X);

        BurstCompute job = BurstCompute.Builder.create(stack, "Everything")
            .worker(worker)
            .workerReplicas(List.of(replica))
            .taskFunctions(Map.of("count", pythonWorker))
            .combiner(combiner)
            .combineMode(CombineMode.COLLECT)
            .inputBuckets(List.of(new Bucket(stack, "Inputs")))
            .batchSize(100)
            .maxConcurrency(20)
            .branching(16)
            .timeout(Duration.hours(2))
            .combineOnTimeout(true)
            .speculativeExecution(true)
            .workerRetries(1)
            .toleratedFailurePercentage(2.5)
            .resultRetention(Duration.days(2))
            .repairInterval(Duration.seconds(30))
            .encryptionKey(new Key(stack, "Key"))
            .removalPolicy(RemovalPolicy.DESTROY)
            .logGroup(new LogGroup(stack, "Logs"))
            .tracing(Tracing.ACTIVE)
            .build();
        BurstCompute.Builder.create(stack, "Least").worker(pythonWorker).build();
        BurstCompute.Builder.create(stack, "Imported")
            .worker(Function.fromFunctionArn(stack, "ImportedWorker", "arn:aws:lambda:us-east-1:111122223333:function:worker"))
            .build();

        Role caller = Role.Builder.create(stack, "Caller").assumedBy(new ServicePrincipal("lambda.amazonaws.com")).build();
        job.grantStart(caller);
        job.grantCancel(caller);
        job.grantRedrive(caller);
        job.grantReadResults(caller);
        job.metricFailed(MetricOptions.builder().period(Duration.minutes(1)).build())
            .createAlarm(stack, "Failed", CreateAlarmOptions.builder().threshold(1).evaluationPeriods(1).build());
        job.metricWorkerThrottles()
            .createAlarm(stack, "Throttled", CreateAlarmOptions.builder().threshold(100).evaluationPeriods(3).build());
        output(stack, "Given", Stream.of(List.of(job.getWorker()), job.getWorkerReplicas(),
                List.of(job.getTaskFunctions().get("count"), job.getCombiner()))
            .flatMap(List::stream).map(IFunction::getFunctionArn));
        output(stack, "Made", Stream.of(
            job.getDispatcher().getFunctionArn(), job.getMonitor().getFunctionArn(), job.getTasksTable().getTableName(),
            job.getResultsTable().getTableName(), job.getPayloadBucket().getBucketName(), job.getStateMachine().getStateMachineArn(),
            job.getEncryptionKey().getKeyArn()));
        app.synth();
    }

    private static Function function(Stack stack, String id, String code, String handler, Runtime runtime) {
        return Function.Builder.create(stack, id)
            .code(Code.fromAsset("../functions/" + code))
            .handler(handler)
            .runtime(runtime)
            .timeout(Duration.seconds(30))
            .build();
    }

    private static void output(Stack stack, String id, Stream<String> values) {
        CfnOutput.Builder.create(stack, id).value(values.collect(Collectors.joining(" "))).build();
    }
}
