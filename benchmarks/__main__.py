"""Runs the benchmarks; without a name, all of them in turn."""

from __future__ import annotations

import argparse
from importlib import import_module

_NAMES = (
    "pipeline_vs_shell",
    "ingest_vs_downloaders",
    "probe_vs_ffprobe",
    "transcode_vs_ffmpeg",
    "conforming_input",
    "segments_vs_one_core",
    "frames_of_an_hour",
    "formats_vs_peers",
    "plan_rows",
    "aggregate_rows",
    "verify_vs_sha256sum",
)


def main() -> None:
    """Runs what the command line names; what follows a name is for that benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="?", choices=_NAMES, help="which one; default: all")
    parser.add_argument("--list", action="store_true", help="list them and stop")
    chosen, rest = parser.parse_known_args()
    for name in [chosen.name] if chosen.name else _NAMES:
        module = import_module(f"benchmarks.{name}")
        print(f"{name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
        if not chosen.list:
            module.main(rest)


if __name__ == "__main__":
    main()
