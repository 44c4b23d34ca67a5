"""Where the batches of a cluster share the slots of each host: one small actor, found by its name.

It outlives the run, so that two runs at once share it, and ends with the cluster. It takes no core of any task.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import ray
from ray.exceptions import RayError

from rushes.transfer.hosts import HostShares, Share, Want

__all__ = ["ClusterShares", "cluster_shares"]

_NAME = "host-shares-1"  # the number changes with the messages: a cluster may outlive a release of rushes
_NAMESPACE = "rushes"
_GONE = (RayError, ValueError)  # the latter where an actor dies while its name is looked up
_CALL_S = 2.0
_START_S = 30.0  # for the first answer: a worker process has to start, and to import


class ClusterShares:
    """Stands for the cluster's `HostShares` in any process of it; travels by name."""

    def __init__(self) -> None:
        self._actor: Any = None
        self._timeout_s = _START_S

    def __reduce__(self) -> tuple[type[ClusterShares], tuple[()]]:
        return ClusterShares, ()

    def renew(self, holder: str, wants: Mapping[str, Want], asked: Mapping[str, float]) -> dict[str, Share]:
        """Does what `HostShares.renew` does, where the cluster keeps it; brings a new one up where it is gone.

        Raises:
            ConnectionError: Nobody answers.
        """
        return self._call("renew", holder, wants, asked)  # type: ignore[no-any-return]

    def leases(self) -> list[tuple[str, str, int]]:
        """Returns host, holder and slots of each lease.

        Raises:
            ConnectionError: Nobody answers.
        """
        return self._call("leases")  # type: ignore[no-any-return]

    def start(self) -> None:
        """Brings the actor up where there is none, and does not wait for it."""
        with suppress(*_GONE):  # who calls it tries again, and says what is wrong
            self._actor = _actor()

    def _call(self, method: str, *arguments: object) -> Any:
        try:
            self._actor = self._actor or _actor()
            answer = ray.get(getattr(self._actor, method).remote(*arguments), timeout=self._timeout_s)
        except _GONE as error:
            self._actor = None  # its name leads to one that lives, or to none
            raise ConnectionError(f"{type(error).__name__}: {str(error).partition(chr(10))[0]}") from None
        finally:
            self._timeout_s = _CALL_S
        return answer


def cluster_shares() -> ClusterShares | None:
    """Returns what the batches of a cluster share; None where this process has no Ray."""
    if not ray.is_initialized():
        return None
    shares = ClusterShares()
    shares.start()
    return shares


def _actor() -> Any:
    return (
        ray.remote(HostShares)
        .options(
            name=_NAME,
            namespace=_NAMESPACE,
            lifetime="detached",
            get_if_exists=True,
            num_cpus=0,
            max_restarts=-1,
        )
        .remote()
    )
