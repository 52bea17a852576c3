"""Python side of cdk-burst-compute: massively parallel jobs on AWS Lambda.

In a worker: :func:`burst_worker`. In a combiner: :func:`read_results`.
"""

from .results import BatchResult, Failure, ItemResult, read_results
from .worker import Batch, burst_worker

__all__ = ["Batch", "BatchResult", "Failure", "ItemResult", "burst_worker", "read_results"]
