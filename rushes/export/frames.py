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
from rushes.records import Annotation, Media
from rushes.video.frames import extract_frames, frame_times, keyframe_indices
from rushes.workspace import Workspace, stored

__all__ = ["Clip", "chosen", "clip_of", "cut", "nearest", "ticks"]

_ROUNDED_S = 1e-3  # people and tools write times in whole milliseconds


@dataclass(frozen=True, slots=True)
class Clip:
    """The frames of a source and of what was made of it.

    Attributes:
        source: When each frame of the source is shown, in its seconds.
        taken: When each frame of the file at hand is shown, in seconds of that file.
        start_s: Where the file begins in the source, in seconds.
        aligned: Whether frame k of the one is frame k of the other.
    """

    source: Sequence[float]
    taken: Sequence[float]
    start_s: float = 0.0
    aligned: bool = True

    def source_frame(self, rank: int) -> int:
        """Returns the source's index of the frame that frame `rank` of the file shows."""
        return rank if self.aligned else nearest(self.source, self.taken[rank] + self.start_s)

    def rank(self, frame: int) -> int | None:
        """Returns which frame of the file shows, or comes nearest to, a frame of the source; None outside the file."""
        if self.aligned:
            return frame
        at, slack = self.source[frame] - self.start_s, _interval(self.taken) / 2 + _ROUNDED_S
        return nearest(self.taken, at) if self.taken[0] - slack <= at <= self.taken[-1] + slack else None

    def apart_s(self, frame: int, rank: int) -> float:
        """Returns how far a frame of the source and one of the file are apart, in seconds."""
        return abs(self.source[frame] - self.start_s - self.taken[rank])

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
        VideoTranscodeError: A file cannot be read.
    """
    taken = frame_times(workspace.path(media.path))
    if media.path == media.verified.path or pipeline.transcode is None:
        return Clip(taken, taken)
    source = frame_times(workspace.path(media.verified.path))
    config = pipeline.transcode.config()
    whole = not config.start_time and config.duration is None
    return Clip(source, taken, config.start_time or 0.0, whole and len(source) == len(taken))


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
    tiny = 1e-6
    starts = [0.0, *times[1:]]
    ends = [*starts[1:], starts[-1] + 2 * tiny]
    pairs = enumerate(zip(starts, ends, strict=True))
    return [rank for rank, (start, end) in pairs if math.ceil((start - tiny) / every_s) * every_s < end - tiny]


def cut(media: Media, ranks: Sequence[int], quality: int, workspace: Workspace) -> Mapping[int, str]:
    """Cuts frames from a video, unless an earlier export did.

    Returns:
        Their paths in the workspace, without frames that do not decode.

    Raises:
        MediaError: The video is damaged.
        VideoTranscodeError: The video cannot be decoded.
        DiskFullError: No space is left in the workspace.
    """
    made_by = hashlib.sha256(f"{quality} {media.recipe}".encode()).hexdigest()[:16]
    folder = stored(f"derived/frames-{made_by}", media.sha256, "")
    found = extract_frames(workspace.path(media.path), ranks, workspace.path(folder), quality)
    return {rank: f"{folder}/{path.name}" for rank, path in found.items()}


def nearest(times: Sequence[float], at_s: float) -> int:
    """Returns the index of the time that comes nearest; the earlier one of two."""
    after = min(bisect_left(times, at_s), len(times) - 1)
    before = max(after - 1, 0)
    return before if at_s - times[before] <= times[after] - at_s else after


def _interval(times: Sequence[float]) -> float:
    return (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.0
