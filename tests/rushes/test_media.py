import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from rushes.errors import CorruptMediaError, NotMediaError
from rushes.media import make_media, probe_media, recipe_of
from rushes.records import Source, Verified
from rushes.video.colour import can_tone_map
from rushes.video.config import PROFILES, TranscodeConfig
from rushes.video.probe import probe
from rushes.workspace import Workspace, stored
from tests.rushes.video.clips import coloured

FAST = TranscodeConfig(preset="ultrafast", resolution="32x32")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return coloured(tmp_path_factory.mktemp("clip") / "clip.mp4", frames=5)


def verified(workspace: Workspace, content: bytes, suffix: str) -> Verified:
    sha256 = hashlib.sha256(content).hexdigest()
    path = stored("media", sha256, suffix)
    workspace.path(path).parent.mkdir(parents=True, exist_ok=True)
    workspace.path(path).write_bytes(content)
    return Verified(Source("one", f"https://example.org/one{suffix}"), path, sha256, len(content))


def test_without_a_transcode_media_stay_as_they_are(tmp_path: Path, clip: Path) -> None:
    workspace = Workspace(tmp_path)
    item = verified(workspace, clip.read_bytes(), ".mp4")
    media = make_media(item, workspace, None)
    assert (media.path, media.sha256, media.size_bytes) == (item.path, item.sha256, item.size_bytes)
    assert (media.action, media.recipe, media.info) == ("kept", recipe_of(None), media.source_info)


def test_a_video_is_transcoded_into_the_recipes_folder(tmp_path: Path, clip: Path) -> None:
    workspace = Workspace(tmp_path)
    item = verified(workspace, clip.read_bytes(), ".mp4")
    media = make_media(item, workspace, FAST)
    made = workspace.path(media.path).read_bytes()
    assert media.path == f"derived/{recipe_of(FAST)}/{item.sha256[:2]}/{item.sha256}.mp4"
    assert (media.sha256, media.size_bytes) == (hashlib.sha256(made).hexdigest(), len(made))
    assert (media.action, media.source_info.width, media.info.width) == ("transcoded", 64, 32)
    assert media.source_info.frames == media.info.frames == 5
    assert media.info == probe(workspace.path(media.path))


def test_what_was_made_before_is_used_again_unless_it_is_damaged(tmp_path: Path, clip: Path) -> None:
    workspace = Workspace(tmp_path)
    item = verified(workspace, clip.read_bytes(), ".mp4")
    first = make_media(item, workspace, FAST)
    path = workspace.path(first.path)
    inode = path.stat().st_ino
    assert make_media(item, workspace, FAST) == first
    assert path.stat().st_ino == inode
    for damaged in (path, path.with_suffix(".json")):
        damaged.write_bytes(b"junk")
        assert make_media(item, workspace, FAST) == first
        assert path.stat().st_size == first.size_bytes
    path.with_suffix(".json").unlink()
    assert make_media(item, workspace, FAST) == first


def test_a_turned_photo_is_made_upright_and_others_are_kept(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 30)).save(tmp_path / "turned.jpg", exif=exif)
    Image.new("RGB", (40, 30)).save(tmp_path / "plain.jpg")
    turned = make_media(verified(workspace, (tmp_path / "turned.jpg").read_bytes(), ".jpg"), workspace, FAST)
    plain = make_media(verified(workspace, (tmp_path / "plain.jpg").read_bytes(), ".jpg"), workspace, FAST)
    assert (turned.action, turned.info.width, turned.info.rotation) == ("transcoded", 30, 0)
    assert (turned.source_info.width, turned.source_info.rotation) == (30, 90)
    assert turned.path.startswith(f"derived/{recipe_of(FAST)}/")
    assert (plain.action, plain.path.partition("/")[0]) == ("kept", "media")


def test_a_turned_photo_is_kept_where_nothing_is_to_be_transcoded(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 30)).save(tmp_path / "turned.jpg", exif=exif)
    media = make_media(verified(workspace, (tmp_path / "turned.jpg").read_bytes(), ".jpg"), workspace, None)
    assert (media.action, media.info.width, media.info.rotation) == ("kept", 30, 90)


def test_what_is_no_media_is_refused(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    with pytest.raises(NotMediaError, match="text/html"):
        make_media(verified(workspace, b"<html>404</html>", ".mp4"), workspace, FAST)
    with pytest.raises(CorruptMediaError):
        make_media(verified(workspace, b"\0\0\0\x18ftypisom" + bytes(50), ".mp4"), workspace, FAST)


def test_a_recipe_is_named_by_every_setting() -> None:
    changed = [
        replace(FAST, vcodec="libx265"),
        replace(FAST, crf=19),
        replace(FAST, fps=10.0),
        replace(FAST, start_time=1.0),
        replace(FAST, duration=1.0),
        replace(FAST, movflags=""),
        replace(FAST, pix_fmt="yuv420p10le"),
        replace(FAST, hdr="tonemap"),
        replace(FAST, upscale=True),
    ]
    names = [recipe_of(config) for config in (None, FAST, *PROFILES.values(), *changed)]
    assert len(set(names)) == len(names)
    assert all(len(name) == 12 and set(name) <= set("0123456789abcdef") for name in names)
    assert recipe_of(replace(FAST)) == recipe_of(FAST)


def test_a_file_is_described_by_what_it_holds(tmp_path: Path, clip: Path) -> None:
    photo = tmp_path / "photo.mp4"
    Image.new("RGB", (40, 30)).save(photo, "PNG")
    assert probe_media(photo).media_type == "image/png"
    assert probe_media(clip).media_type == "video/mp4"
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(NotMediaError, match=r"empty\.mp4: expected an image or a video, found an empty file"):
        probe_media(tmp_path / "empty.mp4")


def test_what_became_of_hdr_is_said(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    hlg = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-color_trc", "arib-std-b67")
    # Marked in the frames: newer encoders take it from there, older ones from the option.
    clip = coloured(tmp_path / "hlg.mp4", "-vf", "setparams=color_trc=arib-std-b67", *hlg, frames=3)
    said = make_media(verified(workspace, clip.read_bytes(), ".mp4"), workspace, FAST).reason
    assert ("HDR toned down" if can_tone_map() else "HDR kept: this ffmpeg cannot tone it down") in said
