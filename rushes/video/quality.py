"""How much a transcode lost: a stretch of it beside the same stretch of its source, made alike but for the encoding."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from rushes.errors import MediaLimitsError, TranscodingFailedError
from rushes.records import Media, Quality
from rushes.video.binaries import filters, find
from rushes.video.command import input_options, quiet
from rushes.video.config import QualityCheck, TranscodeConfig
from rushes.video.picture import picture_filters
from rushes.video.probe import Probed, examine
from rushes.video.process import run

__all__ = ["is_sampled", "measure", "measured"]

_STRETCH_S = 5.0
_MOST_FRAMES = 120
_TIMEOUT_S = 300.0
_EARLIER_S = 1.0  # a frame may be shown as long as that
# Of two clocks that count differently, one may be up to half a millisecond behind.
_NUDGE_S = 0.001
_FILTERS = {
    "vmaf": "libvmaf=shortest=1:n_threads=1:log_fmt=json:log_path=/dev/stdout",
    "ssim": "ssim=shortest=1:stats_file=-",
}
_DIGITS = {"vmaf": 2, "ssim": 4}
_SSIM = re.compile(rb"^n:[0-9]+ .*All:([0-9.]+)", re.MULTILINE)


class _Pooled(msgspec.Struct, frozen=True):
    mean: float
    min: float


class _Vmaf(msgspec.Struct, frozen=True):
    pooled_metrics: dict[str, _Pooled]


def is_sampled(sha256: str, check: QualityCheck) -> bool:
    """Says whether a source is one of those that are looked at: its own bytes decide, whatever else there is."""
    drawn = int.from_bytes(hashlib.sha256(f"quality {sha256}".encode()).digest()[:8])
    return drawn < check.sample * 2**64


def measured(media: Media, source: Path, made: Path, config: TranscodeConfig, check: QualityCheck) -> Media:
    """Returns media with what its transcode lost, if it is one of those that are to be looked at.

    Args:
        media: What was made.
        source: File of what it was made of.
        made: Its own file.
        config: How it was made.
        check: Which are to be looked at, and how.

    Raises:
        The errors of `examine`.
    """
    is_encoded = media.action == "transcoded" and media.info.video_codec is not None
    if not is_encoded or not is_sampled(media.verified.sha256, check):
        return media
    found = measure(source, made, config, check)
    if isinstance(found, str):
        return msgspec.structs.replace(media, reason=f"{media.reason}; quality not measured: {found}")
    return msgspec.structs.replace(media, quality=found)


def measure(source: Path, made: Path, config: TranscodeConfig, check: QualityCheck) -> Quality | str:
    """Returns how alike a transcode is to its source, or why that cannot be said.

    Args:
        source: The source.
        made: What was made of it.
        config: How.
        check: What is asked for.

    Raises:
        The errors of `examine`.
    """
    probed = examine(source)
    if config.start_time and not probed.seekable:
        return "cut out of a container without an index"
    metric = _metric(check, probed, config)
    needed = "libvmaf" if metric == "vmaf" else metric
    if needed not in filters(find("ffmpeg")):
        return f"this ffmpeg has no {needed}"
    try:
        done = run(_command(source, made, config, probed, examine(made), metric), timeout_s=_TIMEOUT_S)
    except (MediaLimitsError, TranscodingFailedError) as error:
        return str(error)
    found = _read(metric, done.output)
    if done.code or found is None:
        return done.last_words(source, made)
    return Quality(metric, round(found.mean, _DIGITS[metric]), round(found.min, _DIGITS[metric]))


def _metric(check: QualityCheck, probed: Probed, config: TranscodeConfig) -> str:
    """VMAF was trained on pictures of ordinary brightness, so it says nothing of others."""
    if check.metric != "auto":
        return check.metric
    ordinary = not probed.colours.hdr or config.hdr != "keep"
    return "vmaf" if ordinary and "libvmaf" in filters(find("ffmpeg")) else "ssim"


def _command(
    source: Path, made: Path, config: TranscodeConfig, probed: Probed, found: Probed, metric: str
) -> list[str]:
    """Returns the command that compares a stretch from the middle, or, where there is no index, from the beginning.

    Each frame of what was made is held beside the last frame of the source begun by then, as a lower rate shows it.
    Both keep their containers' times and are put on one clock here, because where ffmpeg does so itself it depends on
    which streams are read.
    """
    middle_s = max(0.0, ((found.info.duration_s or 0.0) - _STRETCH_S) / 2) if probed.seekable else 0.0
    wanted_s = middle_s + (config.start_time or 0.0) - probed.early_s
    at_s = max(0.0, wanted_s - _EARLIER_S) if probed.seekable else 0.0
    pixels = f"format={config.pixel_format(probed.colours.hdr)}"
    alike = picture_filters(
        probed, (found.info.width, found.info.height), ":out_range=tv", keep_hdr=config.hdr == "keep"
    )
    graph = (
        f"[0:V:0]{_since(found.start_s - _NUDGE_S)},{pixels}[made];"
        f"[1:V:0]{','.join([_since(probed.start_s + (config.start_time or 0.0)), *alike, pixels])}[source];"
        f"[made][source]{_FILTERS[metric]}"
    )
    return [
        *(str(find("ffmpeg")), *quiet(), "-copyts"),
        *_input(made, middle_s, _STRETCH_S),
        *_input(source, at_s, wanted_s - at_s + _STRETCH_S + _EARLIER_S),
        *("-filter_complex", graph, "-frames:v", str(_MOST_FRAMES), "-f", "null", "-"),
    ]


def _since(zero_s: float) -> str:
    return f"settb=AVTB,setpts=PTS-({zero_s:.6f})/TB"


def _input(path: Path, at_s: float, length_s: float) -> Iterator[str]:
    stretch = {"t": f"{length_s:.6f}", **({"ss": f"{at_s:.6f}"} if at_s else {})}
    for name, value in (input_options(path) | stretch).items():
        yield from (f"-{name}", str(value))
    yield from ("-i", f"file:{path.absolute()}")


def _read(metric: str, output: bytes) -> _Pooled | None:
    if metric == "vmaf":
        try:
            return msgspec.json.decode(output, type=_Vmaf).pooled_metrics.get("vmaf")
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
    values = [float(value) for value in _SSIM.findall(output)]
    return _Pooled(sum(values) / len(values), min(values)) if values else None
