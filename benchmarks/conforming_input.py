"""What a video costs that is already as asked for: kept, or copied into another order, beside encoding it."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

from benchmarks.material import clips, sha256
from benchmarks.measure import in_turn, print_beside, scratch
from rushes.media import make_media
from rushes.records import Source, Verified
from rushes.video import transcode_video
from rushes.video.config import PROFILES, TranscodeConfig
from rushes.workspace import Workspace

_CONFIG = replace(PROFILES["web"], resolution="1280x720")
_CHECKS = ("decode", "keyframes")


def main(arguments: Sequence[str] = ()) -> None:
    """Runs all sides in turn, round after round, and prints how many times faster each is than encoding."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks conforming_input", description=__doc__)
    parser.add_argument("--seconds", type=float, default=24, help="length of the clip, 720p")
    parser.add_argument("--rounds", type=int, default=5, help="how often each side runs")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "rushes-bench", help="for material")
    options = parser.parse_args(arguments)
    clip = clips(options.keep / "clips", 1, options.seconds)[0]
    print(f"\n{options.seconds:g} s, 720p; {options.rounds} rounds; a load of {os.getloadavg()[0]:.1f} before")
    with scratch() as folder:
        kept = transcode_video(clip, folder / "kept.mp4", _CONFIG)
        # The same streams with the index behind them.
        late = transcode_video(clip, folder / "remuxed.mp4", replace(_CONFIG, movflags="+use_metadata_tags"))
        sides: dict[str, Callable[[], object]] = {"encoded": lambda: transcode_video(kept, folder / "out.mp4", _CONFIG)}
        for path in (kept, late):
            for check in _CHECKS:
                sides[f"{path.stem}, check {check}"] = _stage(path, folder, replace(_CONFIG, check=check))
        print_beside(in_turn(sides, options.rounds), "encoded", faster=True)


def _stage(path: Path, folder: Path, config: TranscodeConfig) -> Callable[[], None]:
    """Returns what runs the transcode step over a file, each time in a new workspace."""
    number, digest = count(), sha256(path)

    def run() -> None:
        place = folder / f"{path.stem}-{config.check}-{next(number)}"
        place.mkdir()
        verified = Verified(Source("a", "http://h/a"), str(path), digest, path.stat().st_size)
        media = make_media(verified, Workspace(place), config)
        if media.action != path.stem:
            sys.exit(f"{path.name}: expected to be {path.stem}, and was {media.action}: {media.reason}")

    return run


if __name__ == "__main__":
    main(sys.argv[1:])
