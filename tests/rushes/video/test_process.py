import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from rushes.errors import MediaLimitsError, TranscodingFailedError
from rushes.video import process
from rushes.video.binaries import find
from rushes.video.process import run

ENDLESS = ["-nostdin", "-v", "error", "-re", "-f", "lavfi", "-i", "testsrc2=s=64x64", "-f", "null", "-"]


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def alive(marker: str) -> list[psutil.Process]:
    return [
        process for process in psutil.process_iter(["cmdline"]) if marker in " ".join(process.info["cmdline"] or [])
    ]


def test_much_on_both_pipes_neither_blocks_nor_grows() -> None:
    done = run(python("import sys\nfor k in range(20000): print('o'*50); print('e'*50, k, file=sys.stderr)"))
    assert done.code == 0
    assert len(done.output) == 20000 * 51
    assert done.errors[-1].endswith(" 19999")
    assert len(done.errors) < 1000


def test_what_outlasts_its_time_is_ended_even_if_it_ignores_the_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rushes.video.process._GRACE_S", 0.2)
    began = time.monotonic()
    with pytest.raises(MediaLimitsError, match="not done after 1 s"):
        run(python("import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"), timeout_s=0.8)
    assert time.monotonic() - began < 10


def test_an_error_in_the_callback_ends_the_program() -> None:
    marker = f"life=s=64x64:rate=25:seed={os.getpid()}"
    argv = [str(find("ffmpeg")), *[marker if "testsrc2" in word else word for word in ENDLESS], "-progress", "pipe:1"]

    def stop(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(argv, on_progress=stop)
    assert alive(marker) == []


def test_what_is_taken_out_of_the_output_is_gone_and_the_program_waits_for_it() -> None:
    sizes: list[int] = []

    def take(output: bytearray) -> None:
        whole = len(output) // 1000 * 1000
        sizes.append(len(output))
        del output[:whole]

    done = run(python("import sys\nfor k in range(5000): sys.stdout.write('o' * 999)\nprint('end')"), on_output=take)
    assert done.output[-4:] == b"end\n"
    assert len(done.output) == (5000 * 999 + 4) % 1000
    assert max(sizes) < 100_000


def test_progress_tells_seconds_of_output() -> None:
    seen: list[float] = []
    source = ["-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x64:d=2", "-f", "null", "-"]
    done = run([str(find("ffmpeg")), *source, "-progress", "pipe:1"], on_progress=seen.append)
    assert done == (0, b"", [])
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(2.0, abs=0.1)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's leash is Linux's")
@pytest.mark.parametrize("setpriv", [True, False])
def test_nothing_is_left_behind_when_the_parent_is_killed(tmp_path: Path, setpriv: bool) -> None:
    marker = f"testsrc2=s=64x64:duration={os.getpid()}.{setpriv:d}"
    argv = [str(find("ffmpeg")), *[marker if "testsrc2" in word else word for word in ENDLESS]]
    hide = "" if setpriv else "process.shutil.which = lambda name: None;"
    parent = subprocess.Popen(python(f"from rushes.video import process; {hide} process.run({argv!r})"))
    deadline = time.monotonic() + 20
    while not any(p.name().startswith("ffmpeg") for p in alive(marker) if p.pid != parent.pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    while alive(marker):
        assert time.monotonic() < deadline, "ffmpeg outlived its parent"
        time.sleep(0.05)


def test_a_program_that_is_stuck_is_ended_and_one_that_thinks_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_STUCK_S", 0.5)
    with pytest.raises(TranscodingFailedError, match="stuck"):
        run(python("import threading; threading.Event().wait()"), timeout_s=60)
    thinking = "import time; end = time.monotonic() + 3\nwhile time.monotonic() < end: pass"
    assert run(python(thinking), timeout_s=60).code == 0


def test_a_short_lived_thread_may_run_it() -> None:
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(run(python("print(1)")).code))
    thread.start()
    thread.join()
    assert codes == [0]


def test_last_words_name_the_cause_without_folders_and_addresses(tmp_path: Path) -> None:
    path = tmp_path / "bad.mp4"
    done = run([
        *python(
            "import sys; sys.stderr.write('[mov @ 0x7f] [x @ 0x8] moov atom not found in '"
            f" + 'file:{path}' + chr(10) + '[out#0 @ 0x7f] Task finished with error code: -22' + chr(10))"
        )
    ])  # fmt: skip
    assert done.last_words(path) == "moov atom not found in bad.mp4"
