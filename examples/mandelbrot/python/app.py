"""Draws the Mandelbrot set: tiles in parallel, then one PNG. With a worker in TypeScript, with one in Python and with one in Java."""

from pathlib import Path

from aws_cdk import App, Duration, RemovalPolicy, Stack
from aws_cdk.aws_lambda import Architecture, Code, Function, Runtime
from cdk_burst_compute import BurstCompute

app = App()
stack = Stack(app, "Mandelbrot", description="The Mandelbrot set, in tiles")
functions = Path(__file__).resolve().parent.parent / "functions" / "dist"
ONE_CPU = 1769


def function(id: str, code: str, handler: str, runtime: Runtime, memory_size: int = ONE_CPU, minutes: int = 1) -> Function:
    return Function(
        stack,
        id,
        code=Code.from_asset(str(functions / code)),
        handler=handler,
        runtime=runtime,
        architecture=Architecture.ARM_64,
        memory_size=memory_size,
        timeout=Duration.minutes(minutes),
    )


combiner = function("Combiner", "combiner", "index.handler", Runtime.NODEJS_24_X, memory_size=1024)
workers = {
    "InTypeScript": function("Worker", "node", "index.handler", Runtime.NODEJS_24_X),
    "InPython": function("PythonWorker", "python", "worker.handler", Runtime.PYTHON_3_13, minutes=5),
    "InJava": function("JavaWorker", "java/worker.jar", "example.Worker::handle", Runtime.JAVA_21),
}
for id, worker in workers.items():
    BurstCompute(stack, id, worker=worker, combiner=combiner, batch_size=4, removal_policy=RemovalPolicy.DESTROY)
app.synth()
