"""Encoding a long video in chunks, and joining them to what one pass would have made.

All that a chunk needs is the source, so chunks can be made anywhere and in any order. Each stands in a folder under a
name that only what passed its check gets; who joins them makes those that are missing. The picture is made in chunks,
the sound in one piece beside them, because encoders of sound look back.

What is joined must have all frames of the source at their times. Where a chunk or the whole has not, or a decoder
complains, the folder says that the video is to be encoded in one pass, which is what decides what is wrong with it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import msgspec

from rushes.errors import MediaError, StorageError, TranscodingFailedError
from rushes.jsonl import atomic_write, encode, publish
from rushes.records import MediaInfo
from rushes.video.answer import Packet
from rushes.video.beside import beside
from rushes.video.binaries import describe
from rushes.video.chunk_commands import chunk_command, join_command, sound_command
from rushes.video.config import TranscodeConfig
from rushes.video.cuts import Chunk, times_of
from rushes.video.demands import allowed
from rushes.video.ffprobe import query, sniff_video
from rushes.video.probe import Probed
from rushes.video.process import Finished
from rushes.video.timeline import in_order
from rushes.video.timing import ratio
from rushes.video.transcode import accident, check_output, run_within

__all__ = ["UNFIT", "Part", "cuts_key", "is_unfit", "join", "make_part", "name_of", "parts", "place"]

Part = Chunk | None
"""A chunk of the picture, or None, which is all of the sound."""

UNFIT = "unfit"
"""Name of the file that says that a video is to be encoded in one pass, and why."""
# What H.264 decoders say of frames that are not there because decoding began after them: two lines each, of 16 at most.
_NOT_THERE = re.compile(
    r"mmco: unref short failure|reference picture missing|Missing reference picture|Last message repeated [0-9] times"
)
_MOST_NOT_THERE = 32


class _Stream(msgspec.Struct, frozen=True):
    time_base: str
    extradata_hash: str = ""


class _Answer(msgspec.Struct, frozen=True):
    packets: list[Packet] = msgspec.field(default_factory=list)
    streams: list[_Stream] = msgspec.field(default_factory=list)


class _Made(msgspec.Struct, frozen=True):
    """What was made: when its frames are shown, and a digest of the header that they share."""

    ticks: list[int]
    tick_s: Fraction
    header: str


def cuts_key(probed: Probed, config: TranscodeConfig, chunks: Sequence[Chunk]) -> str:
    """Returns a name for chunks that fit together: cut in the same places, and made with the same settings."""
    return hashlib.sha256(encode([config.recipe(), probed.time_base, chunks])).hexdigest()[:12]


def place(folder: Path, key: str) -> Path:
    """Returns the folder, in that of a video, for its chunks of such a key that this machine's ffmpeg makes."""
    return folder / f"{key}-{hashlib.sha256(describe('ffmpeg').version.encode()).hexdigest()[:8]}"


def parts(probed: Probed, chunks: Sequence[Chunk]) -> list[Part]:
    """Returns what there is to make of a video, what takes longest first."""
    return [*([None] if probed.audio_decodable else []), *chunks]


def name_of(part: Part) -> str:
    """Returns the name of a part's file."""
    return "sound.mp4" if part is None else f"{part.number:04}.mp4"


def is_unfit(folder: Path) -> bool:
    """Tells whether a part of the video did not come out as it should have."""
    return (folder / UNFIT).exists()


def make_part(
    source: Path,
    folder: Path,
    config: TranscodeConfig,
    probed: Probed,
    part: Part,
    on_progress: Callable[[float], None] | None = None,
) -> bool:
    """Makes one part of a video in its folder, and tells whether there was anything to do.

    What does not come out as it should have marks the folder, and no other part is made there.

    Raises:
        DiskFullError: No space is left for it.
        MediaLimitsError: It takes longer than the config allows.
        TranscodingFailedError: ffmpeg was ended from outside.
        FFmpegNotFoundError: There is no ffmpeg or ffprobe.
    """
    target = folder / name_of(part)
    if target.exists() or is_unfit(folder):
        return False
    with beside(target) as made:
        command = (
            sound_command(source, made, config, probed)
            if part is None
            else chunk_command(source, made, config, probed, part)
        )
        limits, length_s = allowed(source, config, probed), probed.info.duration_s
        done = run_within(source, command, length_s, config, on_progress=on_progress or _heard, limits=limits)
        if why := _wrong(source, made, part, probed, done):
            _unfit(folder, f"{target.name}: {why}")
        else:
            publish(made, target)
    return True


