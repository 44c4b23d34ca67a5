"""Three hundred items of every kind that an ingest meets, and the server that has them, for good or for ill."""

from __future__ import annotations

import hashlib
import io
import random
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipInfo

from PIL import Image

from tests import http_server as web
from tests.http_server import Answer
from tests.rushes.files.archives import tar_of, zip_of

COUNT = 300

Row = dict[str, object]


@dataclass
class Mixture:
    """Rows of a source file, and what the server answers to each; rows get their URLs from `rows`."""

    routes: dict[str, Answer] = field(default_factory=dict)
    _rows: list[Row] = field(default_factory=list)

    def add(self, answer: Answer | None, path: str = "", **row: object) -> str:
        """Adds an item, and returns its path."""
        number = len(self._rows)
        path = path or f"/{number:03d}.bin"
        if answer is not None:
            self.routes[path] = answer
        self._rows.append({"id": f"item-{number:03d}", "url": path} | row)
        return path

    def repeat(self, number: int) -> None:
        """Adds a row once more, as it is."""
        self._rows.append(self._rows[number])

    def fill(self, make: Callable[[int], Answer]) -> None:
        """Adds items until there are enough."""
        while len(self._rows) < COUNT:
            self.add(make(len(self._rows)))

    def rows(self, base: str) -> list[Row]:
        """Returns the rows, shuffled the same way each time, with URLs at a server."""
        rows = [row | {"url": base + str(row["url"])} if row["url"] else row for row in self._rows]
        random.Random(3).shuffle(rows)
        return rows


def mixture(clip: bytes) -> Mixture:
    """Returns the items; the same each time.

    Args:
        clip: A video.
    """
    mixed, pictures = Mixture(), _pictures()
    _plain(mixed, pictures, clip)
    _roundabout(mixed, pictures)
    _packed(mixed, pictures)
    _shaky(mixed, pictures)
    _broken(mixed, pictures)
    mixed.fill(lambda number: web.validated(next(pictures), f'"{number}"'))
    return mixed


def clip(path: Path) -> bytes:
    """Makes a short video, and returns its bytes."""
    from rushes.video.binaries import find

    made = ["-f", "lavfi", "-i", "testsrc2=s=96x64:d=0.4:r=10", "-c:v", "mpeg4", "-threads", "1", str(path)]
    subprocess.run([str(find("ffmpeg")), "-v", "error", *made], check=True)
    return path.read_bytes()


def _plain(mixed: Mixture, pictures: Iterator[bytes], clip: bytes) -> None:
    """Adds what servers send as they should: small and large, with and without checksums and validators."""
    for body in islice(pictures, 50):
        mixed.add(web.ok(body), checksum=f"sha256:{hashlib.sha256(body).hexdigest()}")
    for body in islice(pictures, 30):
        mixed.add(web.ok(body))
    for number in range(6):
        mixed.add(_large(number))
    for number in range(20):
        mixed.add(web.ranged(_noise(number, 150), ETag=f'"middle-{number}"'))
    for number in range(5):
        mixed.add(web.ok(_turned(number)))
    for number in range(3):
        mixed.add(web.ok(clip + bytes(number)))


def _roundabout(mixed: Mixture, pictures: Iterator[bytes]) -> None:
    """Adds what is encoded, stands elsewhere, or is had twice."""
    for body in islice(pictures, 15):
        mixed.add(web.gzipped(body))
    for number, body in enumerate(islice(pictures, 20)):
        mixed.routes[f"/elsewhere/{number}"] = web.ok(body)
        mixed.add(web.redirect(f"/elsewhere/{number}", (301, 302, 303, 307, 308)[number % 5]))
    for path in [mixed.add(web.validated(body, '"twice"')) for body in islice(pictures, 5)]:
        mixed.add(None, path)
    for body in [next(pictures)] * 5:
        mixed.add(web.ok(body))
    for number in range(5):
        mixed.repeat(number)


