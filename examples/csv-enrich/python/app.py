"""Enriches the rows of a CSV in S3, with a worker in Node and with one in Python, and runs unlike tasks. The same app as in the other languages beside it."""

from pathlib import Path

from aws_cdk import App, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk.aws_lambda import Code, Function, Runtime
from aws_cdk.aws_s3 import Bucket
from cdk_burst_compute import BurstCompute

app = App()
stack = Stack(app, "CsvEnrich", description="Orders in a CSV, enriched and added up")
functions = Path(__file__).resolve().parent.parent / "functions"


def function(id: str, folder: str, handler: str, runtime: Runtime) -> Function:
    return Function(
        stack, id, code=Code.from_asset(str(functions / folder)), handler=handler, runtime=runtime, timeout=Duration.minutes(1)
    )


orders = Bucket(stack, "Orders", enforce_ssl=True, removal_policy=RemovalPolicy.DESTROY)
node = function("NodeWorker", "node", "index.handler", Runtime.NODEJS_24_X)
python = function("PythonWorker", "python", "worker.handler", Runtime.PYTHON_3_13)
invoice = function("Invoice", "node", "index.invoice", Runtime.NODEJS_24_X)
audit = function("Audit", "python", "worker.audit", Runtime.PYTHON_3_13)
combiner = function("Combiner", "combiner", "index.handler", Runtime.NODEJS_24_X)

for id, worker in {"EnrichInNode": node, "EnrichInPython": python}.items():
    BurstCompute(
        stack,
        id,
        worker=worker,
        combiner=combiner,
        task_functions={"invoice": invoice, "audit": audit},
        input_buckets=[orders],
        batch_size=500,
        removal_policy=RemovalPolicy.DESTROY,
    )
CfnOutput(stack, "OrdersBucket", value=orders.bucket_name)
app.synth()
