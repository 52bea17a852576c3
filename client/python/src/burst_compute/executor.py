"""``concurrent.futures`` on a deployed worker."""

from __future__ import annotations

import builtins
import concurrent.futures
import concurrent.futures.thread  # boto3 imports it, which is refused once the main thread has ended
import functools
import itertools
import sys
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar, overload

from ._groups import Pace
from ._json import to_json
from .client import BurstClient
from .errors import BurstError, JobFailedError
from .results import BatchResult
from .worker import function_name

_T = TypeVar("_T")


class RemoteError(BurstError):
    """What a function raised on the worker, or what befell the worker itself.

    Where the type is a built-in one, the error is also of that type: ``except ZeroDivisionError`` works.
    """

    remote_type: str
    """Name of the type, with its module unless that is ``builtins``."""
    message: str
    """What it said."""
    remote_traceback: str | None
    """Where it was raised, on the worker."""
    job_id: str

    def __str__(self) -> str:
        return self.message if type(self) is not RemoteError else f"{self.remote_type}: {self.message}"


class _RemoteTraceback(Exception):
    """Shows the worker's traceback as the cause, as the process pools of the standard library do."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'


@dataclass(frozen=True)
class _Call:
    text: dict[str, Any]
    future: concurrent.futures.Future[Any]
    chunksize: int


class BurstExecutor(concurrent.futures.Executor):
    """Runs functions on a deployed worker, with the interface of ``concurrent.futures``.

    The worker lists the functions that may be run: ``handler = burst_worker(functions=[price, risk])``. Only names and JSON travel: arguments and
    results are numbers, strings, lists, dictionaries, booleans and ``None`` (a tuple arrives as a list). A function may run more than once for one call.

    Calls are gathered into jobs: ``map`` makes a job at once, ``submit`` waits ``linger_seconds`` for more. A future that is not yet part of a job can
    be cancelled; one that is counts as running. Give the BurstCompute no combiner: it would be called for every job.

    Args:
        client: for the BurstCompute whose worker lists the functions.
        linger_seconds: how long to wait for further calls before a job is made of those that were submitted.
        max_jobs: how many jobs to have at the same time; further calls wait and go into one.
        parameters: of every job; the functions get them as keyword-only parameter ``parameters``.
        timeout_seconds: of every job; default: the construct's.
        max_concurrency: of every job; default: the construct's.
        progress: shows a bar of finished calls with tqdm; default: where tqdm is installed and somebody sees it, in a terminal or a notebook.

    Example::

        with BurstExecutor(BurstClient(stack="Pricing")) as executor:
            print(list(executor.map(price, range(1000), chunksize=10)))
    """

    MAX_CALLS = 100_000
    """Calls in one job; more make several."""

    def __init__(
        self,
        client: BurstClient,
        *,
        linger_seconds: float = 0.2,
        max_jobs: int = 8,
        parameters: Any = None,
        timeout_seconds: int | None = None,
        max_concurrency: int | None = None,
        progress: bool | None = None,
    ) -> None:
        if max_jobs < 1:
            raise ValueError(f"max_jobs: got {max_jobs}, allowed: 1 or more")
        self._client = client
        self._linger_seconds = linger_seconds
        self._request = {
            name: value for name, value in (
                ("parameters", parameters), ("timeoutSeconds", timeout_seconds), ("maxConcurrency", max_concurrency),
            ) if value is not None
        }
        self._state = threading.Condition()
        self._queue: deque[_Call] = deque()
        self._gathering = False
        self._urgent = False
        self._last_submit = 0.0
        self._slots = max_jobs
        self._threads: set[threading.Thread] = set()
        self._is_shut_down = False
        self._detached = threading.Event()
        self._bar = _Bar(progress)
        self._job_ids: list[str] = []
        self._followed: list[str] = []

    def __repr__(self) -> str:
        with self._state:
            return f"<BurstExecutor on {self._client!r}: {len(self._job_ids)} jobs started, {len(self._queue)} calls waiting>"

    def __exit__(self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None) -> None:
        """Waits for all futures; after an interrupt it does not: jobs go on, nobody follows them any more, and the error names them."""
        if not isinstance(exc, KeyboardInterrupt):
            self.shutdown()
            return
        with self._state:
            followed = [*self._followed]
        self._detached.set()
        self.shutdown(wait=False, cancel_futures=True)
        self._bar.close()
        if followed and not exc.args:
            exc.args = (_going_on(followed),)

    @property
    def job_ids(self) -> list[str]:
        """The jobs that were started, in order: ``client.cancel`` ends one that is not wanted any more."""
        with self._state:
            return [*self._job_ids]

    @overload
    def submit(self, fn: Callable[..., _T], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[_T]: ...

    @overload
    def submit(self, fn: str, /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]: ...

    def submit(self, fn: Callable[..., Any] | str, /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        """Runs ``fn(*args, **kwargs)`` on the worker.

        Args:
            fn: a function that the worker lists, or the name that it is listed with.
            args: JSON values.
            kwargs: JSON values.

        Raises:
            TypeError: the function has no name that could be called, or is defined in the notebook or script itself.
            InvalidRequestError: an argument is not JSON.
            RuntimeError: the executor was shut down.
        """
        call = _call(_name_of(fn), args, kwargs, 1)
        self._enqueue([call], urgent=False)
        return call.future

    @overload
    def map(
        self, fn: Callable[..., _T], /, *iterables: Iterable[Any], timeout: float | None = None, chunksize: int = 1, buffersize: int | None = None,
    ) -> Iterator[_T]: ...

    @overload
    def map(
        self, fn: str, /, *iterables: Iterable[Any], timeout: float | None = None, chunksize: int = 1, buffersize: int | None = None,
    ) -> Iterator[Any]: ...

    def map(
        self, fn: Callable[..., Any] | str, /, *iterables: Iterable[Any], timeout: float | None = None, chunksize: int = 1, buffersize: int | None = None,
    ) -> Iterator[Any]:
        """``fn`` of the elements of ``iterables``, as the built-in ``map``; results come in order.

        The iterables are read at once, and one job is made of them.

        Args:
            fn: a function that the worker lists, or the name that it is listed with.
            iterables: of JSON values; the shortest one ends them all.
            timeout: seconds from now until which results must be there; default: no limit.
            chunksize: calls that share an invocation of the worker, one after the other.
            buffersize: not supported: all calls go into one job.

        Returns:
            An iterator that raises what a call raised when its turn comes, and ``TimeoutError``.
        """
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        if buffersize is not None:
            raise ValueError("buffersize is not supported: all calls of a map go into one job; map parts of the iterable instead")
        end = None if timeout is None else time.monotonic() + timeout
        name = _name_of(fn)
        calls = [_call(name, args, {}, chunksize) for args in zip(*iterables)]
        self._enqueue(calls, urgent=True)
        return _in_order([call.future for call in calls], end)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Takes no further calls.

        Args:
            wait: until all futures are done.
            cancel_futures: cancels those that are not part of a job yet; jobs run on.
        """
        with self._state:
            self._is_shut_down = True
            dropped = [*self._queue] if cancel_futures else []
            if cancel_futures:
                self._queue.clear()
            self._state.notify_all()
            threads = [*self._threads]
        for call in dropped:
            call.future.cancel()
            call.future.set_running_or_notify_cancel()
        while wait and threads:
            for thread in threads:
                thread.join()
            with self._state:  # one that ended may have started another
                threads = [*self._threads]
        if wait:
            self._bar.close()

    def _enqueue(self, calls: list[_Call], urgent: bool) -> None:
        with self._state:
            if self._is_shut_down:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._queue.extend(calls)
            self._urgent = self._urgent or (urgent and bool(calls))
            self._last_submit = time.monotonic()
            self._gather()
            self._state.notify_all()
        self._bar.add([call.future for call in calls])

    def _gather(self) -> None:
        """With the lock: sees to it that somebody takes what is in the queue. No thread lives longer than its futures: the interpreter
        waits for threads at its end, and so for all futures, as it does with the pools of the standard library."""
        if self._queue and not self._gathering:
            self._gathering = True
            thread = threading.Thread(target=self._run, name="burst-executor")
            self._threads.add(thread)
            thread.start()

    def _run(self) -> None:
        calls = self._take()
        try:
            if calls:
                self._run_job(calls)
        except BaseException as error:
            for call in calls:
                if not call.future.done():
                    call.future.set_exception(error)
        finally:
            with self._state:
                self._threads.discard(threading.current_thread())
                self._slots += 1
                self._state.notify_all()

    def _take(self) -> list[_Call]:
        """Waits for a slot and for the queue to settle; then takes a job's worth of calls."""
        with self._state:
            while True:
                settled = self._last_submit + self._linger_seconds - time.monotonic()
                is_ripe = self._urgent or self._is_shut_down or settled <= 0 or len(self._queue) >= self.MAX_CALLS
                if self._slots > 0 and (is_ripe or not self._queue):
                    break
                self._state.wait(settled if self._slots > 0 else None)
            self._slots -= 1
            calls: list[_Call] = []
            while self._queue and len(calls) < self.MAX_CALLS and self._queue[0].chunksize == (calls or self._queue)[0].chunksize:
                calls.append(self._queue.popleft())
            self._urgent = self._urgent and bool(self._queue)
            self._gathering = False
            self._gather()
            return [call for call in calls if call.future.set_running_or_notify_cancel()]

    def _run_job(self, calls: list[_Call]) -> None:
        chunksize = calls[0].chunksize
        job_id = self._client.submit({
            "items": {"list": [call.text for call in calls]}, "batchSize": chunksize, "toleratedFailurePercentage": 100, **self._request,
        })
        with self._state:
            self._job_ids.append(job_id)
            self._followed.append(job_id)
        try:
            self._follow(job_id, calls, chunksize)
        finally:
            with self._state:
                self._followed.remove(job_id)

    def _follow(self, job_id: str, calls: list[_Call], chunksize: int) -> None:
        def pause(seconds: float) -> None:
            if self._detached.wait(seconds):
                raise BurstError(_going_on([job_id]))

        missing: list[_Call] = []
        for batch in self._client._results(job_id, "finished", True, Pace(None, pause)):
            of_batch = calls[batch.batch_id * chunksize : (batch.batch_id + 1) * chunksize]
            if batch.state == "missing":
                missing += of_batch
            else:
                _settle(batch, of_batch, job_id)
        if missing:
            status = self._client.status(job_id)
            for call in missing:
                call.future.set_exception(JobFailedError(job_id, status.status, None, status.reason or "the call was not made"))


