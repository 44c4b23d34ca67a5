"""Frames of a video as upright JPEG files, chosen by number."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rushes.errors import CorruptMediaError, DiskFullError
from rushes.jsonl import fsync_dir, storing
from rushes.video.command import frames_command
from rushes.video.probe import Probed, examine
from rushes.video.process import run
from rushes.video.timeline import Timeline, frame_times, keyframe_indices, read_timeline

__all__ = ["extract_frames", "frame_times", "keyframe_indices"]

_AT_ONCE = 1500
"""Frames per ffmpeg: their numbers go into one argument, and Linux takes 128 KiB for one."""
_TIMEOUT_S = 6 * 3600.0


def extract_frames(path: Path, indices: Sequence[int], folder: Path, quality: int = 2) -> dict[int, Path]:
    """Writes frames of a video as `folder/<index:06d>.jpg`: upright, with square pixels, the size that `probe` says.

    Frame k is the one shown at `frame_times(path)[k]`. Files that exist are kept, so an interrupted call goes on where
    it was. The same video and ffmpeg give the same bytes.

    Args:
        path: The video.
        indices: 0-based numbers in presentation order, in any order.
        folder: Where the files go; made where missing.
        quality: ffmpeg's `-q:v`, 2 (best) to 31.

    Returns:
        The file of each frame. Numbers that the video does not have, or whose frame does not decode because the file
        begins after what it builds on, are missing from it.

    Raises:
        NotMediaError: The file is no video.
        UnsupportedFormatError: The ffmpeg at hand cannot decode it.
        CorruptMediaError: It is damaged.
        DiskFullError: No space is left in `folder`.
        FFmpegNotFoundError: There is no ffmpeg or ffprobe.
    """
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    files = {index: folder / f"{index:06d}.jpg" for index in sorted(set(indices))}
    missing = [index for index, file in files.items() if not file.exists()]
    if missing:
        _extract(path, missing, files, quality)
    return {index: file for index, file in files.items() if file.exists()}


def _extract(path: Path, indices: Sequence[int], files: Mapping[int, Path], quality: int) -> None:
    probed, timeline = examine(path), read_timeline(path)
    wanted = [index for index in indices if 0 <= index < len(timeline.ticks)]
    for chunk in _chunks(wanted):
        folder = files[chunk[0]].parent
        with storing(folder), TemporaryDirectory(dir=folder, prefix=".frames-") as name:
            for index, made in _write(path, chunk, Path(name), probed, timeline, quality):
                _publish(made, files[index])
            fsync_dir(folder)


def _chunks(indices: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(indices), _AT_ONCE):
        yield indices[start : start + _AT_ONCE]


def _write(
    path: Path, indices: Sequence[int], folder: Path, probed: Probed, timeline: Timeline, quality: int
) -> Iterator[tuple[int, Path]]:
    """Lets ffmpeg name each file by its frame's time, so that a frame that does not decode shifts no other."""
    ticks = timeline.ticks if timeline.stamped else range(len(timeline.ticks))
    pattern = f"{folder.absolute()}/".replace("%", "%%") + "%d.jpg"
    chosen = [ticks[index] for index in indices]
    done = run(frames_command(path, pattern, probed, chosen, ticks[0], quality, timeline.stamped), timeout_s=_TIMEOUT_S)
    if any("No space left on device" in line for line in done.errors):
        raise DiskFullError(f"{path.name}: no space left for its frames. Free some, and run again.")
    if done.code != 0:
        raise CorruptMediaError(
            f"{path.name}: damaged, decoding stopped: {done.last_words(path)}. Fetch it again, or leave it out."
        )
    for index, tick in zip(indices, chosen, strict=True):
        made = folder / f"{tick - ticks[0]}.jpg"
        if made.exists():
            yield index, made


def _publish(made: Path, target: Path) -> None:
    with made.open("rb") as file:
        os.fsync(file.fileno())
    made.replace(target)
