"""A command that is one step of the library: it imports no orchestrator."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click

from cli.output import json_line, json_option, note, say
from rushes.errors import ConfigError, RushesError
from rushes.records import MediaInfo

__all__ = ["probe"]


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@json_option
def probe(files: tuple[Path, ...], as_json: bool) -> int:
    """Say what media files hold: size as shown, duration, frame rate, codecs.

    Example: rushes probe clip.mp4 photo.jpg
    """
    for path in files:
        if not path.is_file():
            raise ConfigError(f"{path}: no such file.")
    results = []
    for path, info in zip(files, _probed(files), strict=True):
        if isinstance(info, RushesError):
            note(f"rushes: {info}")
            results.append({"file": str(path), "error": {"code": info.code, "message": str(info)}})
        else:
            facts = {name: getattr(info, name) for name in info.__struct_fields__}
            results.append({"file": str(path)} | facts)
            say(f"{path}: " + ", ".join(f"{name} {value}" for name, value in facts.items() if value is not None))
    failed = any("error" in result for result in results)
    if as_json:
        json_line({"status": "failed" if failed else "ok", "files": results})
    return 1 if failed else 0


def _probed(files: tuple[Path, ...]) -> Iterator[MediaInfo | RushesError]:
    """Yields what each file holds, or what is wrong with it, in their order and several at a time."""
    from rushes.video.pool import many_files

    threads = min(len(files), os.cpu_count() or 1)
    from concurrent.futures import ThreadPoolExecutor  # slow to import

    with many_files(files, threads), ThreadPoolExecutor(threads) as pool:
        from rushes.media import probe_media  # Pillow is slow to import; workers get ready in the meantime

        def one(path: Path) -> MediaInfo | RushesError:
            try:
                return probe_media(path)
            except RushesError as error:
                return error

        yield from pool.map(one, files)
