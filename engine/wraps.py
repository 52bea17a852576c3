"""What this launcher changes in the engine, and why.

Each function replaces one behaviour of MiniStack that differs from AWS in a way a burst job would notice. They
reach into private names, so they are valid for the pinned version only, and self_test.py proves each at every start.
"""

import collections
import contextlib
import contextvars
import fcntl
import heapq
import inspect
import itertools
import json
import queue
import random
import sys
import termios
import threading
import time
import types

PINNED_VERSION = "1.5.33"

# How long the events of a throttled function wait, unless one of its invocations ends first (seconds; AWS: 1 second to 5 minutes).
_THROTTLE_FIRST, _THROTTLE_MAX = 0.025, 1.0
_THROTTLED = object()

# Task tokens of which the state machine is remembered, so that late answers are authorized, too.
_TOKENS_KEPT = 10_000

# What a state may return (Step Functions quotas).
_STATE_BYTES = 256 * 1024


class Event:
    """One asynchronous invocation on its way."""

    __slots__ = ("order", "key", "func", "payload", "context", "enqueued", "attempts", "throttles", "last_result")

    def __init__(self, order, key, func, payload):
        self.order, self.key, self.func, self.payload = order, key, func, payload
        self.context = contextvars.copy_context()
        self.enqueued = time.time()
        self.attempts = self.throttles = 0
        self.last_result = None

    def __lt__(self, other):
        return self.order < other.order


