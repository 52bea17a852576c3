package example;

import io.github.cdkburstcompute.BurstCompute;
import java.util.List;
import java.util.Map;
import software.amazon.awscdk.App;
import software.amazon.awscdk.CfnOutput;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.RemovalPolicy;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.StackProps;
import software.amazon.awscdk.services.lambda.Code;
import software.amazon.awscdk.services.lambda.Function;
import software.amazon.awscdk.services.lambda.IFunction;
import software.amazon.awscdk.services.lambda.Runtime;
import software.amazon.awscdk.services.s3.Bucket;

/** Enriches the rows of a CSV in S3, with a worker in Node and with one in Python, and runs unlike tasks. The same app as in the other languages beside it. */
public final class CsvEnrich {
    private CsvEnrich() {
    }

    public static void main(String[] args) {
        App app = new App();
        Stack stack = new Stack(app, "CsvEnrich", StackProps.builder().description("Orders in a CSV, enriched and added up").build());

        Bucket orders = Bucket.Builder.create(stack, "Orders").enforceSsl(true).removalPolicy(RemovalPolicy.DESTROY).build();
        Function node = function(stack, "NodeWorker", "node", "index.handler", Runtime.NODEJS_24_X);
        Function python = function(stack, "PythonWorker", "python", "worker.handler", Runtime.PYTHON_3_13);
        Map<String, IFunction> tasks = Map.of(
            "invoice", function(stack, "Invoice", "node", "index.invoice", Runtime.NODEJS_24_X),
            "audit", function(stack, "Audit", "python", "worker.audit", Runtime.PYTHON_3_13));
        Function combiner = function(stack, "Combiner", "combiner", "index.handler", Runtime.NODEJS_24_X);

        enrich(stack, "EnrichInNode", node, combiner, tasks, orders);
        enrich(stack, "EnrichInPython", python, combiner, tasks, orders);
        CfnOutput.Builder.create(stack, "OrdersBucket").value(orders.getBucketName()).build();
        app.synth();
    }

    private static void enrich(Stack stack, String id, Function worker, Function combiner, Map<String, IFunction> tasks, Bucket orders) {
        BurstCompute.Builder.create(stack, id)
            .worker(worker)
            .combiner(combiner)
            .taskFunctions(tasks)
            .inputBuckets(List.of(orders))
            .batchSize(500)
            .removalPolicy(RemovalPolicy.DESTROY)
            .build();
    }

    private static Function function(Stack stack, String id, String folder, String handler, Runtime runtime) {
        return Function.Builder.create(stack, id)
            .code(Code.fromAsset("../functions/" + folder))
            .handler(handler)
            .runtime(runtime)
            .timeout(Duration.minutes(1))
            .build();
    }
}
