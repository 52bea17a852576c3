"""The same app as in the other languages beside it: each prop and each kind of method crosses the language's binding."""

from pathlib import Path

from aws_cdk import App, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk.aws_iam import Role, ServicePrincipal
from aws_cdk.aws_kms import Key
from aws_cdk.aws_lambda import Code, Function, Runtime, Tracing
from aws_cdk.aws_logs import LogGroup
from aws_cdk.aws_s3 import Bucket
from cdk_burst_compute import BurstCompute, CombineMode

app = App()
stack = Stack(app, "Consumer")


def code(name: str) -> Code:
    return Code.from_asset(str(Path(__file__).resolve().parent.parent / "functions" / name))


worker = Function(
    stack, "Worker", code=code("worker"), handler="index.handler", runtime=Runtime.NODEJS_24_X, timeout=Duration.seconds(30)
)
replica = Function(
    stack, "Replica", code=code("worker"), handler="index.handler", runtime=Runtime.NODEJS_24_X, timeout=Duration.seconds(30)
)
python_worker = Function(
    stack, "PythonWorker", code=code("python"), handler="worker.handler", runtime=Runtime.PYTHON_3_13, timeout=Duration.seconds(30)
)
combiner = Function(
    stack, "Combiner", code=code("combiner"), handler="index.handler", runtime=Runtime.NODEJS_24_X, timeout=Duration.seconds(30)
)

job = BurstCompute(
    stack,
    "Everything",
    worker=worker,
    worker_replicas=[replica],
    task_functions={"count": python_worker},
    combiner=combiner,
    combine_mode=CombineMode.COLLECT,
    input_buckets=[Bucket(stack, "Inputs")],
    batch_size=100,
    max_concurrency=20,
    branching=16,
    timeout=Duration.hours(2),
    combine_on_timeout=True,
    speculative_execution=True,
    worker_retries=1,
    tolerated_failure_percentage=2.5,
    result_retention=Duration.days(2),
    repair_interval=Duration.seconds(30),
    encryption_key=Key(stack, "Key"),
    removal_policy=RemovalPolicy.DESTROY,
    log_group=LogGroup(stack, "Logs"),
    tracing=Tracing.ACTIVE,
)
BurstCompute(stack, "Least", worker=python_worker)
BurstCompute(
    stack,
    "Imported",
    worker=Function.from_function_arn(stack, "ImportedWorker", "arn:aws:lambda:us-east-1:111122223333:function:worker"),
)

caller = Role(stack, "Caller", assumed_by=ServicePrincipal("lambda.amazonaws.com"))
job.grant_start(caller)
job.grant_cancel(caller)
job.grant_redrive(caller)
job.grant_read_results(caller)
job.metric_failed(period=Duration.minutes(1)).create_alarm(stack, "Failed", threshold=1, evaluation_periods=1)
job.metric_worker_throttles().create_alarm(stack, "Throttled", threshold=100, evaluation_periods=3)
given = [job.worker, *job.worker_replicas, job.task_functions["count"], job.combiner]
CfnOutput(stack, "Given", value=" ".join(fn.function_arn for fn in given))
made = [
    job.dispatcher.function_arn,
    job.monitor.function_arn,
    job.tasks_table.table_name,
    job.results_table.table_name,
    job.payload_bucket.bucket_name,
    job.state_machine.state_machine_arn,
    job.encryption_key.key_arn,
]
CfnOutput(stack, "Made", value=" ".join(made))
app.synth()
