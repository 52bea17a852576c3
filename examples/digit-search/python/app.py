"""Searches the nearest neighbours of 100 handwritten digits among 9,900 others, with a worker in Node and with one in Python."""

from pathlib import Path

from aws_cdk import App, Duration, RemovalPolicy, Stack
from aws_cdk.aws_lambda import Architecture, Code, Function, Runtime
from cdk_burst_compute import BurstCompute

app = App()
stack = Stack(app, "DigitSearch", description="Nearest neighbours of handwritten digits, by brute force")
functions = Path(__file__).resolve().parent.parent / "functions" / "dist"


def function(id: str, folder: str, handler: str, runtime: Runtime, memory_size: int, timeout: Duration) -> Function:
    return Function(
        stack,
        id,
        code=Code.from_asset(str(functions / folder)),
        handler=handler,
        runtime=runtime,
        architecture=Architecture.ARM_64,
        memory_size=memory_size,
        timeout=timeout,
    )


node = function("Worker", "node", "index.handler", Runtime.NODEJS_24_X, 512, Duration.seconds(30))
python = function("PythonWorker", "python", "worker.handler", Runtime.PYTHON_3_13, 1769, Duration.minutes(1))
combiner = function("Combiner", "combiner", "index.handler", Runtime.NODEJS_24_X, 1024, Duration.minutes(1))

for id, worker in {"Search": node, "SearchInPython": python}.items():
    BurstCompute(
        stack,
        id,
        worker=worker,
        combiner=combiner,
        batch_size=40,
        timeout=Duration.minutes(10),
        removal_policy=RemovalPolicy.DESTROY,
    )
app.synth()