def join(
    source: Path, target: Path, folder: Path, config: TranscodeConfig, probed: Probed, chunks: Sequence[Chunk]
) -> MediaInfo | None:
    """Joins the parts of a video, and returns the probe of the whole; None where it is not what it should be.

    Raises:
        DiskFullError: No space is left for it.
        TranscodingFailedError: A part was damaged where it stood, and is removed; or ffmpeg was ended from outside.
    """
    made = [_standing(folder / name_of(chunk)) for chunk in chunks]
    if len({one.header for one in made}) > 1:
        _unfit(folder, "chunks with different headers")
        return None
    sound = folder / name_of(None) if probed.audio_decodable else None
    with beside(target) as part, beside(folder / "chunks.txt") as listing:
        listing.write_text("\n".join(_listing(chunks, ratio(probed.time_base))), encoding="ascii")
        command = join_command(listing, sound, part, config, float(made[0].ticks[0] * made[0].tick_s))
        done = run_within(source, command, probed.info.duration_s, config, limits=allowed(source, config, probed))
        if error := accident(source, done):
            raise error
        try:
            why = done.last_words(part, listing) if done.code else _not_whole(part, made[0], probed, chunks)
            info = check_output(source, part, probed.info.duration_s, config)
        except (MediaError, TranscodingFailedError) as error:
            why = str(error)
        if why:
            _unfit(folder, why)
            return None
        publish(part, target)
    return info


def _standing(path: Path) -> _Made:
    try:
        return _look(path)
    except MediaError as error:
        path.unlink()
        raise TranscodingFailedError(f"{path.name}: a chunk that was damaged where it stood. Run again.") from error


def _heard(seconds: float) -> None:
    """Takes progress that nobody asked for."""


def _unfit(folder: Path, why: str) -> None:
    """Marks a folder, and says in it why, for people."""
    with atomic_write(folder / UNFIT) as file:
        file.write(why.encode() + b"\n")


def _wrong(source: Path, made: Path, part: Part, probed: Probed, done: Finished) -> str | None:
    """Returns what is wrong with a part, if it would be so again; what would not be, is raised."""
    if error := accident(source, done):
        raise error
    if done.code or _complaints(done, part):
        return done.last_words(source, made)
    if part is None:
        return None
    try:
        found = _look(made)
    except (MediaError, StorageError) as error:
        return str(error)
    same = times_of(found.ticks, found.tick_s, ratio(probed.time_base)) == part.times
    return None if same else f"{len(found.ticks)} of {part.frames} frames, or at other times"


def _complaints(done: Finished, part: Part) -> bool:
    """Tells whether there was to complain of anything but that decoding did not begin at the beginning."""
    expected = [line for line in done.errors if _NOT_THERE.search(line)] if part and part.number and part.open else []
    return len(done.errors) > len(expected) or len(expected) > _MOST_NOT_THERE


def _look(path: Path) -> _Made:
    show = ["-select_streams", "V:0", "-show_data_hash", "sha256", "-show_streams", "-show_entries", "packet=pts,flags"]
    answer = query(path, sniff_video(path), show, _Answer)
    ticks = [tick for tick, _ in in_order(answer.packets)[0]]
    if not answer.streams or not ticks:
        raise TranscodingFailedError(f"{path.name}: no video in it.")
    return _Made(ticks, ratio(answer.streams[0].time_base), answer.streams[0].extradata_hash)


def _listing(chunks: Sequence[Chunk], tick_s: Fraction) -> Iterator[str]:
    """Yields the lines of ffmpeg's list of chunks: how long each lasts is said, in whole microseconds that add up."""
    starts_us = [round((chunk.tick - chunks[0].tick) * tick_s * 1_000_000) for chunk in chunks]
    yield "ffconcat version 1.0"
    for chunk, start_us, end_us in zip(chunks, starts_us, [*starts_us[1:], None], strict=True):
        yield f"file {name_of(chunk)}"
        if end_us is not None:
            yield f"duration {(end_us - start_us) // 1_000_000}.{(end_us - start_us) % 1_000_000:06}"


def _not_whole(part: Path, first: _Made, probed: Probed, chunks: Sequence[Chunk]) -> str | None:
    """Returns what is wrong with the times of the frames of the whole."""
    made, unit_s, start = _look(part), ratio(probed.time_base), 0
    if made.ticks[0] * made.tick_s != first.ticks[0] * first.tick_s:
        return "the first frame is shown at another time"
    for chunk in chunks:
        ticks = made.ticks[start : start + chunk.frames]
        begins = ticks and (ticks[0] - made.ticks[0]) * made.tick_s == (chunk.tick - chunks[0].tick) * unit_s
        if not begins or times_of(ticks, made.tick_s, unit_s) != chunk.times:
            return f"from chunk {chunk.number} on, frames are missing, or shown at other times"
        start += chunk.frames
    return None if start == len(made.ticks) else f"{len(made.ticks)} frames, not {start}"