class AsyncQueue:
    """Runs asynchronous invokes in `slots` at a time, oldest first, as long as it takes.

    Stock, each gets a thread at once and is dropped after three throttles; AWS keeps it for hours. A function of which
    nothing runs may always start one event, beyond `slots`: otherwise a job's monitor would wait behind the job's own
    long leaves. Errors use up MaximumRetryAttempts, throttles do not; both end at MaximumEventAgeInSeconds.
    """

    def __init__(self, lambda_svc, slots):
        self._svc = lambda_svc
        self._slots = slots
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._ready = {}    # function -> heap of events
        self._delayed = []  # heap of (due, event)
        self._running = {}  # function -> how many
        self._paused = {}   # throttled function -> (until when, how many times in a row)
        threading.Thread(target=self._schedule, daemon=True, name="async-queue").start()

    def put(self, func, payload):
        config = func.get("config") or func
        event = Event(next(self._order), self._svc._inflight_key(config), func, payload)
        with self._changed:
            heapq.heappush(self._ready.setdefault(event.key, []), event)
            self._changed.notify()

    def _schedule(self):
        while True:
            with self._changed:
                event = self._next()
                while event is None:
                    self._changed.wait(self._seconds_to_next())
                    event = self._next()
                self._running[event.key] = self._running.get(event.key, 0) + 1
            threading.Thread(target=self._run, args=(event,), daemon=True, name="async-invoke").start()

    def _next(self):
        now = time.monotonic()
        while self._delayed and self._delayed[0][0] <= now:
            event = heapq.heappop(self._delayed)[1]
            heapq.heappush(self._ready.setdefault(event.key, []), event)
        free = sum(self._running.values()) < self._slots
        heads = [heap[0] for key, heap in self._ready.items()
                 if heap and (free or not self._running.get(key)) and self._paused.get(key, (0, 0))[0] <= now]
        return heapq.heappop(self._ready[min(heads).key]) if heads else None

    def _seconds_to_next(self):
        due = [until for key, (until, _) in self._paused.items() if self._ready.get(key)]
        due += [self._delayed[0][0]] if self._delayed else []
        now = time.monotonic()
        return min((moment - now for moment in due if moment > now), default=None)

    def _run(self, event):
        delay = None
        try:
            delay = event.context.run(self._attempt, event)
        except Exception:
            self._svc.logger.exception("asynchronous invoke of %s failed in the engine", event.key)
        with self._changed:
            self._running[event.key] -= 1
            if delay is _THROTTLED:
                # The whole function pauses, not this event alone: a long queue must not be tried over and over.
                times = self._paused.get(event.key, (0, 0))[1] + 1
                pause = min(_THROTTLE_FIRST * 2 ** min(times, 10), _THROTTLE_MAX) * random.uniform(0.5, 1)
                self._paused[event.key] = (time.monotonic() + pause, times)
                heapq.heappush(self._ready[event.key], event)
            else:
                self._paused.pop(event.key, None)
                if delay is not None:
                    heapq.heappush(self._delayed, (time.monotonic() + delay, event))
            self._changed.notify()

    def _attempt(self, event):
        """One try; returns the seconds until the next, _THROTTLED, or None when the event is done with."""
        retries, max_age, on_failure = self._settings(event.func)
        if time.time() - event.enqueued > max_age:
            return self._give_up(event, on_failure)
        result = self._svc._execute_function_with_config_scope(event.func, event.payload)
        event.last_result = result
        if result.get("throttle"):
            event.throttles += 1
            return _THROTTLED
        if not result.get("error"):
            return None
        event.attempts += 1
        if event.attempts > retries:
            return self._give_up(event, on_failure)
        base, most = self._svc._LAMBDA_ASYNC_RETRY_BASE_SECONDS, self._svc._LAMBDA_ASYNC_RETRY_MAX_SECONDS
        delay = min(base * 2 ** (event.attempts - 1), most)
        return self._give_up(event, on_failure) if time.time() - event.enqueued + delay > max_age else delay

    def _give_up(self, event, on_failure):
        config = event.func.get("config") or event.func
        name = config.get("FunctionName", "unknown")
        result = event.last_result or {"body": {"errorMessage": "event age exceeded"}}
        self._svc.logger.warning("asynchronous invoke of %s given up after %d errors and %d throttles: %s %s",
                                 name, event.attempts, event.throttles, result.get("body"), result.get("log", ""))
        if on_failure:
            self._svc._run_with_function_config_scope(
                config, self._svc._route_async_failure, on_failure, name, event.payload, result)
        return None

    def _settings(self, func):
        config = func.get("config") or func
        qualifier = config.get("FunctionArn", "").split(":")[7:8]
        name = config.get("FunctionName", "")
        # A version's own record does not carry the settings: they are on the function.
        base = self._svc._run_with_function_config_scope(config, self._svc._functions.get, name) or func
        by_qualifier = base.get("event_invoke_configs") or {}
        chosen = by_qualifier.get(qualifier[0]) if qualifier else None
        chosen = chosen or base.get("event_invoke_config") or by_qualifier.get("$LATEST") or {}
        retries = chosen.get("MaximumRetryAttempts")
        age = chosen.get("MaximumEventAgeInSeconds")
        destination = ((chosen.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
        return (2 if retries is None else int(retries), 21600 if age is None else int(age),
                destination or (config.get("DeadLetterConfig") or {}).get("TargetArn"))


def queue_async_invokes(lambda_svc, eventbridge, slots):
    """Every asynchronous invoke, and every rule that targets a function, goes through one queue."""
    queue = AsyncQueue(lambda_svc, slots)

    def dispatch_to_lambda(arn, payload):
        # Stock, a rule's target runs once, in a thread of its own: throttled, it was lost.
        try:
            event = json.loads(payload)
        except (json.JSONDecodeError, TypeError):
            event = {"body": payload}
        func, config, name = lambda_svc._get_func_record_for_ref(arn)
        if func and config:
            queue.put(lambda_svc._execution_record_for_config(func, config), event)
        else:
            lambda_svc.logger.warning("rule target %s not found", name)

    lambda_svc.invoke_async_with_retry = queue.put
    eventbridge._dispatch_to_lambda = dispatch_to_lambda


def _replace_once(text, old, new):
    if text.count(old) != 1:
        raise RuntimeError(f"the engine's worker script changed: expected one {old!r}, found {text.count(old)}")
    return text.replace(old, new)


def report_error_types(lambda_runtime, lambda_svc):
    """A function's error keeps its own type: stock it is always Runtime.HandlerError, so that no Retry or Catch matches."""
    node_type = 'errorType: %s instanceof Error ? %s.name : typeof %s'
    script = lambda_runtime._NODEJS_WORKER_SCRIPT
    script = _replace_once(script, 'error: String(err.message || err), trace: err.stack || ""',
                           'error: String(err.message || err), trace: err.stack || "", ' + node_type % (("err",) * 3))
    script = _replace_once(script, "error: e.message, trace: e.stack",
                           "error: e.message, trace: e.stack, " + node_type % (("e",) * 3))
    lambda_runtime._NODEJS_WORKER_SCRIPT = script
    lambda_runtime._PYTHON_WORKER_SCRIPT = _replace_once(
        lambda_runtime._PYTHON_WORKER_SCRIPT, '"trace": traceback.format_exc()}',
        '"trace": traceback.format_exc(), "errorType": type(e).__name__}')

    last = threading.local()
    invoke, execute = lambda_runtime.Worker.invoke, lambda_svc._execute_function_warm

    def invoke_and_note(self, *args, **kwargs):
        last.response = invoke(self, *args, **kwargs)
        return last.response

    def execute_with_type(func, event, request_id):
        last.response = None
        result = execute(func, event, request_id)
        body, response = result.get("body"), last.response or {}
        if result.get("error") and isinstance(body, dict) and body.get("errorType") == "Runtime.HandlerError":
            if response.get("errorType"):
                body["errorType"] = response["errorType"]
                body["trace"] = str(response.get("trace", "")).splitlines()
            elif response.get("error") == "Worker process died":
                body["errorType"] = "Runtime.ExitError"
                body["errorMessage"] = f"RequestId: {request_id} Error: Runtime exited without providing a reason"
        return result

    lambda_runtime.Worker.invoke = invoke_and_note
    lambda_svc._execute_function_warm = execute_with_type

    throttle = lambda_svc._throttle_response

    def throttle_with_type(*args, **kwargs):
        result = throttle(*args, **kwargs)
        result["body"]["errorType"] = "Lambda.TooManyRequestsException"  # what a state machine's Retry looks for
        return result

    lambda_svc._throttle_response = throttle_with_type


def answer_at_once(lambda_runtime):
    """A warm call takes the log lines that are there; stock it waits 50 ms for a first one. What comes later is logged with the next call."""
    stock = lambda_runtime.Worker._drain_stderr_bounded
    if stock.__defaults__ != (0.050, 0.005, 0.250):
        raise RuntimeError(f"the engine's log drain changed: {stock.__defaults__}")

    def drain(self):
        process = self._proc
        if process is None:  # it has ended: its log does, too
            self._stderr_thread.join(0.250)
        # What a function wrote before its answer is in the pipe or has been read: once the pipe is empty, the reader has but to pass on the last.
        lines, end, is_last = [], time.monotonic() + 0.250, process is None
        while True:
            with contextlib.suppress(queue.Empty):
                while True:
                    lines.append(self._stderr_queue.get_nowait())
            if is_last:
                return "\n".join(lines)
            is_last = _pending_bytes(process.stderr) == 0 or time.monotonic() > end
            time.sleep(0.0002)

    lambda_runtime.Worker._drain_stderr_bounded = drain
    # functions of their own runtime have another reader
    stock.__defaults__ = (0.005, 0.002, 0.250)
    lambda_runtime.ProvidedWorker._drain_stderr_bounded = stock


def _pending_bytes(pipe):
    """How much was written that nobody has read."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def correct_state_machines(stepfunctions, iam_actions):
    """Time-outs by path, Retry's MaxDelaySeconds and jitter, failing callback tasks, aborted executions, as on AWS."""
    execute_task, call_lambda = stepfunctions._execute_task, stepfunctions._call_lambda
    find_retrier, fail = stepfunctions._find_matching_retrier, stepfunctions._fail_execution
    callback = stepfunctions._invoke_with_callback
    resource_of = iam_actions.extract_resource_arn
    waiting = threading.local()
    machine_of_token = collections.OrderedDict()

    def task_with_timeout_path(state_def, raw_input, execution, ctx):
        path = state_def.get("TimeoutSecondsPath")
        if path:  # stock: ignored, so that a lost token hangs for 99,999 seconds
            seconds = stepfunctions._resolve_path_or_ctx(path, raw_input, ctx)
            if not isinstance(seconds, (int, float)) or seconds <= 0:
                raise stepfunctions._ExecutionError(
                    "States.Runtime", f"TimeoutSecondsPath {path} must give a positive number of seconds, got {seconds!r}")
            state_def = {**state_def, "TimeoutSeconds": seconds}
        waiting.machine = execution["stateMachineArn"]
        return execute_task(state_def, raw_input, execution, ctx)

    def callback_that_can_fail(resource, input_data, token, state_def):
        waiting.token = token
        machine_of_token[token] = waiting.machine
        while len(machine_of_token) > _TOKENS_KEPT:
            machine_of_token.popitem(last=False)
        try:
            return callback(resource, input_data, token, state_def)
        finally:
            waiting.token = None

    def call_lambda_for_callback(func_ref, event):
        token = getattr(waiting, "token", None)
        try:
            return call_lambda(func_ref, event)
        except stepfunctions._ExecutionError as error:
            info = token and stepfunctions._task_tokens.get(token)
            if info:  # stock: swallowed, and noticed by nothing before the time-out
                info["error"] = {"Error": error.error, "Cause": error.cause}
                info["event"].set()
            raise

    def retrier_with_limits(retriers, error, counts):
        retrier, index = find_retrier(retriers, error, counts)
        if retrier is None:
            return retrier, index
        delay = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** counts.get(index, 0)
        delay = min(delay, retrier.get("MaxDelaySeconds", delay))
        if retrier.get("JitterStrategy") == "FULL":
            delay = random.uniform(0, delay)
        return {**retrier, "IntervalSeconds": delay, "BackoffRate": 1}, index

    def fail_unless_aborted(execution, error, cause):
        if execution["status"] == "RUNNING":
            fail(execution, error, cause)

    def resource_with_tokens(service, method, path, headers, body, *rest):
        # A grant on SendTask* names the state machine; stock, the resource of such a call is "*", and the grant does not match.
        if service == "states":
            machine = machine_of_token.get(iam_actions._safe_json_field(body, "taskToken"))
            if machine:
                return machine
        return resource_of(service, method, path, headers, body, *rest)

    iam_actions.extract_resource_arn = resource_with_tokens
    stepfunctions._execute_task = task_with_timeout_path
    stepfunctions._invoke_with_callback = callback_that_can_fail
    stepfunctions._call_lambda = call_lambda_for_callback
    stepfunctions._find_matching_retrier = retrier_with_limits
    stepfunctions._fail_execution = fail_unless_aborted


def start_at_once(stepfunctions):
    """An execution enters its first state when it is started; stock it sleeps for 0.15 s before."""
    run, starting = stepfunctions._run_execution, threading.local()
    if inspect.getsource(run).count("sleep(") != 1:
        raise RuntimeError("the engine's start of executions changed")

    class Time:
        def __getattr__(self, name):
            return getattr(time, name)

        def sleep(self, seconds):
            if getattr(starting, "now", False):
                starting.now = False
            else:
                time.sleep(seconds)

    def run_at_once(*args):
        starting.now = True
        try:
            run(*args)
        finally:
            starting.now = False

    stepfunctions.time = Time()
    stepfunctions._run_execution = run_at_once


def correct_distributed_maps(stepfunctions):
    """Limits by path, an early end at the tolerance or an abort, and the quota of what a task may return, as on AWS."""
    run_map, run_states = stepfunctions._run_distributed_map, stepfunctions._run_sub_machine
    invoke_resource, executions, runs = stepfunctions._invoke_resource, stepfunctions._executions, stepfunctions._map_runs

    def map_with_paths(state_def, raw_input, effective, iterator, execution, ctx):
        by_path = {name: stepfunctions._resolve_path_or_ctx(state_def[f"{name}Path"], effective, ctx)
                   for name in ("MaxConcurrency", "ToleratedFailureCount") if f"{name}Path" in state_def}
        state_def = {**state_def, **by_path}
        # a thread per child: on this machine the functions' concurrency is the limit anyhow
        state_def["MaxConcurrency"] = min(int(state_def.get("MaxConcurrency") or 64), 64)
        return run_map(state_def, raw_input, effective, iterator, execution, ctx)

    def states_unless_ended(states, start_at, input_data, execution, ctx):
        run = runs.get(execution.get("mapRunArn") or "")
        if not run:
            return run_states(states, start_at, input_data, execution, ctx)
        parent = executions.get(run["executionArn"]) or {}
        # stock, every item is run, whatever became of the others and of the execution
        if parent.get("status") != "RUNNING":
            raise stepfunctions._ExecutionError("States.Aborted", "the execution was stopped")
        if run["executionCounts"]["failed"] > run["toleratedFailureCount"]:
            raise stepfunctions._ExecutionError("States.Aborted", "more items failed than are tolerated")
        return run_states(states, start_at, input_data, execution, ctx)

    def resource_within_quota(resource, input_data):
        result = invoke_resource(resource, input_data)
        if len(json.dumps(result).encode()) > _STATE_BYTES:  # stock: any size
            raise stepfunctions._ExecutionError("States.DataLimitExceeded", "The state returned a result with a size exceeding the maximum number of bytes")
        return result

    stepfunctions._run_distributed_map = map_with_paths
    stepfunctions._run_sub_machine = states_unless_ended
    stepfunctions._invoke_resource = resource_within_quota


def pass_for_tls(app):
    """Loopback stands in for TLS: a bucket with `enforceSSL` would refuse every request under IAM enforcement."""
    pin = app.pin_request_origin
    app.pin_request_origin = lambda source_ip, secure_transport: pin(source_ip, True)


def name_account_settings(iam_actions):
    """Stock, lambda:GetAccountSettings has no action name, and what has none is allowed to everybody."""
    action_of = iam_actions._lambda_action

    def action_with_account_settings(method, path):
        return "GetAccountSettings" if method == "GET" and "/account-settings" in path else action_of(method, path)

    iam_actions._lambda_action = action_with_account_settings


def enforce_iam(on, lambda_runtime):
    """Turns the checking of permissions on or off while the engine runs; returns the modules that hold the flag.

    Workers get their role's credentials when they start, so all of them are ended: the next call starts anew.
    """
    holders = [module for name, module in list(sys.modules.items())
               if name.split(".")[0] == "ministack" and isinstance(module, types.ModuleType)
               and isinstance(vars(module).get("AUTH"), bool)]
    for module in holders:
        module.AUTH = on
    lambda_runtime.reset()
    return [module.__name__ for module in holders]


def apply(slots):
    """Checks the version, then applies everything above."""
    from importlib.metadata import version

    found = version("ministack")
    if found != PINNED_VERSION:
        raise RuntimeError(f"ministack {PINNED_VERSION} is required, {found} is installed")
    from ministack import app
    from ministack.core import iam_actions, lambda_runtime
    from ministack.services import eventbridge, lambda_svc, stepfunctions

    queue_async_invokes(lambda_svc, eventbridge, slots)
    report_error_types(lambda_runtime, lambda_svc)
    answer_at_once(lambda_runtime)
    correct_state_machines(stepfunctions, iam_actions)
    start_at_once(stepfunctions)
    correct_distributed_maps(stepfunctions)
    pass_for_tls(app)
    name_account_settings(iam_actions)
