"""Says of runs that a server takes for being under way, and that no process is at, that they have ended.

`python -m cli.stack.lost_runs`, when a server comes up again and no worker has: a run that was killed with its worker,
or with the machine, would keep its place, and the next run of its deployment waiting, until somebody missed it.
"""

from __future__ import annotations

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, WorkPoolFilter
from prefect.states import Cancelled, Crashed

from cli.output import note

__all__ = ["main"]

_POOL = WorkPoolFilter.model_validate({"name": {"any_": ["rushes"]}})
_BEGUN = FlowRunFilter.model_validate({"state": {"type": {"any_": ["PENDING", "RUNNING", "CANCELLING"]}}})
_MESSAGE = "Its process was gone when the server came up again. What it did is kept: start it again."


def main() -> None:
    """Ends them on the server."""
    with get_client(sync_client=True) as client:
        while runs := client.read_flow_runs(flow_run_filter=_BEGUN, work_pool_filter=_POOL):
            for run in runs:
                cancelled = run.state is not None and run.state.is_cancelling()
                client.set_flow_run_state(run.id, (Cancelled if cancelled else Crashed)(message=_MESSAGE))
                note(f"{run.name}: {_MESSAGE}")


if __name__ == "__main__":
    main()