def _going_on(job_ids: list[str]) -> str:
    which = ", ".join(job_ids)
    return f"interrupted; {which} {'goes' if len(job_ids) == 1 else 'go'} on: client.results(job) has the results, client.cancel(job) ends one"


def _name_of(fn: Callable[..., Any] | str) -> str:
    if getattr(fn, "__module__", None) == "__main__":  # of a worker it is another module
        raise TypeError(
            f"{fn!r} is defined in this notebook or script, which the worker does not have: define it in a module that is deployed with the worker, "
            "and list it in burst_worker(functions=[...])"
        )
    return function_name(fn)


def _call(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], chunksize: int) -> _Call:
    text = {"function": name, "args": [*args], **({"kwargs": kwargs} if kwargs else {})}
    to_json(text)  # now, so that who calls learns what is wrong
    return _Call(text, concurrent.futures.Future(), chunksize)


def _in_order(futures: list[concurrent.futures.Future[_T]], end: float | None) -> Iterator[_T]:
    waiting = deque(futures)
    try:
        while waiting:
            # not kept longer than needed: results may be large
            yield waiting.popleft().result(None if end is None else end - time.monotonic())
    finally:
        for future in waiting:
            future.cancel()


def _settle(batch: BatchResult, calls: list[_Call], job_id: str) -> None:
    if batch.failure is not None or batch.state != "succeeded":
        failure = batch.failure
        for call in calls:
            call.future.set_exception(_remote_error(failure.error_type if failure else "Unknown", failure.message if failure else "", None, job_id))
        return
    try:
        items = [*batch.items()]
    except ValueError as error:
        error = ValueError(f"{error}; the executor needs burst_worker(functions=[...])")
        for call in calls:
            call.future.set_exception(error)
        return
    for call, item in itertools.zip_longest(calls, items):
        if item.state == "succeeded":
            call.future.set_result(item.result)
        else:
            call.future.set_exception(_remote_error(item.error_type or "", item.message or "", item.traceback, job_id))