def _packed(mixed: Mixture, pictures: Iterator[bytes]) -> None:
    """Adds archives: sound ones, small and large, and some that nobody should unpack."""

    def entries(count: int) -> list[tuple[ZipInfo, bytes]]:
        return [(ZipInfo(f"{number}.png"), body) for number, body in enumerate(islice(pictures, count))]

    for _ in range(3):
        mixed.add(web.ok(zip_of(entries(5))))
    for _ in range(2):
        mixed.add(web.ok(tar_of({f"in/{info.filename}": body for info, body in entries(4)})))
    large = [(ZipInfo(f"{number}.bmp"), _noise(500 + number, 400)) for number in range(8)]
    mixed.add(web.ranged(zip_of(large, ZIP_STORED), ETag='"archive"'))
    mixed.add(web.ok(zip_of([*entries(3), (ZipInfo("../../outside.png"), next(pictures))])))
    bomb = ZipInfo("bomb.png")
    bomb.compress_type = ZIP_DEFLATED
    mixed.add(web.ok(zip_of([*entries(1), (bomb, bytes(20_000_000))])))
    mixed.add(web.ok(zip_of(entries(20))[:-30]))


def _shaky(mixed: Mixture, pictures: Iterator[bytes]) -> None:
    """Adds what arrives when asked again."""
    for number in range(10):
        body = _noise(100 + number, 200)
        whole = web.ranged(body, ETag=f'"cut-{number}"')
        mixed.add(web.after(1, web.truncated(body, 60_000, ETag=f'"cut-{number}"'), whole))
    for first in [web.reset, web.truncated] * 5:
        body = next(pictures)
        mixed.add(web.after(1, first(body, 40), web.ok(body)))
    for first_answer in [web.status(500), web.slammed] * 4 + [web.status(429, Retry_After=1)] * 2:
        mixed.add(web.after(1, first_answer, web.ok(next(pictures))))


def _broken(mixed: Mixture, pictures: Iterator[bytes]) -> None:
    """Adds what never arrives, or should not have."""
    for code in [404] * 15 + [410] * 3 + [403] * 2:
        mixed.add(web.status(code))
    for number in range(8):
        mixed.add(web.validated(next(pictures), f'"wrong-{number}"'), checksum="0" * 64)
    for number in range(8):
        mixed.add(web.page(f"<!doctype html><title>Page {number}</title>"))
    for number in range(4):
        mixed.add(web.ok(_noise(200 + number, 50)[:3000]))
    for answer in (web.slammed, web.truncated(bytes(9000), 5000), web.status(503), web.redirect("/loop")):
        mixed.add(answer)
    mixed.routes["/loop"] = web.redirect("/loop")
    mixed.add(web.redirect("http://127.0.0.2:1/inside"))
    mixed.add(None, "", url="")


def _pictures() -> Iterator[bytes]:
    """Yields small pictures, no two of them alike."""
    random_ = random.Random(1)
    while True:
        side = random_.randrange(8, 40)
        yield _encoded(Image.frombytes("RGB", (side, side), random_.randbytes(3 * side * side)), "PNG")


def _noise(seed: int, side: int) -> bytes:
    """Returns a picture of about 3 x side x side bytes."""
    return _encoded(Image.frombytes("RGB", (side, side), random.Random(seed).randbytes(3 * side * side)), "BMP")


def _large(seed: int) -> Answer:
    """Sends a few megabytes, in pieces with pauses, and the rest of them to who asks for it."""
    body, tag = _noise(300 + seed, 1000), f'"large-{seed}"'

    def answer(handler: web.Handler) -> None:
        if "Range" in handler.headers:
            web.ranged(body, ETag=tag)(handler)
        else:
            web.steady(body, 1 << 19, 0.03, ETag=tag)(handler)

    return answer


def _turned(seed: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.frombytes("RGB", (60, 40), random.Random(400 + seed).randbytes(7200))
    return _encoded(picture, "JPEG", exif=exif)


def _encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


__all__ = ["COUNT", "Mixture", "clip", "mixture"]
