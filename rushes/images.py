"""Images: what they are, whether they are whole, and upright copies of those that only ask to be turned."""

from __future__ import annotations

import mmap
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from PIL import Image, ImageOps, UnidentifiedImageError

from rushes.errors import CorruptMediaError, MediaLimitsError, NotMediaError, UnsupportedFormatError
from rushes.jsonl import atomic_write, storing
from rushes.records import MediaInfo
from rushes.sniff import Sniffed, looks_like, sniff

__all__ = ["MAX_PIXELS", "bake_orientation", "orientation", "preview", "probe_image"]

MAX_PIXELS = 8192 * 8192
"""A larger picture is refused before its pixels are read: a small file can claim gigabytes."""
_ORIENTATION = 0x0112
_DAMAGE = (OSError, ValueError, SyntaxError, LookupError, TypeError, ArithmeticError, EOFError, struct.error)
"""What Pillow raises on damaged content depends on the format and on the damage."""
_FORMATS = {
    ".jpg": ("JPEG",),
    ".png": ("PNG",),
    ".gif": ("GIF",),
    ".webp": ("WEBP",),
    ".bmp": ("BMP",),
    ".tif": ("TIFF",),
    ".jp2": ("JPEG2000",),
    ".avif": ("AVIF",),
    ".heic": ("HEIF", "AVIF"),
}
"""What Pillow may take a file for. It would try others, too: some start programs, or take any bytes for theirs."""
MAX_SCANS = 1000
"""Every one costs as much as the whole picture, and a hundred bytes; phones and editors write about ten."""
_quiet = Lock()
"""Warning filters belong to the whole process: two threads must not put them back in the wrong order."""
# Degrees clockwise by EXIF orientation (CIPA DC-008, 4.6.4); mirrored ones count as the turn that follows the mirror.
_TURNS = {3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270}


def probe_image(path: Path) -> MediaInfo:
    """Returns what an image is, after reading every pixel of it; of an animation, the first frame counts.

    Sizes are those shown upright, EXIF orientation applied.

    Raises:
        NotMediaError: The content is no image.
        UnsupportedFormatError: Pillow does not know the format.
        MediaLimitsError: The picture is larger than `MAX_PIXELS`, or has more layers than any camera writes.
        CorruptMediaError: It is cut off or damaged.
        StorageError: It cannot be read.
    """
    sniffed = _sniff(path)
    with _opened(path, sniffed) as (image, turned):
        # Asked again, because Pillow turns TIFF upright by itself while it reads the pixels.
        width, height = image.size if _orientation(image) < 5 else image.size[::-1]
        return MediaInfo(sniffed.media_type, width, height, rotation=_TURNS.get(turned, 0))


def orientation(path: Path) -> int:
    """Returns the EXIF orientation of an image, 1 (as stored) to 8, from its header.

    Raises:
        The errors of `probe_image`.
    """
    image, turned = _open(path, _sniff(path))
    image.close()
    return turned


def bake_orientation(path: Path, target: Path) -> None:
    """Writes an image with its EXIF orientation carried out: same format and colours, JPEG at quality 95.

    The same image and Pillow give the same bytes. Metadata is gone: it would turn the picture again, and says where it
    was taken.

    Raises:
        DiskFullError: No space is left for the copy.
        The errors of `probe_image`.
    """
    with _opened(path, _sniff(path)) as (image, _):
        upright = ImageOps.exif_transpose(image)
        kept = {"icc_profile": profile} if (profile := image.info.get("icc_profile")) else {}
        # MPO is a phone's JPEG with further pictures behind the first.
        jpeg = image.format in ("JPEG", "MPO")
        for key in ("exif", "xmp", "XML:com.adobe.xmp"):
            upright.info.pop(key, None)
        with storing(target), atomic_write(target) as file:
            upright.save(file, format="JPEG" if jpeg else image.format, **kept, **({"quality": 95} if jpeg else {}))


def preview(path: Path, longest: int) -> Image.Image:
    """Returns a small copy of an image to look at: upright, in 8 bits of RGB, what is transparent in grey.

    Args:
        path: The image.
        longest: Of its two sides, in pixels; smaller images stay as they are.

    Raises:
        The errors of `probe_image`.
    """
    sniffed = _sniff(path)
    with _checked(path, sniffed) as (image, _):
        try:
            image.thumbnail((longest, longest))  # reads a JPEG at a fraction of its size
            small = ImageOps.exif_transpose(image)
        except _DAMAGE as error:
            raise _damaged(path, sniffed, error) from error
        return _to_look_at(small)


