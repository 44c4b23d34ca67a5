"""The front door: exit codes, one clear line for bad usage, and no orchestrator where none is needed."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.jobs import jobs


def rushes(*arguments: str | Path, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "cli", *map(str, arguments)], capture_output=True, text=True, cwd=cwd, timeout=60
    )


def pipeline_file(folder: Path, text: str) -> Path:
    path = folder / "pipeline.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: x\nsource: a.csv\nfrobnicate: 1\n", "unknown key frobnicate"),
        ("name: x\nsource: a.csv\nrun: {max_faild: 1}\n", "unknown key run.max_faild"),
        ("name: X y\nsource: a.csv\n", "name = 'X y'"),
        ("name: x\n", "source is missing"),
        ("name: x\nsource: a.csv\ndownload: {max_bytes: 2 parsecs}\n", "expected a size like 500MB or 20GiB"),
        ("name: x\nsource: a.csv\ntranscode: {resolution: big}\n", "expected WIDTHxHEIGHT"),
        ("name: x\nsource: a.csv\nprofiles: {small: {crf: 99}}\n", "profiles.small.crf = 99"),
        ("name: x\nsource: a.csv\nprofiles: {small: {bitrate: 5k}}\n", "unknown key profiles.small.bitrate"),
        ("name: x\nsource: a.csv\nprofiles: {small: {profile: tiny}}\n", "profiles.small.profile = 'tiny'"),
        ("name: x\nsource: a.csv\nprofiles: {web: {crf: 20}}\n", "profiles.web = 'web': built in"),
        ("name: x\nsource: a.csv\nprofiles: {A b: {}}\n", "profiles.A b"),
        (
            "name: x\nsource: a.csv\nprofiles: {small: {}}\ntranscode: {profile: tiny}\n",
            "transcode.profile = 'tiny': expected one of web, archive, mobile, none, small",
        ),
        ("name: x\nsource: a.csv\nexport: {split: {train: 0.9}}\n", "add up to 1"),
        (
            "name: x\nsource: ${NO_SUCH_VARIABLE_HERE}\nworkspace: ${NO_SUCH_VARIABLE_HERE}\n",
            "NO_SUCH_VARIABLE_HERE is not set",
        ),
        ("name: [\n", "not valid YAML"),
        ("- a\n", "expected a mapping"),
    ],
)
def test_a_bad_pipeline_file_is_exit_2_and_one_line_that_names_file_key_and_expectation(
    tmp_path: Path, text: str, expected: str
) -> None:
    ended = rushes("run", pipeline_file(tmp_path, text), "--json")
    assert ended.returncode == 2
    assert expected in ended.stderr
    assert "pipeline.yaml" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert json.loads(ended.stdout.splitlines()[-1])["error"]["code"] == "bad_config"


def test_a_missing_pipeline_file_is_exit_2(tmp_path: Path) -> None:
    ended = rushes("run", tmp_path / "nowhere.yaml")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "no such file" in ended.stderr


@pytest.mark.parametrize(
    "arguments", [["frobnicate"], ["run"], ["run", "a.yaml", "--runner", "abacus"], ["verify", "--no"]]
)
def test_bad_usage_is_exit_2_and_one_line(arguments: list[str]) -> None:
    ended = rushes(*arguments)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    ("name", "address"), [("PREFECT_API_URL", "http://127.0.0.1:9/api"), ("RAY_ADDRESS", "127.0.0.1:9")]
)
def test_a_server_that_does_not_answer_is_exit_2_and_one_line_that_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, address: str
) -> None:
    monkeypatch.setenv(name, address)
    ended = rushes("run", pipeline_file(tmp_path, "name: x\nsource: a.csv\n"), "--json")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
    assert f"{name} = '{address}'" in ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1])["error"]["code"] == "bad_config"


def test_a_defect_is_exit_1_with_its_traceback_and_its_json_line() -> None:
    code = (
        "import sys, cli.main, rushes.summary.verify; rushes.summary.verify.verify_dataset = lambda *_, **__: 1 / 0; "
        "sys.argv = ['rushes', 'verify', '.', '--json']; from cli.main import main; main()"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "Traceback" in ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1])["error"]["code"] == "unexpected"


def test_an_override_goes_before_the_file(tmp_path: Path) -> None:
    path = pipeline_file(tmp_path, "name: x\nsource: a.csv\n")
    ended = rushes("run", path, "--set", "run.max_failed=lots")
    assert ended.returncode == 2
    assert "run.max_failed = 'lots'" in ended.stderr


def test_every_command_has_help_with_an_example() -> None:
    for command in (
        "run",
        "ingest",
        "export",
        "rebuild",
        "plan",
        "diff",
        "report",
        "verify",
        "probe",
        "doctor",
        "sheet",
        "thumbnail",
        "transcode",
    ):
        ended = rushes(command, "--help")
        assert ended.returncode == 0
        assert f"Example: rushes {command}" in ended.stdout


def test_every_command_of_jobs_has_help_with_an_example() -> None:
    for name, command in jobs.commands.items():
        assert f"Example: rushes jobs {name}" in " ".join((command.help or "").split())


def test_the_command_starts_without_what_only_some_of_its_commands_need() -> None:
    code = "import sys, cli.main; print([m for m in ('prefect', 'ray', 'requests', 'yaml', 'PIL') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_a_reader_that_has_enough_ends_the_command_without_a_word() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run([sys.executable, "-m", "cli", "doctor"], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (1, "")


def test_verify_of_a_folder_that_is_no_dataset_is_exit_2(tmp_path: Path) -> None:
    assert rushes("verify", tmp_path).returncode == 2


def test_doctor_says_which_ffmpeg_is_used() -> None:
    ended = rushes("doctor", "--json")
    checks = {check["what"]: check for check in json.loads(ended.stdout.splitlines()[-1])["checks"]}
    assert ended.returncode == 0, ended.stdout
    assert checks["ffmpeg"]["ok"]
    assert checks["ffprobe"]["ok"]
    assert "AV1" in checks["ffmpeg's parts"]["text"]
    assert checks["probing"]["text"].startswith("by ffprobe")


def test_a_missing_ffmpeg_makes_doctor_fail_and_say_how_to_mend(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['imageio_ffmpeg'] = None; sys.argv = ['rushes', 'doctor']; "
        "from cli.main import main; main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PATH": str(tmp_path), "HOME": str(tmp_path)}
    )
    assert ended.returncode == 1
    assert "FAIL  ffmpeg" in ended.stdout


def test_verify_names_what_differs_and_compares_with_a_digest(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"a")
    sums = f"{hashlib.sha256(b'a').hexdigest()}  a.jpg\n{hashlib.sha256(b'b').hexdigest()}  b.jpg\n"
    (tmp_path / "checksums.sha256").write_text(sums)
    ended = rushes("verify", tmp_path, "--json")
    lines = ended.stdout.splitlines()
    assert (ended.returncode, lines[0]) == (1, "missing: b.jpg")
    assert json.loads(lines[-1])["missing"] == ["b.jpg"]
    (tmp_path / "b.jpg").write_bytes(b"b")
    digest = hashlib.sha256(sums.encode()).hexdigest()
    assert rushes("verify", tmp_path, "--expect", f"sha256:{digest}").returncode == 0
    assert rushes("verify", tmp_path, "--expect", "0" * 64).returncode == 1
