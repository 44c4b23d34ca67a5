"""Feeds readers of dataset formats with damaged datasets, for as long as it is told to.

    .venv/bin/python -m tests.fuzz voc --minutes 10

It starts from the seeds in `tests/fuzz_seeds/<reader>`, damages one file of a seed a time in one way or several, and
reads the dataset to its end. An error that is not ours, a read of more than `LIMIT_S` seconds, or one that takes more
than `LIMIT_BYTES` of memory stops it; what it read is kept under `--keep`. The same `--seed` does the same.
"""

from __future__ import annotations

import argparse
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rushes.datasets import read_dataset
from rushes.errors import RushesError

SEEDS = Path(__file__).parent / "fuzz_seeds"
"""A folder for each reader of `rushes.datasets`, and in it a folder for each seed."""
LIMIT_S = 20.0
LIMIT_BYTES = 3 * 2**30
_TOKENS = (
    *(b"0", b"-1", b"1e999", b"NaN", b"null", b"true", b"1_0", b"9" * 400, b"2147483648", b"0.1", b'"', b"'", b"\\"),
    *(b"{", b"}", b"[", b"]", b"[" * 5000, b'{"a":' * 3000, b"<a>" * 5000, b"<", b">", b"&amp;", b"&x;", b"<!--"),
    *(b'<!DOCTYPE a [<!ENTITY x "y">]>', b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\n", b"\r", b","),
    *(b"../../", b"/", b"C:\\", b"\xf0\x9f\x98\x80", b"e\xcc\x81", b" " * 5000, b"\\ud800", b"-", b"."),
)


def damaged(content: bytes, chance: random.Random, tokens: Sequence[bytes]) -> bytes:
    """Returns a content with a few things wrong in it."""
    for _ in range(chance.choice((1, 1, 1, 2, 4, 8))):
        at, to = sorted(chance.randrange(len(content) + 1) for _ in range(2))
        to = min(to, at + chance.choice((1, 4, 40, 4000)))
        piece = content[at:to]
        put = chance.choice(
            (
                b"",
                chance.choice(tokens),
                piece * chance.choice((2, 3, 50)),
                bytes(byte ^ 1 << chance.randrange(8) for byte in piece[:4]),
                chance.randbytes(len(piece)),
            )
        )
        content = content[:at] + put + content[to if chance.random() < 0.7 else at :]
    return content


def fuzz(name: str, minutes: float, seed: int, keep: Path) -> int:
    """Reads damaged datasets; returns how many."""
    chance, done = random.Random(seed), 0
    seeds = sorted(path for path in (SEEDS / name).iterdir() if path.is_dir())
    end = time.monotonic() + minutes * 60
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "data"
        while time.monotonic() < end:
            _prepare(chance.choice(seeds), target, chance)
            began = time.monotonic()
            try:
                for _ in read_dataset(target, name).items:
                    pass
            except RushesError as error:
                if not str(error):
                    raise
            except BaseException:
                shutil.copytree(target, keep / f"{name}-{seed}-{done}", dirs_exist_ok=True)
                raise
            done += 1
            if time.monotonic() - began > LIMIT_S:
                shutil.copytree(target, keep / f"{name}-{seed}-{done}-slow", dirs_exist_ok=True)
                raise TimeoutError(f"{name}, seed {seed}, number {done}: more than {LIMIT_S} s")
    return done


def _prepare(seed: Path, target: Path, chance: random.Random) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(seed, target)
    files = sorted(path for path in target.rglob("*") if path.is_file())
    path = chance.choice(files)
    path.write_bytes(damaged(path.read_bytes(), chance, _TOKENS))
    if chance.random() < 0.1:
        path.rename(path.with_name(chance.choice(("x", "a.xml", "metadata.csv", "train.txt", "car_val.txt", "b.tar"))))


def main() -> None:
    """Reads the command line, and says what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reader", choices=sorted(path.name for path in SEEDS.iterdir()))
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-found"))
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
    done = fuzz(options.reader, options.minutes, options.seed, options.keep)
    sys.stdout.write(f"{options.reader}: {done} damaged datasets, none of which did more than raise an error of ours\n")


if __name__ == "__main__":
    main()