def _to_look_at(image: Image.Image) -> Image.Image:
    if image.mode[:1] in ("I", "F"):  # more than 8 bits, of a scale that nothing states
        low, high = image.getextrema()
        scale = 255 / (float(high) - float(low) or 1)  # type: ignore[arg-type]
        return image.convert("F").point(lambda value: (value - float(low)) * scale).convert("RGB")  # type: ignore[arg-type]
    if "A" in image.getbands() or "transparency" in image.info:
        seen = image.convert("RGBA")
        ground = Image.new("RGBA", seen.size, (128, 128, 128, 255))
        return Image.alpha_composite(ground, seen).convert("RGB")
    return image.convert("RGB")


def _sniff(path: Path) -> Sniffed:
    sniffed = sniff(path)
    if sniffed.kind != "image":
        raise NotMediaError(f"{path.name}: expected an image, found {looks_like(sniffed)}. Check what the URL serves.")
    return sniffed


def _orientation(image: Image.Image) -> int:
    try:
        stated = image.getexif().get(_ORIENTATION, 1)
    except _DAMAGE:  # the picture may be whole all the same; browsers show it as stored
        return 1
    return stated if stated in range(1, 9) else 1


@contextmanager
def _opened(path: Path, sniffed: Sniffed) -> Iterator[tuple[Image.Image, int]]:
    """Gives an image whose pixels are all read, and its EXIF orientation."""
    with _checked(path, sniffed) as (image, turned):
        try:
            image.load()
        except _DAMAGE as error:
            raise _damaged(path, sniffed, error) from error
        yield image, turned


@contextmanager
def _checked(path: Path, sniffed: Sniffed) -> Iterator[tuple[Image.Image, int]]:
    """Gives an image whose pixels may be read, and its EXIF orientation."""
    image, turned = _open(path, sniffed)
    with image:
        if image.width * image.height > MAX_PIXELS:
            raise MediaLimitsError(
                f"{path.name}: {image.width}x{image.height} pixels; at most {MAX_PIXELS} in all can be read. "
                "Make it smaller, or leave it out."
            )
        if image.format in ("JPEG", "MPO"):
            _check_scans(path)
        yield image, turned


def _check_scans(path: Path) -> None:
    """Counts what begins with a start of scan, which the coded pixels cannot hold (ITU-T T.81, B.1.1.5)."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        scans, at = 0, content.find(b"\xff\xda")
        while at >= 0 and scans <= MAX_SCANS:
            scans, at = scans + 1, content.find(b"\xff\xda", at + 2)
    if scans > MAX_SCANS:
        raise MediaLimitsError(f"{path.name}: a JPEG of more than {MAX_SCANS} layers. Save it anew, or leave it out.")


def _open(path: Path, sniffed: Sniffed) -> tuple[Image.Image, int]:
    """Reads a header, without the warnings about it: what they mean is said by an error or does no harm."""
    try:
        with _quiet, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(path, formats=_formats(sniffed))
            return image, _orientation(image)
    except Image.DecompressionBombError as error:
        raise MediaLimitsError(
            f"{path.name}: too many pixels; at most {MAX_PIXELS} can be read. Make it smaller, or leave it out."
        ) from error
    except UnidentifiedImageError as error:
        raise _unidentified(path, sniffed) from error
    except _DAMAGE as error:
        raise _damaged(path, sniffed, error) from error


def _formats(sniffed: Sniffed) -> tuple[str, ...]:
    wanted = _FORMATS[sniffed.suffix]
    if not Image.OPEN.keys() >= set(wanted):
        Image.init()
    return tuple(name for name in wanted if name in Image.OPEN)


def _damaged(path: Path, sniffed: Sniffed, error: Exception) -> CorruptMediaError:
    return CorruptMediaError(f"{path.name}: damaged {sniffed.media_type}: {error}. Fetch it again, or leave it out.")


def _unidentified(path: Path, sniffed: Sniffed) -> CorruptMediaError | UnsupportedFormatError:
    Image.init()
    if sniffed.media_type in Image.MIME.values():
        return CorruptMediaError(f"{path.name}: {sniffed.media_type} whose header is damaged. Fetch it again.")
    return UnsupportedFormatError(f"{path.name}: {sniffed.media_type} cannot be read. Convert it to JPEG or PNG.")
