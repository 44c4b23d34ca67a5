"""Frames of a video: which ones a dataset takes, and what the source calls them.

Labels speak of the source's frames; pictures are cut from what was made of it, which may begin later, end earlier or
run at another rate. A clip holds both, and leads from one to the other.
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rushes.config import FramesConfig, Pipeline
from rushes.errors import AnnotationError
from rushes.labels import Annotation
from rushes.records import Media
from rushes.video.config import Still, TranscodeConfig
from rushes.video.frames import extract_frames, frame_times, keyframe_indices
from rushes.workspace import Workspace, stored

__all__ = ["Clip", "chosen", "clip_of", "cut", "matched", "ticks"]

_ROUNDED_S = 1e-3  # people and tools write times in whole milliseconds
_TINY_S = 1e-6  # frame times are rounded to microseconds


@dataclass(frozen=True, slots=True)
class Clip:
    """The frames of a source and of what was made of it.

    Attributes:
        source: When each frame of the source is shown, in its seconds.
        taken: When each frame of the file at hand is shown, in seconds of that file.
        first: The source's index of the first frame that the file can hold.
        offset_s: What to add to a time of the file for the source's; None where frame k of the file is simply frame
            `first + k` of the source.
    """

    source: Sequence[float]
    taken: Sequence[float]
    first: int = 0
    offset_s: float | None = None

    def source_frame(self, rank: int) -> int:
        """Returns the source's index of the frame that frame `rank` of the file shows."""
        if self.offset_s is None:
            return rank + self.first
        return max(bisect_right(self.source, self.taken[rank] + self.offset_s + _ROUNDED_S) - 1, self.first)

    def rank(self, frame: int) -> int | None:
        """Returns which frame of the file shows a frame of the source; None where none does.

        A cut or a lower rate leaves frames out, and the label of one that is left out fits no other.
        """
        if self.offset_s is None:
            rank = frame - self.first
            return rank if 0 <= rank < len(self.taken) else None
        at = self.source[frame] - self.offset_s
        shown = min(bisect_left(self.taken, at - _ROUNDED_S), len(self.taken) - 1)
        return shown if self.source_frame(shown) == frame else None

    def holds(self, frame: int) -> bool:
        """Says whether a frame of the source falls into the time that the file shows."""
        if self.offset_s is None:
            return self.rank(frame) is not None
        at = self.source[frame] - self.offset_s
        return self.taken[0] - _ROUNDED_S <= at < self.taken[-1] + _interval(self.taken) - _ROUNDED_S

    def labelled_frame(self, label: Annotation, where: str) -> int:
        """Returns the source's frame that a label speaks of.

        Raises:
            AnnotationError: It speaks of none, or of one that the source does not have.
        """
        if label.frame is not None:
            if label.frame < len(self.source):
                return label.frame
            raise AnnotationError(
                f"{where}: a label {label.label!r} is on frame {label.frame}; expected 0 to {len(self.source) - 1}, "
                "the frames of this video. Correct its frame."
            )
        if label.time_s is None:
            raise AnnotationError(
                f"{where}: a label {label.label!r} says where in the picture and not when; expected frame or time_s, "
                "because this is a video."
            )
        end_s = self.source[-1] + _interval(self.source) + _ROUNDED_S
        if label.time_s <= end_s:
            return max(bisect_right(self.source, label.time_s + _ROUNDED_S) - 1, 0)
        raise AnnotationError(
            f"{where}: a label {label.label!r} is at {label.time_s:g} s; expected at most {end_s:.3f} s, the end of "
            "this video. Correct its time_s."
        )


def clip_of(media: Media, pipeline: Pipeline, workspace: Workspace) -> Clip:
    """Returns a video's frames, from the time stamps in its files.

    Raises:
        MediaError: A file cannot be read.
    """
    taken = frame_times(workspace.path(media.path))
    config = pipeline.transcode_config
    if media.path == media.verified.path or config is None:
        return Clip(taken, taken)
    return matched(frame_times(workspace.path(media.verified.path)), taken, config)


def matched(source: Sequence[float], taken: Sequence[float], config: TranscodeConfig) -> Clip:
    """Returns how the frames of a transcoded file go with those of its source.

    Frames before `start_time` are gone. With a rate of its own, a file shows in each slot the frame that the source
    shows at that time, and its first slot is the first one that begins with a frame. Files may count their time from
    their first frame, so it is the first frames that are laid upon each other, and not the zeros.

    Args:
        source: Times of the source's frames, in seconds.
        taken: Times of the file's frames, in seconds.
        config: What made the file.
    """
    start_s = config.start_time or 0.0
    first = min(bisect_left(source, start_s - _TINY_S), len(source) - 1)
    slack = _interval(taken) / 4 + _ROUNDED_S
    pairs = zip(source[first:], taken, strict=False)
    together = all(abs(a - source[first] - (b - taken[0])) <= slack for a, b in pairs)
    if together and len(taken) <= len(source) - first:
        return Clip(source, taken, first)
    begin_s = source[first]
    if config.fps is not None:
        begin_s = start_s + math.ceil((begin_s - start_s) * config.fps - _TINY_S) / config.fps
    return Clip(source, taken, first, begin_s - taken[0])


def chosen(frames: FramesConfig, path: Path, times: Sequence[float], labelled: Iterable[int]) -> list[int]:
    """Returns which frames of a file a dataset takes, in order.

    Args:
        frames: The pipeline's choice.
        path: The file.
        times: Its frames' times, in seconds.
        labelled: Its frames that carry labels.
    """
    if frames.annotated:
        return sorted(set(labelled))
    if frames.keyframes:
        return sorted(keyframe_indices(path))
    return ticks(times, frames.every_s or 1.0)


def ticks(times: Sequence[float], every_s: float) -> list[int]:
    """Returns the frames that are on the screen at 0, `every_s`, 2 `every_s`… until the last one appears."""
    starts = [0.0, *times[1:]]
    ends = [*starts[1:], starts[-1] + 2 * _TINY_S]
    pairs = enumerate(zip(starts, ends, strict=True))
    return [rank for rank, (start, end) in pairs if math.ceil((start - _TINY_S) / every_s) * every_s < end - _TINY_S]


def cut(media: Media, ranks: Sequence[int], still: Still, workspace: Workspace) -> Mapping[int, str]:
    """Cuts frames from a video, unless an earlier export did.

    Returns:
        Their paths in the workspace, without frames that do not decode.

    Raises:
        MediaError: The video is damaged.
        VideoTranscodeError: The video cannot be decoded.
        DiskFullError: No space is left in the workspace.
    """
    kind = "png" if still.format == "png" else str(still.quality)
    made_by = hashlib.sha256(f"{kind} {media.recipe}".encode()).hexdigest()[:16]
    folder = stored(f"derived/frames-{made_by}", media.sha256, "")
    workspace.need_all(folder)
    found = extract_frames(workspace.path(media.path), ranks, workspace.path(folder), still)
    return {rank: f"{folder}/{path.name}" for rank, path in found.items()}


def _interval(times: Sequence[float]) -> float:
    return (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.0
