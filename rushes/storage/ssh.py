"""Connections to machines with SSH, by the user's own settings in `~/.ssh`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from socket import socket
from typing import Any
from urllib.parse import unquote, urlsplit

import paramiko

from rushes.errors import DiskFullError, StorageAccessError, StorageError

__all__ = ["TIMEOUT_S", "connected", "failure"]

TIMEOUT_S = 30
"""How long a server may take to answer, in seconds."""

_SSH = Path(".ssh")


def failure(error: Exception, where: str) -> StorageError:
    """Returns what to raise for what an SSH server or its connection answered."""
    text = str(getattr(error, "strerror", None) or error or type(error).__name__)
    if "space" in text.lower() or "quota" in text.lower():
        return DiskFullError(f"{where}: {text}. Free some space there, and run again.")
    return StorageError(f"{where}: {text}. Check the server, its folder and the network.")


def connected(url: str, shown: str, connect: Callable[[str, int], socket] | None) -> paramiko.SSHClient:
    """Connects to the host of a URL.

    Args:
        url: `sftp://user:password@host:port/…`; without user or password, `~/.ssh` and the agent have them.
        shown: The URL as it may be shown.
        connect: Makes the connection to a host and a port, where not just any of them may be reached.

    Raises:
        StorageAccessError: The server does not let the user in.
        StorageError: It is not there, or its key is not known.
    """
    parts = urlsplit(url)
    named = _configured(parts.hostname or "")
    host, port = str(named.get("hostname", parts.hostname)), parts.port or int(named.get("port", 22))
    client = paramiko.SSHClient()
    client.load_system_host_keys()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    try:
        client.connect(
            host,
            port,
            username=unquote(parts.username) if parts.username else named.get("user"),
            password=unquote(parts.password) if parts.password else None,
            key_filename=named.get("identityfile"),
            timeout=TIMEOUT_S,
            banner_timeout=TIMEOUT_S,
            auth_timeout=TIMEOUT_S,
            sock=connect(host, port) if connect else None,
        )
    except paramiko.AuthenticationException:
        client.close()
        raise StorageAccessError(
            f"{shown}: the server does not let this user in. Check the user in the URL, the SSH agent and ~/.ssh."
        ) from None
    except (paramiko.SSHException, OSError, EOFError) as error:
        client.close()
        raise StorageError(
            f"{shown}: no SSH connection: {error}. Check host and port, and that its key stands in ~/.ssh/known_hosts."
        ) from None
    return client


def _configured(host: str) -> Any:
    path = Path.home() / _SSH / "config"
    return paramiko.SSHConfig.from_path(str(path)).lookup(host) if path.is_file() else {}
