"""The counts of a dataset: every row once, and what they say adds up."""

from __future__ import annotations

from msgspec.structs import replace

from rushes.labels import Annotation
from rushes.records import ManifestRow, Quality
from rushes.summary.stats import Stats

BOX = Annotation("car", box=(0, 0, 10, 10))
IMAGE = ManifestRow("a", "a.png", "ok", "export", path="a.png", size_bytes=7, media_type="image/png", split="train")


def counted(*rows: ManifestRow) -> Stats:
    stats = Stats()
    for row in rows:
        stats.add(row)
    return stats


def test_items_are_counted_by_status_and_frames_are_files_and_no_items() -> None:
    video = ManifestRow("v", "v.mp4", "ok", "export", media_type="video/mp4", duration_s=2.5, video_codec="h264")
    frames = [replace(IMAGE, id=f"v-{n}", parent="v", frame=n, media_type="image/jpeg", split="val") for n in range(2)]
    failed = ManifestRow("f", "f.png", "failed", "download", error_code="timeout")
    stats = counted(IMAGE, video, *frames, failed)
    found = stats.result()
    assert stats.planned == 4 - 1
    assert found["items"] == {"planned": 3, "ok": 2, "failed": 1, "skipped": 0, "quarantined": 0}
    assert (found["files"], found["files_by_type"]) == (3, {"image/jpeg": 2, "image/png": 1})
    assert (found["bytes"], found["duration_s"]) == (21, 2.5)
    assert found["codecs"] == {"h264": 1, "image/png": 1}
    assert found["failures_by_code"] == {"timeout": 1}


def test_sums_over_splits_classes_and_files_agree() -> None:
    big = Annotation("bus", box=(0, 0, 200, 200))
    rows = [
        replace(IMAGE, annotations=(BOX, big)),
        replace(IMAGE, id="b", split="val", annotations=(BOX, Annotation("bus", polygon=((0, 0), (1, 0), (1, 1))))),
        replace(IMAGE, id="c", annotations=()),
        replace(IMAGE, id="d"),
    ]
    found = counted(*rows).result()
    assert found["classes"] == {"bus": {"train": 1, "val": 1}, "car": {"train": 1, "val": 1}}
    assert found["splits"] == {"train": {"annotations": 2, "files": 3}, "val": {"annotations": 2, "files": 1}}
    assert found["boxes_per_file"] == {"0": 2, "1": 1, "2": 1}
    assert sum(found["box_sizes"].values()) == 3
    assert [*found["box_sizes"]] == ["small", "medium", "large"]
    assert found["unlabelled_files"] == 1


def test_what_was_dropped_adds_up_over_a_video_and_its_frames() -> None:
    video = ManifestRow("v", "v.mp4", "ok", "export", dropped={"frame_not_taken": 3, "class_not_listed": 1})
    frame = replace(IMAGE, parent="v", frame=0, dropped={"class_not_listed": 2})
    assert counted(video, frame).result()["dropped"] == {"class_not_listed": 3, "frame_not_taken": 3}


def test_nothing_counts_as_nothing_and_every_key_is_there() -> None:
    nothing, something = counted().result(), counted(replace(IMAGE, annotations=(BOX,))).result()
    assert nothing["items"]["planned"] == nothing["files"] == nothing["bytes"] == 0
    assert list(nothing) == list(something)


def test_no_number_stands_there_that_nothing_counts() -> None:
    """Each key changes with some row; one that never does is a lie."""
    rows = [
        replace(
            IMAGE,
            annotations=(BOX,),
            attributes={"license": "CC0"},
            action="kept",
            dropped={"empty_box": 1},
            width=1,
            height=1,
        ),
        replace(IMAGE, id="c", duration_s=1.0, fps=25.0),
        replace(IMAGE, id="b", robots="no robots.txt", dropped_streams={"audio": 1}, quality=Quality("ssim", 0.9, 0.8)),
        ManifestRow("f", "f", "failed", "download", error_code="timeout"),
    ]
    nothing, something = counted().result(), counted(*rows).result()
    assert [key for key in nothing if nothing[key] == something[key]] == []


