"""What a Ray cluster, seen from outside, does not do."""

from __future__ import annotations

from rushes.errors.base import RushesError

__all__ = [
    "ClusterAccessError",
    "ClusterError",
    "ClusterUnreachableError",
    "DriverJobError",
    "JobEndedError",
    "JobFailedError",
    "StreamLimitError",
    "StreamTimeoutError",
    "UnknownJobError",
    "UnknownResourceError",
    "VersionMismatchError",
]


class ClusterError(RushesError):
    """A Ray cluster answered that it cannot do what it was asked to."""

    code = "cluster"
    remedy = "Read the cluster's own words in the message."


class ClusterUnreachableError(ClusterError):
    """No Ray cluster answers at the address, or it answers no more."""

    code = "cluster_unreachable"
    remedy = "Start the cluster, or name the address of its dashboard in `--address` or `RAY_API_SERVER_ADDRESS`."
    transient = True
    exit_code = 2


class ClusterAccessError(ClusterError):
    """The cluster asks for a token, and there is none, or it is another one."""

    code = "cluster_access"
    remedy = "Set `RAY_AUTH_TOKEN` or `RAY_AUTH_TOKEN_PATH` to the token that the cluster was started with."
    exit_code = 2


class VersionMismatchError(ClusterError):
    """The cluster runs another Ray, Python or rushes than this machine, and what one writes the other may not read."""

    code = "version_mismatch"
    remedy = "Use one image, or one lock, on this machine and on every node."
    exit_code = 2


class UnknownResourceError(ClusterError):
    """The cluster knows no node, task or Serve application of that name."""

    code = "not_found"
    remedy = "List what there is: `rushes jobs nodes`, `tasks` or `serve`."
    exit_code = 2


class UnknownJobError(UnknownResourceError):
    """The cluster knows no job of that id: mistyped, or of a cluster that was started anew since."""

    code = "unknown_job"
    remedy = "List the jobs: `rushes jobs list`."


class DriverJobError(ClusterError):
    """The job was not submitted but began with a process somewhere, which alone can stop it and has its log."""

    code = "driver_job"
    remedy = "Stop that process, or read its output, where it was started."
    exit_code = 2


class JobEndedError(ClusterError):
    """The job had ended before it was to be stopped."""

    code = "job_ended"
    remedy = "There is nothing to stop; `rushes jobs show` says how it ended."


class JobFailedError(ClusterError):
    """The job that was waited for failed or was stopped."""

    code = "job_failed"
    remedy = "Read its log: `rushes jobs logs`."


class StreamTimeoutError(ClusterError):
    """A log that is followed said nothing for longer than it was given; the job goes on."""

    code = "stream_timeout"
    remedy = "Raise `--timeout`, or leave it out to wait as long as the job runs."
    transient = True


class StreamLimitError(ClusterError):
    """A log that is followed said more than the limits allow; the job goes on."""

    code = "stream_limit"
    remedy = "Raise the limit that the message names, or read the log where it lies, on the cluster's node."
