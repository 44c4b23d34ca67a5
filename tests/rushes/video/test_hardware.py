"""Encoders in graphics cards: used where they work, told what software is told, and replaced where they do not."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from rushes.config import Transcode
from rushes.media import make_media
from rushes.records import Media, Source, Verified
from rushes.video import TranscodeConfig, transcode_video
from rushes.video.binaries import find
from rushes.video.demands import allowed
from rushes.video.hardware import HARDWARE, trouble
from rushes.video.probe import examine
from rushes.video.verdict import judge
from rushes.workspace import Workspace
from tests.rushes.video.clips import card

FAST = TranscodeConfig(preset="ultrafast")
PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
# What ffmpeg itself takes, for any encoder.
GENERIC = {"c:v", "b:v", "q:v", "pix_fmt", "global_quality", "init_hw_device"}
# Stands in for a card that this machine may not have: software by the card's names, which keeps a record.
STAND_IN = """#!{python}
import os, sys
words = sys.argv[1:]
if "h264_nvenc" in words:
    with open({record!r}, "a") as file:
        file.write(" ".join(words) + "\\n")
    if {fails} and "file:/dev/zero" not in words:
        sys.exit("[h264_nvenc @ 0x1f] OpenEncodeSessionEx failed: out of memory (10)")
    for name in ("-cq", "-rc", "-b:v"):
        place = words.index(name)
        del words[place : place + 2]
    words[words.index("h264_nvenc")] = "libx264"
    words[words.index("-preset") + 1] = "ultrafast"
