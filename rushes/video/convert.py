"""One video into one other: in one pass, or, where it is long, in chunks that are joined."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from rushes.errors import TranscodingFailedError
from rushes.video.beside import folder_beside
from rushes.video.chunks import Part, cuts_key, is_unfit, join, make_part, parts, place
from rushes.video.config import PROFILES, TranscodeConfig
from rushes.video.cuts import Chunk, cut, in_chunks
from rushes.video.demands import check_demands
from rushes.video.encoder import card, replacement
from rushes.video.limits import check_duration
from rushes.video.names import check_target
from rushes.video.probe import Probed, examine
from rushes.video.remarks import brightness
from rushes.video.transcode import Encoded, Progress, encode

__all__ = ["chunks_of", "convert", "optimize_for_web", "transcode_video"]

_CHUNKED = (".mp4", ".mov", ".m4v")


def transcode_video(
    input: str | Path,  # noqa: A002  # the public name
    output: str | Path,
    config: TranscodeConfig | None = None,
    progress_callback: Progress | None = None,
    workers: int = 1,
) -> Path:
    """Transcodes a video; the picture comes out upright, with square pixels and even sides.

    Without `fps`, `start_time` and `duration` the output has the source's frames, one to one and at their times.
    The same input, settings and ffmpeg give the same bytes, whatever `workers` is.

    Args:
        input: The source.
        output: Where the result goes; its suffix names the container, one of `names.CONTAINERS`. What was there
            is replaced at the end.
        config: What to make of it.
        progress_callback: Called with per cent done, never backwards, and with 100 once the output is in place.
        workers: Chunks of a video longer than `config.split_s` to encode at a time.

    Returns:
        The path of the output.

    Raises:
        ConfigError: Output and input are the same file, the suffix is none of `names.CONTAINERS`, `start_time` or
            `duration` do not fit the source, or settings contradict each other.
        NotMediaError: The input is no video.
        UnsupportedFormatError: The ffmpeg at hand cannot decode it, or not tone it down.
        CorruptMediaError: The input is damaged.
        MediaLimitsError: It is longer, or takes longer, than the config allows, or grows beyond measure.
        TranscodingFailedError: ffmpeg failed, or its output is not what was asked for.
        DiskFullError: No space is left for the output.
        FFmpegNotFoundError: There is no ffmpeg or ffprobe.
        StorageError: The input cannot be read, or the output cannot be written.
    """
    source, target = Path(input), Path(output)
    convert(source, target, config or TranscodeConfig(), examine(source), progress_callback, workers=workers)
    return target


def optimize_for_web(input: str | Path, output: str | Path) -> Path:  # noqa: A002  # the public name
    """Transcodes a video for playing in browsers while it loads: H.264 and AAC, crf 23, index in front.

    Raises:
        The errors of `transcode_video`.
    """
    return transcode_video(input, output, PROFILES["web"])


def convert(
    source: Path,
    target: Path,
    config: TranscodeConfig,
    probed: Probed,
    progress: Progress | None = None,
    *,
    folder: Path | None = None,
    workers: int = 1,
) -> Encoded:
    """Does what `transcode_video` does for a source that is already probed, and returns what came of it.

    An encoder in a graphics card may fail where it did not when it was tried: the picture is larger than it takes, or
    others use it. Then software does the work.

    Args:
        source: The source.
        target: Where the result goes.
        config: What to make of it.
        probed: The source's probe.
        progress: Told how far it is.
        folder: Where chunks of this video may stand already, and are left; None for one that goes at the end.
        workers: Chunks to encode at a time.
    """
    hardware = card(config, probed.colours.hdr)
    by = f"by {hardware.name}" if hardware else replacement(config, probed.colours.hdr)
    try:
        info, remarks = _convert(source, target, config, probed, progress, folder, workers)
    except TranscodingFailedError as error:
        if hardware is None:
            raise
        by = f"{hardware.software} instead of {hardware.name}: {error}"
        software = replace(config, vcodec=hardware.software)
        info, remarks = _convert(source, target, software, probed, progress, folder, workers)
    return Encoded(info, "; ".join(filter(None, (by, brightness(probed, config), remarks))) or None)


def _convert(
    source: Path,
    target: Path,
    config: TranscodeConfig,
    probed: Probed,
    progress: Progress | None,
    folder: Path | None,
    workers: int,
) -> Encoded:
    check_target(source, target)
    chunks = chunks_of(source, target, config, probed)
    if not chunks:
        return encode(source, target, config, probed, progress)
    with nullcontext(folder) if folder else folder_beside(target) as standing:
        made = _in_chunks(source, target, standing, config, probed, chunks, progress, workers)
    if made is not None:
        return made
    info, remarks = encode(source, target, config, probed, progress)
    why = "in one pass, because its chunks did not come out frame for frame"
    return Encoded(info, f"{why}; {remarks}" if remarks else why)


def chunks_of(source: Path, target: Path, config: TranscodeConfig, probed: Probed) -> tuple[Chunk, ...]:
    """Returns the chunks that a video is to be encoded in; none where that is done in one pass.

    Raises:
        ConfigError: Settings contradict each other.
        MediaLimitsError: It is longer than the config allows.
        UnsupportedFormatError: It is to be toned down, and this ffmpeg cannot.
        FFmpegNotFoundError: There is no ffprobe.
    """
    if target.suffix.lower() not in _CHUNKED or not in_chunks(probed, config):
        return ()
    check_demands(source, config, probed)
    check_duration(source, probed.info.duration_s, config.max_duration_s)
    return cut(source, probed, config)


def _in_chunks(
    source: Path,
    target: Path,
    folder: Path,
    config: TranscodeConfig,
    probed: Probed,
    chunks: Sequence[Chunk],
    progress: Progress | None,
    workers: int,
) -> Encoded | None:
    """Makes the parts that are missing, and joins them; None where that does not give what one pass would."""
    stand = place(folder, cuts_key(probed, config, chunks))
    wanted = parts(probed, chunks)
    shares = _Shares(progress, (probed.info.duration_s or 0.0) * (2 if None in wanted else 1))

    def make(part: Part, heard: Callable[[float], None]) -> None:
        make_part(source, stand, config, probed, part, heard)

    _side_by_side(make, wanted, shares, workers)
    info = None if is_unfit(stand) else join(source, target, stand, config, probed, chunks)
    if info is None:
        return None
    if progress is not None:
        progress(100.0)
    return Encoded(info, None)


class _Shares:
    """How far several ffmpegs are together; an ffmpeg that tells its share is ended where all are to stop."""

    def __init__(self, progress: Progress | None, total_s: float) -> None:
        self._progress, self._total_s, self._best = progress, total_s, 0.0
        self._done_s: dict[int, float] = {}
        self._lock = threading.Lock()
        self.stopped = threading.Event()

    def of(self, number: int) -> Callable[[float], None]:
        """Returns what one of them is to tell."""

        def told(done_s: float) -> None:
            if self.stopped.is_set():
                raise TranscodingFailedError("ffmpeg: ended, because another part of the video was. Run again.")
            with self._lock:
                self._done_s[number] = done_s
                share = min(99.9, 100 * sum(self._done_s.values()) / self._total_s)
                if self._progress is not None and share > self._best:
                    self._best = share
                    self._progress(share)

        return told


def _side_by_side(
    make: Callable[[Part, Callable[[float], None]], None], wanted: Sequence[Part], shares: _Shares, workers: int
) -> None:
    """Makes all parts, several at a time; where one fails, or the caller is interrupted, those under way are ended."""
    with ThreadPoolExecutor(workers) as pool:
        makings = [pool.submit(make, part, shares.of(number)) for number, part in enumerate(wanted)]
        try:
            for making in as_completed(makings):
                making.result()
        except BaseException:
            shares.stopped.set()
            for making in makings:
                making.cancel()
            raise
