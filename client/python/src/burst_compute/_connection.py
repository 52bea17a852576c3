"""How AWS is reached: clients of boto3, whose errors say what to do."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable, Sequence
from typing import Any

from ._address import error_code
from ._aws import s3_client
from .errors import AccessDeniedError, BurstError, CredentialsError, UnreachableError

_EXPIRED = re.compile(r"ExpiredToken|RequestExpired|TokenRefreshRequired")
_REFUSED = re.compile(
    r"UnrecognizedClient|InvalidClientTokenId|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidSignature|IncompleteSignature|AuthFailure|MissingAuthenticationToken"
)
_DENIED = re.compile(r"AccessDenied|AuthorizationError|NotAuthorized|Forbidden|403$")
_PAGE = 100
"""Keys of one BatchGetItem."""


class Connection:
    """One boto3 client per service, made when it is first used. Safe to share between threads."""

    def __init__(self, region: str | None, profile: str | None, endpoint: str | None, session: Any) -> None:
        if session is not None and profile is not None:
            raise CredentialsError("profile: not together with session, which has a profile of its own")
        self._region, self._profile, self._endpoint, self._session = region, profile, endpoint, session
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    @property
    def region(self) -> str:
        """For messages."""
        return self._region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "the configured Region"

    def client(self, service: str) -> Any:
        """The client of a service. Raises CredentialsError or UnreachableError where profile or Region are missing."""
        with self._lock:
            if service not in self._clients:
                try:
                    self._clients[service] = self._make(service)
                except BurstError:
                    raise
                except Exception as error:
                    raise self._explained(error, service) from error
            return self._clients[service]

    def _make(self, service: str) -> Any:
        import boto3
        from botocore.config import Config

        if self._session is None:
            self._session = boto3.Session(profile_name=self._profile)
        # the executor's threads share these clients; a host that does not answer is given up
        config = Config(connect_timeout=5, max_pool_connections=32)
        options: dict[str, Any] = {"config": config}
        if self._region is not None:
            options["region_name"] = self._region
        elif os.environ.get("AWS_REGION") and not self._session.region_name:
            options["region_name"] = os.environ["AWS_REGION"]  # which Lambda sets and boto3 does not read everywhere
        if self._endpoint is not None:
            options["endpoint_url"] = self._endpoint
        return s3_client(self._session, **options) if service == "s3" else self._session.client(service, **options)

    def call(self, service: str, operation: str, **arguments: Any) -> Any:
        """One request, with boto3's own retries."""
        client = self.client(service)
        try:
            return getattr(client, operation)(**arguments)
        except Exception as error:
            explained = self._explained(error, service)
            if explained is error:
                raise
            raise explained from error

    def _explained(self, error: Exception, service: str) -> Exception:
        name, message, code = type(error).__name__, str(error).split("\n")[0].rstrip(". "), error_code(error) or ""
        whom = f"{service} at {self._endpoint or os.environ.get('AWS_ENDPOINT_URL') or self.region}"
        if name in ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound") or "SSO" in name or "Token" in name:
            return CredentialsError(
                f"no AWS credentials were found ({message}): set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws sso login`"
            )
        if name == "NoRegionError":
            return UnreachableError("no AWS Region is set: set AWS_REGION, give region, or name the state machine by its ARN")
        if name in ("EndpointConnectionError", "ConnectTimeoutError", "ConnectionClosedError", "ReadTimeoutError", "ProxyConnectionError", "SSLError"):
            return UnreachableError(f"{whom} does not answer ({name}): check the network, the Region and the endpoint")
        if _EXPIRED.match(code):
            return CredentialsError(f"the AWS credentials have expired ({whom}: {message}): get new ones, for instance with `aws sso login`")
        if _REFUSED.match(code):
            return CredentialsError(f"the AWS credentials are not accepted ({whom}: {message}): check profile, keys and Region")
        if _DENIED.match(code):
            return AccessDeniedError(
                f"not allowed ({whom}): {message}: the construct's grantStart, grantReadResults, grantCancel and grantRedrive give what is needed"
            )
        return error

    def row(self, table: str, key: str) -> dict[str, Any] | None:
        """A row, strongly consistent."""
        item = self.call("dynamodb", "get_item", TableName=table, Key={"pk": {"S": key}}, ConsistentRead=True).get("Item")
        return None if item is None else _plain({"M": item})

    def rows(self, table: str, keys: Iterable[str], fields: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Those of the rows that are there, in any order; one request per 100."""
        found: list[dict[str, Any]] = []
        pending = [{"pk": {"S": key}} for key in keys]
        names = {f"#{index}": field for index, field in enumerate(fields)}
        projection: dict[str, Any] = {"ProjectionExpression": ",".join(names), "ExpressionAttributeNames": names} if names else {}
        while pending:
            page, pending = pending[:_PAGE], pending[_PAGE:]
            answer = self.call("dynamodb", "batch_get_item", RequestItems={table: {"Keys": page, **projection}})
            found += [_plain({"M": item}) for item in answer.get("Responses", {}).get(table, ())]
            pending += answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", ())
        return found

    def read(self, bucket: str, key: str) -> bytes:
        """An object of a bucket."""
        body: bytes = self.call("s3", "get_object", Bucket=bucket, Key=key)["Body"].read()
        return body


def _plain(value: dict[str, Any]) -> Any:
    """A DynamoDB value as JSON has it: what is kept there came from JSON."""
    [(kind, inner)] = value.items()
    if kind == "M":
        return {name: _plain(member) for name, member in inner.items()}
    if kind == "L":
        return [_plain(member) for member in inner]
    if kind == "N":
        return int(inner) if re.fullmatch(r"-?\d+", inner) else float(inner)
    if kind == "NS":
        return [_plain({"N": number}) for number in inner]
    return None if kind == "NULL" else inner
