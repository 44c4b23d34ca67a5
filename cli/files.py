"""Commands over files: fetch, hash, pack, unpack, transcode. They import no orchestrator."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from cli.output import json_line, json_option, note, say
from cli.seconds import seconds
from rushes.errors import ConfigError, RushesError

__all__ = ["archive", "checksum", "download", "there", "transcode", "unarchive"]

_path = click.Path(path_type=Path)


@click.command()
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@click.option("-o", "--output", type=_path, default=Path(), show_default=True, help="Folder for the files.")
@click.option("--checksum", metavar="ALGORITHM:HEX", help="What the one file must have; bare hex will do.")
@click.option("--allow-host", "hosts", multiple=True, metavar="HOST", help="Reach this host although it is private.")
@json_option
def download(urls: tuple[str, ...], output: Path, checksum: str | None, hosts: tuple[str, ...], as_json: bool) -> int:
    """Fetch URLs into a folder; each file arrives whole or not at all.

    Example: rushes download https://example.org/a.mp4 -o clips
    """
    from rushes.files import download_file  # requests is slow to import
    from rushes.transfer.urls import redact

    if checksum and len(urls) > 1:
        raise ConfigError(f"--checksum: expected one URL beside it, not {len(urls)}.")
    results: list[dict[str, Any]] = []
    for url in urls:
        try:
            path = download_file(url, output, use_cached=False, checksum=checksum, allow_hosts=hosts)
        except ConfigError:
            raise
        except RushesError as error:
            note(f"rushes: {error}")
            results.append({"url": redact(url), "error": {"code": error.code, "message": str(error)}})
        else:
            say(str(path))
            results.append({"url": redact(url), "path": str(path)})
    return _end(results, as_json)


@click.command()
@click.argument("files", nargs=-1, metavar="FILE...", type=_path)
@click.option("--check", type=_path, metavar="SUMS", help="Compare with a list, as `sha256sum -c` does.")
@json_option
def checksum(files: tuple[Path, ...], check: Path | None, as_json: bool) -> int:
    """Print the sha256 of files, as `sha256sum` does, or compare files with such a list.

    Example: rushes checksum a.mp4 b.mp4 > sums; rushes checksum --check sums
    """
    from rushes.files import calculate_checksum
    from rushes.files.sums import checksum_lines, read_sums

    if bool(files) == bool(check):
        raise ConfigError("expected either files, or --check with a list of checksums.")
    if check is not None:
        return _end([_compared(Path(path), digest) for path, digest in read_sums(check).items()], as_json)
    digests = {str(path): calculate_checksum(there(path), algorithm="sha256") for path in files}
    for line in checksum_lines(digests):
        say(line.rstrip("\n"))
    return _end([{"path": path, "sha256": digest} for path, digest in digests.items()], as_json)


def _compared(path: Path, expected: str) -> dict[str, Any]:
    from rushes.files import calculate_checksum

    actual = calculate_checksum(path, algorithm="sha256") if path.is_file() else None
    state = "missing" if actual is None else "OK" if actual == expected else "changed"
    say(f"{path}: {state}")
    return {"path": str(path), "sha256": actual} | ({} if state == "OK" else {"error": state})


@click.command()
@click.argument("source", type=_path)
@click.argument("target", type=_path)
@click.option("--profile", type=click.Choice(["web", "archive", "mobile"]), help="Settings to start from.")
@click.option("--set", "fields", multiple=True, metavar="FIELD=VALUE", help="A field of TranscodeConfig, like crf=20.")
@click.option("--start", "start_s", type=seconds, metavar="S", help="Where to begin; short for --set start_time=S.")
@click.option(
    "--duration", "duration_s", type=seconds, metavar="S", help="How much to take; short for --set duration=S."
)
@json_option
def transcode(
    source: Path,
    target: Path,
    profile: str | None,
    fields: tuple[str, ...],
    start_s: float | None,
    duration_s: float | None,
    as_json: bool,
) -> int:
    """Transcode a video, or cut a clip out of it; the output is checked before it takes its place.

    Example: rushes transcode in.mov out.mp4 --profile web --start 1:02.5 --duration 10
    """
    from cli.percent import percent
    from rushes.pipeline_file import load_transcode
    from rushes.video.convert import convert
    from rushes.video.probe import examine
    from rushes.video.remarks import dropped, losses

    times = {"start_time": start_s, "duration": duration_s}
    given = [f"{field}={value}" for field, value in times.items() if value is not None]
    config = load_transcode([*fields, *given], profile or "none")
    probed = examine(there(source))
    with percent("transcode") as progress:
        info, remarks = convert(source, target, config, probed, progress, workers=os.cpu_count() or 1)
    said = "; ".join(filter(None, (remarks, *losses(probed, info, config)))) or None
    left_out = dropped(probed)
    for words in filter(None, (said, _counted(left_out))):
        note(f"{target}: {words}")
    say(str(target))
    return _end([{"path": str(target), "remarks": said, "dropped_streams": left_out}], as_json)


def _counted(left_out: dict[str, int]) -> str | None:
    """Returns in words what streams are left out, if any are."""
    words = ", ".join(f"{count} {kind}" for kind, count in left_out.items())
    return f"left out: {words}" if words else None


@click.command()
@click.argument("folder", type=_path)
@click.argument("zip_file", metavar="ZIP", type=_path)
@json_option
def archive(folder: Path, zip_file: Path, as_json: bool) -> int:
    """Pack a folder or a file into a zip archive, in sorted order.

    Example: rushes archive clips clips.zip
    """
    from rushes.files import archive as pack

    if not folder.exists():
        raise ConfigError(f"{folder}: no such file or folder.")
    pack(folder, zip_file)
    say(str(zip_file))
    return _end([{"path": str(zip_file)}], as_json)


@click.command()
@click.argument("zip_file", metavar="ZIP", type=_path)
@click.argument("folder", type=_path)
@json_option
def unarchive(zip_file: Path, folder: Path, as_json: bool) -> int:
    """Unpack a zip archive within limits: no path leads out, and no bomb goes off.

    Example: rushes unarchive clips.zip clips
    """
    from rushes.files import unarchive as unpack

    unpack(there(zip_file), folder)
    say(str(folder))
    return _end([{"path": str(folder)}], as_json)


def there(path: Path) -> Path:
    """Returns the path of a file that is there; refuses another as bad usage."""
    if not path.is_file():
        raise ConfigError(f"{path}: no such file.")
    return path


def _end(results: list[dict[str, Any]], as_json: bool) -> int:
    failed = any("error" in result for result in results)
    if as_json:
        json_line({"status": "failed" if failed else "ok", "files": results})
    return 1 if failed else 0
