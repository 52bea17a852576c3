"""Starts, watches and gathers jobs."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Literal

from ._address import Address, Target, error_code
from ._connection import Connection
from ._groups import TERMINAL, Follower, Pace, leaf_key, manifest_object, status_of
from ._json import digest_of, to_json
from ._request import check_request
from .cost import Cost, cost_of, usage_of
from .errors import InvalidRequestError, JobFailedError, JobRunningError, NameTakenError, RequestTooLargeError, UnknownJobError
from .results import BatchResult, Failure, group_results

Status = Literal["PENDING", "RUNNING", "COMBINING", "SUCCEEDED", "FAILED", "TIMED_OUT", "CANCELLED"]
Order = Literal["batch", "finished"]

MAX_REQUEST_BYTES = 250_000
"""The input of an execution, and of its states, which add their own words, may have 262,144 bytes (Step Functions quotas)."""
_PAGE = 100
_JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,75}")
_COUNTS = ("finished", "failed", "running")
_LONG_DIGITS = re.compile(r"\d{16}")
_EXECUTION_STATUS = {"RUNNING": "PENDING", "SUCCEEDED": "SUCCEEDED", "TIMED_OUT": "TIMED_OUT", "ABORTED": "CANCELLED"}


@dataclass(frozen=True)
class JobStatus:
    """How a job stands."""

    job_id: str
    status: Status
    epoch: int = 0
    """1, and one more for each redrive; 0 until the job is planned."""
    batch_count: int = 0
    """0 until the job is planned."""
    finished: int = 0
    """Batches with a result or a recorded failure. While the job runs, at most about 2 s old."""
    failed: int = 0
    running: int = 0
    """Worker calls in flight."""
    leaves: int = 0
    has_tasks: bool = False
    """Whether its batches are unlike tasks."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str | None = None
    """Why a job that did not succeed did not: a code, a colon and words."""
    usage: Mapping[str, float] | None = field(default=None, repr=False)
    """What the job used, counted by its own functions: of all its epochs once it has ended, so far while it runs. None until it is planned."""
    cost: Cost | None = field(default=None, repr=False)
    """What that costs by the price sheet of this version."""

    @property
    def has_ended(self) -> bool:
        """Whether the status is a last one."""
        return self.status in TERMINAL


@dataclass(frozen=True)
class JobSummary:
    """One job of a list."""

    job_id: str
    status: Status
    batch_count: int
    """0 for a job that was never planned, and for one whose data has expired."""
    failed: int
    started_at: datetime
    ended_at: datetime | None


