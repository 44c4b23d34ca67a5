"""Where task runs go: Ray by default, threads when asked; and what each costs.

Most of what `RayTaskRunner` spends on a task run is settings: the driver serializes the whole tree for every submit,
and the worker rebuilds it, with an API client and its TLS contexts, for every run. `LeanRayTaskRunner` does each once:
once per flow run in the driver, once per process in a worker. It rests on private names of two packages, so any release
that it was not tested with gets the plain runner, which does the same work more slowly.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, Self

import ray
from prefect.context import SettingsContext, SyncClientContext
from prefect.exceptions import TerminationSignal
from prefect.futures import PrefectFuture
from prefect.logging.handlers import APILogHandler
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from prefect_ray import RayTaskRunner
from pydantic import PrivateAttr

import flows.logs  # noqa: F401  # for what this process, or a worker of Ray's, has to say
from flows.code import check_code
from rushes.cluster.attach import check_ray
from rushes.config import Pipeline
from rushes.errors import RunFailedError, RushesError
from rushes.summary.metrics import write_metrics
from rushes.summary.outcome import RunOutcome
from rushes.summary.text import failure
from tasks.patience import patiently

__all__ = ["CheckedRayTaskRunner", "LeanRayTaskRunner", "ray_runner", "settle", "thread_runner", "unless_failed"]

_TESTED = {"prefect": ("3.8.", "3.9."), "prefect-ray": ("0.6.0",)}
_TICK_S = 0.2
_DRIVER = 0  # ray's worker mode of a process that submits, as prefect-ray itself asks for it


class CheckedRayTaskRunner(RayTaskRunner[Any]):
    """A `RayTaskRunner` that refuses a cluster it cannot use, in one line, as the error of its flow.

    What is raised while a runner is entered ends the process, and leaves a run that crashed and does not say why: so it
    is raised when the flow submits its first task.
    """

    _refusal: RushesError | None = None

    def __enter__(self) -> Self:
        elsewhere = not ray.is_initialized() and self.address
        try:
            if elsewhere:
                check_ray(elsewhere)
            with _sigterm_kept():
                super().__enter__()
            if elsewhere and "://" not in elsewhere:
                check_code()
        except RushesError as error:
            self._refusal = error
            self._started = True
        return self

    def submit(self, *arguments: Any, **more: Any) -> Any:
        """Does what Prefect's does, or says why this cluster is refused."""
        if self._refusal is not None:
            raise self._refusal
        return super().submit(*arguments, **more)

    @staticmethod
    def _run_prefect_task(*upstream: Any, **run: Any) -> Any:
        try:
            return RayTaskRunner._run_prefect_task(*upstream, **run)  # noqa: SLF001  # the one seam
        finally:
            # Lines go to the server every two seconds, and those that wait are lost with this process: Ray's ends soon.
            APILogHandler().flush()


class LeanRayTaskRunner(CheckedRayTaskRunner):
    """A `RayTaskRunner` that pays for settings once per flow run and once per worker process."""

    _settings: _SettingsOnce | None = None

    def __enter__(self) -> Self:
        super().__enter__()
        current = SettingsContext.get()
        if current is not None and self._refusal is None and ray.get_runtime_context().worker.mode == _DRIVER:
            self._settings = _SettingsOnce(profile=current.profile, settings=current.settings)
            self._settings.__enter__()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        if self._settings is not None:
            self._settings.__exit__(*exc_info)
            self._settings = None
        super().__exit__(*exc_info)

    @staticmethod
    def _run_prefect_task(*upstream: Any, context: dict[str, Any], **run: Any) -> Any:
        settings = context.pop("settings_context")

        def run_it() -> Any:
            _keep_settings(settings)
            return CheckedRayTaskRunner._run_prefect_task(*upstream, context=context, **run)  # noqa: SLF001  # a static method has no super

        return patiently(run_it)  # what the task itself raises is not raised there, but becomes its state


def ray_runner() -> TaskRunner[Any]:
    """Returns the runner for Ray: the cluster that RAY_ADDRESS names, else one that starts and ends with the flow run.

    The address is always decided here: without one, Ray attaches to whatever cluster this machine started last.
    """
    tested = all(version(package).startswith(releases) for package, releases in _TESTED.items())
    runner = LeanRayTaskRunner if tested else CheckedRayTaskRunner
    address = os.environ.get("RAY_ADDRESS")
    if address:
        return runner(address=address)
    local: dict[str, Any] = {"address": "local", "include_dashboard": False, "log_to_driver": False}
    return runner(init_kwargs=local)


