"""What needs boto3, which is imported only when it is used: most workers and combiners never do."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

_URI = re.compile(r"s3://([^/]+)/(.+)", re.DOTALL)


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of ``s3://bucket/key``."""
    match = _URI.fullmatch(uri)
    if match is None:
        raise ValueError(f"not the address of an object: got {uri[:200]!r}, allowed: s3://bucket/key")
    return match[1], match[2]


def read_object(bucket: str, client: Any = None) -> Callable[[str], bytes]:
    """A function that fetches an object of the bucket by its key; its client is made at the first fetch."""

    def fetch(key: str) -> bytes:
        nonlocal client
        if client is None:
            client = s3_client()
        body: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    return fetch


def s3_client(session: Any = None, **options: Any) -> Any:
    """An S3 client of boto3; at an endpoint that is not AWS's own, buckets are parts of the path."""
    import boto3
    from botocore.config import Config

    is_elsewhere = options.get("endpoint_url") or os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT_URL_S3")
    style = Config(s3={"addressing_style": "path"}) if is_elsewhere else Config()
    config = options.pop("config", None)
    return (session or boto3).client("s3", config=style.merge(config) if config else style, **options)
