"""A video encoded in chunks beside the same one encoded in one pass: same frames, same times, same sound."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from rushes.errors import CorruptMediaError, RushesError, TranscodingFailedError
from rushes.video import TranscodeConfig, transcode_video
from rushes.video.binaries import find
from rushes.video.chunks import cuts_key, is_unfit, join, make_part, parts, place
from rushes.video.convert import convert
from rushes.video.cuts import Chunk, cut
from rushes.video.frames import extract_frames
from rushes.video.probe import Probed, examine
from rushes.video.timeline import read_timeline
from tests.damaged_clips import damaged_files
from tests.rushes.video.clips import card, coloured, ffmpeg, number, turned

CHUNKED = TranscodeConfig(preset="fast", crf=20, split_s=2.0)
WHOLE = replace(CHUNKED, split_s=0)
FRAMES = 81
FELL_BACK = "in one pass, because its chunks did not come out frame for frame"
CLOSED = ("-c:v", "libx264", "-g", "10", "-bf", "3", "-pix_fmt", "yuv420p")
OPEN = ("-c:v", "libx264", "-bf", "3", "-x264-params", "keyint=10:open-gop=1:scenecut=0", "-pix_fmt", "yuv420p")
KEY_EVERY = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-sc_threshold", "0", "-g")
HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-bf", "3", "-x265-params", "keyint=10:open-gop=1:log-level=none")
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "10")
TONE = ("-f", "lavfi", "-i", "sine=frequency=300:duration=8.1:sample_rate=48000")
UNEVEN = ("-vf", "settb=1/1000,setpts='N*100+30*mod(N,3)'", "-fps_mode", "passthrough", "-enc_time_base", "1:1000")


def closed(folder: Path) -> Path:
    return coloured(folder / "closed.mp4", *CLOSED, frames=FRAMES)


def with_sound(folder: Path, picture_late_s: float = 0, sound_late_s: float = 0) -> Path:
    picture = ("-itsoffset", f"{picture_late_s}", "-i", closed(folder))
    sound = ("-itsoffset", f"{sound_late_s}", *TONE)
    ffmpeg(*picture, *sound, "-map", "0:v", "-map", "1:a", "-c:v", "copy", folder / "sound.mp4")
    return folder / "sound.mp4"


def shifted_edit(folder: Path) -> Path:
    """Makes a clip whose edit list hides its first frames."""
    ffmpeg("-ss", "0.5", "-i", closed(folder), "-c", "copy", folder / "edit.mp4")
    return folder / "edit.mp4"


def open_mkv(folder: Path) -> Path:
    ffmpeg("-i", coloured(folder / "open.mp4", *OPEN, frames=FRAMES), "-c", "copy", folder / "open.mkv")
    return folder / "open.mkv"


def deep_mov(folder: Path) -> Path:
    """Makes a clip of ten bits with six channels of sound."""
    inputs = ("-i", closed(folder), *TONE, "-map", "0:v", "-map", "1:a")
    ffmpeg(*inputs, *CLOSED[:-1], "yuv420p10le", "-c:a", "aac", "-ac", "6", folder / "deep.mov")
    return folder / "deep.mov"


KINDS: dict[str, Callable[[Path], Path]] = {
    "closed groups, mp4, sound": with_sound,
    "closed groups, mkv, no sound": lambda folder: coloured(folder / "made.mkv", *CLOSED, frames=FRAMES),
    "open groups, mp4": lambda folder: coloured(folder / "made.mp4", *OPEN, frames=FRAMES),
    "open groups, mkv": open_mkv,
    "an edit list that hides frames": shifted_edit,
    "sound that begins later": lambda folder: with_sound(folder, sound_late_s=0.7),
    "a picture that begins later": lambda folder: with_sound(folder, picture_late_s=0.7),
    "uneven frames, mp4": lambda folder: coloured(folder / "made.mp4", *UNEVEN, *CLOSED, frames=FRAMES),
    "uneven frames, mkv": lambda folder: coloured(folder / "made.mkv", *UNEVEN, *CLOSED, frames=FRAMES),
    "MPEG-4 with B-frames": lambda folder: coloured(
        folder / "made.mkv", "-c:v", "mpeg4", "-q:v", "2", "-g", "10", "-bf", "2", frames=FRAMES
    ),
    "HEVC in open groups": lambda folder: coloured(folder / "made.mkv", *HEVC, frames=FRAMES),
    "VP9 in WebM": lambda folder: coloured(folder / "made.webm", *VP9, frames=FRAMES),
    "a fragmented mp4": lambda folder: coloured(
        folder / "made.mp4", *CLOSED, "-movflags", "frag_keyframe+empty_moov", frames=FRAMES
    ),
    "ten bits and six channels, mov": deep_mov,
    "turned": lambda folder: turned(folder / "made.mp4", closed(folder), 90),
}


def pcm(clip: Path) -> bytes:
    """Returns the sound as it decodes."""
    argv = [str(find("ffmpeg")), "-v", "error", "-i", str(clip), "-map", "0:a", "-f", "s16le", "-ac", "1", "-"]
    return subprocess.run(argv, capture_output=True, check=True).stdout


def levels(clip: Path) -> list[float]:
    """Returns how bright each frame is."""
    vf = ["-vf", "scale=4:4", "-fps_mode", "passthrough", "-pix_fmt", "gray", "-f", "rawvideo", "-"]
    argv = [str(find("ffmpeg")), "-v", "error", "-i", str(clip), "-map", "0:v", *vf]
    output = subprocess.run(argv, capture_output=True, check=True).stdout
    return [float(level) for level in np.frombuffer(output, np.uint8).reshape(-1, 16).mean(axis=1)]


def prepared(clip: Path, folder: Path) -> tuple[Probed, tuple[Chunk, ...], Path]:
    """Returns a clip's probe and its chunks, and the folder that they are made in."""
    probed = examine(clip)
    chunks = cut(clip, probed, CHUNKED)
    return probed, chunks, place(folder, cuts_key(probed, CHUNKED, chunks))