def thread_runner() -> TaskRunner[Any]:
    """Returns the runner for threads of this process, one for each core."""
    return _Threads(max_workers=os.cpu_count() or 1)


def settle(chains: Iterable[Sequence[PrefectFuture[Any]]], tick: Callable[[], None] | None = None) -> list[Any]:
    """Waits for every chain of task runs and returns the last result of each.

    A flow that only waits ends as completed even when all its tasks failed, and what follows a failed task stays
    pending for ever: so each chain is looked at from its beginning, and the first that is not completed tells why.

    Args:
        chains: The task runs of each chain, in order.
        tick: Called a few times a second while it waits.

    Raises:
        RushesError: What stopped a task, where rushes understands it: a source that is not there, a full disk.
        RunFailedError: At least one batch broke in another way, after its retries.
    """
    results, broken = [], []
    for chain in chains:  # every one to its end: no batch may be at work once the workspace is free
        first = next((future for future in chain if not _completed(future, tick or _rest)), None)
        if first is None:
            results.append(chain[-1].result())
        else:
            broken.append(first)
    if broken:
        raise _cause(broken, len(broken) + len(results))
    return results


def unless_failed(ended: RunOutcome, config: Pipeline) -> RunOutcome:
    """Returns the outcome, and its metrics to who wants them, or raises a `RunFailedError` if the run failed by it."""
    why = failure(ended, config.run.max_failed)
    write_metrics(config.name, ended, failed=bool(why))
    if why:
        raise RunFailedError(why)
    return ended


@contextmanager
def _sigterm_kept() -> Iterator[None]:
    """Leaves SIGTERM to whom it was: Ray takes it, and Prefect, which cancels by it, would see a run that crashed."""
    told = signal.getsignal(signal.SIGTERM)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, told)


def _cause(broken: Sequence[PrefectFuture[Any]], count: int) -> RushesError:
    """Returns what stopped the first batch that stopped for a reason rushes understands, or how many broke, and how."""
    for future in broken:
        cause = future.result(raise_on_failure=False)
        if isinstance(cause, RushesError):
            return cause
    state = broken[0].state
    return RunFailedError(
        f"{len(broken)} of {count} batches broke after their retries, first with {state.name}: {state.message} "
        "What the others did is kept: mend the cause and run again."
    )


def _completed(future: PrefectFuture[Any], tick: Callable[[], None]) -> bool:
    ended = threading.Event()
    future.add_done_callback(lambda _: ended.set())
    # Not in Ray's own wait, which loses what a signal raises there: Prefect cancels by SIGTERM.
    while not ended.wait(_TICK_S):
        tick()
    future.wait()
    return future.state.is_completed()


def _rest() -> None:
    """Does nothing between two looks."""


class _Threads(ThreadPoolTaskRunner[Any]):
    """Threads that an interrupted flow does not wait for: a transfer under way may take an hour."""

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        if exc_type is not None and not issubclass(exc_type, Exception) and self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None
            if issubclass(exc_type, TerminationSignal):
                threading.Thread(target=_end_with_the_flow, daemon=True).start()
        super().__exit__(exc_type, exc_value, traceback)


def _end_with_the_flow() -> None:
    """Ends this process when its flow has ended, and with it what its threads are at, down to ffmpeg.

    The interpreter would wait for the threads, and Prefect, which has asked it to end, would kill it after 30 seconds.
    """
    probe = ThreadPoolExecutor(1)
    while True:
        try:
            probe.submit(int)
        except RuntimeError:  # the interpreter takes no more work: it has begun to end
            os._exit(128 + signal.SIGTERM)
        time.sleep(_TICK_S)


class _SettingsOnce(SettingsContext):
    """The flow run's settings, serialized once however often they travel."""

    _serialized: dict[str, Any] | None = PrivateAttr(None)

    def serialize(self, include_secrets: bool = True) -> dict[str, Any]:
        if self._serialized is None:
            self._serialized = super().serialize(include_secrets)
        return self._serialized


_kept: tuple[dict[str, Any], SettingsContext, SyncClientContext] | None = None


def _keep_settings(serialized: dict[str, Any]) -> None:
    """Makes these settings, and one API client that uses them, current for the rest of this worker process."""
    global _kept  # a process has one
    if _kept is not None and _kept[0] == serialized and SettingsContext.get() is _kept[1]:
        return
    settings = SettingsContext(**serialized)
    settings.__enter__()
    client = SyncClientContext()
    client.__enter__()
    _kept = (serialized, settings, client)
