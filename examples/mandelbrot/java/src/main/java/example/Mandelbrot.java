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

/** Draws the Mandelbrot set: tiles in parallel, then one PNG. With a worker in TypeScript, with one in Python and with one in Java. */
public final class Mandelbrot extends Stack {
    private static final int ONE_CPU = 1769;

    private Mandelbrot(App app) {
        super(app, "Mandelbrot", StackProps.builder().description("The Mandelbrot set, in tiles").build());
        Function combiner = function("Combiner", "combiner", "index.handler", Runtime.NODEJS_24_X, 1024, 1);
        Function node = function("Worker", "node", "index.handler", Runtime.NODEJS_24_X, ONE_CPU, 1);
        Function python = function("PythonWorker", "python", "worker.handler", Runtime.PYTHON_3_13, ONE_CPU, 5);
        Function java = function("JavaWorker", "java/worker.jar", "example.Worker::handle", Runtime.JAVA_21, ONE_CPU, 1);

        draw("InTypeScript", node, combiner);
        draw("InPython", python, combiner);
        draw("InJava", java, combiner);
    }

    public static void main(String[] args) {
        App app = new App();
        new Mandelbrot(app);
        app.synth();
    }

    private void draw(String id, Function worker, Function combiner) {
        BurstCompute.Builder.create(this, id)
            .worker(worker)
            .combiner(combiner)
            .batchSize(4)
            .removalPolicy(RemovalPolicy.DESTROY)
            .build();
    }

    private Function function(String id, String code, String handler, Runtime runtime, int memorySize, int minutes) {
        return Function.Builder.create(this, id)
            .code(Code.fromAsset("../functions/dist/" + code))
            .handler(handler)
            .runtime(runtime)
            .architecture(Architecture.ARM_64)
            .memorySize(memorySize)
            .timeout(Duration.minutes(minutes))
            .build();
    }
}
