"""One video into one other, in one pass: ffmpeg builds it beside its place, it is checked, and takes its place."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from rushes.errors import (
    ConfigError,
    CorruptMediaError,
    DiskFullError,
    MediaError,
    MediaLimitsError,
    RushesError,
    StorageError,
    TranscodingFailedError,
)
from rushes.jsonl import publish
from rushes.records import MediaInfo
from rushes.video.beside import beside
from rushes.video.command import decode_command, encode_command
from rushes.video.config import TranscodeConfig
from rushes.video.demands import allowed, check_demands
from rushes.video.limits import NOTHING_WRITTEN, Limits, check_duration, check_filled
from rushes.video.names import check_target
from rushes.video.probe import Probed, examine
from rushes.video.process import Finished, run

__all__ = [
    "Encoded",
    "Progress",
    "accident",
    "check_complaints",
    "check_output",
    "corrupt",
    "encode",
    "run_within",
]

Progress = Callable[[float], None]
"""Called with per cent done, 0 to 100."""


class Encoded(NamedTuple):
    """What came of a transcode: its probe, and what is to be said of how it was made, like complaints of ffmpeg."""

    info: MediaInfo
    remarks: str | None


_CUT_SHORT = re.compile(r"ended prematurely|invalid as first byte of an EBML number|partial file|[Tt]runcat")
_START_S = 600.0
_SLOWEST = 120.0
_UNKNOWN_S = 6 * 3600.0


def encode(
    source: Path, target: Path, config: TranscodeConfig, probed: Probed, progress: Progress | None = None
) -> Encoded:
    """Makes one video of another one that is already probed, and returns what came of it.

    Raises:
        The errors of `transcode_video`.
    """
    check_target(source, target)
    check_demands(source, config, probed)
    expected_s = _expected(source, probed.info, config)
    check_duration(source, expected_s, config.max_duration_s)
    if config.fps is not None:
        check_filled(source, config.fps, expected_s, probed.info.frames)
    limits = allowed(source, config, probed)
    with beside(target) as part:
        done = run_within(
            source,
            encode_command(source, part, config, probed, expected_s),
            expected_s,
            config,
            on_progress=_percent(progress, expected_s),
            limits=limits,
        )
        if done.code != 0:
            raise _failure(source, part, config, probed, done, limits)
        check_complaints(source, done)
        info = check_output(source, part, expected_s, config)
        publish(part, target)
    if progress is not None:
        progress(100.0)
    return Encoded(info, done.complaints(source, part))


def check_complaints(source: Path, done: Finished) -> None:
    """Takes for damaged what ends before it should, which ffmpeg forgives."""
    if any(_CUT_SHORT.search(line) for line in done.errors):
        raise CorruptMediaError(
            f"{source.name}: cut short: {done.last_words(source)}. Fetch it again, or leave it out."
        )


def _limit_s(duration_s: float | None, config: TranscodeConfig) -> float:
    """Returns how long ffmpeg may take over so much video."""
    return min(_START_S + _SLOWEST * duration_s if duration_s else _UNKNOWN_S, config.max_time_s)


def run_within(
    source: Path,
    command: Sequence[str],
    duration_s: float | None,
    config: TranscodeConfig,
    on_progress: Callable[[float], None] | None = None,
    limits: Limits = NOTHING_WRITTEN,
) -> Finished:
    """Runs an ffmpeg within the time that it may take over so much of a video.

    Raises:
        MediaLimitsError: It took longer; where the config's own limit ended it, that is said.
        The other errors of `run`.
    """
    timeout_s = _limit_s(duration_s, config)
    try:
        return run(command, timeout_s=timeout_s, on_progress=on_progress, limits=limits)
    except MediaLimitsError as error:
        key = f" transcode.max_time_s = {timeout_s:g} allows no more." if timeout_s == config.max_time_s else ""
        raise MediaLimitsError(f"{source.name}: {error}{key}") from error


def _expected(source: Path, info: MediaInfo, config: TranscodeConfig) -> float | None:
    """Returns how long the output should be, in seconds, where that can be told."""
    start_s, wanted_s = config.start_time or 0.0, config.duration
    if start_s < 0:
        raise ConfigError(f"start_time = {start_s:g}: expected seconds from the beginning, 0 or more.")
    if wanted_s is not None and wanted_s <= 0:
        raise ConfigError(f"duration = {wanted_s:g}: expected seconds, more than 0.")
    if not info.duration_s:  # none is said, or a lone frame that takes no time
        return None
    if start_s >= info.duration_s:
        raise ConfigError(f"start_time = {start_s:g}: {source.name} lasts {info.duration_s:g} s only. Begin earlier.")
    left_s = info.duration_s - start_s
    return left_s if wanted_s is None else min(wanted_s, left_s)


def _percent(progress: Progress | None, expected_s: float | None) -> Callable[[float], None] | None:
    if progress is None or not expected_s:
        return None
    best = 0.0

    def report(done_s: float) -> None:
        nonlocal best
        best = max(best, min(99.9, 100 * done_s / expected_s))
        progress(best)

    return report


def _failure(
    source: Path, part: Path, config: TranscodeConfig, probed: Probed, done: Finished, limits: Limits
) -> RushesError:
    """Says whose fault it was: decoding alone, once more, tells a damaged input from a failed encoder."""
    said = done.last_words(source, part)
    if error := accident(source, done):
        return error
    # Most encoders are told of the limit, and some are ended by it.
    if done.code == -signal.SIGXFSZ or any("File too large" in line for line in done.errors):
        return MediaLimitsError(
            f"{source.name}: its transcode grows to more than {limits.file_bytes} bytes, out of "
            f"{source.stat().st_size}. It is made to do so: leave it out."
        )
    check = run_within(source, decode_command(source, probed), probed.info.duration_s, config)
    if check.code != 0:
        return corrupt(source, check)
    return TranscodingFailedError(
        f"{source.name}: ffmpeg ended with status {done.code}: {said}. Check the transcode settings."
    )


def accident(source: Path, done: Finished) -> RushesError | None:
    """Returns what to raise where ffmpeg ended for a reason that may be gone the next time; None for another one."""
    if any("No space left on device" in line for line in done.errors):
        return DiskFullError(f"{source.name}: no space left for its transcode. Free some, and run again.")
    if done.code < 0 and done.code != -signal.SIGXFSZ:
        return TranscodingFailedError(
            f"{source.name}: ffmpeg was ended by signal {-done.code}; often too little memory. Run fewer at a time."
        )
    return None


def corrupt(source: Path, decoding: Finished) -> CorruptMediaError:
    """Returns what to raise for a source that does not decode."""
    return CorruptMediaError(
        f"{source.name}: damaged, decoding stopped: {decoding.last_words(source)}. Fetch it again, or leave it out."
    )


def check_output(source: Path, part: Path, expected_s: float | None, config: TranscodeConfig) -> MediaInfo:
    """Returns the probe of what ffmpeg made, where it lasts as long as it should.

    Raises:
        ConfigError: It has no frame, because it begins after the last.
        CorruptMediaError: It is shorter, or longer: the source is damaged.
        TranscodingFailedError: It is no video.
    """
    try:
        info = examine(part).info
    except (MediaError, StorageError) as error:
        if config.start_time and isinstance(error, MediaError):
            raise ConfigError(
                f"start_time = {config.start_time:g}: {source.name} shows no new frame then. "
                "Begin earlier, or take more."
            ) from error
        raise TranscodingFailedError(
            f"{source.name}: ffmpeg ended well, but its output cannot be used: {error}"
        ) from error
    made_s = info.duration_s or 0.0
    slack_s = max(0.5, 0.02 * (expected_s or 0.0), 2 / config.fps if config.fps else 0.0)
    if expected_s is None or abs(made_s - expected_s) <= slack_s:
        return info
    if made_s < expected_s:
        raise CorruptMediaError(
            f"{source.name}: expected {expected_s:.2f} s of video, only {made_s:.2f} s decode. "
            "It is cut off or damaged: fetch it again, or leave it out."
        )
    raise CorruptMediaError(
        f"{source.name}: says {expected_s:.2f} s of video, and its frames take {made_s:.2f} s. "
        "Its times are damaged: fetch it again, or leave it out."
    )
