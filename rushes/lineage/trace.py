"""A run as events: it starts, and it completes, fails or is broken off."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from rushes import __version__
from rushes.config import Pipeline
from rushes.errors import RushesError
from rushes.lineage.send import Sender, is_configured
from rushes.summary.outcome import RunOutcome

if TYPE_CHECKING:
    from openlineage.client.event_v2 import InputDataset, OutputDataset, RunEvent
    from openlineage.client.generated.base import RunFacet

__all__ = ["JobRun", "traced"]

_PRODUCER = f"urn:rushes:{__version__}"
_WAIT_S = 10.0
_WAIT_BROKEN_OFF_S = 2.0  # whoever breaks off a run waits for this


@dataclass(frozen=True, slots=True)
class JobRun:
    """A run of a job, as its orchestrator knows it.

    Attributes:
        id: Of the run.
        job: Name of the job: the same for every run of it.
        orchestrator: What runs it.
        orchestrator_version: Its release.
        parent: Run that started this one, with its job, if any.
    """

    id: UUID
    job: str
    orchestrator: str
    orchestrator_version: str
    parent: tuple[UUID, str] | None = None


@contextmanager
def traced(
    pipeline: Pipeline, run_of: Callable[[], JobRun], warn: Callable[[str], object]
) -> Iterator[Callable[[RunOutcome], RunOutcome]]:
    """Tells how a run goes, where an endpoint is configured; else does nothing.

    Gives a function that takes the outcome, and returns it.

    Args:
        pipeline: What is run.
        run_of: Says which run it is; not asked where nobody listens.
        warn: Is told once if events cannot be delivered.
    """
    ended: list[RunOutcome] = []

    def told(outcome: RunOutcome) -> RunOutcome:
        ended.append(outcome)
        return outcome

    if not is_configured():
        yield told
        return
    sender, run = Sender(warn), run_of()
    sender.send(partial(_started, pipeline, run), _WAIT_S)
    try:
        yield told
    except Exception as error:  # whatever ended the run is told, and raised on
        sender.send(partial(_failed, pipeline, run, error), _WAIT_S)
        raise
    except BaseException:  # Ctrl-C, or a cancelled flow run
        sender.send(partial(_event, "ABORT", pipeline, run), _WAIT_BROKEN_OFF_S)
        raise
    sender.send(partial(_completed, pipeline, run, ended[-1].dataset if ended else None), _WAIT_S)


def _started(pipeline: Pipeline, run: JobRun) -> RunEvent:
    from rushes.lineage.data import source

    return _event("START", pipeline, run, inputs=[source(pipeline)])


def _completed(pipeline: Pipeline, run: JobRun, dataset: str | None) -> RunEvent:
    from rushes.lineage.data import origins_of, output, source

    if dataset is None:
        return _event("COMPLETE", pipeline, run, inputs=[source(pipeline)])
    inputs = [source(pipeline), *origins_of(pipeline)]
    return _event("COMPLETE", pipeline, run, inputs=inputs, outputs=[output(pipeline)])


def _failed(pipeline: Pipeline, run: JobRun, error: Exception) -> RunEvent:
    from openlineage.client.facet_v2 import error_message_run

    # What rushes raises holds no credentials; what others raise may.
    message = f"{error.code}: {error}" if isinstance(error, RushesError) else type(error).__name__
    return _event("FAIL", pipeline, run, {"errorMessage": error_message_run.ErrorMessageRunFacet(message, "PYTHON")})


def _event(
    kind: str,
    pipeline: Pipeline,
    run: JobRun,
    facets: dict[str, RunFacet] | None = None,
    inputs: list[InputDataset] | None = None,
    outputs: list[OutputDataset] | None = None,
) -> RunEvent:
    from openlineage.client import event_v2 as events
    from openlineage.client.facet_v2 import documentation_job, job_type_job, parent_run, processing_engine_run

    events.set_producer(_PRODUCER)
    namespace = os.environ.get("OPENLINEAGE_NAMESPACE") or "rushes"
    engine = processing_engine_run.ProcessingEngineRunFacet(run.orchestrator_version, run.orchestrator, __version__)
    about_run: dict[str, RunFacet] = {"processing_engine": engine, **(facets or {})}
    if run.parent is not None:
        id_, job = run.parent
        about_run["parent"] = parent_run.ParentRunFacet(parent_run.Run(str(id_)), parent_run.Job(namespace, job))
    about_job = {
        "jobType": job_type_job.JobTypeJobFacet("BATCH", "RUSHES", "PIPELINE"),
        "documentation": documentation_job.DocumentationJobFacet(f"Makes the dataset {pipeline.name}."),
    }
    return events.RunEvent(
        eventTime=datetime.now(UTC).isoformat(timespec="milliseconds"),
        producer=_PRODUCER,
        run=events.Run(str(run.id), about_run),
        job=events.Job(namespace, run.job, about_job),
        eventType=events.RunState(kind),
        inputs=inputs or [],
        outputs=outputs or [],
    )
