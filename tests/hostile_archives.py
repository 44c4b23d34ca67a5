"""Hostile archives, one a line: what is tried, the bytes that try it, and why they are refused.

The tests run them; `python -m tests.hostile_archives` prints them as the table of `docs/archives.md`.
"""

from __future__ import annotations

import gzip
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from typing import NamedTuple

from tests.rushes.files.archives import (
    END,
    entry,
    header,
    padded,
    patched,
    pax,
    quoted_overlap,
    record,
    special,
    tar_of,
    zip_of,
)

__all__ = ["CASES", "GOOD", "LIMITS", "Case", "table"]

GOOD = {"a.txt": b"good", "set/b.txt": b"better"}
LIMITS = {"max_files": 50, "max_bytes": 64 * 2**20, "max_ratio": 100}
ZEROS = bytes(16 * 2**20)


def with_name(name: str) -> bytes:
    return zip_of({**GOOD, name: b"x"})


def with_nul() -> bytes:
    return patched(with_name("good.pngX.exe"), b"good.pngX", b"good.png\0")


def with_wrong_utf8() -> bytes:
    return patched(with_name("ü.txt"), "ü".encode(), b"\xff\xff")


def with_two_names() -> bytes:
    """The directory says one name, and the file itself another."""
    return patched(with_name("safe.png"), b"safe.png", b"../x.png", 1)


def with_lie(field: int, value: int) -> bytes:
    """A zip of a file whose directory entry and header state another length."""
    packed = zip_of({"a": bytes(1000) + b"\1"})
    for signature, offset in ((b"PK\x03\x04", 18), (b"PK\x01\x02", 20)):
        place = packed.index(signature) + offset + field
        packed = packed[:place] + struct.pack("<L", value) + packed[place + 4 :]
    return packed


def encrypted() -> bytes:
    packed = bytearray(zip_of(GOOD))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(signature) + offset] |= 1
    return bytes(packed)


def one_body_twice() -> bytes:
    """Two entries of a directory lead to the same bytes, as in the first zip bombs without nesting."""
    packed = zip_of([("a", b"x" * 100), ("b", b"x" * 100)], zipfile.ZIP_STORED)
    second = packed.index(b"PK\x03\x04", 1)
    place = packed.rindex(b"PK\x01\x02") + 42
    assert packed[place : place + 4] == struct.pack("<L", second)
    return patched(packed, b"b" + b"x" * 100, b"a" + b"x" * 100)[:place] + struct.pack("<L", 0) + packed[place + 4 :]


def crowded_directory() -> bytes:
    """A zip whose end says that there is one entry, before a directory of many."""
    packed = zip_of({f"{number}": b"" for number in range(2000)})
    return packed[:-14] + struct.pack("<2H", 1, 1) + packed[-10:]


def sparse() -> bytes:
    """A file of a terabyte in three blocks."""
    info = tarfile.TarInfo("big")
    info.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.map": f"{10**12},0"}
    info.pax_headers |= {"GNU.sparse.size": str(10**12), "GNU.sparse.name": "big"}
    return tar_of({}, info)


def gzip_with_wrong_sum() -> bytes:
    packed = bytearray(tar_of(GOOD, mode="w:gz"))
    packed[-8] ^= 0xFF
    return bytes(packed)


class Case(NamedTuple):
    """One hostile archive.

    Attributes:
        what: What it tries, unique.
        make: Makes it.
        said: What its message holds, as a regular expression.
    """

    what: str
    make: Callable[[], bytes]
    said: str


