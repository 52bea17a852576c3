"""Python side of cdk-burst-compute: massively parallel jobs on AWS Lambda.

In a worker: :func:`burst_worker`. In a combiner: :func:`read_results`. Where jobs are started: :class:`BurstClient`, and
:class:`BurstExecutor` with the interface of ``concurrent.futures``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .results import BatchResult, Failure, ItemResult, read_results
from .worker import Batch, burst_worker

if TYPE_CHECKING:
    from .client import BurstClient, JobStatus, JobSummary
    from .cost import Cost, CostLine
    from .errors import (
        AccessDeniedError,
        AddressError,
        BurstError,
        CredentialsError,
        InvalidRequestError,
        JobFailedError,
        JobRunningError,
        NameTakenError,
        RequestTooLargeError,
        UnknownJobError,
        UnreachableError,
    )
    from ._estimate import Assumptions, Estimate, estimate
    from .executor import BurstExecutor, RemoteError

__all__ = [
    "AccessDeniedError",
    "AddressError",
    "Assumptions",
    "Batch",
    "BatchResult",
    "BurstClient",
    "BurstError",
    "BurstExecutor",
    "Cost",
    "CostLine",
    "CredentialsError",
    "Estimate",
    "Failure",
    "InvalidRequestError",
    "ItemResult",
    "JobFailedError",
    "JobRunningError",
    "JobStatus",
    "JobSummary",
    "NameTakenError",
    "RemoteError",
    "RequestTooLargeError",
    "UnknownJobError",
    "UnreachableError",
    "burst_worker",
    "estimate",
    "read_results",
]

# a worker starts without what only its callers need
_MODULES = {
    "BurstClient": "client", "JobStatus": "client", "JobSummary": "client", "BurstExecutor": "executor", "RemoteError": "executor",
    "Cost": "cost", "CostLine": "cost", "Assumptions": "_estimate", "Estimate": "_estimate", "estimate": "_estimate",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_MODULES.get(name, 'errors')}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