@pytest.mark.parametrize("kind", KINDS)
def test_every_frame_is_where_one_pass_puts_it(tmp_path: Path, kind: str) -> None:
    source = KINDS[kind](tmp_path)
    probed, chunks, _ = prepared(source, tmp_path)
    assert len(chunks) >= 3
    one, many = tmp_path / "one.mp4", tmp_path / "many.mp4"
    convert(source, one, WHOLE, probed)
    info, remarks = convert(source, many, CHUNKED, probed)
    assert remarks is None
    assert info.frames == probed.info.frames == sum(chunk.frames for chunk in chunks)
    ours, theirs = read_timeline(many), read_timeline(one)
    assert (ours.ticks, ours.tick_s, ours.start_s) == (theirs.ticks, theirs.tick_s, theirs.start_s)
    shown = [number(file) for file in extract_frames(many, range(FRAMES), tmp_path / "frames").values()]
    first = FRAMES - len(shown)
    assert shown == [frame % 27 for frame in range(first, FRAMES)]
    assert (pcm(many) == pcm(one)) if probed.info.audio_codec else examine(many).info.audio_codec is None


def test_a_flash_and_its_beep_stay_together_and_the_size_is_that_of_one_pass(tmp_path: Path) -> None:
    flash = "drawbox=c=white:t=fill:enable='lt(mod(t,1),0.1)'"
    beep = "aevalsrc='sin(6283*t)*lt(mod(t,1),0.1)':d=12:s=48000"
    source = tmp_path / "flash.mp4"
    picture = ("-f", "lavfi", "-i", f"testsrc2=s=192x144:r=25:d=12,{flash}")
    ffmpeg(*picture, "-f", "lavfi", "-i", beep, "-c:v", "libx264", "-g", "25", "-pix_fmt", "yuv420p", source)
    one = transcode_video(source, tmp_path / "one.mp4", WHOLE)
    many = transcode_video(source, tmp_path / "many.mp4", CHUNKED)
    bright = [index / 25 for index, (a, b) in enumerate(itertools.pairwise([0.0, *levels(many)])) if a < 200 < b]
    samples = np.abs(np.frombuffer(pcm(many), np.int16).astype(float))
    loud = samples[: len(samples) // 480 * 480].reshape(-1, 480).max(axis=1) > 5000
    heard = [index / 100 for index in range(1, len(loud)) if loud[index] and not loud[index - 1]]
    assert bright[1:] == pytest.approx(list(range(1, 12)))
    assert heard == pytest.approx(bright[1:], abs=0.02)
    assert many.stat().st_size == pytest.approx(one.stat().st_size, rel=0.05)


def test_hevc_is_joined_as_apples_players_expect_it(tmp_path: Path) -> None:
    source, made = closed(tmp_path), tmp_path / "made.mp4"
    assert convert(source, made, replace(CHUNKED, vcodec="libx265"), examine(source)).remarks is None
    assert b"hvc1" in made.read_bytes()
    shown = [number(file) for file in extract_frames(made, range(FRAMES), tmp_path / "frames").values()]
    assert shown == [frame % 27 for frame in range(FRAMES)]


def test_the_bytes_are_the_same_however_many_work_on_it_and_in_whatever_order(tmp_path: Path) -> None:
    source = with_sound(tmp_path)
    probed, chunks, folder = prepared(source, tmp_path / "chunks")
    made = [transcode_video(source, tmp_path / f"{n}.mp4", CHUNKED, workers=n).read_bytes() for n in (1, 4)]
    for part in reversed(parts(probed, chunks)):
        assert make_part(source, folder, CHUNKED, probed, part)
    assert not make_part(source, folder, CHUNKED, probed, chunks[1])
    assert join(source, tmp_path / "joined.mp4", folder, CHUNKED, probed, chunks)
    assert made[0] == made[1] == (tmp_path / "joined.mp4").read_bytes()
    assert made[0] != transcode_video(source, tmp_path / "one.mp4", WHOLE).read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == [*(f"{n:04}.mp4" for n in range(4)), "sound.mp4"]


def test_chunks_that_are_here_are_used_and_those_of_other_settings_are_not(tmp_path: Path) -> None:
    source = with_sound(tmp_path)
    probed, chunks, folder = prepared(source, tmp_path / "chunks")
    convert(source, tmp_path / "a.mp4", CHUNKED, probed, folder=tmp_path / "chunks")
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    (folder / "0002.mp4").unlink()
    convert(source, tmp_path / "b.mp4", CHUNKED, probed, folder=tmp_path / "chunks")
    after = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert {name for name in after if after[name] == before[name]} == {*before} - {"0002.mp4"}
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    keys = {cuts_key(probed, config, cuts) for config in (CHUNKED, replace(CHUNKED, crf=21)) for cuts in (chunks, ())}
    assert len(keys) == 4


def test_chunks_that_are_not_what_they_should_be_give_one_pass_which_is_said(tmp_path: Path) -> None:
    source = with_sound(tmp_path)
    probed, chunks, folder = prepared(source, tmp_path / "chunks")
    for part in parts(probed, chunks):
        make_part(source, folder, CHUNKED, probed, part)
    shutil.copy(folder / "0000.mp4", folder / "0002.mp4")
    made = convert(source, tmp_path / "made.mp4", CHUNKED, probed, folder=tmp_path / "chunks")
    assert made.remarks == FELL_BACK
    assert is_unfit(folder)
    assert (folder / "unfit").read_text() == "from chunk 3 on, frames are missing, or shown at other times\n"
    assert (tmp_path / "made.mp4").read_bytes() == transcode_video(source, tmp_path / "one.mp4", WHOLE).read_bytes()
    again = convert(source, tmp_path / "again.mp4", CHUNKED, probed, folder=tmp_path / "chunks")
    assert again == made


def test_a_chunk_that_was_damaged_where_it_stood_is_made_anew_the_next_time(tmp_path: Path) -> None:
    source = with_sound(tmp_path)
    probed, _, folder = prepared(source, tmp_path / "chunks")
    convert(source, tmp_path / "a.mp4", CHUNKED, probed, folder=tmp_path / "chunks")
    (folder / "0001.mp4").write_bytes((folder / "0001.mp4").read_bytes()[:500])
    with pytest.raises(TranscodingFailedError, match=r"0001\.mp4: a chunk that was damaged"):
        convert(source, tmp_path / "b.mp4", CHUNKED, probed, folder=tmp_path / "chunks")
    convert(source, tmp_path / "b.mp4", CHUNKED, probed, folder=tmp_path / "chunks")
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_a_source_whose_decoder_complains_is_judged_by_one_pass(tmp_path: Path) -> None:
    whole = card(tmp_path / "whole.mp4", "-c:v", "libx264", "-g", "10", "-pix_fmt", "yuv420p", seconds=6)
    content = bytearray(whole.read_bytes())
    middle = content.index(b"mdat") + (content.index(b"moov") - content.index(b"mdat")) // 2
    content[middle : middle + 3000] = bytes(3000)
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(content)
    for config in (WHOLE, CHUNKED):
        with pytest.raises(CorruptMediaError, match=r"damaged\.mp4: damaged, decoding stopped"):
            transcode_video(damaged, tmp_path / "out.mp4", config)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged.mp4", "whole.mp4"]


def test_damaged_clips_come_to_the_same_as_in_one_pass(tmp_path: Path) -> None:
    small = replace(CHUNKED, preset="ultrafast", resolution="80x60", split_s=1.0)  # all of them have to be encoded
    met: set[str] = set()
    for path, name, damage in damaged_files(40, tmp_path):
        one, many = (outcome(path, config) for config in (replace(small, split_s=0), small))
        assert many == one, f"{name}, {damage}"
        met.add(one[0])
    assert met >= {"ok", "corrupt_media"}


def outcome(clip: Path, config: TranscodeConfig) -> tuple[str, int | None, str]:
    """Returns how an encode ends: its error's code, or `ok`, the number of frames, and what was to be said of them."""
    try:
        info, remarks = convert(clip, clip.with_name("out.mp4"), config, examine(clip))
    except RushesError as error:
        return error.code, None, ""
    return "ok", info.frames, (remarks or "").removeprefix(FELL_BACK).removeprefix("; ")


@pytest.mark.parametrize(
    "config",
    [
        WHOLE,
        replace(CHUNKED, split_s=8.1),
        replace(CHUNKED, fps=5.0),
        replace(CHUNKED, start_time=1.0),
        replace(CHUNKED, duration=7.0),
        replace(CHUNKED, vcodec="h264_nvenc"),
        replace(CHUNKED, movflags="+frag_keyframe"),
        replace(CHUNKED, movflags="+empty_moov"),
    ],
    ids=[
        "never",
        "no longer than that",
        "another rate",
        "a later beginning",
        "an earlier end",
        "a graphics card",
        "fragments",
        "no edits",
    ],
)
def test_what_is_short_or_changed_in_time_is_encoded_in_one_pass(tmp_path: Path, config: TranscodeConfig) -> None:
    clip = closed(tmp_path)
    assert cut(clip, examine(clip), config) == ()


@pytest.mark.parametrize("name", ["a.avi", "a.ts", "a.flv"])
def test_what_has_no_index_is_encoded_in_one_pass(tmp_path: Path, name: str) -> None:
    ffmpeg("-i", closed(tmp_path), "-c", "copy", "-bsf:v", "h264_mp4toannexb", tmp_path / name)
    assert cut(tmp_path / name, examine(tmp_path / name), CHUNKED) == ()


def test_cuts_lie_at_key_frames_and_leave_no_short_end(tmp_path: Path) -> None:
    clip = coloured(tmp_path / "clip.mp4", *KEY_EVERY, "30", frames=FRAMES)
    probed = examine(clip)
    for split_s, frames in ((4, [60, 21]), (5, [60, 21]), (1, [30, 30, 21]), (0.01, [30, 30, 21])):
        assert [chunk.frames for chunk in cut(clip, probed, replace(CHUNKED, split_s=split_s))] == frames
    lone = coloured(tmp_path / "lone.mp4", *KEY_EVERY, "250", frames=FRAMES)
    assert cut(lone, examine(lone), CHUNKED) == ()


def test_progress_never_goes_back_and_ends_with_100(tmp_path: Path) -> None:
    seen: list[float] = []
    transcode_video(with_sound(tmp_path), tmp_path / "out.mp4", CHUNKED, seen.append, workers=3)
    assert seen == sorted(seen)
    assert seen[-1] == 100.0
    assert all(0 <= value <= 99.9 for value in seen[:-1])


def test_names_that_mean_something_to_ffmpeg(tmp_path: Path) -> None:
    folder = tmp_path / "it's %d\nfile a"
    (folder / ".-y 'http:%d.left.chunks" / "by one that was killed").mkdir(parents=True)
    shutil.copy(with_sound(tmp_path), folder / "-i a:b.mp4")
    made = transcode_video(folder / "-i a:b.mp4", folder / "-y 'http:%d.mp4", CHUNKED)
    assert examine(made).info.frames == FRAMES
    assert sorted(path.name for path in folder.iterdir()) == ["-i a:b.mp4", "-y 'http:%d.mp4"]


def test_an_interrupt_ends_every_encoder_and_leaves_nothing(tmp_path: Path) -> None:
    slow = replace(CHUNKED, preset="veryslow", split_s=10)
    source = card(
        tmp_path / "long.mp4", "-c:v", "libx264", "-preset", "ultrafast", "-g", "25", size="640x480", seconds=60
    )
    seen: list[float] = []

    def stop(share: float) -> None:
        seen.append(share)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        transcode_video(source, tmp_path / "out.mp4", slow, stop, workers=3)
    assert 1 <= len(seen) <= 3
    commands = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    assert [command for command in commands if f"file:{source}" in command] == []
    assert [path.name for path in tmp_path.iterdir()] == ["long.mp4"]
