"""Python side of cdk-burst-compute: massively parallel jobs on AWS Lambda.

In a combiner: :func:`read_results`.
"""

from .results import BatchResult, Failure, read_results

__all__ = ["BatchResult", "Failure", "read_results"]
