"""Whole runs with workspace and output in a storage: nothing is shared but the storage, and the dataset is the same."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from rushes.config import Pipeline
from rushes.errors import OutputOccupiedError, StorageError
from rushes.jsonl import read_lines
from rushes.pipeline_file import validate
from rushes.records import ManifestRow
from rushes.storage import Storage, open_storage
from rushes.summary import publish_storage
from rushes.summary.aggregate import aggregate
from rushes.summary.outcome import RunOutcome
from rushes.summary.publish import SUMMARY
from rushes.summary.verify import verify_dataset
from rushes.workspace import opened
from tests.http_server import Answer, Server, in_turn, serve, status, truncated, validated
from tests.rushes.files.archives import tar_of, zip_of
from tests.rushes.runs import png, run_apart
from tests.rushes.video.clips import coloured

TIMES = {SUMMARY, "checksums.sha256", "report.html"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("served")
    for number in range(6):
        png(folder / f"{number}.png", "red" if number < 2 else "blue", (64 + number // 2, 48))
    coloured(folder / "clip.mp4")
    routes: dict[str, Answer | bytes] = {
        "/page.png": b"<!doctype html><title>no</title>",
        "/busy.png": in_turn(status(503), validated((folder / "4.png").read_bytes(), '"4"')),
        "/cut.png": truncated((folder / "5.png").read_bytes(), 20),
    }
    with serve(folder, routes) as running:
        yield running


def config(server: Server, folder: Path, workspace: str, output: str | None = None) -> Pipeline:
    names = [*(f"{number}.png" for number in range(6)), "clip.mp4", "page.png", "busy.png", "cut.png", "gone.png"]
    source = folder / "items.csv"
    source.write_text(
        "url,checksum,annotations\n"
        + "".join(
            f'{server.url(f"/{name}")},,"[{{""class"": ""dot"", ""box"": [2, 2, 9, 9]}}]"\n' for name in names[:6]
        )
        + "".join(f"{server.url(f'/{name}')},,\n" for name in names[6:])
        + f"{server.url('/0.png')}?twice,{'0' * 64},\n"
    )
    return validate(
        {
            "name": "far",
            "source": str(source),
            "workspace": workspace,
            "output": output,
            "download": {"allow_private_hosts": ["127.0.0.1"], "attempts": 2},
            "transcode": {"profile": "web", "preset": "ultrafast"},
            "frames": {"every_s": 1.0},
            "run": {"max_failed": 1, "batch_size": 4},
        },
        "test",
    )


def files(storage: Storage, folder: str) -> dict[str, str]:
    """Returns the digest of each file of a folder but those that hold times."""
    found = {}
    for entry in storage.list(folder):
        body = storage.open(entry.name)
        assert body is not None
        found[entry.name.removeprefix(f"{folder}/")] = hashlib.sha256(b"".join(body.chunks)).hexdigest()
    return {name: digest for name, digest in found.items() if name not in TIMES}


def local_files(folder: Path) -> dict[str, str]:
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name not in TIMES]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def rows(storage: Storage, tmp_path: Path) -> Mapping[str, ManifestRow]:
    storage.get("datasets/far/manifest.jsonl", tmp_path / "manifest.jsonl")
    return {row.id: row for row in read_lines(tmp_path / "manifest.jsonl", ManifestRow)}


def test_a_run_on_a_storage_gives_the_same_dataset_as_one_on_a_disk(
    storage: Storage, place: str, server: Server, tmp_path: Path
) -> None:
    far = run_apart(config(server, tmp_path, f"{place}/{Path(storage.url).name}"))
    near = run_apart(config(server, tmp_path, str(tmp_path / "work")))
    assert (far.items, far.failures_by_code) == (near.items, near.failures_by_code)
    assert far.items["ok"] == 8
    assert set(far.failures_by_code) == {"checksum_mismatch", "http_status", "not_media", "truncated"}
    assert files(storage, "datasets/far") == local_files(tmp_path / "work" / "datasets" / "far")
    assert far.dataset == f"{storage.url}/datasets/far"
    page, page_near = storage.read("datasets/far/report.html"), tmp_path / "work" / "datasets" / "far" / "report.html"
    assert (page or b"").count(b"<img ") == page_near.read_bytes().count(b"<img ") > 0
    for folder in ("media", "derived", "quarantine"):
        assert files(storage, folder) == local_files(tmp_path / "work" / folder)
    found = verify_dataset(f"{place}/{Path(storage.url).name}/datasets/far")
    assert (found.checked, found.intact) == (len(files(storage, "datasets/far")), True)
    storage.write("datasets/far/classes.txt", b"other")
    assert verify_dataset(f"{place}/{Path(storage.url).name}/datasets/far").changed == ("classes.txt",)


def test_an_aggregation_done_again_leaves_the_dataset_that_is_in_its_place(
    storage: Storage, place: str, server: Server, tmp_path: Path
) -> None:
    made = config(server, tmp_path, f"{place}/{Path(storage.url).name}")
    first = run_apart(made)
    before = files(storage, "datasets/far")
    storage.write("datasets/.far.building/left.txt", b"by the attempt that was killed")
    with opened(made.workspace_place) as workspace:
        again = aggregate(made, workspace, first.run, ())
    assert files(storage, "datasets/far") == before
    assert not any(storage.list("datasets/.far.building"))
    for name in ("items", "failures_by_code", "files", "dataset", "manifest_sha256", "changed_manifest", "good"):
        assert getattr(again, name) == getattr(first, name), name
    left = [entry.name for entry in storage.list() if entry.name.startswith(("incoming", "lock", "datasets/.far"))]
    assert [name for name in left if not name.startswith("incoming")] == []


def test_archives_are_unpacked_on_a_storage_as_on_a_disk(storage: Storage, place: str, tmp_path: Path) -> None:
    pictures = {f"{number}.png": png(tmp_path / "x.png", f"#0000{number:02x}") for number in range(6)}
    first = dict(list(pictures.items())[:3])
    (tmp_path / "a.zip").write_bytes(zip_of(first | {"README": b"what this is"}))
    (tmp_path / "b.tar.gz").write_bytes(tar_of(pictures, mode="w:gz"))
    (tmp_path / "bad.tar").write_bytes(tar_of(pictures | {"../x.png": b"x"}))
    source = tmp_path / "items.csv"
    source.write_text("url\na.zip\nb.tar.gz\nbad.tar\n")

    def run(workspace: str) -> RunOutcome:
        settings = {"name": "far", "source": str(source), "workspace": workspace, "run": {"max_failed": 1}}
        return run_apart(validate(settings, "test"))

    there = f"{place}/{Path(storage.url).name}"
    far, near = run(there), run(str(tmp_path / "work"))
    assert far.items == near.items == {"planned": 13, "ok": 11, "failed": 0, "skipped": 1, "quarantined": 1}
    for folder in ("media", "unpacked", "datasets/far"):
        assert files(storage, folder) == local_files(tmp_path / "work" / folder)
    assert len(files(storage, "media")) == 3 + 6 + 1
    again = run(there)
    assert (again.fetched, again.made, again.items) == (0, 0, far.items)
    assert [entry.name for entry in storage.list() if entry.name.startswith("incoming")] == []


def test_long_videos_are_made_in_chunks_on_a_storage_as_on_a_disk(storage: Storage, place: str, tmp_path: Path) -> None:
    coloured(tmp_path / "long.mkv", "-c:v", "mpeg4", "-q:v", "2", "-g", "10", frames=41)
    (tmp_path / "items.csv").write_text("url\nlong.mkv\n")

    def run(workspace: str) -> RunOutcome:
        settings = {"name": "far", "source": str(tmp_path / "items.csv"), "workspace": workspace}
        made = {"transcode": {"preset": "ultrafast", "split_s": 1}, "frames": {"every_s": 1.0}}
        return run_apart(validate(settings | made, "test"))

    there = f"{place}/{Path(storage.url).name}"
    far, near = run(there), run(str(tmp_path / "work"))
    assert (far.items["ok"], far.work["chunks"]["done"], far.made) == (1, 4, 1)
    assert (near.items["ok"], near.work["chunks"]["done"], near.made) == (1, 4, 1)
    for folder in ("derived", "chunks", "datasets/far"):
        assert files(storage, folder) == local_files(tmp_path / "work" / folder)
    assert list(storage.list("chunks")) == []


def test_a_second_run_fetches_and_makes_only_what_failed(
    storage: Storage, place: str, server: Server, tmp_path: Path
) -> None:
    pipeline = config(server, tmp_path, f"{place}/{Path(storage.url).name}")
    first = run_apart(pipeline)
    stored, dataset = files(storage, "media"), files(storage, "datasets/far")
    asked = len(server.requests)
    second = run_apart(pipeline)
    assert (first.fetched, second.fetched, second.made) == (
        10,
        1,
        0,
    )  # of the page, which bears no validator, nobody can say whether it changed
    assert sum("If-None-Match".lower() in request.headers for request in server.requests[asked:]) >= 7
    assert files(storage, "media") == stored
    assert files(storage, "datasets/far") == dataset
    assert {row.status for row in rows(storage, tmp_path).values()} == {"ok", "failed", "quarantined"}


def test_a_step_that_breaks_leaves_the_storage_as_it_was_and_nothing_here(
    storage: Storage, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    workspace = f"{place}/{Path(storage.url).name}"
    with opened(workspace) as mirrored:
        mirrored.path("runs").mkdir()
        mirrored.path("runs/kept").write_text("1")
    with suppress(ZeroDivisionError), opened(workspace) as mirrored:
        mirrored.need("runs/kept")
        mirrored.path("runs/kept").write_text("22")
        mirrored.path("runs/new").write_text(str(1 / 0))
    assert files(storage, "runs") == {"kept": hashlib.sha256(b"1").hexdigest()}
    assert list(tmp_path.iterdir()) == []


def test_what_rushes_did_not_write_is_never_touched(
    storage: Storage, place: str, server: Server, tmp_path: Path
) -> None:
    storage.write("out/thesis.tex", b"years of work")
    with pytest.raises(OutputOccupiedError, match="out: holds something that rushes did not write"):
        run_apart(
            config(server, tmp_path, str(tmp_path / "work"), f"{place}/{Path(storage.url).name}/out"),
        )
    assert files(storage, "out") == {"thesis.tex": hashlib.sha256(b"years of work").hexdigest()}


def test_a_publication_that_was_cut_short_is_finished_by_the_next_run(storage: Storage) -> None:
    for name in ("a", "b", SUMMARY):
        storage.write(f".far.building/{name}", b"{}")
    storage.write("far/a", b"{}")  # as far as the killed run came
    publish_storage.begin(storage, "far")
    assert sorted(entry.name for entry in storage.list()) == ["far/a", "far/b", f"far/{SUMMARY}"]


@pytest.mark.parametrize("fault", ["over_limit", "empty"])
def test_a_failed_run_does_not_replace_a_good_dataset(storage: Storage, fault: str) -> None:
    places = []
    for summary in (b'{"over_limit": false}', f'{{"{fault}": true}}'.encode()):
        storage.write(f".far.building/{SUMMARY}", summary)
        places.append(publish_storage.publish_dataset(storage, "far"))
    assert places == ["far", "far.failed"]
    assert storage.read(f"far/{SUMMARY}") == b'{"over_limit": false}'


def test_an_output_may_lie_in_a_storage_and_its_workspace_on_a_disk(
    storage: Storage, place: str, server: Server, tmp_path: Path
) -> None:
    there = f"{place}/{Path(storage.url).name}/out"
    ended = run_apart(config(server, tmp_path, str(tmp_path / "work"), there))
    assert ended.dataset == f"{storage.url}/out"
    run_apart(config(server, tmp_path, str(tmp_path / "work"), str(tmp_path / "near")))
    assert files(storage, "out") == local_files(tmp_path / "near")


def test_a_bucket_that_is_not_there_is_said_before_any_work(server: Server, tmp_path: Path, place: str) -> None:
    if not place.startswith("s3"):
        pytest.skip("said likewise by the others, each in its own words")
    with pytest.raises(StorageError, match="s3://none/work/lock: no such bucket"):
        run_apart(config(server, tmp_path, "s3://none/work"))


def test_a_storage_is_opened_without_what_its_url_hides(place: str) -> None:
    assert "@" not in open_storage(f"{place}/folder").url
