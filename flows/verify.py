"""Verify: is a dataset still what it was when it was written?"""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.naming import dataset_name, verify_run_name
from flows.runner import settle, thread_runner
from rushes.errors import DatasetDiffersError
from rushes.summary.differences import failure
from rushes.summary.verify import Verification
from tasks.verify import verify as verify_files

__all__ = ["verify"]


# One task that reads files with all threads of this machine: on Ray it would wait for a cluster that it has no use for.
@flow(name="verify", flow_run_name=verify_run_name, task_runner=thread_runner())
def verify(dataset: Annotated[str, Field(min_length=1)], expect: str | None = None) -> Verification:
    """Hashes every file of a dataset again, and fails where anything differs from what was written.

    Args:
        dataset: The folder of the dataset: a path that the worker reaches, or s3://, gs:// or sftp://.
        expect: The sha256 that its manifest, or its list of checksums, is known to have; none expects nothing.

    Raises:
        DatasetDiffersError: A file is missing, changed or not listed, or the digest is another one than expected.
    """
    found: Verification = settle([[verify_files.submit(dataset, expect, dataset_name(dataset))]])[0]
    if why := failure(found, dataset):
        raise DatasetDiffersError(why)
    return found
