package example;

import io.github.cdkburstcompute.BurstCompute;
import software.amazon.awscdk.App;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.RemovalPolicy;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.StackProps;
import software.amazon.awscdk.services.lambda.Architecture;
import software.amazon.awscdk.services.lambda.Code;
import software.amazon.awscdk.services.lambda.Function;
import software.amazon.awscdk.services.lambda.Runtime;

/** Searches the nearest neighbours of 100 handwritten digits among 9,900 others, with a worker in Node and with one in Python. */
public final class DigitSearch extends Stack {
    private DigitSearch(App app) {
        super(app, "DigitSearch", StackProps.builder().description("Nearest neighbours of handwritten digits, by brute force").build());
        Function node = function("Worker", "node", "index.handler", Runtime.NODEJS_24_X, 512, Duration.seconds(30));
        Function python = function("PythonWorker", "python", "worker.handler", Runtime.PYTHON_3_13, 1769, Duration.minutes(1));
        Function combiner = function("Combiner", "combiner", "index.handler", Runtime.NODEJS_24_X, 1024, Duration.minutes(1));

        search("Search", node, combiner);
        search("SearchInPython", python, combiner);
    }

    public static void main(String[] args) {
        App app = new App();
        new DigitSearch(app);
        app.synth();
    }

    private void search(String id, Function worker, Function combiner) {
        BurstCompute.Builder.create(this, id)
            .worker(worker)
            .combiner(combiner)
            .batchSize(40)
            .timeout(Duration.minutes(10))
            .removalPolicy(RemovalPolicy.DESTROY)
            .build();
    }

    private Function function(String id, String folder, String handler, Runtime runtime, int memorySize, Duration timeout) {
        return Function.Builder.create(this, id)
            .code(Code.fromAsset("../functions/dist/" + folder))
            .handler(handler)
            .runtime(runtime)
            .architecture(Architecture.ARM_64)
            .memorySize(memorySize)
            .timeout(timeout)
            .build();
    }
}
