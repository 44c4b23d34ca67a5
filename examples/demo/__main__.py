"""Serves the generated media on loopback and runs the pipeline over it; all of it stays in `demo-run/`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.tree import Tree

from examples.demo.server import MediaServer, serve
from examples.demo.source import prepare, write_source

_FOLD_ABOVE = 4


def main(folder: Path = Path("demo-run"), arguments: Sequence[str] = ()) -> int:
    """Runs the demo and prints what it made.

    Args:
        folder: Where everything goes; kept, so that a second run has nothing left to fetch.
        arguments: For `rushes run`.

    Returns:
        The exit code of the run.
    """
    media = folder / "media"
    items = prepare(media)
    with ExitStack() as stack:
        server = _start(stack, media, folder / "port")
        write_source(folder / "items.csv", items, media, server)
        shutil.copy(Path(__file__).with_name("pipeline.yaml"), folder)
        command = [sys.executable, "-m", "cli", "run", str(folder / "pipeline.yaml"), *arguments]
        code = subprocess.run(command, check=False).returncode
        if code == 0:
            _show(folder / "street-scenes", server)
    return code


def _start(stack: ExitStack, media: Path, note: Path) -> MediaServer:
    """Listens on the port of the last run, because the URL is what identifies an item."""
    port = int(note.read_text()) if note.exists() else 0
    try:
        server = stack.enter_context(serve(media, port))
    except OSError as error:
        print(f"Port {port} of the last run cannot be used ({error.strerror}).", file=sys.stderr)
        print("Taking another: all URLs are new, so all items are fetched again.", file=sys.stderr)
        server = stack.enter_context(serve(media))
    note.write_text(str(server.port))
    return server


def _show(dataset: Path, server: MediaServer) -> None:
    console = Console(highlight=False)
    console.print(_tree(dataset))
    for line in _summary(dataset, server):
        console.print(line, soft_wrap=True)
    report = dataset / "report.html"
    console.print(str(report if report.exists() else dataset / "export_summary.json"), soft_wrap=True)


def _tree(folder: Path) -> Tree:
    tree = Tree(f"{folder.name}/")
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            tree.add(_tree(path))
    files = sorted(path for path in folder.iterdir() if path.is_file())
    if len(files) > _FOLD_ABOVE and len({path.suffix for path in files}) <= 2:
        tree.add(f"{len(files)} files like {files[0].name}")
    else:
        for path in files:
            tree.add(f"{path.name}  {path.stat().st_size:,} bytes")
    return tree


def _summary(dataset: Path, server: MediaServer) -> Iterator[str]:
    summary = json.loads((dataset / "export_summary.json").read_bytes())
    stats = json.loads((dataset / "stats.json").read_bytes())
    items = ("planned", "ok", "failed", "quarantined", "skipped")
    yield "Items:     " + ", ".join(f"{summary['items'][status]} {status}" for status in items)
    yield "Failures:  " + ", ".join(f"{count} {code}" for code, count in stats["failures_by_code"].items())
    yield "Splits:    " + ", ".join(
        f"{name} {split['files']} files, {split['annotations']} labels" for name, split in stats["splits"].items()
    )
    unchanged = f"{server.requests[304]} asked again and unchanged"
    yield f"Fetched:   {server.requests[200]} files, {server.sent_bytes:,} bytes; {unchanged}"
    made = summary["work"].get("transcode", {"done": 0})
    yield f"Made:      {made['done']} media probed, and made anew where the recipe asks"
    if not server.sent_bytes and not made["done"]:
        yield "Nothing was fetched or transcoded: the dataset was built from what the last run left."


if __name__ == "__main__":
    sys.exit(main())
