import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from rushes.errors import (
    CorruptMediaError,
    MediaError,
    MediaLimitsError,
    NotMediaError,
    StorageError,
    UnsupportedFormatError,
)
from rushes.images import bake_orientation, orientation, preview, probe_image

SIZE = (48, 32)
RED, BLUE = (220, 20, 20), (20, 20, 220)


def picture() -> Image.Image:
    """Red above left, blue elsewhere: no two of the eight orientations look alike."""
    image = Image.new("RGB", SIZE, BLUE)
    image.paste(RED, (0, 0, 32, 8))
    return image


TURNS = {3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270}


def save(path: Path, turned: int | None = None) -> Path:
    exif = Image.Exif()
    if turned is None:
        picture().save(path, quality=95)
        return path
    exif[0x0112] = turned
    exif[0x010F] = "a camera"
    picture().save(path, quality=95, exif=exif)
    return path


@pytest.mark.parametrize(
    ("suffix", "media_type"),
    [
        (".jpg", "image/jpeg"),
        (".png", "image/png"),
        (".gif", "image/gif"),
        (".webp", "image/webp"),
        (".bmp", "image/bmp"),
        (".tif", "image/tiff"),
    ],
)
def test_images_are_described(tmp_path: Path, suffix: str, media_type: str) -> None:
    info = probe_image(save(tmp_path / f"a{suffix}"))
    assert (info.media_type, info.width, info.height, info.rotation) == (media_type, *SIZE, 0)
    assert (info.duration_s, info.video_codec) == (None, None)


@pytest.mark.parametrize("turned", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_sizes_and_copies_are_upright(tmp_path: Path, turned: int, suffix: str) -> None:
    path = save(tmp_path / f"a{suffix}", turned)
    target = tmp_path / "derived" / f"b{suffix}"
    bake_orientation(path, target)
    with Image.open(path) as image:
        expected = ImageOps.exif_transpose(image).convert("RGB")
    assert (orientation(path), orientation(target)) == (turned, 1)
    info, baked = probe_image(path), probe_image(target)
    assert (info.width, info.height) == (baked.width, baked.height) == expected.size
    assert (info.media_type, info.rotation) == (baked.media_type, TURNS.get(turned, 0))
    with Image.open(target) as image:
        for point in ((4, 4), (4, expected.height - 4), (expected.width - 4, 4)):
            assert image.getpixel(point) == pytest.approx(expected.getpixel(point), abs=12)
        assert 0x010F not in image.getexif()


def test_baking_gives_the_same_bytes(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", 6)
    bake_orientation(path, tmp_path / "b.jpg")
    bake_orientation(path, tmp_path / "c.jpg")
    assert (tmp_path / "b.jpg").read_bytes() == (tmp_path / "c.jpg").read_bytes()


def test_the_first_frame_of_an_animation_counts(tmp_path: Path) -> None:
    picture().save(tmp_path / "a.gif", save_all=True, append_images=[Image.new("RGB", SIZE)])
    assert probe_image(tmp_path / "a.gif").frames is None


def test_an_orientation_that_is_none_is_ignored(tmp_path: Path) -> None:
    assert (probe_image(save(tmp_path / "a.jpg", 99)).width, orientation(tmp_path / "a.jpg")) == (48, 1)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".gif", ".webp", ".bmp", ".tif"])
def test_a_cut_off_image_is_corrupt(tmp_path: Path, suffix: str) -> None:
    whole = save(tmp_path / f"whole{suffix}").read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(CorruptMediaError, match=r"^cut: "):
        probe_image(tmp_path / "cut")


def test_a_small_file_that_claims_many_pixels_is_refused_unread(tmp_path: Path) -> None:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    for side in (9000, 60000):
        header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        content = (
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
        )
        (tmp_path / "bomb.png").write_bytes(content)
        with pytest.raises(MediaLimitsError, match="pixels"):
            probe_image(tmp_path / "bomb.png")


def test_a_format_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    with pytest.raises(UnsupportedFormatError, match="image/heic"):
        probe_image(tmp_path / "a.heic")


def test_what_is_no_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("<html><body>404</body></html>")
    with pytest.raises(NotMediaError, match="text/html"):
        probe_image(tmp_path / "a.jpg")
    with pytest.raises(StorageError):
        probe_image(tmp_path / "gone.jpg")


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), suffix=st.sampled_from(["JPEG", "PNG", "GIF", "WEBP", "TIFF"]))
def test_any_damage_is_either_harmless_or_said(tmp_path: Path, data: st.DataObject, suffix: str) -> None:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    picture().save(buffer, suffix, **({} if suffix == "GIF" else {"exif": exif}))
    content = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "a").write_bytes(content)
    try:
        assert probe_image(tmp_path / "a").width > 0
    except (MediaError, UnsupportedFormatError) as error:
        assert str(error).startswith("a: ")  # noqa: PT017  # either outcome is right


def test_a_preview_is_small_upright_and_in_rgb_whatever_the_image_is(tmp_path: Path) -> None:
    deep = Image.fromarray(np.linspace(0, 60000, 64 * 48).reshape(48, 64).astype(np.uint16))
    clear = Image.new("RGBA", (64, 48), (255, 0, 0, 0))
    for name, image in (("deep.png", deep), ("clear.png", clear), ("grey.png", Image.new("L", (64, 48), 90))):
        image.save(tmp_path / name)
        small = preview(tmp_path / name, 32)
        assert (small.mode, small.size) == ("RGB", (32, 24))
    assert preview(tmp_path / "clear.png", 32).getpixel((5, 5)) == (128, 128, 128)
    seen = np.asarray(preview(tmp_path / "deep.png", 32))
    assert (seen.min(), seen.max()) == (0, 255)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 48)).save(tmp_path / "turned.jpg", exif=exif)
    assert preview(tmp_path / "turned.jpg", 32).size == (24, 32)


def test_a_preview_of_what_is_damaged_is_an_error(tmp_path: Path) -> None:
    Image.effect_noise((64, 64), 90).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:900])
    with pytest.raises(CorruptMediaError):
        preview(tmp_path / "a.png", 32)
