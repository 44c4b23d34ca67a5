"""Making of a video what was asked for with no more work than that takes: kept, copied, or encoded."""

from __future__ import annotations

from pathlib import Path

from rushes.errors import MediaError, TranscodingFailedError
from rushes.jsonl import publish
from rushes.records import MediaInfo
from rushes.video.beside import beside
from rushes.video.command import copy_command, decode_command, keyframes_command
from rushes.video.config import TranscodeConfig
from rushes.video.convert import convert
from rushes.video.limits import check_duration, encoding
from rushes.video.probe import Probed
from rushes.video.transcode import check_complaints, check_output, corrupt, run_within
from rushes.video.verdict import Verdict

__all__ = ["conform"]


def conform(
    source: Path,
    target: Path,
    config: TranscodeConfig,
    probed: Probed,
    verdict: Verdict,
    chunks: Path | None = None,
) -> tuple[MediaInfo, Verdict]:
    """Makes of a video what a config asks for, with no more work than that takes.

    What is copied must decode, all of it or its key frames, as `config.check` says, and its copy must have the same
    number of frames; what decodes and cannot be copied so is encoded.

    Args:
        source: The video.
        target: Where the result goes, an mp4; nothing goes there where the source is kept as it is.
        config: What is asked for.
        probed: The source's probe.
        verdict: What `judge` says of it.
        chunks: Folder for chunks of it, which are left there; None for one that goes.

    Returns:
        The probe of the result, and what was done and why.

    Raises:
        The errors of `transcode_video`.
    """
    if verdict.action != "transcoded":
        check_duration(source, probed.info.duration_s, config.max_duration_s)
        verdict = _explained(verdict, _check_decodes(source, probed, config))
    if verdict.action == "kept":
        return probed.info, verdict
    if verdict.action in ("remuxed", "partly"):
        if info := _copied(source, target, config, probed, with_sound=verdict.action == "remuxed"):
            return info, verdict
        verdict = Verdict("transcoded", f"{verdict.reason}, and its copy did not have the same frames")
    info, remarks = convert(source, target, config, probed, folder=chunks)
    return info, _explained(verdict, remarks)


def _explained(verdict: Verdict, remarks: str | None) -> Verdict:
    return verdict._replace(reason="; ".join(filter(None, (verdict.reason, remarks))))


def _check_decodes(source: Path, probed: Probed, config: TranscodeConfig) -> str | None:
    """Decodes what is to be copied, and returns what there was to complain of although it could be decoded."""
    command = keyframes_command(source) if config.check == "keyframes" else decode_command(source, probed)
    done = run_within(source, command, probed.info.duration_s, config)
    if done.code != 0:
        raise corrupt(source, done)
    check_complaints(source, done)
    return done.complaints(source)


def _copied(source: Path, target: Path, config: TranscodeConfig, probed: Probed, with_sound: bool) -> MediaInfo | None:
    """Returns the probe of a copy that has all that the source has, or None where there is none."""
    info = probed.info
    with beside(target) as part:
        done = run_within(
            source,
            copy_command(source, part, config, probed, with_sound),
            info.duration_s,
            config,
            limits=encoding(source, info.width * info.height),
        )
        if done.code != 0:
            return None
        try:
            made = check_output(source, part, info.duration_s, config)
        except (MediaError, TranscodingFailedError):
            return None
        if (made.frames, made.width, made.height, made.rotation) != (info.frames, info.width, info.height, 0):
            return None
        publish(part, target)
        return made
