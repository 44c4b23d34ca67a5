from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import AnnotationError
from rushes.export.frames import Clip, matched, ticks
from rushes.labels import Annotation
from rushes.video.config import TranscodeConfig

TEN_FPS = [frame / 10 for frame in range(30)]


def test_ticks_are_the_frames_on_the_screen() -> None:
    assert ticks(TEN_FPS, 1.0) == [0, 10, 20]
    assert ticks(TEN_FPS, 0.25) == [0, 2, 5, 7, 10, 12, 15, 17, 20, 22, 25, 27]
    assert ticks(TEN_FPS, 100.0) == [0]


def test_ticks_closer_than_frames_take_each_frame_once() -> None:
    assert ticks(TEN_FPS, 0.001) == list(range(30))


def test_the_first_frame_stands_in_for_a_beginning_without_one() -> None:
    assert ticks([0.08, 0.18, 0.28], 0.2) == [0, 1]
    assert ticks([5.0], 1.0) == [0]


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=60, unique=True), st.integers(1, 3000))
def test_ticks_are_what_a_player_shows(milliseconds: list[int], every_ms: int) -> None:
    times = sorted(milliseconds)
    expected = sorted(
        {max([0, *(k for k, at in enumerate(times) if at <= tick)]) for tick in range(0, times[-1] + 1, every_ms)}
    )
    assert ticks([at / 1000 for at in times], every_ms / 1000) == expected


def test_frames_stay_frames_where_both_files_have_the_same() -> None:
    clip = matched(TEN_FPS, [at + 0.08 for at in TEN_FPS], TranscodeConfig())
    assert [clip.rank(frame) for frame in (0, 7, 29)] == [0, 7, 29]
    assert clip.source_frame(7) == 7


@pytest.mark.parametrize("begins_s", [0.0, 0.05])
def test_frames_are_found_again_after_a_cut_that_falls_between_two(begins_s: float) -> None:
    taken = [begins_s + frame / 10 for frame in range(5)]
    clip = matched(TEN_FPS, taken, TranscodeConfig(start_time=0.95, duration=0.5))
    assert [clip.rank(frame) for frame in (9, 10, 12, 14, 15)] == [None, 0, 2, 4, None]
    assert [clip.source_frame(rank) for rank in range(5)] == [10, 11, 12, 13, 14]


def test_frames_are_found_again_at_half_the_rate() -> None:
    clip = matched(TEN_FPS, [0.0, 0.2, 0.4, 0.6, 0.8], TranscodeConfig(start_time=1.0, duration=1.0, fps=5))
    assert [clip.rank(frame) for frame in (8, 10, 12, 18, 20)] == [None, 0, 1, 4, None]
    assert [clip.source_frame(rank) for rank in range(5)] == [10, 12, 14, 16, 18]


def test_frames_are_found_again_at_an_odd_rate() -> None:
    source, taken = [frame / 30 for frame in range(30)], [frame / 25 for frame in range(25)]
    clip = matched(source, taken, TranscodeConfig(fps=25))
    assert [clip.source_frame(rank) for rank in range(7)] == [0, 1, 2, 3, 4, 6, 7]
    assert [clip.rank(frame) for frame in range(8)] == [0, 1, 2, 3, 4, None, 5, 6]


def test_the_same_number_of_frames_need_not_be_the_same_frames() -> None:
    uneven = [0.0, 0.1, 0.2, 0.3, 5.0]
    clip = matched(uneven, [0.0, 1.25, 2.5, 3.75, 5.0], TranscodeConfig(fps=0.8))
    assert [clip.source_frame(rank) for rank in range(5)] == [0, 3, 3, 3, 4]


def test_a_time_means_the_frame_that_is_shown_then() -> None:
    thirds = [frame / 30 for frame in range(90)]
    clip = Clip(thirds, thirds)
    found = [
        clip.labelled_frame(Annotation("a", time_s=time_s), "x") for time_s in (0.0, 0.033, 0.034, 0.05, 1.0, 2.99)
    ]
    assert found == [0, 1, 1, 1, 30, 89]


@pytest.mark.parametrize(
    ("label", "said"),
    [
        (Annotation("a", frame=30), "on frame 30; expected 0 to 29"),
        (Annotation("a", time_s=3.2), r"at 3\.2 s; expected at most"),
        (Annotation("a", box=(0, 0, 1, 1)), "expected frame or time_s"),
    ],
)
def test_a_label_that_the_video_has_no_frame_for_is_refused(label: Annotation, said: str) -> None:
    with pytest.raises(AnnotationError, match=rf"^items\.csv:3: .*{said}"):
        Clip(TEN_FPS, TEN_FPS).labelled_frame(label, "items.csv:3")
