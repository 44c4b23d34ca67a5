"""Verifying a dataset: judged by `sha256sum`, and told what was tampered with."""

import hashlib
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rushes.errors import ConfigError
from rushes.files.sums import checksum_lines, read_sums, sort_sums
from rushes.summary.verify import Verification, verify_dataset
from rushes.workspace import Workspace
from tests.rushes import runs
from tests.rushes.runs import png

NAMES = ["images/train/a.jpg", "labels/train/a.txt", "odd \\ name.txt", "line\nbreak.txt", "ünïcode  spaces.txt", "-x"]


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    folder = tmp_path / "dataset"
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode() * 50)
    digests = {name: hashlib.sha256(name.encode() * 50).hexdigest() for name in NAMES}
    with (folder / "checksums.sha256").open("w", newline="") as file:
        file.writelines(checksum_lines(digests))
    (folder / "export_summary.json").write_text("{}")
    return folder


def test_an_untouched_dataset_is_intact_to_us_and_to_sha256sum(dataset: Path) -> None:
    assert verify_dataset(dataset).intact
    judged = subprocess.run(["sha256sum", "--strict", "-c", "checksums.sha256"], cwd=dataset, capture_output=True)
    assert judged.returncode == 0, judged.stderr


def test_each_kind_of_tampering_is_named(dataset: Path) -> None:
    flipped = bytearray((dataset / NAMES[0]).read_bytes())
    flipped[7] ^= 1
    (dataset / NAMES[0]).write_bytes(flipped)
    (dataset / NAMES[1]).unlink()
    (dataset / "images" / "extra.jpg").write_bytes(b"x")
    found = verify_dataset(dataset)
    assert found.changed == (NAMES[0],)
    assert found.missing == (NAMES[1],)
    assert found.extra == ("images/extra.jpg",)
    assert not found.intact


