import resource
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rushes.errors import MediaLimitsError, RushesError
from rushes.media import recipe_of
from rushes.video import TranscodeConfig, demands, process, transcode_video
from rushes.video.conform import conform
from rushes.video.frames import frame_times
from rushes.video.limits import Limits, check_filled, check_size
from rushes.video.probe import examine
from rushes.video.process import run
from rushes.video.verdict import judge

PLENTY = 2**33
FAST = TranscodeConfig(preset="ultrafast")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux limits a process from outside")
def test_a_program_has_what_it_is_given_and_leaves_no_core() -> None:
    # It waits for a moment: the limits come from outside, while it starts.
    limits = "[r.getrlimit(kind) for kind in (r.RLIMIT_AS, r.RLIMIT_FSIZE, r.RLIMIT_CORE)]"
    code = f"import resource as r, time; time.sleep(.3); print({limits})"
    done = run([sys.executable, "-c", code], limits=Limits(PLENTY, 12345))
    assert done.output.decode().strip() == str([(PLENTY, PLENTY), (12345, 12345), (0, 0)])
    assert resource.getrlimit(resource.RLIMIT_FSIZE) != (12345, 12345)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux limits a process from outside")
def test_a_program_that_uses_more_processor_than_it_has_time_for_is_ended() -> None:
    code = "import resource as r; r.setrlimit(r.RLIMIT_CPU, (1, 1))\nwhile True: pass"
    assert run([sys.executable, "-c", code], timeout_s=60).code == -signal.SIGKILL


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux limits a process from outside")
def test_a_transcode_that_grows_beyond_measure_is_ended_and_leaves_nothing(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demands, "encoding", lambda *of: Limits(PLENTY, 5000))
    with pytest.raises(MediaLimitsError, match="grows to more than 5000 bytes"):
        transcode_video(clips / "card.mp4", tmp_path / "out.mp4", replace(FAST, crf=0))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux limits a process from outside")
@pytest.mark.parametrize("mebibytes", [1, 60, 120, 200, 280, 400, 600])
def test_with_too_little_memory_it_fails_or_is_whole(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mebibytes: int
) -> None:
    monkeypatch.setattr(demands, "encoding", lambda *of: Limits(mebibytes * 2**20, PLENTY))
    try:
        made = transcode_video(clips / "card.mp4", tmp_path / "out.mp4", FAST)
    except RushesError:
        assert list(tmp_path.iterdir()) == []
    else:
        assert len(frame_times(made)) == 25


def test_a_longer_video_than_is_allowed_is_refused_whatever_would_be_done(clips: Path, tmp_path: Path) -> None:
    source, target = clips / "card.mp4", tmp_path / "out.mp4"
    with pytest.raises(MediaLimitsError, match=r"lasts 1 s, more than 0 s.*transcode\.max_duration_s"):
        transcode_video(source, target, replace(FAST, max_duration_s=0.4))
    config, probed = TranscodeConfig(max_duration_s=0.4, check="keyframes"), examine(source)
    copied = judge(source, probed, config)
    assert copied.action == "remuxed"
    with pytest.raises(MediaLimitsError):
        conform(source, target, config, probed, copied)
    transcode_video(source, target, replace(FAST, max_duration_s=0.4, duration=0.3))


def test_a_transcode_ends_at_its_time(clips: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaLimitsError, match=r"card\.mp4: .*not done after .*max_time_s = 0\.001 allows"):
        transcode_video(clips / "card.mp4", tmp_path / "out.mp4", replace(FAST, max_time_s=0.001))
    assert list(tmp_path.iterdir()) == []


def test_limits_make_no_other_recipe() -> None:
    assert recipe_of(replace(FAST, max_duration_s=1.0, max_time_s=2.0)) == recipe_of(FAST)
    assert recipe_of(replace(FAST, crf=9)) != recipe_of(FAST)


def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_OUTPUT_BYTES", 10_000)
    with pytest.raises(MediaLimitsError, match="more to say"):
        run([sys.executable, "-c", "while True: print('x' * 1000)"], timeout_s=60)


def test_slides_are_filled_with_frames_and_years_are_not() -> None:
    path = Path("a.mp4")
    check_filled(path, 60.0, 3600.0, 60)
    check_filled(path, 30.0, 300.0, 1)
    check_filled(path, 30.0, None, 1)
    check_filled(path, 30.0, 10.0**9, None)
    with pytest.raises(MediaLimitsError, match="3 frames in 83333 s; fps = 30 would make 2500000 frames"):
        check_filled(path, 30.0, 83333.333, 3)


def test_pictures_of_8k_are_read_and_larger_ones_are_not() -> None:
    path = Path("a.mp4")
    check_size(path, 8192, 8192)
    check_size(path, 16384, 4096)
    for size in ((8193, 8192), (16385, 2), (2, 16385)):
        with pytest.raises(MediaLimitsError, match="pixels"):
            check_size(path, *size)


def test_what_a_file_makes_ffmpeg_say_is_short_and_plain() -> None:
    said = process.Finished(1, b"", ["\x1b[31mred\x07" + "x" * 5000]).last_words()
    assert len(said) == 500
    assert said.isprintable()
