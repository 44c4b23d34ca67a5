from __future__ import annotations

import pytest
from msgspec.structs import replace

from rushes.errors import AnnotationError, NeedsFramesError
from rushes.export.samples import samples, split_for
from rushes.labels import Annotation
from rushes.media import make_media
from rushes.records import Media, Sample, Source
from rushes.video.config import TranscodeConfig
from rushes.workspace import Workspace
from tests.rushes.export.makers import (
    FPS,
    HEIGHT,
    WIDTH,
    frame_shown,
    image,
    on_frame,
    pipeline,
    pixels_of,
    transcoded,
    video,
)


def test_an_image_is_one_sample_with_its_labels(workspace: Workspace) -> None:
    source = Source(
        "a", "a.png", annotations=(Annotation("car", box=(150, 80, 40, 40)),), attributes={"city": "Bern"}, group="g"
    )
    media = image(workspace, source)
    (sample,), dropped = samples(media, pipeline(workspace), workspace)
    assert sample.annotations == (Annotation("car", box=(150, 80, 10, 16)),)
    assert sample.dropped == {"clipped_to_image": 1}
    assert (sample.id, sample.name, sample.parent, sample.labelled) == ("a", "a", None, True)
    assert (sample.path, sample.sha256, sample.attributes) == (media.path, media.sha256, {"city": "Bern"})
    assert sample.group == "g"
    assert not dropped


NEXT_TO = Annotation("next to", relation=("1", "2"), id="3")


def test_a_relation_goes_with_a_label_that_it_leads_to(workspace: Workspace) -> None:
    inside, outside = Annotation("car", box=(1, 1, 9, 9), id="1"), Annotation("bus", box=(999, 1, 9, 9), id="2")
    source = Source("a", "a.png", annotations=(inside, outside, NEXT_TO))
    (sample,), _ = samples(image(workspace, source), pipeline(workspace), workspace)
    assert sample.annotations == (inside,)
    assert sample.dropped == {"outside_image": 1, "relation_unsupported": 1}
    source = replace(source, annotations=(inside, replace(outside, box=(20, 20, 9, 9)), NEXT_TO))
    (sample,), _ = samples(image(workspace, source), pipeline(workspace), workspace)
    assert sample.annotations == source.annotations
    assert sample.dropped == {}


def test_a_relation_stands_on_the_frames_that_have_both_its_ends(workspace: Workspace) -> None:
    one, two = replace(on_frame(0), id="1"), replace(on_frame(0), id="2")
    far = Annotation("far", relation=("1", "4"), id="5")
    labels = (one, two, replace(on_frame(2), id="4"), NEXT_TO, far)
    media = video(workspace, Source("v", "v.mp4", annotations=labels), frames=4)
    found, dropped = samples(media, pipeline(workspace, frames="annotated"), workspace)
    assert [[label.id for label in sample.annotations] for sample in found] == [["3", "1", "2"], ["4"]]
    assert [sample.dropped for sample in found] == [{}, {}]
    assert dropped == {"relation_unsupported": 1}


def test_unlabelled_is_not_labelled_empty(workspace: Workspace) -> None:
    settings = pipeline(workspace)
    for labels, labelled in ((None, False), ((), True)):
        (sample,), _ = samples(image(workspace, Source("a", "a.png", annotations=labels)), settings, workspace)
        assert sample.labelled is labelled


def test_a_label_on_a_later_frame_of_an_image_is_refused(workspace: Workspace) -> None:
    media = image(workspace, Source("a", "a.png", annotations=(on_frame(3),), origin="items.csv:2"))
    with pytest.raises(AnnotationError, match=r"^items\.csv:2: .*this is an image"):
        samples(media, pipeline(workspace), workspace)


def test_a_video_needs_a_choice_of_frames(workspace: Workspace) -> None:
    media = video(workspace, Source("v", "v.mp4"), frames=2)
    with pytest.raises(NeedsFramesError, match="every_s"):
        samples(media, pipeline(workspace), workspace)


def test_every_so_often_takes_the_frames_shown_then(workspace: Workspace) -> None:
    media = video(workspace, Source("v", "v.mp4", annotations=(on_frame(5), on_frame(7))))
    found, dropped = samples(media, pipeline(workspace, frames={"every_s": 0.5}), workspace)
    assert [sample.frame for sample in found] == [0, 5, 10, 15]
    assert [sample.id for sample in found] == ["v-f000000", "v-f000005", "v-f000010", "v-f000015"]
    assert [sample.time_s for sample in found] == [0.0, 0.5, 1.0, 1.5]
    assert [frame_shown(workspace.path(sample.path)) for sample in found] == [0, 5, 10, 15]
    assert [len(sample.annotations) for sample in found] == [0, 1, 0, 0]
    assert {sample.parent for sample in found} == {"v"}
    assert dropped == {"frame_not_taken": 1}


def test_annotated_takes_exactly_the_labelled_frames(workspace: Workspace) -> None:
    labels = (on_frame(3), replace(on_frame(11), frame=None, time_s=11 / FPS), on_frame(3), Annotation("street"))
    found, dropped = samples(
        video(workspace, Source("v", "v.mp4", annotations=labels)), pipeline(workspace, frames="annotated"), workspace
    )
    assert [sample.frame for sample in found] == [3, 11]
    assert [len(sample.annotations) for sample in found] == [3, 2]
    assert {label.frame for sample in found for label in sample.annotations} == {None}
    assert not dropped
    _labels_lie_on_squares(found, workspace)


