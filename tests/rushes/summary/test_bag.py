"""The bag beside a dataset: valid to bagit, found out when it was tampered with, and whole again after a fetch."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from urllib.parse import unquote

import bagit
import pytest

from rushes.config import Pipeline
from rushes.errors import ConfigError, OutputOccupiedError
from rushes.pipeline_file import validate
from rushes.summary.packages.bag import write_bag
from rushes.summary.verify import verify_dataset
from rushes.workspace import Workspace
from tests.http_server import serve
from tests.rushes.runs import manifest, png, run, settings
from tests.rushes.summary.described import ABOUT, dataset


def bag_beside(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.bag")


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def fetched(bag: Path) -> dict[str, str]:
    """Returns the URL of each file that the bag says where to get."""
    lines = [line.split(" ", 2) for line in (bag / "fetch.txt").read_text().splitlines()]
    assert all(int(size) > 0 for _, size, _ in lines)
    return {unquote(path): url for url, _, path in lines}


@pytest.mark.parametrize("layout", ["yolo", "coco", "webdataset"])
def test_bagit_validates_it_and_its_payload_is_the_dataset_under_further_names(tmp_path: Path, layout: str) -> None:
    _, folder = dataset(tmp_path, ABOUT, export={"format": layout, "bag": True})
    bag = bag_beside(folder)
    found = bagit.Bag(str(bag))
    assert found.validate(processes=1)
    assert found.version_info == (1, 0)
    assert files(bag / "data") == files(folder)
    assert all((bag / "data" / name).samefile(folder / name) for name in files(folder))
    size_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert found.info["Payload-Oxum"] == f"{size_bytes}.{len(files(folder))}"
    assert (found.info["Source-Organization"], found.info["Contact-Name"]) == ("Lab", "Ada | Lovelace")
    assert verify_dataset(bag / "data").intact


def test_without_the_key_there_is_none(tmp_path: Path) -> None:
    _, folder = dataset(tmp_path)
    assert not bag_beside(folder).exists()


@pytest.mark.parametrize("kind", ["flip", "truncate", "delete", "add", "rename", "tag"])
def test_tampering_is_found_out(tmp_path: Path, kind: str) -> None:
    _, folder = dataset(tmp_path, export={"bag": True, "media": "copy"})
    bag = bag_beside(folder)
    victim = bag / "bag-info.txt" if kind == "tag" else bag / "data/images/train/red.png"
    content = victim.read_bytes()
    victim.unlink()  # and so the dataset keeps its own
    if kind in ("flip", "tag"):
        victim.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif kind == "truncate":
        victim.write_bytes(content[:-1])
    elif kind == "rename":
        victim.with_name("other.png").write_bytes(content)
    elif kind == "add":
        victim.write_bytes(content)
        (bag / "data/more.txt").write_text("x")
    with pytest.raises(bagit.BagError):
        bagit.Bag(str(bag)).validate()


def test_a_second_run_replaces_it_and_a_changed_dataset_gives_another(tmp_path: Path) -> None:
    config, folder = dataset(tmp_path, export={"bag": True})
    first = (bag_beside(folder) / "manifest-sha256.txt").read_text()
    png(tmp_path / "red.png", "yellow")
    run(config, Workspace(tmp_path / "work"))
    assert bagit.Bag(str(bag_beside(folder))).validate()
    assert (bag_beside(folder) / "manifest-sha256.txt").read_text() != first
    assert {path.name for path in folder.parent.iterdir()} == {folder.name, f"{folder.name}.bag"}


def from_the_web(tmp_path: Path, url: str, bag: object) -> tuple[Pipeline, Path]:
    """Makes a dataset of two pictures of a server, one of them signed, and one of the disk."""
    png(tmp_path / "local.png", "green")
    rows = [
        {"id": "web", "url": f"{url}/a%20b.png", "split": "train", "label": "cat"},
        {"id": "signed", "url": f"{url}/s.png?token=secretsecretsecret", "split": "val", "label": "cat"},
        {"id": "local", "url": "local.png", "split": "val", "label": "cat"},
    ]
    config = settings(Workspace(tmp_path / "work"), rows, export={"format": "coco", "bag": bag})
    run(config, Workspace(tmp_path / "work"))
    return config, Path(config.output_place)


def test_what_is_as_it_came_can_be_fetched_again_and_no_credential_stands_there(tmp_path: Path) -> None:
    png(tmp_path / "site/a b.png")
    png(tmp_path / "site/s.png", "blue")
    with serve(tmp_path / "site") as server:
        _, folder = from_the_web(tmp_path, server.url("").rstrip("/"), True)
        bag = bag_beside(folder)
        assert bagit.Bag(str(bag)).validate()
        assert fetched(bag) == {f"data/{manifest(folder)['web'].path}": server.url("/a%20b.png")}
        assert "secret" not in (bag / "fetch.txt").read_text()


def test_a_bag_with_holes_is_whole_after_a_fetch_and_not_before(tmp_path: Path) -> None:
    png(tmp_path / "site/a b.png")
    png(tmp_path / "site/s.png", "blue")
    with serve(tmp_path / "site") as server:
        _, folder = from_the_web(tmp_path, server.url("").rstrip("/"), "holey")
        bag = bag_beside(folder)
        missing = f"data/{manifest(folder)['web'].path}"
        assert files(folder) - files(bag / "data") == {missing.removeprefix("data/")}
        with pytest.raises(bagit.BagValidationError, match="Oxum"):
            bagit.Bag(str(bag)).validate()
        for path, url in fetched(bag).items():
            with urllib.request.urlopen(url) as answer:
                (bag / path).write_bytes(answer.read())
        assert bagit.Bag(str(bag)).validate()
    assert verify_dataset(folder).intact


def test_names_that_end_lines_are_encoded_as_the_rfc_says(tmp_path: Path) -> None:
    names = ("a\nb.txt", "c\rd.txt", "e%f %0A.txt", "ü \\g.txt")
    (tmp_path / "own.py").write_text(
        "from rushes.export import BaseExporter\n\n\n"
        "class Own(BaseExporter):\n"
        "    def additional_file_saving(self, export_path):\n"
        f"        for name in {names!r}:\n"
        "            (export_path / name).write_text(name)\n"
    )
    config, folder = dataset(tmp_path, export={"format": "own:Own", "code": str(tmp_path), "bag": True})
    listed = (bag_beside(folder) / "manifest-sha256.txt").read_bytes().decode()
    written = {line.partition("  ")[2] for line in listed.removesuffix("\n").split("\n")}
    assert {f"data/{name}" for name in ("a%0Ab.txt", "c%0Dd.txt", "e%25f %250A.txt", "ü \\g.txt")} <= written
    assert {unquote(name).removeprefix("data/") for name in written} == files(folder)
    (folder / "e%f %0A.txt").unlink()  # bagit does not decode the sign of encoding itself
    sums = folder / "checksums.sha256"
    lines = sums.read_bytes().decode().split("\n")
    sums.write_bytes("\n".join(line for line in lines if "e%f" not in line).encode())
    write_bag(config)
    assert bagit.Bag(str(bag_beside(folder))).validate()


def test_a_place_that_holds_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "work/datasets/made.bag"
    place.mkdir(parents=True)
    (place / "mine.txt").write_text("x")
    with pytest.raises(OutputOccupiedError, match="holds something that is no bag"):
        dataset(tmp_path, export={"bag": True})
    assert files(place) == {"mine.txt"}


def test_an_output_in_a_storage_has_none() -> None:
    settings_ = {"name": "x", "source": "a.csv", "output": "s3://bucket/x", "export": {"bag": True}}
    with pytest.raises(ConfigError, match=r"export\.bag = True: expected an output in a folder"):
        validate(settings_, "test")
