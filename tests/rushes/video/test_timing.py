from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.video.answer import Packet
from rushes.video.timing import clock, measure, ratio


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_ratio_is_read_back(over: int, under: int) -> None:
    assert ratio(f"{over}/{under}") == ratio(f"{over}:{under}") == Fraction(over, under)


@pytest.mark.parametrize("text", ["0/0", "1/0", "N/A", "", "1.5"])
def test_what_is_no_ratio_is_zero(text: str) -> None:
    assert ratio(text) == 0


@given(st.integers(0, 360000 * 1000))
def test_a_clock_is_read_back(milliseconds: int) -> None:
    seconds, rest = divmod(milliseconds, 1000)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:03}000000"
    assert clock(text) == pytest.approx(milliseconds / 1000)
    assert clock("N/A") is None


@given(st.sampled_from([24000 / 1001, 24, 25, 30000 / 1001, 30, 50, 60]), st.sampled_from([1000, 90000]))
def test_even_frames_rounded_to_ticks_keep_their_rate(rate: float, per_second: int) -> None:
    packets = [Packet(pts=round(index / rate * per_second)) for index in range(100)]
    timing = measure(
        packets,
        whole=True,
        tick_s=Fraction(1, per_second),
        stated_fps=Fraction(1000),
        stated_frames=None,
        stated_s=None,
    )
    assert timing.fps == pytest.approx(rate, rel=0.001)
    assert (timing.frames, timing.vfr) == (100, False)
    assert timing.duration_s == pytest.approx(100 / rate, rel=0.001)


def test_of_a_long_video_the_containers_word_is_kept() -> None:
    packets = [Packet(pts=index * 40) for index in range(10)]
    timing = measure(
        packets,
        whole=False,
        tick_s=Fraction(1, 1000),
        stated_fps=Fraction(25),
        stated_frames=90000,
        stated_s=3600.0,
    )
    assert (timing.fps, timing.frames, timing.duration_s) == (25.0, 90000, 3600.0)


@pytest.mark.parametrize(("stated_s", "found_s"), [(1.9, 2.0), (1.6, 2.0), (0.2, 0.2), (2.5, 2.5)])
def test_a_length_that_ends_before_the_last_frame_is_mended_and_nonsense_is_not(
    stated_s: float, found_s: float
) -> None:
    """Muxers add up the distances of frames in the order of decoding; a jump in time is not to be believed."""
    packets = [Packet(pts=index * 100) for index in range(20)]
    timing = measure(
        packets, whole=True, tick_s=Fraction(1, 1000), stated_fps=Fraction(10), stated_frames=20, stated_s=stated_s
    )
    assert timing.duration_s == pytest.approx(found_s)
