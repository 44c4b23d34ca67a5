"""How events leave: by OpenLineage's own client and its own settings, and never at the cost of a run."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent

__all__ = ["Sender", "is_configured"]

_SETTINGS = "openlineage.yml"
_OTHER_VARIABLES = ("OPENLINEAGE_CLIENT_LOGGING", "OPENLINEAGE_DISABLED", "OPENLINEAGE_NAMESPACE")
_MEND = "Events of this run may be missing in the catalogue; the run goes on."


def is_configured() -> bool:
    """Says whether somebody set up where events go, in one of the ways that OpenLineage's client knows."""
    if os.environ.get("OPENLINEAGE_DISABLED", "").strip().lower() == "true":
        return False
    variables = any(name.startswith("OPENLINEAGE_") and name not in _OTHER_VARIABLES for name in os.environ)
    return variables or any((place / _SETTINGS).is_file() for place in (Path.cwd(), Path.home() / ".openlineage"))


class Sender:
    """Sends events one by one, each in a thread of its own, because a client may try for minutes.

    Args:
        warn: Is told once what kept an event from being delivered; never the endpoint, which may hold credentials.
    """

    def __init__(self, warn: Callable[[str], object]) -> None:
        self._warn = warn
        self._warned = False

    def send(self, event: Callable[[], RunEvent], wait_s: float) -> None:
        """Makes an event and sends it, and waits that long for it to arrive."""
        thread = threading.Thread(target=self._send, args=(event,), daemon=True, name="lineage")
        thread.start()
        thread.join(wait_s)
        if thread.is_alive():
            self._say(f"no answer within {wait_s:g} s")

    def _send(self, event: Callable[[], RunEvent]) -> None:
        try:
            from openlineage.client import OpenLineageClient

            client = OpenLineageClient()
            client.emit(event())
            client.close()
        except ImportError:
            self._say("the client is not installed; `pip install 'rushes[lineage]'`")
        except Exception as error:  # noqa: BLE001  # transports are plug-ins of others, and none may stop a run
            status = getattr(getattr(error, "response", None), "status_code", None)
            self._say(f"{type(error).__name__}{f', status {status}' if status else ''}; check OPENLINEAGE_URL")

    def _say(self, what: str) -> None:
        if not self._warned:
            self._warned = True
            self._warn(f"OpenLineage: {what}. {_MEND}")