NAMES = [
    Case("`../evil`", lambda: with_name("../evil"), "leads out"),
    Case("`a/../../evil`", lambda: with_name("a/../../evil"), "leads out"),
    Case("`a/..`", lambda: with_name("a/.."), "leads out"),
    Case("thirty times `../`", lambda: with_name("../" * 30 + "etc/cron.d/evil"), "leads out"),
    Case("`../evil/`, a folder", lambda: with_name("../evil/"), "leads out"),
    Case("`/etc/evil`", lambda: with_name("/etc/evil"), "leads out"),
    Case("`//host/share/evil`", lambda: with_name("//host/share/evil"), "leads out"),
    Case(r"`..\..\evil`", lambda: with_name("..\\..\\evil"), "leads out"),
    Case(r"`a\../..\evil`", lambda: with_name("a\\../..\\evil"), "leads out"),
    Case(r"`\evil`", lambda: with_name("\\evil"), "leads out"),
    Case(r"`C:\evil`", lambda: with_name("C:\\evil"), "has a drive"),
    Case("`c:evil`", lambda: with_name("c:evil"), "has a drive"),
    Case(r"`\\?\C:\evil`", lambda: with_name("\\\\?\\C:\\evil"), "leads out"),
    Case("a name with NUL at its beginning", lambda: patched(with_name("Xevil"), b"Xevil", b"\0evil"), "has no name"),
    Case("a name with NUL in it", with_nul, "has a NUL"),
    Case("a name that is not the UTF-8 that it says it is", with_wrong_utf8, "not a zip archive that can be unpacked"),
    Case("`.`", lambda: with_name("."), "has no name"),
    Case("a name of 5,000 letters", lambda: with_name("a" * 5000), "more than 4096 characters"),
    Case("one name in the directory, and another one at the file", with_two_names, "differ"),
    Case("a name twice", lambda: zip_of([("a", b"1"), ("a", b"2")]), "stands in it twice"),
    Case("`s/a` and `s/./a`", lambda: zip_of([("s/a", b"1"), ("s/./a", b"2")]), "stands in it twice"),
    Case("tar: `../evil`", lambda: tar_of({**GOOD, "../evil": b"x"}), "leads out"),
    Case("tar: `../evil/`, a folder", lambda: tar_of(GOOD, entry("../evil", tarfile.DIRTYPE)), "leads out"),
    Case("tar: `/etc/evil`", lambda: tar_of({**GOOD, "/etc/evil": b"x"}), "leads out"),
    Case(r"tar: `..\evil`", lambda: tar_of({**GOOD, "..\\evil": b"x"}), "leads out"),
    Case("tar: `a` and `./a`", lambda: tar_of({"a": b"1", "./a": b"2"}), "stands in it twice"),
    Case("tar: a name with NUL in it", lambda: pax(record("path", "a\0b")) + header("a", 0) + END, "has a NUL"),
    Case("tar: a name that is no UTF-8", lambda: tar_of({"a\udcff": b""}, how=tarfile.GNU_FORMAT), "not in UTF-8"),
]

KINDS = [
    Case("a link", lambda: zip_of([special(stat.S_IFLNK, b"/etc/passwd")]), "is a link or a device"),
    Case("a device", lambda: zip_of([special(stat.S_IFBLK)]), "is a link or a device"),
    Case("a pipe", lambda: zip_of([special(stat.S_IFIFO)]), "is a link or a device"),
    Case("an encrypted file", encrypted, "is encrypted"),
    Case("a file packed by lzma", lambda: zip_of(GOOD, zipfile.ZIP_LZMA), "packed by method 14"),
    Case(
        "tar: a link to `../../etc/passwd`",
        lambda: tar_of(GOOD, entry("l", tarfile.SYMTYPE, "../../etc/passwd")),
        "link that leads out",
    ),
    Case(
        "tar: a link to `/etc/passwd`",
        lambda: tar_of(GOOD, entry("l", tarfile.SYMTYPE, "/etc/passwd")),
        "link that leads out",
    ),
    Case(
        "tar: a link from `a/b/l` to `c/../../../..`",
        lambda: tar_of(GOOD, entry("a/b/l", tarfile.SYMTYPE, "c/../../../..")),
        "link that leads out",
    ),
    Case(
        "tar: a hard link to `../secret`",
        lambda: tar_of(GOOD, entry("l", tarfile.LNKTYPE, "../secret")),
        "link that leads out",
    ),
    Case(
        "tar: a hard link to `/etc/passwd`",
        lambda: tar_of(GOOD, entry("l", tarfile.LNKTYPE, "/etc/passwd")),
        "link that leads out",
    ),
    Case("tar: a character device", lambda: tar_of(GOOD, entry("null", tarfile.CHRTYPE)), "is a device"),
    Case("tar: a block device", lambda: tar_of(GOOD, entry("sda", tarfile.BLKTYPE)), "is a device"),
    Case("tar: a pipe", lambda: tar_of(GOOD, entry("pipe", tarfile.FIFOTYPE)), "is a device"),
    Case("tar: an entry of an unknown kind", lambda: tar_of(GOOD, entry("odd", b"V")), "is a device"),
    Case("tar: a sparse file of a terabyte", sparse, "is a sparse file"),
]

