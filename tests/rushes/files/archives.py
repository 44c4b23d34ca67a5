"""Archives made on the spot: honest ones, and some that nobody should unpack."""

from __future__ import annotations

import io
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

Entries = Sequence[tuple[str | zipfile.ZipInfo, bytes]]


def zip_of(entries: Entries | Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    pairs = entries.items() if isinstance(entries, Mapping) else entries
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as packed:
        warnings.simplefilter("ignore")  # of duplicate names, which are wanted
        for name, content in pairs:
            packed.writestr(name, content)
    return buffer.getvalue()


def tar_of(
    files: Mapping[str, bytes], *others: tarfile.TarInfo, mode: str = "w", how: int = tarfile.PAX_FORMAT
) -> bytes:
    """Returns a tar with files, and entries that have no content after them; `mode` is like `w:gz`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=how) as packed:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))
        for info in others:
            packed.addfile(info)
    return buffer.getvalue()


def tree(folder: Path, without: str = "\0") -> dict[str, bytes | None]:
    """Returns everything below a folder; content of files, None for folders."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    kept = {name: path for name, path in found.items() if not name.startswith(without)}
    return {name: path.read_bytes() if path.is_file() else None for name, path in kept.items()}


def special(kind: int, content: bytes = b"x") -> tuple[zipfile.ZipInfo, bytes]:
    """Returns a zip's entry of a file type like `stat.S_IFLNK`."""
    info = zipfile.ZipInfo("odd")
    info.external_attr = (kind | 0o777) << 16
    return info, content


def entry(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """Returns a tar's entry of a type like `tarfile.SYMTYPE`."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def patched(archive: bytes, old: bytes, new: bytes, times: int = -1) -> bytes:
    """Returns an archive with some bytes exchanged, as no library would write it."""
    assert old in archive
    assert len(old) == len(new)
    return archive.replace(old, new, times)


def header(name: str, size_bytes: int, kind: bytes = tarfile.REGTYPE, raw_size: bytes | None = None) -> bytes:
    """Returns the header block of a tar's entry, whose length is whatever is asked for."""
    info = tarfile.TarInfo(name)
    info.size, info.type = size_bytes, kind
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    if raw_size is not None:
        block[124:136] = raw_size
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(content: bytes) -> bytes:
    """Returns content as it stands in a tar, in whole blocks."""
    return content + bytes(-len(content) % 512)


def pax(records: bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    """Returns an extended header with these records."""
    return header("pax", len(records), kind) + padded(records)


def record(key: str, value: str) -> bytes:
    """Returns a record of an extended header, which begins with its own length."""
    text = f" {key}={value}\n".encode()
    length = len(text) + 1
    while len(str(length)) + len(text) != length:
        length += 1
    return str(length).encode() + text


END = bytes(1024)


def quoted_overlap(count: int) -> bytes:
    """Returns a zip each of whose files contains the local header of the next one, quoted, and so all of the rest.

    That is how few bytes become very many without nesting (D. Fifield, A better zip bomb, 2019).
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    kernel = bytes(100_000)
    packed = packer.compress(kernel) + packer.flush()
    bodies, directory = [], []
    crc, plain, tail = zlib.crc32(kernel), kernel, packed
    for number in reversed(range(count)):
        name = b"%04d" % number
        local = _zip_header(b"PK\x03\x04", crc, len(tail), len(plain), name)
        bodies.append(local)
        directory.append((name, crc, len(tail), len(plain)))
        quote = struct.pack("<BHH", 0, len(local), len(local) ^ 0xFFFF)
        plain, tail = local + plain, quote + local + tail
        crc = zlib.crc32(plain)
    return _whole_zip(_overlapping(bodies, packed), directory)


def _overlapping(bodies: Sequence[bytes], packed: bytes) -> tuple[bytes, list[int]]:
    body, starts = b"", []
    for number, local in enumerate(reversed(bodies)):
        if number:
            body += struct.pack("<BHH", 0, len(local), len(local) ^ 0xFFFF)
        starts.append(len(body))
        body += local
    return body + packed, starts


def _whole_zip(placed: tuple[bytes, list[int]], directory: Sequence[tuple[bytes, int, int, int]]) -> bytes:
    body, starts = placed
    central = b"".join(
        _zip_header(b"PK\x01\x02", crc, packed_bytes, plain_bytes, name, start)
        for (name, crc, packed_bytes, plain_bytes), start in zip(reversed(directory), starts, strict=True)
    )
    ending = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, len(starts), len(starts), len(central), len(body), 0)
    return body + central + ending


def _zip_header(signature: bytes, crc: int, packed: int, plain: int, name: bytes, start: int | None = None) -> bytes:
    common = struct.pack("<5H3L2H", 20, 0, 8, 0, 33, crc, packed, plain, len(name), 0)
    if start is None:
        return signature + common + name
    return signature + struct.pack("<H", 20) + common + struct.pack("<3H2L", 0, 0, 0, 0, start) + name
