"""`RayClient`: one cluster, asked and told over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping
from contextlib import aclosing, contextmanager
from typing import Any, Literal
from urllib.parse import quote

from rushes.cluster import records
from rushes.cluster.address import dashboard_url, token_for
from rushes.cluster.connection import Connection, sdk
from rushes.cluster.limits import Meter, StreamLimits
from rushes.cluster.records import Application, Job, Node, Task
from rushes.errors import (
    ConfigError,
    DriverJobError,
    JobEndedError,
    UnknownJobError,
    UnknownResourceError,
)

__all__ = ["RayClient"]

_PROTOCOLS = ("stream", "websocket")
Protocol = Literal["stream", "websocket"]


class RayClient:
    """A Ray cluster: its jobs and their logs, its nodes, tasks and Serve applications.

    Nothing is asked before the first call.

    Args:
        address: URL of the dashboard, or the cluster's `HOST:PORT`; by default what `RAY_API_SERVER_ADDRESS` or
            `RAY_ADDRESS` say, else `http://127.0.0.1:8265`.
        timeout_s: How long each request may take, in seconds; uploads and submissions may take longer.
        headers: Sent with each request, for proxies that ask for them.
        token: What the cluster was started with; by default what Ray itself would send: `RAY_AUTH_TOKEN`, the file
            that `RAY_AUTH_TOKEN_PATH` names, or the one in the user's home.
        verify: Whether to check the server's certificate, or a file of those that sign it.

    Raises:
        ConfigError: It is no address.
        ClusterUnreachableError: Nobody answers at `HOST:PORT`.
        ClusterAccessError: The file with the token cannot be read.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        timeout_s: float = 10.0,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
        verify: bool | str = True,
    ) -> None:
        if timeout_s <= 0:
            raise ConfigError(f"timeout_s = {timeout_s!r}: expected a number of seconds above 0.")
        self.address = dashboard_url(address, timeout_s)
        sent = dict(headers or {})
        found = token_for(self.address, token)
        if found and not any(name.lower() == "authorization" for name in sent):
            sent["Authorization"] = f"Bearer {found}"
        self._ray = Connection(self.address, sent, verify, timeout_s)

    def version(self) -> str:
        """Returns the version of Ray that the cluster runs."""
        return self._ray.jobs.connect()

    def check_version(self) -> str:
        """Returns the version of Ray that the cluster runs.

        Raises:
            VersionMismatchError: It is of another minor than the one of this machine.
        """
        there = self.version()
        sdk().check_minor(self.address, there)
        return there

    def list_jobs(self) -> list[Job]:
        """Returns all jobs that the cluster remembers, the latest first."""
        found = [records.job(said) for said in self._ray.jobs.list_jobs()]
        return sorted(found, key=lambda job: (job.started_s or 0, job.id), reverse=True)

    def get_job(self, job_id: str) -> Job:
        """Returns a job by the id it was submitted as, or by Ray's own.

        Raises:
            UnknownJobError: There is none.
        """
        with self._job(job_id) as name:
            return records.job(self._ray.jobs.get_job_info(name))

    def submit_job(
        self,
        entrypoint: str,
        *,
        job_id: str | None = None,
        runtime_env: Mapping[str, Any] | None = None,
        metadata: Mapping[str, str] | None = None,
        cpus: float | None = None,
        memory_bytes: int | None = None,
        resources: Mapping[str, float] | None = None,
    ) -> str:
        """Submits a command line as a job and returns its id; a local `working_dir` is uploaded.

        Args:
            entrypoint: The command line, for a shell on a node of the cluster.
            job_id: The id to give it; by default Ray makes one up.
            runtime_env: Ray's description of what it needs; its `env_vars` can be read in the job's description, so
                they are no place for secrets.
            metadata: What is kept with it.
            cpus: Cores to take for the command itself; its tasks take their own.
            memory_bytes: Memory to take for the command itself.
            resources: Further resources to take for the command itself.
        """
        submitted: str = self._ray.jobs.submit_job(
            entrypoint=entrypoint,
            submission_id=job_id,
            runtime_env=dict(runtime_env or {}),
            metadata=dict(metadata or {}),
            entrypoint_num_cpus=cpus,
            entrypoint_memory=memory_bytes,
            entrypoint_resources=dict(resources) if resources else None,
        )
        return submitted

    def stop_job(self, job_id: str) -> Job:
        """Asks a job to end, and returns what it was when it was asked: its processes get SIGTERM, later SIGKILL.

        Raises:
            UnknownJobError: There is no such job.
            DriverJobError: Nobody submitted it, so nobody can stop it from here.
            JobEndedError: It had ended before.
        """
        job = self._submitted(job_id)
        with self._job(job.id) as name:
            if job.ended or not self._ray.jobs.stop_job(name):
                ended = self.get_job(job.id)
                raise JobEndedError(f"{self.address}: job {job.id} had ended before, {ended.status}: nothing to stop.")
        return job

    def list_job_logs(self, job_id: str) -> str:
        """Returns all that a job has written so far."""
        job = self._submitted(job_id)
        with self._job(job.id) as name:
            text: str = self._ray.jobs.get_job_logs(name)
            return text

    def tail_job_logs(
        self,
        job_id: str,
        stream_timeout: float | None = 10,
        protocol: Protocol = "stream",
        limits: StreamLimits | None = None,
    ) -> Iterator[str]:
        """Returns an iterator of the lines that a job has written and writes, until it has ended.

        In a coroutine, use `atail_job_logs`.

        Args:
            job_id: The job.
            stream_timeout: How long it may say nothing, in seconds; None for as long as it runs.
            protocol: `stream` for chunked HTTP, or `websocket`.
            limits: How much it may say; by default that of `StreamLimits()`.

        Raises:
            UnknownJobError: There is no such job; at once, as the errors of arguments.
            StreamTimeoutError: It said nothing for so long; from the iterator, as the others.
            StreamLimitError: It said more than the limits allow.
            ClusterUnreachableError: The connection broke off.
        """
        return self._lines(self._tail(job_id, stream_timeout, protocol, limits))

    async def atail_job_logs(
        self,
        job_id: str,
        stream_timeout: float | None = 10,
        protocol: Protocol = "stream",
        limits: StreamLimits | None = None,
    ) -> AsyncGenerator[str, None]:
        """Yields what `tail_job_logs` does, in a coroutine."""
        open_stream = await asyncio.to_thread(self._tail, job_id, stream_timeout, protocol, limits)
        async with aclosing(open_stream()) as stream:
            async for lines in stream:
                for line in lines:
                    yield line

    def list_nodes(self) -> list[Node]:
        """Returns the nodes of the cluster, the head first, the dead ones last."""
        found = [records.node(said) for said in self._ray.state.all_of("nodes", 10_000, {})]
        return sorted(found, key=lambda node: (node.state != "ALIVE", not node.head, node.address, node.id))

    def get_node(self, node_id: str) -> Node:
        """Returns a node by its id.

        Raises:
            UnknownResourceError: There is none.
        """
        return records.node(self._ray.state.one("nodes", node_id))

    def list_tasks(self, job_id: str | None = None, state: str | None = None, limit: int = 100) -> list[Task]:
        """Returns tasks of the cluster, in the order of their ids.

        Args:
            job_id: Of this job only, by the id it was submitted as or by Ray's own.
            state: In this state only, like RUNNING.
            limit: At most so many; Ray gives no more than 10,000.
        """
        where = {"state": state.upper()} if state else {}
        if job_id:
            with self._job(job_id) as name:
                found = self._ray.jobs.get_job_info(name)
            if not found.job_id:  # it has no driver yet, so no tasks
                return []
            where["job_id"] = found.job_id
        return [records.task(said) for said in self._ray.state.all_of("tasks", limit, where)]

    def get_task(self, task_id: str) -> Task:
        """Returns a task by its id, as its last attempt is.

        Raises:
            UnknownResourceError: There is none.
        """
        return records.task(self._ray.state.one("tasks", task_id))

    def list_serve_applications(self) -> list[Application]:
        """Returns the applications of Ray Serve, by name.

        Raises:
            ClusterError: Serve is not installed on the cluster.
        """
        said = self._ray.serve.get_serve_details().get("applications") or {}
        return [records.application(name, said[name]) for name in sorted(said)]

    def get_serve_application(self, name: str) -> Application:
        """Returns an application of Ray Serve by its name.

        Raises:
            UnknownResourceError: There is none.
        """
        for found in self.list_serve_applications():
            if found.name == name:
                return found
        raise UnknownResourceError(f"{self.address}: no Serve application {name!r}; list those there are.")

    def _submitted(self, job_id: str) -> Job:
        job = self.get_job(job_id)
        if job.kind != "submission":
            raise DriverJobError(
                f"{self.address}: job {job.id} was not submitted: a process connected by itself ({job.entrypoint}). "
                "Stop it, or read its output, where it was started."
            )
        return job

    def _tail(
        self, job_id: str, stream_timeout: float | None, protocol: str, limits: StreamLimits | None
    ) -> Callable[[], AsyncGenerator[list[str], None]]:
        if protocol not in _PROTOCOLS:
            raise ConfigError(f"protocol = {protocol!r}: expected one of {', '.join(_PROTOCOLS)}.")
        if stream_timeout is not None and stream_timeout <= 0:
            raise ConfigError(f"stream_timeout = {stream_timeout!r}: expected seconds above 0, or None.")
        job = self._submitted(job_id)
        from rushes.cluster import tail  # aiohttp comes with Ray

        source = tail.over_http if protocol == "stream" else tail.over_websocket

        def opened() -> AsyncGenerator[list[str], None]:
            chunks = source(self._ray.jobs, lambda: self.get_job(job.id), job, self.address)
            return tail.batches(chunks, Meter(limits or StreamLimits(), job.id), stream_timeout, job.id)

        return opened

    @staticmethod
    def _lines(opened: Callable[[], AsyncGenerator[list[str], None]]) -> Generator[str, None, None]:
        with asyncio.Runner() as runner:
            stream = opened()
            try:
                while lines := runner.run(_next(stream)):
                    yield from lines
            finally:
                runner.run(stream.aclose())

    @contextmanager
    def _job(self, job_id: str) -> Iterator[str]:
        """Gives an id as it may stand in a path, and says which job it was that the cluster does not know."""
        unknown = UnknownJobError(
            f"{self.address}: no job {job_id!r}. `rushes jobs list` shows those it knows; a cluster that was started "
            "anew has forgotten earlier ones."
        )
        if not job_id.strip("."):  # would be another path
            raise unknown
        try:
            yield quote(job_id, safe="")
        except UnknownResourceError:
            raise unknown from None


async def _next(stream: AsyncGenerator[list[str], None]) -> list[str] | None:
    return await anext(stream, None)
