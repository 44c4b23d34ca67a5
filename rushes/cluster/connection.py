"""Ray's clients of one dashboard, each made when it is first needed: to import Ray takes a second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from rushes.errors import DependencyError

if TYPE_CHECKING:
    from rushes.cluster import sdk as ray_sdk

__all__ = ["Connection", "sdk"]

C = TypeVar("C", bound="ray_sdk.Bounded")


@dataclass(frozen=True)
class Connection:
    """Where a dashboard is, and how it is asked.

    Attributes:
        address: Its URL.
        headers: Sent with each request, the token among them.
        verify: Whether to check its certificate, or a file of those that sign it.
        timeout_s: How long each request may take, in seconds.
    """

    address: str
    headers: Mapping[str, str] = field(repr=False)
    verify: bool | str
    timeout_s: float

    @cached_property
    def jobs(self) -> ray_sdk.Jobs:
        """What knows jobs and their logs."""
        jobs: ray_sdk.Jobs = self._connected(sdk().Jobs)
        return jobs

    @cached_property
    def state(self) -> ray_sdk.State:
        """What knows nodes and tasks."""
        state: ray_sdk.State = self._connected(sdk().State)
        return state

    @cached_property
    def serve(self) -> ray_sdk.Serve:
        """What knows Serve's applications."""
        serve: ray_sdk.Serve = self._connected(sdk().Serve)
        return serve

    def _connected(self, kind: type[C]) -> C:
        client = kind(self.address, self.headers, self.verify, self.timeout_s)
        client.connect()
        return client


def sdk() -> Any:
    """Returns the module that imports Ray.

    Raises:
        DependencyError: Ray is not installed.
    """
    try:
        from rushes.cluster import sdk as found
    except ImportError as error:
        raise DependencyError(
            f"a Ray cluster: {error.name} is not installed; `pip install 'rushes[orchestrator]'` brings it."
        ) from None
    return found
