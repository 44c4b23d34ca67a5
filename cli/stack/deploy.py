"""Registers what prefect.yaml deploys, and leaves what people have set up: `python -m cli.stack.deploy`.

Prefect puts each schedule and each trigger back to what the file says, so that what somebody has switched on would be
off again after each `make up`; and it may take away schedules that were made in the UI.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.events.schemas.automations import Automation

__all__ = ["main"]

_COMMAND = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]


def main() -> int:
    """Does it, and returns the exit code of Prefect's command."""
    with get_client(sync_client=True) as client:
        schedules, automations = _schedules(client), client.read_automations()
        code = subprocess.run(_COMMAND, check=False).returncode
        for deployment, there in _schedules(client).items():
            for lost in schedules.get(deployment, ()):
                _bring_back(client, deployment, lost, there)
        _switch_on(client, automations)
    return code


def _schedules(client: SyncPrefectClient) -> dict[UUID, list[DeploymentSchedule]]:
    return {deployment.id: deployment.schedules for deployment in client.read_deployments()}


def _bring_back(
    client: SyncPrefectClient, deployment: UUID, was: DeploymentSchedule, there: Iterable[DeploymentSchedule]
) -> None:
    """Switches a schedule on that was on, and makes one again that somebody has made in the UI."""
    now = next((one for one in there if one.id == was.id or (was.slug and one.slug == was.slug)), None)
    if now is not None and was.active and not now.active:
        # With its parameters: Prefect's server forgets them where they are not sent along.
        client.update_deployment_schedule(deployment, now.id, active=True, parameters=now.parameters)
    if now is None and not was.slug:
        kept = was.model_dump(include=set(DeploymentScheduleCreate.model_fields))
        client.create_deployment_schedules(deployment, [DeploymentScheduleCreate.model_validate(kept)])


def _switch_on(client: SyncPrefectClient, before: Iterable[Automation]) -> None:
    """Switches on what was on: Prefect makes the automations of triggers anew."""
    on = {automation.name for automation in before if automation.enabled}
    known = {automation.id for automation in before}
    for automation in client.read_automations():
        if automation.id not in known and automation.name in on and not automation.enabled:
            client.resume_automation(automation.id)


if __name__ == "__main__":
    sys.exit(main())
