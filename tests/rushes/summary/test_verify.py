"""Verifying a dataset: judged by `sha256sum`, and told what was tampered with."""

import hashlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rushes.errors import ConfigError
from rushes.files.sums import checksum_lines, read_sums, sort_sums
from rushes.summary.verify import verify_dataset

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
