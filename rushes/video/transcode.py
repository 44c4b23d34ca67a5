"""One video into one other: ffmpeg builds it beside its place, it is checked, and only then takes its place."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rushes.errors import (
    ConfigError,
    CorruptMediaError,
    DiskFullError,
    MediaError,
    RushesError,
    StorageError,
    TranscodingFailedError,
)
from rushes.jsonl import publish, storing
from rushes.records import MediaInfo
from rushes.video.command import copy_command, decode_command, encode_command, keyframes_command
from rushes.video.config import PROFILES, TranscodeConfig
from rushes.video.conformance import Verdict
from rushes.video.probe import Probed, examine
from rushes.video.process import Finished, run

__all__ = ["conform", "encode", "optimize_for_web", "transcode_video"]

Progress = Callable[[float], None]
"""Called with per cent done, 0 to 100."""

_START_S = 600.0
_SLOWEST = 120.0
_UNKNOWN_S = 6 * 3600.0


def transcode_video(
    input: str | Path,  # noqa: A002  # the public name
    output: str | Path,
    config: TranscodeConfig | None = None,
    progress_callback: Progress | None = None,
) -> Path:
    """Transcodes a video; the picture comes out upright, with square pixels and even sides, 8 bits, 4:2:0.

    Without `fps`, `start_time` and `duration` the output has the source's frames, one to one and at their times.
    The same input, settings and ffmpeg give the same bytes.

    Args:
        input: The source.
        output: Where the result goes; its suffix names the container. What was there is replaced at the end.
        config: What to make of it.
        progress_callback: Called with per cent done, never backwards, and with 100 once the output is in place.

    Returns:
        The path of the output.

    Raises:
        ConfigError: Output and input are the same file, or `start_time` or `duration` do not fit the source.
        NotMediaError: The input is no video.
        UnsupportedFormatError: The ffmpeg at hand cannot decode it.
        CorruptMediaError: The input is damaged.
        TranscodingFailedError: ffmpeg failed, or its output is not what was asked for.
        DiskFullError: No space is left for the output.
        FFmpegNotFoundError: There is no ffmpeg or ffprobe.
        StorageError: The input cannot be read, or the output cannot be written.
    """
    source, target = Path(input), Path(output)
    encode(source, target, config or TranscodeConfig(), examine(source), progress_callback)
    return target


def optimize_for_web(input: str | Path, output: str | Path) -> Path:  # noqa: A002  # the public name
    """Transcodes a video for playing in browsers while it loads: H.264 and AAC, crf 23, index in front.

    Raises:
        The errors of `transcode_video`.
    """
    return transcode_video(input, output, PROFILES["web"])


def encode(
    source: Path, target: Path, config: TranscodeConfig, probed: Probed, progress: Progress | None = None
) -> MediaInfo:
    """Does what `transcode_video` does for a source that is already probed, and returns the probe of the output."""
    _check_names(source, target)
    expected_s = _expected(source, probed.info, config)
    with _beside(target) as part:
        done = run(
            encode_command(source, part, config, probed),
            timeout_s=_START_S + _SLOWEST * expected_s if expected_s else _UNKNOWN_S,
            on_progress=_percent(progress, expected_s),
        )
        if done.code != 0:
            raise _failure(source, part, probed, done)
        info = _check_output(source, part, expected_s, config)
        publish(part, target)
    if progress is not None:
        progress(100.0)
    return info


def conform(
    source: Path, target: Path, config: TranscodeConfig, probed: Probed, verdict: Verdict
) -> tuple[MediaInfo, Verdict]:
    """Makes of a video what a config asks for, with no more work than that takes.

    What is copied is trusted when its key frames decode, and its copy has the same number of frames; whatever cannot be
    copied so is encoded.

    Args:
        source: The video.
        target: Where the result goes, an mp4; nothing goes there where the source is kept as it is.
        config: What is asked for.
        probed: The source's probe.
        verdict: What `judge` says of it.

    Returns:
        The probe of the result, and what was done and why.

    Raises:
        The errors of `transcode_video`.
    """
    if verdict.action != "transcoded":
        _check_keyframes(source)
    if verdict.action == "kept":
        return probed.info, verdict
    if verdict.action in ("remuxed", "partly"):
        if info := _copied(source, target, config, probed, with_sound=verdict.action == "remuxed"):
            return info, verdict
        verdict = Verdict("transcoded", f"{verdict.reason}, and its copy did not have the same frames")
    return encode(source, target, config, probed), verdict


def _check_keyframes(source: Path) -> None:
    done = run(keyframes_command(source), timeout_s=_UNKNOWN_S)
    if done.code != 0:
        raise _corrupt(source, done)


def _copied(source: Path, target: Path, config: TranscodeConfig, probed: Probed, with_sound: bool) -> MediaInfo | None:
    """Returns the probe of a copy that has all that the source has, or None where there is none."""
    info = probed.info
    with _beside(target) as part:
        if run(copy_command(source, part, config, probed, with_sound), timeout_s=_UNKNOWN_S).code != 0:
            return None
        try:
            made = _check_output(source, part, info.duration_s, config)
        except (MediaError, TranscodingFailedError):
            return None
        if (made.frames, made.width, made.height, made.rotation) != (info.frames, info.width, info.height, 0):
            return None
        publish(part, target)
        return made


def _check_names(source: Path, target: Path) -> None:
    if not target.suffix:
        raise ConfigError(f"{target.name}: the output's name must end in its container, like {target.name}.mp4.")
    if target.exists() and target.samefile(source):
        raise ConfigError(f"{target.name}: output and input are the same file. Give the output another name.")


def _expected(source: Path, info: MediaInfo, config: TranscodeConfig) -> float | None:
    """Returns how long the output should be, in seconds, where that can be told."""
    start_s, wanted_s = config.start_time or 0.0, config.duration
    if start_s < 0:
        raise ConfigError(f"start_time = {start_s:g}: expected seconds from the beginning, 0 or more.")
    if wanted_s is not None and wanted_s <= 0:
        raise ConfigError(f"duration = {wanted_s:g}: expected seconds, more than 0.")
    if info.duration_s is None:
        return None
    if start_s >= info.duration_s:
        raise ConfigError(f"start_time = {start_s:g}: {source.name} lasts {info.duration_s:g} s only.")
    left_s = info.duration_s - start_s
    return left_s if wanted_s is None else min(wanted_s, left_s)


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Gives a name in the target's folder, with its suffix, by which ffmpeg knows the container."""
    part = target.with_name(f".{target.stem}.{secrets.token_hex(4)}.part{target.suffix}")
    with storing(target):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            yield part
        finally:
            part.unlink(missing_ok=True)