os.execv({ffmpeg!r}, [{ffmpeg!r}, *words])
"""


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, *, fails: bool) -> Path:
    """Returns the record of an ffmpeg on a machine with a card, which fails as soon as the work begins or never."""
    program, record = folder / "ffmpeg", folder / "record.txt"
    text = STAND_IN.format(python=sys.executable, record=str(record), ffmpeg=str(find("ffmpeg")), fails=fails)
    program.write_text(text)
    program.chmod(0o755)
    monkeypatch.setenv("RUSHES_FFMPEG", str(program))
    return record


def ingested(path: Path, config: TranscodeConfig) -> tuple[Media, Path]:
    workspace = Workspace(path.parent / "work")
    verified = Verified(Source("a", "http://h/a"), str(path), "ab" * 32, path.stat().st_size)
    media = make_media(verified, workspace, config)
    return media, workspace.path(media.path)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return card(tmp_path / "clip.mkv", "-c:v", "mpeg4", size="640x360")


@pytest.mark.parametrize("name", [name for name in HARDWARE if "videotoolbox" not in name])
def test_every_option_is_one_that_the_encoder_knows(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUSHES_FFMPEG", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    command = [str(find("ffmpeg")), "-hide_banner", "-h", f"encoder={name}"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    known = set(re.findall(r"^  -(\S+) ", shown, re.MULTILINE))
    values = set(re.findall(r"^     (\S+) ", shown, re.MULTILINE))
    layouts = re.findall(r"Supported pixel formats: (.*)", shown)[0].split()
    for preset in PRESETS:
        options = HARDWARE[name].options(preset, 23, "yuv420p")
        assert set(options) - GENERIC <= known
        assert {options[key] for key in ("preset", "rc", "rc_mode") if key in options} <= values
    for asked in ("yuv420p", "yuv420p10le", "yuv444p"):
        layout = HARDWARE[name].takes(asked)
        assert layout is None or layout in layouts or "vaapi" in layouts


def test_better_and_slower_settings_are_better_and_slower_ones_of_the_card() -> None:
    def setting(name: str, key: str, crf: int, preset: str = "medium") -> object:
        return HARDWARE[name].options(preset, crf, "yuv420p")[key]

    steps = [f"p{step}" for step in (1, 1, 2, 3, 3, 4, 5, 6, 7)]
    assert [setting("h264_nvenc", "preset", 23, preset) for preset in PRESETS] == steps
    assert [setting("hevc_qsv", "preset", 23, preset) for preset in PRESETS[2:]] == list(PRESETS[2:])
    for name, key in (("h264_nvenc", "cq"), ("h264_qsv", "global_quality"), ("hevc_vaapi", "qp")):
        assert [setting(name, key, crf) for crf in (0, 18, 28, 51)] == [1, 18, 28, 51]
    assert [setting("h264_videotoolbox", "q:v", crf) for crf in (0, 18, 28, 51)] == [100, 65, 45, 1]
    assert setting("h264_nvenc", "preset", 23, "no-such-preset") == "p4"


@pytest.mark.parametrize("name", HARDWARE)
def test_a_card_that_is_not_there_is_replaced_by_software_and_that_is_said(clip: Path, name: str) -> None:
    config = replace(FAST, vcodec=name)
    why, software = trouble(HARDWARE[name], "yuv420p"), HARDWARE[name].software
    media, made = ingested(clip, config)
    if why is None:
        assert media.reason.endswith(f"; by {name}")
        return
    assert "\n" not in why
    assert media.reason == f"mpeg4 video, not {HARDWARE[name].codec}; {software} instead of {name}: {why}"
    same = transcode_video(clip, clip.parent / "same.mp4", replace(FAST, vcodec=software))
    assert made.read_bytes() == same.read_bytes()
    assert judge(made, examine(made), config).action == "kept"


def test_why_there_is_no_card_is_said_in_its_driver_s_words(clip: Path) -> None:
    why = trouble(HARDWARE["h264_nvenc"], "yuv420p")
    if why is None:
        pytest.skip("there is one")
    assert "libcuda" in why


def test_a_card_that_works_does_the_work(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = stand_in(tmp_path, monkeypatch, fails=False)
    media, made = ingested(clip, replace(FAST, vcodec="h264_nvenc", crf=21))
    assert media.reason == "mpeg4 video, not h264; by h264_nvenc"
    assert (media.info.frames, examine(made).info.video_codec) == (25, "h264")
    tried, done = record.read_text().splitlines()
    assert "-i file:/dev/zero" in tried
    assert "-b:v 0 -c:v h264_nvenc -cq 21" in done
    assert "-preset p1 -rc vbr" in done
    transcode_video(clip, tmp_path / "again.mp4", replace(FAST, vcodec="h264_nvenc"))
    assert record.read_text().count("/dev/zero") == 1


def test_a_card_that_fails_at_its_work_is_replaced(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, fails=True)
    media, made = ingested(clip, replace(FAST, vcodec="h264_nvenc"))
    assert "libx264 instead of h264_nvenc: clip.mkv: ffmpeg ended with status 1: OpenEncodeSessionEx" in media.reason
    assert (media.info.frames, examine(made).info.video_codec) == (25, "h264")
    written = made.stat().st_mtime_ns
    assert ingested(clip, replace(FAST, vcodec="h264_nvenc"))[0] == media  # what was made is used, and said again
    assert made.stat().st_mtime_ns == written


def test_a_card_may_map_as_much_memory_as_it_likes(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drivers map all that there is, and more, as address space."""
    stand_in(tmp_path, monkeypatch, fails=False)
    probed = examine(clip)
    by_card = allowed(clip, replace(FAST, vcodec="h264_nvenc"), probed)
    by_software = allowed(clip, FAST, probed)
    assert (by_card.memory_bytes, by_card.file_bytes) == (None, by_software.file_bytes)
    assert by_software.memory_bytes


@pytest.mark.parametrize(
    ("name", "pix_fmt", "why"),
    [
        ("h264_nvenc", "yuv420p10le", "h264_nvenc: it makes no yuv420p10le"),
        ("hevc_qsv", "yuv444p", "hevc_qsv: it makes no yuv444p"),
    ],
)
def test_pictures_that_no_card_makes_are_made_by_software(clip: Path, name: str, pix_fmt: str, why: str) -> None:
    media, made = ingested(clip, replace(FAST, vcodec=name, pix_fmt=pix_fmt))
    assert media.reason.endswith(why)
    assert examine(made).pixel_format == pix_fmt


def test_a_pipeline_may_name_each_of_them() -> None:
    named = get_args(get_args(Transcode.model_fields["vcodec"].annotation)[0])
    assert set(named) == {"libx264", "libx265", *HARDWARE}