class BurstClient:
    """Starts, watches and gathers the jobs of one deployed BurstCompute. May be shared between threads.

    Every method raises a :class:`BurstError` where there is something to be done about it (``CredentialsError``, ``AccessDeniedError``,
    ``UnreachableError``, ``AddressError``, ``UnknownJobError`` and what it names itself); anything else as boto3 raises it.

    Args:
        state_machine_arn: ARN of its state machine; that of one of its executions will do. Takes ``states:DescribeStateMachine``.
        stack: its CloudFormation stack, by name or ARN. Takes ``cloudformation:DescribeStacks`` on it.
        construct: which one of ``stack``: a construct path such as ``MyStack/Pricing``, or the end of one; default: the only one there is.
        address: the value of the construct's output, as text or parsed; takes no permission. Give exactly one of the three.
        region: default: that of the state machine where it is known, else as boto3 finds it.
        profile: of the shared configuration files; default: as boto3 finds it.
        endpoint: one endpoint for all services, such as that of the local AWS; default: ``AWS_ENDPOINT_URL``, else AWS.
        session: a ``boto3.Session`` with credentials of its own.

    Raises:
        AddressError: the options do not say which BurstCompute is meant. No request is made before the first method is called.

    Example::

        client = BurstClient(stack="Primes", construct="InPython")
        job = client.submit({"items": {"range": {"start": 0, "end": 200_000}}})
        for batch in client.results(job):
            print(batch.batch_id, batch.result)
    """

    def __init__(
        self,
        state_machine_arn: str | None = None,
        *,
        stack: str | None = None,
        construct: str | None = None,
        address: str | dict[str, Any] | None = None,
        region: str | None = None,
        profile: str | None = None,
        endpoint: str | None = None,
        session: Any = None,
    ) -> None:
        self._target = Target.of(state_machine_arn, stack, construct, address, region)
        self._connection = Connection(self._target.region, profile, endpoint, session)
        self._found: Address | None = None

    def __repr__(self) -> str:
        return f"<BurstClient of {self._target}>"

    @property
    def _address(self) -> Address:
        if self._found is None:
            self._found = self._target.resolve(self._connection)
        return self._found

    def submit(self, request: Mapping[str, Any], *, name: str | None = None) -> str:
        """Starts a job. The same name with the same request is the same job, however often it is submitted.

        A list of items or tasks that is too large for the input of an execution is uploaded first, under ``jobs/<job>/upload/`` of the payload bucket; so
        is one with integers beyond 2**53, which would lose digits in the input.

        Args:
            request: the execution's input; the README of the construct has its fields.
            name: of the job, 1 to 75 letters, digits, ``-``, ``_``; default: a random one.

        Returns:
            The job's id, which is its name.

        Raises:
            InvalidRequestError: name or request are wrong, with the field; nothing was started. What the construct's props forbid, the job says.
            NameTakenError: the name was used for another request.
            RequestTooLargeError: the request is too large without its list, too.
        """
        job_id = name if name is not None else f"job-{datetime.now(timezone.utc):%Y%m%d%H%M%S}-{secrets.token_hex(3)}"
        if _JOB_ID.fullmatch(job_id) is None:
            raise InvalidRequestError(f"name: got {job_id[:200]!r}, allowed: 1 to 75 letters, digits, '-' and '_'", "name")
        to_json(request)
        check_request(request)
        sent, text = self._upload_list(job_id, request)
        try:
            self._start(job_id, text)
        except Exception as error:
            if error_code(error) != "ExecutionAlreadyExists":
                raise
            row = self._row(job_id)
            # a job that is not planned yet has no digest: Prepare refuses it if it differs
            if row is not None and row.get("requestDigest") not in (None, digest_of(sent)):
                raise NameTakenError(job_id, status_of(row)) from error
        return job_id

    def _upload_list(self, job_id: str, request: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
        """The request that is sent, and its text. The same list gets the same place, so that the same request stays the same."""
        text = to_json(request)
        size = len(text.encode())
        kind, given = _list_of(request)
        if size <= MAX_REQUEST_BYTES and not (given is not None and _has_long_integers(text, given)):
            return request, text
        if given is None:
            raise RequestTooLargeError(size, MAX_REQUEST_BYTES)
        lines = b"".join(f"{to_json(item)}\n".encode() for item in given)
        bucket = self._address.payload_bucket
        key = f"jobs/{job_id}/upload/{hashlib.sha256(lines).hexdigest()[:32]}.jsonl"
        smaller = {**request, kind: {"s3": {"uri": f"s3://{bucket}/{key}"}}}
        text = to_json(smaller)
        if len(text.encode()) > MAX_REQUEST_BYTES:
            raise RequestTooLargeError(len(text.encode()), MAX_REQUEST_BYTES)
        try:
            # never written over: a job of this name may be reading it
            self._connection.call("s3", "put_object", Bucket=bucket, Key=key, Body=lines, ContentType="application/jsonl", IfNoneMatch="*")
        except Exception as error:
            if error_code(error) != "PreconditionFailed":
                raise
        return smaller, text

    def status(self, job_id: str) -> JobStatus:
        """How a job stands: at most two requests, whatever the job's size; one with more than 100 dispatchers is estimated from 100 of them."""
        row = self._row(job_id)
        if row is None:
            found = self._status_of_execution(job_id)
            # it may have been prepared, and ended, between the two looks
            row = None if found is not None and not found.has_ended else self._row(job_id)
            if row is None:
                if found is None:
                    raise UnknownJobError(job_id, self._address.state_machine_arn)
                return found
        now, plan = status_of(row), row.get("plan") or {}
        finished = failed = running = 0
        leaves: Sequence[Mapping[str, Any]] = ()
        scale = 1.0
        if now == "SUCCEEDED":
            finished, failed = plan["batches"], row.get("failedCount", 0)
        else:
            leaves, scale = self._leaves(row)
            if plan.get("map"):
                leaves, scale = self._children(row)
            finished, failed, running = (round(scale * sum((leaf.get("counts") or {}).get(name, 0) for leaf in leaves)) for name in _COUNTS)
            finished = min(plan.get("batches", 0), finished)
            finished += plan.get("redo", {}).get("adopted", 0)  # what a redrive did not run again
            if now in TERMINAL:
                failed, running = max(failed, row.get("failedCount", 0)), 0
        reason = row.get("reason") or (row.get("sealed") or {}).get("reason")
        usage = usage_of(row, now in TERMINAL, leaves, scale) if plan else None
        return JobStatus(
            job_id=job_id,
            status=now,  # type: ignore[arg-type]
            epoch=row["epoch"],
            batch_count=plan.get("batches", 0),
            finished=finished,
            failed=failed,
            running=running,
            leaves=plan.get("leaves", 0),
            has_tasks="taskFunctions" in plan,
            started_at=_time(plan.get("startedAt")),
            ended_at=_time(row.get("endedAt")),
            reason=f"{reason['code']}: {reason['message']}" if reason else None,
            usage=usage,
            cost=cost_of(usage, row.get("functions") or {}) if usage is not None else None,
        )

    def _children(self, row: Mapping[str, Any]) -> tuple[Sequence[Mapping[str, Any]], float]:
        """Under a Distributed Map the committed batches alone tell: as many rows, of an even sample of all batches."""
        groups = row["plan"]["groups"]
        sample = min(groups, _PAGE)
        keys = [f"j#{row['jobId']}#e{row['epoch']}#g{i * groups // sample}" for i in range(sample)]
        rows = self._connection.rows(self._address.results_table, keys, ("pk", "failed")) if keys else ()
        return [{"counts": {"finished": 1, "failed": len(batch["failed"])}} for batch in rows], groups / sample if sample else 1

    def _leaves(self, row: Mapping[str, Any]) -> tuple[Sequence[Mapping[str, Any]], float]:
        """Rows of leaves, and how many leaves each stands for. One request: a job with more than fit is estimated from an even sample."""
        plan = row.get("plan") or {}
        leaves = plan.get("leaves", 0)
        if not leaves or not plan["groups"]:
            return (), 1
        sample = min(leaves, _PAGE)
        keys = [leaf_key(row["jobId"], row["epoch"], i * leaves // sample) for i in range(sample)]
        return self._connection.rows(self._address.tasks_table, keys), leaves / sample

    def _status_of_execution(self, job_id: str) -> JobStatus | None:
        """A job without a row has not been prepared yet, was refused, or is long over (None)."""
        try:
            execution = self._connection.call("stepfunctions", "describe_execution", executionArn=self._execution_arn(job_id))
        except Exception as error:
            if error_code(error) in ("ExecutionDoesNotExist", "InvalidArn"):
                raise UnknownJobError(job_id, self._address.state_machine_arn) from error
            raise
        status = _EXECUTION_STATUS.get(execution["status"], "FAILED")
        if status == "PENDING":
            return JobStatus(job_id, "PENDING", started_at=execution["startDate"])
        # its row is gone after its retention, Step Functions remembers it longer
        if status == "SUCCEEDED":
            return None
        reason = f"{execution.get('error', execution['status'])}: {execution.get('cause', 'its execution ended before the job was prepared')}"
        return JobStatus(job_id, status, started_at=execution["startDate"], ended_at=execution.get("stopDate"), reason=reason)  # type: ignore[arg-type]

    def wait(
        self,
        job_id: str,
        *,
        on_progress: Callable[[JobStatus], Any] | None = None,
        timeout: float | None = None,
        poll_seconds: float | None = None,
    ) -> JobStatus:
        """Waits until the job has ended, however it did.

        Args:
            job_id: the job.
            on_progress: called with every look, the last one included.
            timeout: seconds to wait at most; the job goes on. Default: no limit.
            poll_seconds: between two looks; default: 0.5 at first, a twentieth of the time waited later, 5 at most.

        Raises:
            TimeoutError: it has not ended in time.
        """
        pace, end = Pace(poll_seconds), None if timeout is None else time.monotonic() + timeout
        while True:
            status = self.status(job_id)
            if on_progress is not None:
                on_progress(status)
            if status.has_ended:
                return status
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError(f"job {job_id} is {status.status} after {timeout} s: {status.finished} of {status.batch_count} batches are finished")
            pace.pause(left)

    def result(self, job_id: str, *, partial: bool = False) -> Any:
        """The combiner's answer, or of unlike tasks what became of each, by id; ``None`` without either.

        Args:
            job_id: the job.
            partial: of a job that did not succeed, too: where it has unlike tasks, or ran out of time and the construct says ``combineOnTimeout``.

        Raises:
            JobFailedError: the job did not succeed, or has not ended.
        """
        row = self._row(job_id)
        if row is None:
            status = self.status(job_id)
            raise JobFailedError(job_id, status.status, None, status.reason or "it has not ended yet: wait() for it")
        now, reason = status_of(row), row.get("reason") or {}
        has_partial = partial and now in TERMINAL and row.get("result") is not None
        if now != "SUCCEEDED" and not has_partial:
            raise JobFailedError(job_id, now, reason.get("code"), reason.get("message", "it has not ended yet: wait() for it"))
        if row.get("result") is None:
            return None
        return json.loads(self._connection.read(self._address.payload_bucket, f"jobs/{job_id}/e{row['epoch']}/result.json"))

    def results(self, job_id: str, *, order: Order = "batch", follow: bool = True, poll_seconds: float | None = None) -> Iterator[BatchResult]:
        """What became of every batch, each once.

        Results come as soon as their group of 64 batches is finished, while the job still runs, and to the end of the job however it ends.
        Batches that the job ended without are ``missing``. One group is in memory at a time.

        Args:
            job_id: the job.
            order: ``"batch"``, by number, so that a slow group holds back those behind it; or ``"finished"``, as they come, missing ones last.
            follow: whether to go on until the job has ended; otherwise what there is now.
            poll_seconds: between two looks; default: as for :meth:`wait`.

        Raises:
            UnknownJobError: there is no such job.
            JobFailedError: it ended before it was planned.
        """
        return self._results(job_id, order, follow, Pace(poll_seconds))

    def _results(self, job_id: str, order: Order, follow: bool, pace: Pace) -> Iterator[BatchResult]:
        for follower, piece in self._pieces(job_id, order, follow, pace, True):
            if "missing" in piece:
                yield from (BatchResult(batch_id, "missing") for batch_id in range(*piece["missing"]))
            else:
                yield from group_results(piece, follower.fetch)

    def failures(self, job_id: str, *, order: Order = "batch", follow: bool = True, poll_seconds: float | None = None) -> Iterator[Failure]:
        """The batches that failed for good, of finished groups; read as :meth:`results` are, without the results."""
        for _, piece in self._pieces(job_id, order, follow, Pace(poll_seconds), False):
            yield from (Failure.of(failure) for failure in piece.get("failed", ()))

    def _pieces(
        self, job_id: str, order: Order, follow: bool, pace: Pace, with_results: bool
    ) -> Iterator[tuple[Follower, dict[str, Any]]]:
        if order not in ("batch", "finished"):
            raise ValueError(f"order: got {order!r}, allowed: 'batch', 'finished'")
        while True:
            row = self._row(job_id)
            if row is not None and row.get("plan"):
                break
            status = self.status(job_id)
            if status.has_ended and (row is not None or status.epoch == 0):
                raise JobFailedError(job_id, status.status, None, status.reason or "it ended before it was planned")
            if not follow and not status.has_ended:
                return
            if not status.has_ended:
                pace.pause()
        follower = Follower(self._connection, self._address, row, with_results)
        for piece in follower.groups(order, follow, pace):
            yield follower, piece

    def cancel(self, job_id: str) -> None:
        """Ends a job early: nothing new starts, its status becomes CANCELLED, results so far stay readable.

        Workers that run already run on to their end. A job that has ended stays as it is.

        Raises:
            UnknownJobError: there is no such job.
        """
        row = self._row(job_id)
        if row is not None and status_of(row) in TERMINAL:
            return
        arn = row["executionArn"] if row is not None else self._execution_arn(job_id)
        try:
            self._connection.call("stepfunctions", "stop_execution", executionArn=arn, error="Cancelled", cause="cancelled by the client")
        except Exception as error:
            if error_code(error) == "ExecutionDoesNotExist":
                raise UnknownJobError(job_id, self._address.state_machine_arn) from error
            if error_code(error) != "ValidationException":  # it ended in the meantime
                raise

    def redrive(self, job_id: str) -> int:
        """Runs the failed and missing batches of an ended job again, under the same job id; the results of the others stay.

        Returns:
            The epoch that this starts: 2 for a first redrive.

        Raises:
            UnknownJobError: there is no such job.
            JobRunningError: it has not ended.
            JobFailedError: it cannot be redriven, with the reason.
        """
        row = self._row(job_id)
        if row is None:
            raise UnknownJobError(job_id, self._address.state_machine_arn)
        if status_of(row) not in TERMINAL:
            raise JobRunningError(job_id, status_of(row))
        epoch = int(row["epoch"]) + 1
        while not self._started(f"{job_id}.e{epoch}", to_json({"redrive": {"jobId": job_id}})):
            epoch += 1  # a redrive that was stopped before it began has used up its name
        arn, pace = self._execution_arn(f"{job_id}.e{epoch}"), Pace(None)
        # until its first state has run, the row shows the last epoch
        while not self._is_in(job_id, epoch):
            execution = self._connection.call("stepfunctions", "describe_execution", executionArn=arn)
            if execution["status"] != "RUNNING" and not self._is_in(job_id, epoch):
                raise JobFailedError(job_id, status_of(row), "RedriveRefused", execution.get("cause", execution["status"]))
            pace.pause()
        return epoch

    def _is_in(self, job_id: str, epoch: int) -> bool:
        row = self._row(job_id)
        return row is not None and bool(row["epoch"] == epoch)

    def _started(self, name: str, text: str) -> bool:
        try:
            self._start(name, text)
        except Exception as error:
            if error_code(error) != "ExecutionAlreadyExists":
                raise
            return False
        return True

    def _start(self, name: str, text: str) -> None:
        self._connection.call("stepfunctions", "start_execution", stateMachineArn=self._address.state_machine_arn, name=name, input=text)

    def _execution_arn(self, name: str) -> str:
        return f"{self._address.state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"

    def _row(self, job_id: str) -> dict[str, Any] | None:
        return self._connection.row(self._address.tasks_table, f"j#{job_id}")

    def manifest(self, job_id: str) -> dict[str, Any]:
        """The manifest of a job that has ended. Raises UnknownJobError where there is none."""
        row = self._row(job_id)
        if row is None or row.get("manifest") is None:
            raise UnknownJobError(job_id, self._address.state_machine_arn)
        manifest: dict[str, Any] = json.loads(self._connection.read(self._address.payload_bucket, manifest_object(job_id, row["epoch"])))
        return manifest

    def list(self, *, status: Status | None = None, limit: int | None = None) -> Iterator[JobSummary]:
        """Jobs, the latest first: two requests per 100 executions. Step Functions remembers them for 90 days.

        Args:
            status: only those; default: all.
            limit: how many at most; default: no limit.
        """
        seen: set[str] = set()
        given = 0
        page: dict[str, Any] = {"stateMachineArn": self._address.state_machine_arn, "maxResults": _PAGE}
        fields = ("jobId", "status", "epoch", "terminal", "plan", "failedCount", "endedAt")
        while True:
            answer = self._connection.call("stepfunctions", "list_executions", **page)
            # a job that was redriven has an execution per epoch, and is listed once, where its last one is
            fresh = {}
            for execution in answer["executions"]:
                job_id = re.sub(r"\.e\d+$", "", execution["name"])
                if job_id not in seen:
                    seen.add(job_id)
                    fresh[job_id] = execution
            rows = {row["jobId"]: row for row in self._connection.rows(self._address.tasks_table, [f"j#{job_id}" for job_id in fresh], fields)}
            for job_id, execution in fresh.items():
                row = rows.get(job_id)
                now = status_of(row) if row else _EXECUTION_STATUS.get(execution["status"], "FAILED")
                if status is not None and now != status:
                    continue
                if limit is not None and given >= limit:
                    return
                given += 1
                yield JobSummary(
                    job_id=job_id,
                    status=now,  # type: ignore[arg-type]
                    batch_count=(row or {}).get("plan", {}).get("batches", 0),
                    failed=(row or {}).get("failedCount", 0),
                    started_at=execution["startDate"],
                    ended_at=_time(row.get("endedAt")) if row else execution.get("stopDate"),
                )
            if "nextToken" not in answer:
                return
            page["nextToken"] = answer["nextToken"]


def _list_of(request: Mapping[str, Any]) -> tuple[str, Sequence[Any] | None]:
    """The items or tasks of a request that may be stored aside."""
    items, tasks = request.get("items"), request.get("tasks")
    if isinstance(tasks, (list, tuple)):
        return "tasks", tasks
    # anything else beside the list is wrong, and for Prepare to explain
    if isinstance(items, Mapping) and [*items] == ["list"] and isinstance(items["list"], (list, tuple)):
        return "items", items["list"]
    return "", None


def _has_long_integers(text: str, value: Any) -> bool:
    """Whether there are integers that JavaScript would round; looks closer only where the text has that many digits in a row."""
    if _LONG_DIGITS.search(text) is None:
        return False
    if isinstance(value, Mapping):
        return any(_has_long_integers(text, member) for member in value.values())
    if isinstance(value, (list, tuple)):
        return any(_has_long_integers(text, member) for member in value)
    return isinstance(value, int) and abs(value) > 2**53


def _time(milliseconds: float | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, timezone.utc)