def _percent(progress: Progress | None, expected_s: float | None) -> Callable[[float], None] | None:
    if progress is None or not expected_s:
        return None
    best = 0.0

    def report(done_s: float) -> None:
        nonlocal best
        best = max(best, min(99.9, 100 * done_s / expected_s))
        progress(best)

    return report


def _failure(source: Path, part: Path, probed: Probed, done: Finished) -> RushesError:
    """Says whose fault it was: decoding alone, once more, tells a damaged input from a failed encoder."""
    said = done.last_words(source, part)
    if any("No space left on device" in line for line in done.errors):
        return DiskFullError(f"{source.name}: no space left for its transcode. Free some, and run again.")
    if done.code < 0:
        return TranscodingFailedError(
            f"{source.name}: ffmpeg was ended by signal {-done.code}; often too little memory. Run fewer at a time."
        )
    check = run(decode_command(source, probed), timeout_s=_UNKNOWN_S)
    if check.code != 0:
        return _corrupt(source, check)
    return TranscodingFailedError(
        f"{source.name}: ffmpeg ended with status {done.code}: {said}. Check the transcode settings."
    )


def _corrupt(source: Path, decoding: Finished) -> CorruptMediaError:
    return CorruptMediaError(
        f"{source.name}: damaged, decoding stopped: {decoding.last_words(source)}. Fetch it again, or leave it out."
    )


def _check_output(source: Path, part: Path, expected_s: float | None, config: TranscodeConfig) -> MediaInfo:
    try:
        info = examine(part).info
    except (MediaError, StorageError) as error:
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
    raise TranscodingFailedError(
        f"{source.name}: expected {expected_s:.2f} s of video, the output has {made_s:.2f} s. Its times are damaged."
    )