def test_items_and_bytes_are_counted_by_host_or_folder() -> None:
    rows = [
        replace(IMAGE, source="https://h.example/a/b.png?x=1"),
        replace(IMAGE, id="f", source="https://h.example/v.mp4", parent="v", frame=0),
        replace(IMAGE, id="g", source="https://h.example", status="failed", path=None),
        replace(IMAGE, id="l", source="file:///data/street/a.png", path=None, status="skipped"),
        replace(IMAGE, id="s", source="s3://bucket/deep/key.png", size_bytes=5),
    ]
    found = counted(*rows).result()["sources"]
    assert found == {
        "file:///data/street": {"ok": 0, "failed": 0, "skipped": 1, "quarantined": 0, "bytes": 0},
        "https://h.example": {"ok": 1, "failed": 1, "skipped": 0, "quarantined": 0, "bytes": 14},
        "s3://bucket": {"ok": 1, "failed": 0, "skipped": 0, "quarantined": 0, "bytes": 5},
    }


def test_licenses_are_counted_by_what_rows_say_and_by_nothing_where_no_row_says_any() -> None:
    rows = [replace(IMAGE, attributes={key: value}) for key, value in (("licence", "CC0"), ("License", "MIT"))]
    assert counted(*rows, IMAGE, rows[0]).result()["licenses"] == {"CC0": 2, "MIT": 1, "not said": 1}
    assert counted(IMAGE, replace(IMAGE, status="failed", attributes={"license": "MIT"})).result()["licenses"] == {}


def test_there_is_an_end_to_the_places_that_are_told_apart() -> None:
    rows = [replace(IMAGE, source=f"https://{n}.example/a", attributes={"license": f"{n}"}) for n in range(3000)]
    found = counted(*rows).result()
    assert len(found["sources"]) == len(found["licenses"]) == 2001
    assert (found["sources"]["other"]["ok"], found["licenses"]["other"]) == (1000, 1000)


def test_the_order_of_the_rows_changes_nothing() -> None:
    rows = [
        replace(IMAGE, split=split, annotations=(Annotation(name, box=(0, 0, 1, 1)),))
        for split, name in (("val", "b"), ("train", "a"), ("test", "c"))
    ]
    assert str(counted(*rows).result()) == str(counted(*rows[::-1]).result())


def test_boxes_are_counted_where_their_centres_are_and_by_what_they_cover() -> None:
    edge, speck = Annotation("car", box=(90, 40, 10, 10)), Annotation("car", box=(0, 0, 0.5, 0.5))
    row = replace(IMAGE, width=100, height=50, annotations=(edge, speck, Annotation("car", box=(0, 0, 100, 50))))
    found = counted(row, replace(IMAGE, annotations=(edge,))).result()
    assert [len(line) for line in found["box_centres"]] == [16] * 16
    assert (found["box_centres"][0][0], found["box_centres"][8][8], found["box_centres"][14][15]) == (1, 1, 1)
    assert sum(map(sum, found["box_centres"])) == 3
    covered = {one["below"]: one["count"] for one in found["box_shares"] if one["count"]}
    assert covered == {0.0001: 1, 0.03: 1, None: 1}


def test_videos_are_counted_by_length_and_by_rate() -> None:
    video = ManifestRow("v", "v.mp4", "ok", "export", media_type="video/mp4", duration_s=5.0, fps=30000 / 1001)
    found = counted(video, replace(video, duration_s=4000.0, fps=30000 / 1001 + 1e-6), IMAGE).result()
    assert found["frame_rates"] == {"29.97": 2}
    assert {one["below"]: one["count"] for one in found["durations_s"] if one["count"]} == {10: 1, None: 1}
