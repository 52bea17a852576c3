"""Proves, at every start and on the engine as it runs, that each change of wraps.py is in effect; raises otherwise."""

import base64
import http.client
import io
import json
import os
import sys
import time
import zipfile

_HANDLER = """
const fs = require('fs');
class SelfTestError extends Error { constructor(m) { super(m); this.name = 'SelfTestError'; } }
exports.handler = async (event) => {
  if (event.large) return 'x'.repeat(256 * 1024);
  if (event.fail) throw new SelfTestError('on purpose');
  if (event.file) { await new Promise((done) => setTimeout(done, 20)); fs.appendFileSync(event.file, 'x'); }
  return process.env.AWS_ACCESS_KEY_ID;
};
"""
_NAME = "burst-self-test"
_ARN = f"arn:aws:lambda:us-east-1:000000000000:function:{_NAME}"
_PATIENCE = 20  # seconds until something that should happen at once counts as missing


def run(port, concurrency, folder):
    from ministack.core import iam_actions, lambda_runtime
    from ministack.services import eventbridge, lambda_svc, stepfunctions

    import wraps

    _check(lambda_svc._ACCOUNT_CONCURRENCY_CAP == concurrency, "the concurrency limit is not in effect")
    _create_function(port)
    _queue_keeps_throttled_events(port, folder, eventbridge)
    _errors_keep_their_type(port, lambda_svc)
    _state_machines(stepfunctions, iam_actions)
    _distributed_maps(stepfunctions)
    _loopback_passes_for_tls()
    _iam_switch(port, wraps, lambda_runtime)
    status, _ = _call(port, "POST", "/_ministack/reset", {})
    _check(status == 200, f"the engine could not be reset: {status}")


def _check(condition, message):
    if not condition:
        raise AssertionError(message)