@settings(max_examples=200)
@given(
    st.dictionaries(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1), st.just("0" * 64)
    )
)
def test_any_file_name_survives_writing_and_reading_the_list(digests: dict[str, str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        with (Path(folder) / "checksums.sha256").open("w", encoding="utf-8", newline="") as file:
            file.writelines(checksum_lines(digests))
        assert read_sums(Path(folder) / "checksums.sha256") == digests


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"]), max_size=2), st.sampled_from("abc"))))
def test_sums_are_sorted_in_parts_as_they_would_be_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pairs: list[tuple[str, str]]
) -> None:
    monkeypatch.setattr("rushes.files.sums._SORTED_AT_A_TIME", 3)
    assert list(sort_sums(pairs, tmp_path)) == sorted(dict(pairs).items())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_dataset_is_bad_usage(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a list of sha256 checksums"):
        verify_dataset(tmp_path)


A, B = "images/train/a.png", "images/train/b.png"
LABELS = "labels/train/a.txt"


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset as a run writes it; the size of its files differs."""
    folder = tmp_path_factory.mktemp("made")
    for number, name in enumerate("abc"):
        png(folder / f"{name}.png", f"#{number}{number}4488", (32 + 8 * number, 24))
    rows: list[dict[str, object]] = [{"id": name, "url": f"{name}.png", "label": "cat"} for name in "abc"]
    rows[0] |= {"annotations": [{"class": "dog", "box": [1, 2, 8, 9]}]}
    config = runs.settings(Workspace(folder / "work"), rows, export={"split": {"train": 1.0}, "media": "copy"})
    runs.run(config, Workspace(folder / "work"))
    return Path(config.output_place)


@pytest.fixture
def made(pristine: Path, tmp_path: Path) -> Path:
    subprocess.run(["cp", "-r", pristine, tmp_path / "copy"], check=True)
    return tmp_path / "copy"


def flip(path: Path, place: int = 40) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x")


def swap(one: Path, other: Path) -> None:
    beside = one.with_name("beside")
    one.rename(beside)
    other.rename(one)
    beside.rename(other)


def link(path: Path) -> None:
    path.rename(path.with_name("aside.png"))
    path.symlink_to("aside.png")


def instead(path: Path, make: Callable[[Path], None]) -> None:
    path.unlink()
    make(path)


def move_away(folder: Path) -> None:
    """Puts a folder elsewhere and a link in its place, as people do whose disk is full."""
    elsewhere = folder.parent.with_name("elsewhere")
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)


def relist(dataset: Path, name: str, digest: str | None = None) -> None:
    """Forges a line of the checksums, so that it fits the file; or any other digest, or none with an empty one."""
    listed = read_sums(dataset / "checksums.sha256")
    listed[name] = hashlib.sha256((dataset / name).read_bytes()).hexdigest() if digest is None else digest
    digests = {path: found for path, found in listed.items() if found}
    (dataset / "checksums.sha256").write_text("".join(checksum_lines(digests)))


def forge(dataset: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Changes the first row of the manifest, and its line in the checksums."""
    first, *others = (dataset / "manifest.jsonl").read_text().splitlines(keepends=True)
    row = json.loads(first)
    change(row)
    (dataset / "manifest.jsonl").write_text("".join([json.dumps(row, separators=(",", ":")) + "\n", *others]))
    relist(dataset, "manifest.jsonl")


def named(found: Verification) -> dict[str, Any]:
    """Returns the kinds of difference that there are."""
    kinds = ("missing", "changed", "extra", "renamed", "swapped", "replaced", "contradicted")
    return {kind: [*getattr(found, kind)] for kind in kinds if getattr(found, kind)}


TAMPERED: dict[str, tuple[Callable[[Path], object], dict[str, Any]]] = {
    "a bit": (lambda folder: flip(folder / A), {"changed": [A]}),
    "the end": (lambda folder: os.truncate(folder / A, 50), {"changed": [A]}),
    "everything": (lambda folder: os.truncate(folder / LABELS, 0), {"changed": [LABELS]}),
    "more": (lambda folder: append(folder / B), {"changed": [B]}),
    "gone": (lambda folder: (folder / A).unlink(), {"missing": [A]}),
    "new": (lambda folder: png(folder / "images/train/z.png"), {"extra": ["images/train/z.png"]}),
    "another name": (
        lambda folder: (folder / A).rename(folder / "images/train/z.png"),
        {"renamed": [(A, "images/train/z.png")]},
    ),
    "over another": (lambda folder: (folder / A).rename(folder / B), {"missing": [A], "changed": [B]}),
    "two": (lambda folder: swap(folder / A, folder / B), {"swapped": [(A, B)]}),
    "a link": (
        lambda folder: link(folder / A),
        {"replaced": [(A, "a symbolic link")], "extra": ["images/train/aside.png"]},
    ),
    "a pipe": (
        lambda folder: instead(folder / A, os.mkfifo),
        {"replaced": [(A, "a device, a pipe or a socket")]},
    ),
    "a folder": (lambda folder: instead(folder / A, os.mkdir), {"replaced": [(A, "a folder")]}),
    "a folder's link": (lambda folder: move_away(folder / "images"), {"replaced": [("images", "a symbolic link")]}),
    "the manifest": (lambda folder: append(folder / "manifest.jsonl"), {"changed": ["manifest.jsonl"]}),
    "the list": (  # of which the first line is no line any more
        lambda folder: flip(folder / "checksums.sha256", 64),
        {"changed": ["checksums.sha256"], "extra": ["README.md"]},
    ),
    "no list": (lambda folder: (folder / "checksums.sha256").unlink(), {"missing": ["checksums.sha256"]}),
    "no manifest": (lambda folder: (folder / "manifest.jsonl").unlink(), {"missing": ["manifest.jsonl"]}),
}


@pytest.mark.parametrize("kind", TAMPERED)
def test_tampering_of_each_kind_has_its_name(made: Path, kind: str) -> None:
    assert named(verify_dataset(made)) == {}
    tamper, expected = TAMPERED[kind]
    tamper(made)
    found = verify_dataset(made)
    assert named(found) == expected
    assert not found.intact


def test_what_changed_is_said_with_its_length_and_whose_bytes_it_has(made: Path) -> None:
    size_bytes = (made / A).stat().st_size
    os.truncate(made / A, 50)
    found = verify_dataset(made).changes[A]
    assert (found.expected_bytes, found.actual_bytes, found.holds) == (size_bytes, 50, None)
    assert found.actual_sha256 == hashlib.sha256((made / A).read_bytes()).hexdigest()
    (made / A).write_bytes((made / B).read_bytes())
    assert verify_dataset(made).changes[A].holds == B


def test_an_emptied_file_is_said_to_be_empty_and_not_to_be_another_empty_one(dataset: Path) -> None:
    nothing = dataset / "nothing.txt"
    nothing.touch()
    with (dataset / "checksums.sha256").open("a") as sums:
        sums.write(f"{hashlib.sha256().hexdigest()}  {nothing.name}\n")
    os.truncate(dataset / NAMES[0], 0)
    found = verify_dataset(dataset).changes[NAMES[0]]
    assert (found.actual_bytes, found.holds) == (0, None)


def test_a_forged_line_of_the_checksums_is_found_by_the_manifest(made: Path) -> None:
    before = hashlib.sha256((made / A).read_bytes()).hexdigest()
    flip(made / A)
    relist(made, A)
    (found,) = verify_dataset(made).contradicted
    assert (found.path, found.manifest) == (A, before)
    assert found.checksums == hashlib.sha256((made / A).read_bytes()).hexdigest()


def test_a_file_that_went_with_its_line_is_found_by_the_manifest(made: Path) -> None:
    (made / A).unlink()
    relist(made, A, "")
    assert [(one.path, one.checksums) for one in verify_dataset(made).contradicted] == [(A, None)]


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row.update(split="val"),
        lambda row: row["annotations"][0]["box"].__setitem__(0, 2.0),
        lambda row: row.update(attributes={"checked": True}),
    ],
)
def test_a_forged_manifest_is_found_by_the_one_in_parquet(
    made: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    forge(made, change)
    assert [one.path for one in verify_dataset(made).contradicted] == ["manifest.parquet"]


def test_a_forgery_of_everything_is_found_by_a_digest_that_was_kept_elsewhere(made: Path) -> None:
    before = verify_dataset(made)
    (made / "manifest.parquet").unlink()
    relist(made, "manifest.parquet", "")
    forge(made, lambda row: row.update(split="val"))
    assert verify_dataset(made).intact
    for digest in (before.manifest, before.checksums):
        found = verify_dataset(made, expect=f"sha256:{digest}")
        assert not found.intact
        assert found.unexpected == digest
    now = verify_dataset(made)
    assert now.manifest
    assert verify_dataset(made, expect=now.manifest.upper()).intact


def test_what_programs_leave_behind_is_extra_and_known(made: Path) -> None:
    (made / "labels" / "train.cache").write_bytes(b"x")
    (made / "images" / "train" / ".DS_Store").write_bytes(b"x")
    found = verify_dataset(made)
    assert found.extra == ("images/train/.DS_Store", "labels/train.cache")
    assert found.left_by == {"images/train/.DS_Store": "macOS", "labels/train.cache": "Ultralytics"}


def test_what_no_list_covers_is_said(made: Path) -> None:
    assert "export_summary.json" in verify_dataset(made).unlisted


def test_files_of_any_length_are_read_to_their_end(tmp_path: Path) -> None:
    from rushes.summary.hashing import hash_file

    for size_bytes in (0, 1, 2**20 - 1, 2**20, 2**20 + 1, 3 * 2**20 + 5):
        content = os.urandom(size_bytes)
        (tmp_path / "file").write_bytes(content)
        found = hash_file(str(tmp_path / "file"))
        assert (found.sha256, found.size_bytes) == (hashlib.sha256(content).hexdigest(), size_bytes)