def _remote_error(remote_type: str, message: str, traceback: str | None, job_id: str) -> RemoteError:
    error = _remote_class(remote_type)(message)
    error.remote_type, error.message, error.remote_traceback, error.job_id = remote_type, message, traceback, job_id
    if traceback:
        error.__cause__ = _RemoteTraceback(f"{traceback}{remote_type}: {message}\n")
    return error


@functools.lru_cache(maxsize=256)
def _remote_class(remote_type: str) -> type[RemoteError]:
    """RemoteError itself, or one that is of a built-in type, too."""
    builtin = getattr(builtins, remote_type, None)
    if not isinstance(builtin, type) or not issubclass(builtin, Exception):
        return RemoteError
    try:
        made = type(f"Remote{remote_type}", (RemoteError, builtin), {})
        made("message")
        return made
    except TypeError:  # it needs other arguments, or cannot be combined
        return RemoteError


class _Bar:
    """Bars of finished calls, in a notebook one for each cell that makes calls; none where tqdm is missing or nobody would see it."""

    def __init__(self, wanted: bool | None) -> None:
        self._make: Callable[..., Any] | None = None
        self._bar: Any = None
        self._cell: int | None = None
        self._lock = threading.Lock()
        if wanted is False or (wanted is None and not _is_watched()):
            return
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # in a notebook without ipywidgets a bar of text will do
                from tqdm.auto import tqdm
        except ImportError:
            if wanted:
                raise ImportError("progress: tqdm is not installed: pip install 'burst-compute[progress]'") from None
            return
        self._make = functools.partial(tqdm, unit="call", dynamic_ncols=True)

    def add(self, futures: list[concurrent.futures.Future[Any]]) -> None:
        if self._make is None or not futures:
            return
        with self._lock:
            cell = _cell()
            if self._bar is not None and cell == self._cell:
                _extend(self._bar, len(futures))
            else:
                self._end(self._bar)
                self._bar, self._cell = self._make(total=len(futures)), cell
            bar = self._bar
        for future in futures:
            future.add_done_callback(functools.partial(self._advance, bar))

    def _advance(self, bar: Any, _: Any) -> None:
        with self._lock:
            if bar.disable:  # it was closed
                return
            bar.update()
            if bar is not self._bar:
                self._end(bar)

    def _end(self, bar: Any) -> None:
        """With the lock: closes the bar of another cell once all its calls are done."""
        if bar is not None and bar.n >= bar.total:
            bar.close()

    def close(self) -> None:
        with self._lock:
            if self._bar is not None:
                self._bar.close()


def _extend(bar: Any, more: int) -> None:
    n, start = bar.n, bar.start_t
    bar.reset(bar.total + more)  # widgets are told of a new total in no other way
    bar.n, bar.start_t = n, start
    bar.refresh()


def _cell() -> int | None:
    """The number of the cell that runs, in a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "execution_count", None)


def _is_watched() -> bool:
    return "ipykernel" in sys.modules or bool(getattr(sys.stderr, "isatty", bool)())
