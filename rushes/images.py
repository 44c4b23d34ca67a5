"""Images: what they are, whether they are whole, and upright copies of those that only ask to be turned."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from rushes.errors import CorruptMediaError, NotMediaError, UnsupportedFormatError
from rushes.jsonl import atomic_write
from rushes.records import MediaInfo
from rushes.sniff import Sniffed, sniff

__all__ = ["MAX_PIXELS", "bake_orientation", "orientation", "probe_image"]

MAX_PIXELS = 8192 * 8192
"""A larger picture is refused before its pixels are read: a small file can claim gigabytes."""
_ORIENTATION = 0x0112
# Degrees clockwise by EXIF orientation (CIPA DC-008, 4.6.4); mirrored ones count as the turn that follows the mirror.
_TURNS = {3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270}


def probe_image(path: Path) -> MediaInfo:
    """Returns what an image is, after reading every pixel of it; of an animation, the first frame counts.

    Sizes are those shown upright, EXIF orientation applied.

    Raises:
        NotMediaError: The content is no image.
        UnsupportedFormatError: Pillow does not know the format, or the picture is larger than `MAX_PIXELS`.
        CorruptMediaError: It is cut off or damaged.
        StorageError: It cannot be read.
    """
    sniffed = _sniff(path)
    with _opened(path, sniffed) as image:
        turned = _orientation(image)
        width, height = image.size if turned < 5 else image.size[::-1]
        return MediaInfo(sniffed.media_type, width, height, rotation=_TURNS.get(turned, 0))


def orientation(path: Path) -> int:
    """Returns the EXIF orientation of an image, 1 (as stored) to 8, from its header.

    Raises:
        The errors of `probe_image`.
    """
    with _open(path, _sniff(path)) as image:
        return _orientation(image)


def bake_orientation(path: Path, target: Path) -> None:
    """Writes an image with its EXIF orientation carried out: same format and colours, JPEG at quality 95.

    The same image and Pillow give the same bytes. Metadata is gone: it would turn the picture again, and says where it
    was taken.

    Raises:
        The errors of `probe_image`.
    """
    with _opened(path, _sniff(path)) as image:
        upright = ImageOps.exif_transpose(image)
        kept = {"icc_profile": profile} if (profile := image.info.get("icc_profile")) else {}
        # MPO is a phone's JPEG with further pictures behind the first.
        jpeg = image.format in ("JPEG", "MPO")
        for key in ("exif", "xmp", "XML:com.adobe.xmp"):
            upright.info.pop(key, None)
        with atomic_write(target) as file:
            upright.save(file, format="JPEG" if jpeg else image.format, **kept, **({"quality": 95} if jpeg else {}))


def _sniff(path: Path) -> Sniffed:
    sniffed = sniff(path)
    if sniffed.kind != "image":
        raise NotMediaError(f"{path.name}: expected an image, found {sniffed.media_type}. Check what the URL serves.")
    return sniffed


def _orientation(image: Image.Image) -> int:
    stated = image.getexif().get(_ORIENTATION, 1)
    return stated if stated in range(1, 9) else 1


@contextmanager
def _opened(path: Path, sniffed: Sniffed) -> Iterator[Image.Image]:
    """Gives an image whose pixels are all read."""
    with _open(path, sniffed) as image:
        if image.width * image.height > MAX_PIXELS:
            raise UnsupportedFormatError(
                f"{path.name}: {image.width}x{image.height} pixels; at most {MAX_PIXELS} in all can be read."
            )
        try:
            image.load()
        # What Pillow's decoders raise on damaged content depends on the format.
        except (OSError, ValueError, SyntaxError, IndexError, EOFError) as error:
            raise CorruptMediaError(
                f"{path.name}: damaged {sniffed.media_type}: {error}. Fetch it again, or leave it out."
            ) from error
        yield image


def _open(path: Path, sniffed: Sniffed) -> Image.Image:
    try:
        with warnings.catch_warnings():
            # Pillow warns at a limit of its own, below ours.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(path)
    except Image.DecompressionBombError as error:
        raise UnsupportedFormatError(
            f"{path.name}: more pixels than can be read; at most {MAX_PIXELS} in all."
        ) from error
    except UnidentifiedImageError as error:
        raise _unidentified(path, sniffed) from error
    except (OSError, ValueError, SyntaxError) as error:
        raise CorruptMediaError(
            f"{path.name}: damaged {sniffed.media_type}: {error}. Fetch it again, or leave it out."
        ) from error


def _unidentified(path: Path, sniffed: Sniffed) -> CorruptMediaError | UnsupportedFormatError:
    Image.init()
    if sniffed.media_type in Image.MIME.values():
        return CorruptMediaError(f"{path.name}: {sniffed.media_type} whose header is damaged. Fetch it again.")
    return UnsupportedFormatError(f"{path.name}: {sniffed.media_type} cannot be read. Convert it to JPEG or PNG.")