def _call(port, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    try:
        connection.request(method, path, None if body is None else json.dumps(body),
                           {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _create_function(port):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("index.js", _HANDLER)
    status, body = _call(port, "POST", "/2015-03-31/functions", {
        "FunctionName": _NAME, "Runtime": "nodejs24.x", "Handler": "index.handler", "Timeout": _PATIENCE,
        "Role": "arn:aws:iam::000000000000:role/burst-self-test",
        "Code": {"ZipFile": base64.b64encode(archive.getvalue()).decode()},
    })
    _check(status == 201, f"a function could not be created: {status} {body[:300]}")


def _invoke(port, event, kind="RequestResponse"):
    return _call(port, "POST", f"/2015-03-31/functions/{_NAME}/invocations", event, {"X-Amz-Invocation-Type": kind})


def _queue_keeps_throttled_events(port, folder, eventbridge):
    _call(port, "PUT", f"/2017-10-31/functions/{_NAME}/concurrency", {"ReservedConcurrentExecutions": 1})
    _call(port, "PUT", f"/2019-09-25/functions/{_NAME}/event-invoke-config", {"MaximumRetryAttempts": 0})
    file = os.path.join(folder, "self-test")
    for _ in range(3):
        status, body = _invoke(port, {"file": file}, "Event")
        _check(status == 202, f"an asynchronous invoke was refused: {status} {body[:300]}")
    eventbridge._dispatch_to_lambda(_ARN, json.dumps({"file": file}))
    deadline = time.monotonic() + _PATIENCE
    while not os.path.exists(file) or os.path.getsize(file) < 4:
        _check(time.monotonic() < deadline, "asynchronous invokes over the concurrency limit were dropped")
        time.sleep(0.005)
    os.remove(file)
    _call(port, "DELETE", f"/2017-10-31/functions/{_NAME}/concurrency")


def _errors_keep_their_type(port, lambda_svc):
    _, body = _invoke(port, {"fail": True})
    found = json.loads(body).get("errorType")
    _check(found == "SelfTestError", f"an error lost its type: {found}")
    found = lambda_svc._throttle_response("r", "m")["body"].get("errorType")
    _check(found == "Lambda.TooManyRequestsException", f"a throttle has the wrong name in a state machine: {found}")


def _state_machines(stepfunctions, iam_actions):
    context = {"QueryLanguage": "JSONPath", "State": {"Name": "test", "RetryCount": 0},
               "StateMachine": {"Name": "self"}, "Execution": {}, "variables": {}}

    def error_of(payload, seconds):
        state = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
                 "Parameters": {"FunctionName": _ARN, "Payload": payload}, "TimeoutSecondsPath": "$.seconds"}
        execution = {"executionArn": "arn:aws:states:us-east-1:000000000000:execution:self:test", "status": "RUNNING",
                     "events": [], "name": "test", "stateMachineArn": "self"}
        try:
            stepfunctions._execute_task(state, {"seconds": seconds}, execution, context)
        except stepfunctions._ExecutionError as error:
            return error.error
        return "none"

    _check(error_of({}, 0.01) == "States.Timeout", "TimeoutSecondsPath is not in effect")
    _check(error_of({"fail": True}, _PATIENCE) == "SelfTestError", "a failing callback task goes unnoticed")
    body = json.dumps({"taskToken": context["Task"]["Token"], "output": "{}"}).encode()
    resource = iam_actions.extract_resource_arn("states", "POST", "/", {}, body, {}, "us-east-1", "000000000000")
    _check(resource == "self", f"a task token is authorized against {resource}, not against its state machine")
    retrier, _ = stepfunctions._find_matching_retrier(
        [{"ErrorEquals": ["E"], "MaxDelaySeconds": 3, "MaxAttempts": 99}], "E", {0: 20})
    _check(retrier["IntervalSeconds"] == 3, "MaxDelaySeconds is not in effect")
    aborted = {"status": "ABORTED"}
    stepfunctions._fail_execution(aborted, "E", "c")
    _check(aborted["status"] == "ABORTED", "an aborted execution does not stay aborted")


def _distributed_maps(stepfunctions):
    name = "arn:aws:states:us-east-1:000000000000:execution:self:map"
    execution = {"executionArn": name, "status": "RUNNING", "stateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:self"}
    fails = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E", "Cause": "c"}}}
    large = {"StartAt": "I", "States": {"I": {"Type": "Task", "Resource": _ARN, "Parameters": {"large": True}, "End": True}}}

    def run(processor, items, status, tolerated):
        stepfunctions._executions[name] = {**execution, "status": status}
        state = {"Type": "Map", "ItemsPath": "$.items", "MaxConcurrencyPath": "$.one", "ToleratedFailureCountPath": "$.tolerated", "End": True,
                 "ItemProcessor": {**processor, "ProcessorConfig": {"Mode": "DISTRIBUTED"}}}
        context = {"QueryLanguage": "JSONPath", "State": {"Name": "m", "RetryCount": 0}, "variables": {}}
        try:
            output, _ = stepfunctions._execute_map(state, {"items": items, "one": 1, "tolerated": tolerated}, stepfunctions._executions[name], context)
        except stepfunctions._ExecutionError as error:
            output = error.error
        map_run = [r for r in stepfunctions._map_runs.values() if r["executionArn"] == name][-1]
        children = [c for c in stepfunctions._executions.values() if c.get("mapRunArn") == map_run["mapRunArn"]]
        return output, map_run, [child.get("error") for child in children]

    _, map_run, errors = run(fails, [1, 2, 3, 4], "RUNNING", 1)
    _check(map_run["maxConcurrency"] == 1 and map_run["toleratedFailureCount"] == 1, "MaxConcurrencyPath or ToleratedFailureCountPath is not in effect")
    _check(errors.count("E") == 2, f"a map goes on beyond its tolerated failures: {errors}")
    _, _, errors = run(fails, [1, 2], "ABORTED", 9)
    _check(errors == ["States.Aborted"] * 2, f"a map goes on after its execution was stopped: {errors}")
    found, _, _ = run(large, [1], "RUNNING", 0)
    _check(found == "States.ExceedToleratedFailureThreshold", f"a result of more than 256 KiB passed through a state: {str(found)[:100]}")


def _loopback_passes_for_tls():
    from ministack import app
    from ministack.core import iam_evaluator

    app.pin_request_origin("127.0.0.1", False)
    _check(iam_evaluator._request_origin.get()[1], "a bucket that enforces TLS would refuse every request")


def _iam_switch(port, wraps, lambda_runtime):
    table = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"}
    config = {"FunctionName": _NAME, "FunctionArn": _ARN, "Role": "arn:aws:iam::000000000000:role/burst-self-test"}
    for on in (True, False):
        wraps.enforce_iam(on, lambda_runtime)
        wrong = [name for name, module in list(sys.modules.items()) if name.startswith("ministack")
                 and isinstance(getattr(module, "AUTH", None), bool) and module.AUTH is not on]
        _check(not wrong, f"the IAM switch does not reach {wrong}")
        status, _ = _call(port, "POST", "/", {}, table)
        _check((status >= 400) is on, f"an unsigned request was answered with {status} while enforcement was {on}")
        key = lambda_runtime.execution_credentials(config)["AWS_ACCESS_KEY_ID"]
        _check(key.startswith("ASIA") is on, f"a function got the wrong credentials while enforcement was {on}")
