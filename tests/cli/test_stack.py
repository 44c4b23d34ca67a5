"""What `make up`, `status` and `down` say where nothing is up, and where nothing can be."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.stack.parts import place
from tests.e2e.demo_run import ROOT

PORTS = ("PORT", "RAY_PORT", "DASHBOARD_PORT")
LINUX = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="made for Linux: its parts have addresses of lo"
)


@pytest.fixture
def listeners() -> Iterator[dict[str, socket.socket]]:
    """Ports that are taken, one for each part that needs one."""
    hosts = {"PORT": "127.0.0.1", "RAY_PORT": "127.0.0.2", "DASHBOARD_PORT": "127.0.0.1"}
    found = {name: socket.create_server((host, 0)) for name, host in hosts.items()}
    yield found
    for listener in found.values():
        listener.close()


def stack(action: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cli.stack", action]
    variables = os.environ | {"RUSHES_HOME": str(home)} | environment
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)


@LINUX
@pytest.mark.parametrize("taken", PORTS)
def test_a_port_that_is_taken_is_refused_before_anything_starts(
    taken: str, listeners: dict[str, socket.socket], tmp_path: Path
) -> None:
    ports = {f"RUSHES_UP_{name}": str(listener.getsockname()[1]) for name, listener in listeners.items()}
    for name, listener in listeners.items():
        if name != taken:
            listener.close()
    done = stack("up", tmp_path, **ports)
    assert done.returncode == 2
    said = done.stderr.splitlines()[-1]
    assert said.startswith(f"rushes: RUSHES_UP_{taken} = {ports[f'RUSHES_UP_{taken}']}: cannot listen on ")
    assert f"RUSHES_UP_{taken}=PORT make up" in said
    assert not place(tmp_path).exists()


@pytest.mark.parametrize(
    ("name", "value", "most"), [("PORT", "web", 65535), ("RAY_PORT", "65535", 65534), ("NODES", "0", 100)]
)
def test_what_is_no_port_or_no_number_of_nodes_is_refused(name: str, value: str, most: int, tmp_path: Path) -> None:
    done = stack("up", tmp_path, **{f"RUSHES_UP_{name}": value})
    assert done.returncode == 2
    assert done.stderr.startswith(f"rushes: RUSHES_UP_{name} = '{value}': expected a number from 1 to {most}, like ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["RAY_PORT", "DASHBOARD_PORT"])
def test_a_port_among_those_of_rays_workers_is_refused(name: str, tmp_path: Path) -> None:
    done = stack("up", tmp_path, **{f"RUSHES_UP_{name}": "10001"})
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"RUSHES_UP_{name} = 10001: Ray's workers use 10001 to 19999" in done.stderr


@LINUX
def test_what_a_killed_supervisord_leaves_is_told_of_and_ended_at_once(tmp_path: Path) -> None:
    left = {"RUSHES_UP": str(place(tmp_path))}
    with subprocess.Popen(["sleep", "60"], env=os.environ | left) as part:
        try:
            assert "what keeps them running has died" in stack("status", tmp_path).stdout
            assert stack("down", tmp_path).stdout == "All that `make up` started has ended.\n"
            assert part.wait(timeout=10) == -signal.SIGKILL
        finally:
            part.kill()
    assert stack("status", tmp_path).stdout == "Nothing is up.\n"


def test_where_nothing_is_up_status_says_so_and_down_has_nothing_to_do(tmp_path: Path) -> None:
    assert stack("status", tmp_path).stdout == "Nothing is up.\n"
    assert stack("down", tmp_path).stdout == "Nothing was up.\n"


@LINUX
def test_a_folder_that_somebody_has_put_where_sockets_go_is_not_used(
    listeners: dict[str, socket.socket], tmp_path: Path
) -> None:
    ports = {f"RUSHES_UP_{name}": str(listener.getsockname()[1]) for name, listener in listeners.items()}
    for listener in listeners.values():
        listener.close()
    (tmp_path / "theirs").mkdir()
    place(tmp_path / "home").symlink_to(tmp_path / "theirs")
    try:
        done = stack("up", tmp_path / "home", **ports)
    finally:
        place(tmp_path / "home").unlink()
    assert done.returncode != 0
    assert f"{place(tmp_path / 'home')}: is there already" in done.stderr
    assert not list((tmp_path / "theirs").iterdir())
