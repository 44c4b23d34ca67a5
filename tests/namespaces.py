"""Machines of their own, as far as their network goes: namespaces of Linux on one bridge, which leads nowhere else."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Network", "network", "unavailable"]


class Network:
    """A bridge, at which this machine is the first, and what is plugged into it.

    Attributes:
        host: The address of this machine.
    """

    def __init__(self) -> None:
        self._name = f"rb{secrets.token_hex(3)}"  # a device's name has 15 characters at most
        self._prefix = f"10.{200 + secrets.randbelow(50)}.{secrets.randbelow(250)}"
        self._plugged: set[int] = set()
        self.host = self.address(0)
        _ip("link", "add", self._name, "type", "bridge")
        _ip("address", "add", f"{self.host}/24", "dev", self._name)
        _ip("link", "set", self._name, "up")

    def address(self, number: int) -> str:
        """Returns the address of a machine: 0 is this one."""
        return f"{self._prefix}.{number + 1}"

    def plug(self, number: int) -> list[str]:
        """Makes a machine, and returns what a command on it begins with."""
        name, cable = f"{self._name}-{number}", f"{self._name}v{number}"
        _ip("netns", "add", name)
        self._plugged.add(number)
        _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("link", "set", cable, "master", self._name, "up")
        _ip("-netns", name, "address", "add", f"{self.address(number)}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-netns", name, "link", "set", device, "up")
        return ["ip", "netns", "exec", name]

    def cut(self, number: int) -> None:
        """Takes a machine's cable away: nobody is told that its connections have ended, as they are where it ends."""
        _ip("link", "delete", f"{self._name}v{number}")

    def unplug(self, number: int) -> None:
        """Removes a machine, on which nothing may run any more."""
        self._plugged.remove(number)
        _ip("netns", "delete", f"{self._name}-{number}")

    def close(self) -> None:
        """Removes all of it."""
        for number in list(self._plugged):
            self.unplug(number)
        _ip("link", "delete", self._name)


@contextmanager
def network() -> Iterator[Network]:
    """Has a network at hand while the block runs."""
    made = Network()
    try:
        yield made
    finally:
        made.close()


def unavailable() -> str:
    """Returns why there can be no network here; nothing where there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if not shutil.which("ip"):
        return "network namespaces need the program ip, of iproute2"
    try:
        with network() as made:
            made.plug(1)
    except subprocess.CalledProcessError as error:
        return f"no network namespaces here: {error.stderr.strip()}"
    return ""


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
