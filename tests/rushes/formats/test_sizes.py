from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from rushes.errors import AnnotationError
from rushes.formats.sizes import upright_size


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp"])
@pytest.mark.parametrize("orientation", [None, 1, 6])
def test_sizes_are_those_shown_upright(tmp_path: Path, suffix: str, orientation: int | None) -> None:
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    path = tmp_path / f"a.{suffix}"
    Image.new("RGB", (30, 20)).save(path, exif=exif)
    turned = orientation == 6 and suffix != "bmp"
    assert upright_size(path, "here") == ((20, 30) if turned else (30, 20))


@pytest.mark.parametrize("how", [{"progressive": True}, {"icc_profile": b"x" * 5000}, {"comment": b"y" * 300}])
def test_jpegs_of_any_build(tmp_path: Path, how: dict[str, object]) -> None:
    path = tmp_path / "a.jpg"
    Image.new("RGB", (30, 20)).save(path, **how)  # type: ignore[arg-type]
    assert upright_size(path, "here") == (30, 20)


@pytest.mark.parametrize("content", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00\x00" + b"\x00" * 40, b"GIF89a", b"text"])
def test_what_is_no_picture_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(AnnotationError, match=r"here: a\.jpg"):
        upright_size(path, "here")
