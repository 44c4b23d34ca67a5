"""Of many streams one picture and one sound stay; which others there were is said, whatever is done to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rushes.export.rows import item_row
from rushes.media import make_media
from rushes.records import Media, Source, Verified
from rushes.summary.stats import Stats
from rushes.video import TranscodeConfig
from rushes.video.probe import examine
from rushes.workspace import Workspace
from tests.rushes.video.clips import ffmpeg
from tests.rushes.video.test_conform import AAC, FRONT, H264, PICTURE, SOUND, pictures

FAST = TranscodeConfig(preset="ultrafast")
SUBTITLES = "1\n00:00:00,100 --> 00:00:01,000\nhello\n"
CHAPTERS = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART={}\nEND={}\ntitle=part\n"
COVER = ("-f", "lavfi", "-i", "color=red:s=32x32:d=0.04")


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """A folder with what can be put into a container beside picture and sound."""
    (tmp_path / "words.srt").write_text(SUBTITLES)
    (tmp_path / "chapters.txt").write_text(CHAPTERS.format(0, 1000) + CHAPTERS.format(1000, 2000).partition("\n")[2])
    (tmp_path / "font.ttf").write_bytes(bytes(100))
    ffmpeg(*COVER, "-frames:v", "1", tmp_path / "cover.jpg")
    return tmp_path


def ingested(path: Path, config: TranscodeConfig | None = FAST) -> tuple[Media, Path]:
    workspace = Workspace(path.parent / "work")
    verified = Verified(Source("a", "http://h/a"), str(path), "ab" * 32, path.stat().st_size)
    media = make_media(verified, workspace, config)
    return media, workspace.path(media.path)


def crowded(parts: Path, video: tuple[str, ...] = H264, sound: tuple[str, ...] = AAC) -> Path:
    """Makes a Matroska file with two sounds, subtitles, chapters and a font."""
    inputs = (*PICTURE, *SOUND, "-i", parts / "words.srt", "-i", parts / "chapters.txt")
    streams = ["-map", "0:v", "-map", "1:a", "-map", "1:a", "-map", "2:s", "-map_metadata", "3", "-map_chapters", "3"]
    font = ("-attach", parts / "font.ttf", "-metadata:s:t", "mimetype=font/ttf")
    ffmpeg(*inputs, *streams, *video, *sound, *font, parts / "crowded.mkv")
    return parts / "crowded.mkv"


@pytest.mark.parametrize(
    ("video", "sound", "action"),
    [
        (H264, AAC, "remuxed"),
        (H264, ("-c:a", "libopus"), "partly"),
        (("-c:v", "mpeg4"), AAC, "transcoded"),
    ],
)
def test_what_is_left_out_is_said_however_a_video_is_made(
    parts: Path, video: tuple[str, ...], sound: tuple[str, ...], action: str
) -> None:
    media, made = ingested(crowded(parts, video, sound))
    assert media.action == action
    assert media.dropped_streams == {"attachment": 1, "audio": 1, "chapters": 2, "subtitle": 1}
    found = examine(made)
    assert (found.info.frames, found.info.audio_codec, found.others) == (20, "aac", {})
    row = item_row(media, "train", {})
    assert row.dropped_streams == media.dropped_streams
    stats = Stats()
    stats.add(row)
    stats.add(row)
    assert stats.result()["dropped_streams"] == {"attachment": 2, "audio": 2, "chapters": 4, "subtitle": 2}


def test_what_is_kept_has_lost_nothing(parts: Path) -> None:
    media, _ = ingested(crowded(parts), None)
    assert (media.action, media.dropped_streams) == ("kept", {})
    ffmpeg(*PICTURE, *SOUND, *H264, *AAC, *FRONT, parts / "plain.mp4")
    media, _ = ingested(parts / "plain.mp4")
    assert (media.action, media.dropped_streams) == ("kept", {})


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_cover_is_no_video(parts: Path, suffix: str) -> None:
    path, film = parts / f"covered{suffix}", parts / f"film{suffix}"
    ffmpeg(*PICTURE, *SOUND, *H264, *AAC, film)
    if suffix == ".mp4":
        tagged = ("-map", "0", "-map", "1", "-disposition:v:1", "attached_pic", *FRONT)
        ffmpeg("-i", film, "-i", parts / "cover.jpg", "-c", "copy", *tagged, path)
    else:
        ffmpeg("-i", film, "-c", "copy", "-attach", parts / "cover.jpg", "-metadata:s:t", "mimetype=image/jpeg", path)
    media, made = ingested(path)
    assert (media.action, media.dropped_streams) == ("remuxed", {"cover art": 1})
    assert (media.info.width, media.info.frames, examine(made).others) == (128, 20, {})
    assert media.reason.startswith("other streams: cover art" if suffix == ".mp4" else "video/x-matroska container")


def test_a_track_of_data_and_a_second_picture_are_left_out(parts: Path) -> None:
    path = parts / "data.mov"
    streams = ("-map", "0:v", "-map", "0:v", "-map", "1:a")
    ffmpeg(*PICTURE, *SOUND, *streams, *H264, *AAC, "-timecode", "01:00:00:00", path)
    media, made = ingested(path)
    assert media.dropped_streams["video"] == 1
    assert media.dropped_streams["data"] >= 1
    assert (media.info.frames, examine(made).others) == (20, {})


def test_of_two_pictures_and_two_sounds_the_first_ones_stay(parts: Path) -> None:
    second = ("-f", "lavfi", "-i", "color=blue:s=64x64:r=10:d=2")
    streams = ("-map", "0:v", "-map", "2:v", "-map", "1:a", "-map", "1:a")
    path = parts / "two.mkv"
    ffmpeg(*PICTURE, *SOUND, *second, *streams, *H264, *AAC, path)
    media, made = ingested(path)
    assert (media.dropped_streams, media.info.width) == ({"audio": 1, "video": 1}, 128)
    ffmpeg("-i", path, "-map", "0:v:0", "-c", "copy", parts / "first.mkv")
    assert pictures(made) == pictures(parts / "first.mkv")