def test_keyframes_are_those_of_the_encoder(workspace: Workspace) -> None:
    found, _ = samples(video(workspace, Source("v", "v.mp4")), pipeline(workspace, frames="keyframes"), workspace)
    assert [frame_shown(workspace.path(sample.path)) for sample in found] == [sample.frame for sample in found]
    assert [sample.frame for sample in found] == [0, 8, 16]


@pytest.mark.parametrize("annotations", [None, ()])
def test_a_video_without_labels_has_no_annotated_frames(
    workspace: Workspace, annotations: tuple[Annotation, ...] | None
) -> None:
    media = video(workspace, Source("v", "v.mp4", annotations=annotations), frames=2)
    assert samples(media, pipeline(workspace, frames="annotated"), workspace) == ([], {})


def test_labels_follow_the_size(workspace: Workspace) -> None:
    media = video(workspace, Source("v", "v.mp4", annotations=tuple(map(on_frame, range(20)))))
    smaller = transcoded(workspace, media, (WIDTH // 2, HEIGHT // 2))
    found, dropped = samples(smaller, pipeline(workspace, frames="annotated", transcode={}), workspace)
    assert [sample.frame for sample in found] == list(range(20))
    assert (found[0].info.width, found[0].info.height) == (WIDTH // 2, HEIGHT // 2)
    assert not dropped
    _labels_lie_on_squares(found, workspace)


@pytest.mark.parametrize("start_s", [0.6, 0.55])
def test_labels_follow_a_cut(workspace: Workspace, start_s: float) -> None:
    media = video(workspace, Source("v", "v.mp4", annotations=tuple(map(on_frame, range(20)))))
    cut = transcoded(workspace, media, (WIDTH, HEIGHT), ["-ss", str(start_s), "-t", "0.8"])
    settings = pipeline(workspace, frames="annotated", transcode={"start_time": start_s, "duration": 0.8})
    found, dropped = samples(cut, settings, workspace)
    assert [sample.frame for sample in found] == list(range(6, 14))
    assert [sample.time_s for sample in found] == [frame / FPS for frame in range(6, 14)]
    assert dropped == {"outside_clip": 12}
    _labels_lie_on_squares(found, workspace)


@pytest.mark.parametrize("fps", [5, 20])
def test_labels_follow_a_change_of_rate(workspace: Workspace, fps: int) -> None:
    media = video(workspace, Source("v", "v.mp4", annotations=tuple(map(on_frame, range(20)))))
    resampled = make_media(media.verified, workspace, TranscodeConfig(preset="ultrafast", crf=8, fps=fps))
    found, dropped = samples(resampled, pipeline(workspace, frames="annotated", transcode={"fps": fps}), workspace)
    assert [sample.frame for sample in found] == [frame_shown(workspace.path(sample.path)) for sample in found]
    assert len(found) == min(fps, 10) * 2
    assert all(len(sample.annotations) == 1 for sample in found)
    assert dropped == ({"frame_not_taken": 10} if fps == 5 else {})
    _labels_lie_on_squares(found, workspace)


def test_frames_are_cut_once(workspace: Workspace) -> None:
    media = video(workspace, Source("v", "v.mp4"))
    settings = pipeline(workspace, frames={"every_s": 1.0})
    first, _ = samples(media, settings, workspace)
    written = [workspace.path(sample.path).stat().st_mtime_ns for sample in first]
    again, _ = samples(media, settings, workspace)
    assert again == first
    assert [workspace.path(sample.path).stat().st_mtime_ns for sample in again] == written


def test_another_quality_is_another_frame(workspace: Workspace) -> None:
    media = video(workspace, Source("v", "v.mp4"), frames=2)
    fine, coarse = (
        samples(media, pipeline(workspace, frames={"every_s": 1.0, "quality": quality}), workspace)[0][0]
        for quality in (2, 31)
    )
    assert coarse.path != fine.path
    assert coarse.size_bytes < fine.size_bytes


def test_a_split_is_the_items_own_or_that_of_its_group_or_its_bytes(workspace: Workspace) -> None:
    settings = pipeline(workspace)
    media = image(workspace, Source("a", "a.png"))
    assert split_for(_source(media, split="test"), settings) == "test"
    assert split_for(_source(media, id="other"), settings) == split_for(media, settings)
    groups = {split_for(_source(replace(media, sha256="x"), group="g", id=name), settings) for name in "abcdef"}
    assert len(groups) == 1


def _source(media: Media, **changes: str) -> Media:
    return replace(media, verified=replace(media.verified, source=replace(media.verified.source, **changes)))


def _labels_lie_on_squares(found: list[Sample], workspace: Workspace) -> None:
    for sample in found:
        pixels = pixels_of(workspace.path(sample.path))
        for label in sample.annotations:
            if label.box is not None:
                x, y, width, height = (round(value) for value in label.box)
                inside = pixels[y + 2 : y + height - 2, x + 2 : x + width - 2]
                assert inside.min() > 215
                assert pixels[y + 2 : y + height - 2, x + width + 2 : x + width + 4].max(initial=0) < 215