_RATIO = "more than 100 times its size"
BOMBS = [
    Case("16 MiB of zeros in 16 KiB", lambda: zip_of({"a": ZEROS}), _RATIO),
    Case("the same in many small files", lambda: zip_of({f"{n}": bytes(2**20) for n in range(12)}), _RATIO),
    Case("more files than `max_files`", lambda: zip_of({f"{number}": b"x" for number in range(51)}), "at most 50"),
    Case("more bytes than `max_bytes`", lambda: zip_of({f"{n}": bytes(2**20) for n in range(65)}, 0), "at most"),
    Case("two entries with one body", one_body_twice, "overlap"),
    Case("entries that quote each other's headers", lambda: quoted_overlap(40), "overlap"),
    Case("thousands of entries, and a count of one", crowded_directory, "at most 50"),
    Case("tar.gz: 16 MiB of zeros", lambda: tar_of({"a": ZEROS}, mode="w:gz"), _RATIO),
    Case("tar.bz2: 16 MiB of zeros", lambda: tar_of({"a": ZEROS}, mode="w:bz2"), _RATIO),
    Case("tar.xz: 16 MiB of zeros", lambda: tar_of({"a": ZEROS}, mode="w:xz"), _RATIO),
    Case("tar.gz: 16 MiB of zeros behind the end mark", lambda: gzip.compress(tar_of(GOOD) + ZEROS), _RATIO),
    Case("tar.gz: 16 MiB of zeros that are left out", lambda: tar_of({"._a": ZEROS}, mode="w:gz"), _RATIO),
    Case("tar: more files than `max_files`", lambda: tar_of({f"{n}": b"" for n in range(51)}), "at most 50"),
    Case("tar: more folders than `max_files`", lambda: tar_of(GOOD, *[entry("d", tarfile.DIRTYPE)] * 50), "at most 50"),
    Case(
        "tar: more bytes than `max_bytes`",
        lambda: tar_of({f"{n}": bytes(2**20) for n in range(49)} | {"b": ZEROS}),
        "max_bytes",
    ),
    Case(
        "tar: a header of 8 GiB",
        lambda: header("pax", 2**33, tarfile.XHDTYPE) + bytes(4096),
        "which no archive has",
    ),
    Case("tar: a name of a terabyte", lambda: header("n", 2**40, tarfile.GNUTYPE_LONGNAME) + END, "which no archive"),
    Case(
        "tar: headers for the whole archive without end",
        lambda: pax(record("comment", "x" * 60_000), tarfile.XGLTYPE) * 10 + header("a", 0) + END,
        "which no archive has",
    ),
    Case(
        "tar: headers of headers of headers",
        lambda: pax(record("a", "b")) * 2000 + header("a", 0) + END,
        "which no archive has|not a tar",
    ),
    Case("tar: a number of 200,000 digits", lambda: pax(b"1" * 200_000) + header("a", 0) + END, "thousand digits"),
    Case(
        "tar: a list of holes without end",
        lambda: (
            pax(record("GNU.sparse.major", "1") + record("GNU.sparse.minor", "0"))
            + header("a", 2**30)
            + padded(b"999999999\n" + b"0\n" * 500_000)
            + END
        ),
        "which no archive has",
    ),
]

_BACK = "below zero|points back|not a tar"
DAMAGE = [
    Case("a file that is shorter than is stated", lambda: with_lie(4, 5000), "is 1001 bytes, not 5000"),
    Case("a file that is longer than is stated", lambda: with_lie(4, 10), "Bad CRC"),
    Case("a file that goes on beyond the end", lambda: with_lie(0, 10**9), "overlap"),
    Case("a wrong checksum", lambda: patched(zip_of({"a": b"AAAA"}, 0), b"AAAA", b"ABAA"), "Bad CRC"),
    Case("no end", lambda: zip_of(GOOD)[:-30], "not a zip archive"),
    Case("no entry at all", lambda: zip_of({}), "without a single file"),
    Case("folders only", lambda: zip_of({"a/": b""}), "without a single file"),
    Case(
        "what a system leaves behind, only",
        lambda: zip_of({"__MACOSX/._a.png": b"x", ".DS_Store": b"x"}),
        "without a single file",
    ),
    Case("tar: a file that goes on beyond the end", lambda: header("a", 10**9) + padded(b"x") + END, "cut off"),
    Case(
        "tar: a file of less than no bytes",
        lambda: header("b", 512) + bytes(512) + header("a", 0, raw_size=b"\xff" * 10 + b"\xfc\x00") + END,
        _BACK,
    ),
    Case("tar: the same, in other words", lambda: pax(record("size", "-1536")) + header("a", 0) + END, _BACK),
    Case(
        "tar: a damaged header between two files",
        lambda: tar_of({"a": b"x"})[:1024] + b"\1" * 512 + tar_of({"b": b"y"}),
        "before its end mark",
    ),
    Case("tar: an end in the middle of a file", lambda: tar_of({"a": b"x" * 2000})[:1500], "cut off"),
    Case(
        "tar: an end between two files",
        lambda: tar_of({"a": bytes(512)}, how=tarfile.USTAR_FORMAT)[:1024],
        "before its end mark",
    ),
    Case("tar.gz: no end", lambda: tar_of({"a": bytes(range(256)) * 99}, mode="w:gz")[:-20], "damaged"),
    Case("tar.gz: a wrong checksum", gzip_with_wrong_sum, "damaged"),
    Case("tar.xz: no end", lambda: tar_of(GOOD, mode="w:xz")[:-20], "damaged"),
    Case("tar: links only", lambda: tar_of({}, entry("l", tarfile.SYMTYPE, "a")), "without a single file"),
]

GROUPS = {
    "Names": NAMES,
    "Links, devices and the like": KINDS,
    "Bombs": BOMBS,
    "Damage, lies and nothing": DAMAGE,
}
CASES = [case for group in GROUPS.values() for case in group]


def table() -> str:
    """Returns the cases as a table in Markdown."""
    rows = [f"| {name} | {'; '.join(case.what for case in group)} |" for name, group in GROUPS.items()]
    return "\n".join(["| What is tried | Cases |", "|---|---|", *rows]) + "\n"


if __name__ == "__main__":
    print(table(), end="")  # noqa: T201 - it is what the command is for
