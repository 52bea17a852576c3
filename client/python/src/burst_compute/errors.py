"""What this package raises itself; ``__cause__`` is what AWS said."""

from __future__ import annotations


class BurstError(Exception):
    """Anything that this package says itself. Its message says what to do next."""


class AddressError(BurstError):
    """No BurstCompute is at the address."""


class InvalidRequestError(BurstError, ValueError):
    """The request is not one that any BurstCompute takes; nothing was started."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field
        """The first field that is wrong, such as ``items.range``."""


class UnknownJobError(BurstError, LookupError):
    """No job of this name was started here."""

    def __init__(self, job_id: str, state_machine_arn: str) -> None:
        super().__init__(f"there is no job {job_id} at {state_machine_arn}, or it was removed after its retention: check its name, or look at list()")
        self.job_id = job_id


class JobFailedError(BurstError):
    """The job did not succeed."""

    def __init__(self, job_id: str, status: str, code: str | None, message: str) -> None:
        super().__init__(f"job {job_id} is {status}{f' ({code})' if code else ''}: {message}")
        self.job_id = job_id
        self.status = status
        self.code = code


class NameTakenError(BurstError):
    """The name was used for another request."""

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(f"job {job_id} exists already ({status}) and its request was another one: choose another name, or submit the same request")
        self.job_id = job_id


class JobRunningError(BurstError):
    """The job has not ended yet."""

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(f"job {job_id} is {status}: only a job that has ended can be redriven; wait for it or cancel it first")
        self.job_id = job_id


class RequestTooLargeError(BurstError):
    """A request larger than Step Functions takes, its list aside."""

    def __init__(self, size: int, allowed: int) -> None:
        super().__init__(
            f"the request has {size} bytes without its list, allowed: {allowed}: put large parameters into an object of your own "
            "and pass its address, and items into S3 with items.s3"
        )


class CredentialsError(BurstError):
    """There are no credentials, or AWS does not take them (any more)."""


class AccessDeniedError(BurstError):
    """The credentials are good, but do not allow this."""


class UnreachableError(BurstError):
    """The endpoint does not answer, or no Region says which one it is."""
