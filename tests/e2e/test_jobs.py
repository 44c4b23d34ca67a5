"""`rushes.cluster` and `rushes jobs` against a real cluster: each command, and each of its errors."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from cli.main import rushes as command
from rushes import errors
from rushes.cluster import Job, RayClient, StreamLimits
from rushes.cluster.sdk import check_minor
from rushes.errors import RushesError
from tests.http_server import serve, status
from tests.ray_cluster import Cluster, metadata, ray_cluster

ROOT = Path(__file__).parents[2]
TALKS = "echo one; echo two; sleep 1; printf unfinished; exit 3"
PROTOCOLS = ["stream", "websocket"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with ray_cluster(os.environ["RAY_AUTH_TOKEN"]) as found:
        yield found


@pytest.fixture
def client(cluster: Cluster) -> RayClient:
    return RayClient(cluster.url)


@pytest.fixture(scope="module")
def dead(cluster: Cluster) -> Job:
    """A job that wrote something and failed."""
    client = RayClient(cluster.url)
    return ended(client, client.submit_job(TALKS, runtime_env={"env_vars": {"WORD": "shibboleth"}}))


@pytest.fixture
def silent(client: RayClient) -> Iterator[str]:
    """A job that says one word, and then nothing."""
    job_id = client.submit_job("trap 'echo asked to end; exit 0' TERM; echo hello; sleep 600 & wait")
    until(lambda: "hello" in client.list_job_logs(job_id))
    yield job_id
    if not client.get_job(job_id).ended:
        client.stop_job(job_id)


def ended(client: RayClient, job_id: str) -> Job:
    until(lambda: client.get_job(job_id).ended)
    return client.get_job(job_id)


def until(true: Callable[[], object], seconds: float = 180) -> None:
    deadline_s = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


def rushes(cluster: Cluster, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "cli", *map(str, arguments)]
    return subprocess.run(
        line, capture_output=True, text=True, env=cluster.environment() | variables, timeout=500, cwd=ROOT, check=False
    )


def inside(cluster: Cluster, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Runs a command in this process, where Ray is imported already, and returns its exit code and its result."""
    capsys.readouterr()
    code = command.main(["jobs", *arguments, "--address", cluster.url], standalone_mode=False)
    return code or 0, capsys.readouterr().out


def last_json(text: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(text.splitlines()[-1])
    return found


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_following_brings_every_line_of_a_job_that_dies(client: RayClient, protocol: str) -> None:
    job_id = client.submit_job(TALKS)
    lines = list(client.tail_job_logs(job_id, stream_timeout=60, protocol=protocol))  # type: ignore[arg-type]
    told = [line for line in lines if line in ("one", "two", "unfinished")]
    assert told == ["one", "two", "unfinished"]
    assert "\n".join(lines) == client.list_job_logs(job_id)
    job = client.get_job(job_id)
    assert (job.status, job.exit_code) == ("FAILED", 3)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_following_a_job_that_has_ended_brings_all_it_wrote(client: RayClient, dead: Job, protocol: str) -> None:
    lines = client.tail_job_logs(dead.id, protocol=protocol)  # type: ignore[arg-type]
    assert "\n".join(lines) == client.list_job_logs(dead.id)


def test_following_works_in_a_coroutine(client: RayClient, dead: Job) -> None:
    async def lines() -> list[str]:
        return [line async for line in client.atail_job_logs(dead.id)]

    assert asyncio.run(lines())[-1] == "unfinished"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_job_that_says_nothing_for_too_long_is_followed_no_more(
    client: RayClient, silent: str, protocol: str
) -> None:
    lines = client.tail_job_logs(silent, stream_timeout=2, protocol=protocol)  # type: ignore[arg-type]
    with pytest.raises(errors.StreamTimeoutError, match="said nothing for 2 s; the job goes on"):
        list(lines)
    assert client.get_job(silent).status == "RUNNING"


@pytest.mark.parametrize(
    ("limit", "name"),
    [
        (StreamLimits(max_lines=2), "max_lines = 2"),
        (StreamLimits(max_bytes=20), "max_bytes = 20"),
        (StreamLimits(max_message_size=10), "max_message_size = 10"),
    ],
)
def test_a_log_over_a_limit_is_followed_no_more(client: RayClient, dead: Job, limit: StreamLimits, name: str) -> None:
    with pytest.raises(errors.StreamLimitError, match=name):
        list(client.tail_job_logs(dead.id, limits=limit))


def test_a_stream_of_too_many_messages_is_followed_no_more(client: RayClient) -> None:
    job_id = client.submit_job("for i in 1 2 3; do echo $i; sleep 1; done")
    with pytest.raises(errors.StreamLimitError, match="max_messages = 1"):
        list(client.tail_job_logs(job_id, stream_timeout=60, limits=StreamLimits(max_messages=1)))


@pytest.mark.parametrize("job_id", ["nope", "..", "a/../b c", "?x=1", ""])
def test_an_unknown_job_is_said_to_be_unknown(client: RayClient, job_id: str) -> None:
    for ask in (client.get_job, client.stop_job, client.list_job_logs, client.tail_job_logs):
        with pytest.raises(errors.UnknownJobError, match="no job"):
            ask(job_id)


def test_a_stopped_job_is_asked_to_end_first_and_cannot_be_stopped_twice(client: RayClient, silent: str) -> None:
    assert client.stop_job(silent).status == "RUNNING"
    assert ended(client, silent).status == "STOPPED"
    assert "asked to end" in client.list_job_logs(silent)
    with pytest.raises(errors.JobEndedError, match="STOPPED: nothing to stop"):
        client.stop_job(silent)


def test_what_a_job_was_given_can_be_read_but_for_values_of_variables(client: RayClient, dead: Job) -> None:
    assert dead.env_names == ("WORD",)
    assert "shibboleth" not in repr(client.get_job(dead.id))
    job_id = client.submit_job("echo done # https://me:hunter2@example.org", metadata={"of": "test"})
    job = ended(client, job_id)
    assert (job.metadata, job.status, job.exit_code) == ({"of": "test"}, "SUCCEEDED", 0)
    assert "hunter2" not in repr(job)
    assert job.id == client.list_jobs()[0].id == job_id


def test_a_driver_that_nobody_submitted_is_listed_with_its_tasks_and_cannot_be_stopped(
    cluster: Cluster, client: RayClient, tmp_path: Path
) -> None:
    code = (
        "import sys, time, ray; ray.init(sys.argv[1], log_to_driver=False)\n"
        "@ray.remote\ndef blink(): return 1\n@ray.remote(max_retries=0)\ndef trip(): return 1 / 0\n"
        "ray.get(blink.remote()); ray.wait([trip.remote()]); print('ready', flush=True); time.sleep(600)"
    )
    environment = cluster.environment() | {"RAY_AUTH_MODE": "token"}
    line = [sys.executable, "-c", code, cluster.address]
    with subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            job = next(job for job in client.list_jobs() if job.kind == "driver" and not job.ended)
            for ask in (client.stop_job, client.list_job_logs, client.tail_job_logs):
                with pytest.raises(errors.DriverJobError, match="was not submitted"):
                    ask(job.id)
            until(lambda: {task.state for task in client.list_tasks(job.id)} == {"FINISHED", "FAILED"})
            (failed,) = client.list_tasks(job.id, state="failed")
            assert (failed.name, failed.error) == ("trip", "TASK_EXECUTION_EXCEPTION")
            assert client.get_task(failed.id) == failed
        finally:
            process.kill()


def test_nodes_are_listed_with_what_they_offer(client: RayClient) -> None:
    (node,) = client.list_nodes()
    assert (node.state, node.head, node.cpus) == ("ALIVE", True, 2)
    assert client.get_node(node.id).resources == node.resources


@pytest.mark.parametrize("name", ["nope", "0" * 56, "0" * 48])
def test_an_unknown_node_or_task_is_said_to_be_unknown(client: RayClient, name: str) -> None:
    with pytest.raises(errors.UnknownResourceError, match="no node"):
        client.get_node(name)
    with pytest.raises(errors.UnknownResourceError, match="no task"):
        client.get_task(name)


def test_a_wrong_token_and_none_are_told_apart(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(errors.ClusterAccessError, match="the token is not the cluster's") as wrong:
        RayClient(cluster.url, token="open-sesame").list_jobs()
    assert "open-sesame" not in str(wrong.value)
    monkeypatch.delenv("RAY_AUTH_TOKEN")
    monkeypatch.setenv("HOME", "/nowhere")
    with pytest.raises(errors.ClusterAccessError, match="none is set"):
        RayClient(cluster.url).list_jobs()


def test_a_token_comes_from_a_file(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RAY_AUTH_TOKEN")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    with pytest.raises(errors.ClusterAccessError, match="cannot be read"):
        RayClient(cluster.url)
    (tmp_path / "token").write_text(f"{cluster.token}\n")
    assert RayClient(cluster.url).version() == "2.60.0"


def test_following_says_that_the_cluster_is_gone(client: RayClient, silent: str, cluster: Cluster) -> None:
    """A connection that breaks off is no end of the job."""
    lines = relayed(cluster, lambda url: iter(RayClient(url).tail_job_logs(silent, stream_timeout=60)))
    with pytest.raises(errors.ClusterUnreachableError):
        list(lines)


def relayed(cluster: Cluster, use: Callable[[str], Iterator[str]]) -> Iterator[str]:
    """Yields what comes through a relay that breaks down after the first line."""
    ends: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(cluster.url.rpartition(":")[2])
        threading.Thread(target=relay, args=(server, port, ends), daemon=True).start()
        lines = use(f"http://127.0.0.1:{server.getsockname()[1]}")
        yield next(lines)
        for one in (server, *ends):
            with suppress(OSError):  # the other side was faster
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        yield from lines


def relay(server: socket.socket, port: int, ends: list[socket.socket]) -> None:
    with suppress(OSError):  # it is closed
        while True:
            near, far = server.accept()[0], socket.create_connection(("127.0.0.1", port))
            ends.extend((near, far))
            for pair in ((near, far), (far, near)):
                threading.Thread(target=pump, args=pair, daemon=True).start()


def pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)


def test_an_address_where_nobody_answers_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for address in (f"http://127.0.0.1:{port}", f"127.0.0.1:{port}"):
        with pytest.raises(errors.ClusterUnreachableError, match=f"127.0.0.1:{port}.*Start"):
            RayClient(address).list_jobs()


def test_an_address_where_something_else_answers_is_refused() -> None:
    with serve({}) as server, pytest.raises(errors.ClusterUnreachableError, match="no Ray dashboard"):
        RayClient(server.url("")).list_jobs()


def test_a_server_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(errors.ClusterUnreachableError, match=r"nothing came within 0\.5 s"):
            RayClient(url, timeout_s=0.5).list_jobs()


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("ray://127.0.0.1:10001", "expected the dashboard's URL"),
        ("nonsense", "expected the dashboard's URL"),
        ("http://", "expected a URL"),
        ("http://127.0.0.1:99999", "expected a URL"),
        ("http://me:hunter2@127.0.0.1:8265", "no credentials in the address"),
    ],
)
def test_what_is_no_address_is_refused(address: str, expected: str) -> None:
    with pytest.raises(errors.ConfigError, match=expected) as refused:
        RayClient(address)
    assert "hunter2" not in str(refused.value)


def test_the_address_that_is_given_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert RayClient().address == "http://127.0.0.1:8265"
    monkeypatch.setenv("RAY_ADDRESS", "http://ray.example:1/")
    assert RayClient().address == "http://ray.example:1"
    monkeypatch.setenv("RAY_API_SERVER_ADDRESS", "http://api.example:2")
    assert RayClient().address == "http://api.example:2"
    assert RayClient("http://given.example:3").address == "http://given.example:3"


@pytest.mark.parametrize("bad", [{"stream_timeout": 0}, {"protocol": "pigeon"}])
def test_what_cannot_be_followed_is_refused_at_once(client: RayClient, dead: Job, bad: dict[str, object]) -> None:
    with pytest.raises(errors.ConfigError, match=str(next(iter(bad)))):
        client.tail_job_logs(dead.id, **bad)  # type: ignore[arg-type]


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(errors.ConfigError, match="max_lines = 0"):
        StreamLimits(max_lines=0)


def test_a_cluster_of_another_minor_of_ray_is_refused(client: RayClient) -> None:
    assert client.check_version() == "2.60.0"
    check_minor("http://ray.example", "2.60.9")
    with pytest.raises(errors.VersionMismatchError, match=r"runs Ray 2\.59\.1, and this machine Ray 2\.60\.0"):
        check_minor("http://ray.example", "2.59.1")


def test_the_commands_list_and_show(
    cluster: Cluster, client: RayClient, dead: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = inside(cluster, capsys, "list")
    row = next(line for line in said.splitlines() if line.startswith(dead.id)).split("\t")
    assert (code, row[1], row[4]) == (0, "FAILED", TALKS)
    code, said = inside(cluster, capsys, "list", "--json")
    assert dead.id in [job["id"] for job in last_json(said)["jobs"]]  # type: ignore[attr-defined]
    code, said = inside(cluster, capsys, "show", dead.id)
    assert re.search(r"^status +FAILED$", said, re.MULTILINE)
    assert re.search(r"^exit_code +3$", said, re.MULTILINE)
    (node,) = client.list_nodes()
    for arguments in (["nodes"], ["nodes", node.id]):
        code, said = inside(cluster, capsys, *arguments)
        assert (code, node.id in said) == (0, True)
    code, said = inside(cluster, capsys, "tasks", "--limit", "5", "--json")
    assert (code, last_json(said)["status"]) == (0, "ok")


def test_the_command_logs_prints_and_follows(
    cluster: Cluster, client: RayClient, dead: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = client.list_job_logs(dead.id)
    for arguments in ([], ["-f"], ["-f", "--protocol", "websocket"]):
        code, said = inside(cluster, capsys, "logs", dead.id, *arguments)
        assert (code, said) == (0, f"{whole}\n")


def test_the_command_stop_waits_until_the_job_is_gone(
    cluster: Cluster, client: RayClient, silent: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert inside(cluster, capsys, "stop", silent) == (0, f"{silent}: STOPPED\n")
    assert client.get_job(silent).ended


APPLICATIONS = """
from ray import serve


@serve.deployment(ray_actor_options={"num_cpus": 0})
class Sizes:
    def __call__(self):
        return 64


@serve.deployment(ray_actor_options={"num_cpus": 0})
class Broken:
    def __init__(self):
        raise ValueError("no model at s3://me:hunter2@bucket/model.pt")


serve.start(proxy_location="Disabled")
serve.run(Sizes.bind(), name="sizes", route_prefix="/sizes")
serve.run(Broken.bind(), name="broken", route_prefix="/broken")
"""


@pytest.mark.timeout(600)  # Serve starts a controller, and tries what breaks three times
def test_the_command_serve_lists_and_shows_what_runs_and_what_failed(
    cluster: Cluster, client: RayClient, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert inside(cluster, capsys, "serve") == (0, "")  # Serve has not been started
    (tmp_path / "applications.py").write_text(APPLICATIONS)
    job_id = client.submit_job("python applications.py", runtime_env={"working_dir": str(tmp_path)})
    assert ended(client, job_id).status == "FAILED"
    code, said = inside(cluster, capsys, "serve")
    rows = [line.split("\t") for line in said.splitlines()]
    assert (code, rows) == (
        0,
        [
            ["broken", "DEPLOY_FAILED", "/broken", "Broken DEPLOY_FAILED"],
            ["sizes", "RUNNING", "/sizes", "Sizes HEALTHY"],
        ],
    )
    code, said = inside(cluster, capsys, "serve", "sizes", "--json")
    assert (code, last_json(said)["application"]) == (0, msgspec.to_builtins(client.get_serve_application("sizes")))
    code, said = inside(cluster, capsys, "serve", "broken")
    assert code == 0
    assert re.search(r"^problems +Broken ValueError: no model at s3://…@bucket/model\.pt$", said, re.MULTILINE)


def test_a_cluster_without_serve_says_so() -> None:
    version = status(200, b'{"ray_version": "2.60.0"}')
    refusal = status(501, b'Serve dependencies are not installed. Please run `pip install "ray[serve]"`.')  # Ray's own
    with (
        serve({"/api/version": version, "/api/serve/applications/": refusal}) as server,
        pytest.raises(errors.ClusterError, match=re.escape("ray[serve]")),
    ):
        RayClient(server.url("")).list_serve_applications()


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (["show", "nope"], "unknown_job", 2),
        (["stop", "DEAD"], "job_ended", 1),
        (["logs", "-f", "DEAD", "--max-lines", "1"], "stream_limit", 1),
        (["nodes", "nope"], "not_found", 2),
        (["serve", "nope"], "not_found", 2),
    ],
)
def test_an_error_is_one_line_with_its_exit_code(
    cluster: Cluster, dead: Job, arguments: list[str], code: str, exit_code: int
) -> None:
    done = rushes(cluster, "jobs", *(dead.id if word == "DEAD" else word for word in arguments), "--json")
    assert (done.returncode, done.stderr.count("\n")) == (exit_code, 1), done.stderr
    assert last_json(done.stdout)["error"]["code"] == code  # type: ignore[index]
    assert cluster.token not in done.stderr


def test_an_unreachable_cluster_and_a_wrong_token_are_exit_2(cluster: Cluster) -> None:
    away = rushes(cluster, "jobs", "list", "--address", "http://127.0.0.1:9")
    assert (away.returncode, away.stderr.count("\n")) == (2, 1)
    assert "http://127.0.0.1:9" in away.stderr
    locked = rushes(cluster, "jobs", "list", RAY_AUTH_TOKEN="open-sesame")
    assert (locked.returncode, locked.stderr.count("\n")) == (2, 1)
    assert "RAY_AUTH_TOKEN" in locked.stderr


def test_a_cluster_is_found_by_its_own_address(cluster: Cluster) -> None:
    done = rushes(cluster, "jobs", "nodes", "--address", cluster.address)
    assert (done.returncode, "ALIVE" in done.stdout) == (0, True), done.stderr


def pipeline(folder: Path, more: str = "") -> Path:
    Image.new("RGB", (64, 48), (9, 99, 9)).save(folder / "a.png")
    labels = json.dumps([{"class": "car", "box": [1, 2, 20, 20]}]).replace('"', '""')
    (folder / "items.csv").write_text(f'url,annotations\na.png,"{labels}"\n')
    path = folder / "pipeline.yaml"
    path.write_text(f"name: parked\nsource: items.csv\nexport: {{format: yolo}}\n{more}")
    return path


@pytest.mark.timeout(600)  # a whole run, on a machine that may be busy
def test_a_pipeline_runs_as_a_job_and_ends_as_its_run_ends(cluster: Cluster, client: RayClient, tmp_path: Path) -> None:
    done = rushes(cluster, "jobs", "submit", pipeline(tmp_path), "--json", "--env", f"RUSHES_HOME={ROOT / '.rushes'}")
    assert done.returncode == 0, done.stderr
    told = last_json(done.stdout)
    assert told["result"]["items"]["ok"] == 1  # type: ignore[index]
    assert (tmp_path / "work/datasets/parked/labels/train").is_dir()
    assert "going along: " in done.stderr
    job = client.get_job(done.stdout.splitlines()[0])
    assert (job.status, job.metadata["pipeline"]) == ("SUCCEEDED", "parked")


def test_a_run_that_is_refused_on_the_cluster_gives_its_exit_code(cluster: Cluster, tmp_path: Path) -> None:
    file = pipeline(tmp_path, "run:\n  max_failed: ${SHARE_HERE}\n")
    done = rushes(cluster, "jobs", "submit", file, "--json", SHARE_HERE="0.5")
    assert done.returncode == 2, done.stderr
    assert "pipeline.yaml reads SHARE_HERE" in done.stderr
    assert "environment variable SHARE_HERE is not set" in done.stderr
    assert last_json(done.stdout)["error"]["code"] == "job_failed"  # type: ignore[index]


def test_ctrl_c_while_waiting_leaves_the_job_and_says_how_to_stop_it(
    cluster: Cluster, client: RayClient, tmp_path: Path
) -> None:
    line = [sys.executable, "-m", "cli", "jobs", "submit", str(pipeline(tmp_path))]
    environment = {name: value for name, value in cluster.environment().items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(
        line, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        job_id = process.stdout.readline().strip()
        until(lambda: client.get_job(job_id).status == "RUNNING")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"`rushes jobs stop {job_id}`" in said
    assert client.get_job(job_id).status == "RUNNING"
    client.stop_job(job_id)
    assert ended(client, job_id).status == "STOPPED"
    assert "interrupted" in client.list_job_logs(job_id)  # asked to end, and not killed


def test_a_run_on_a_cluster_of_other_versions_is_refused_in_one_line(cluster: Cluster, tmp_path: Path) -> None:
    address = cluster.address
    was = metadata(cluster, "2.59.0 3.10.2")
    try:
        done = rushes(cluster, "run", pipeline(tmp_path), "--json", RAY_ADDRESS=address)
    finally:
        metadata(cluster, was)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert f"{address}: the cluster runs Ray 2.59.0 on Python 3.10.2, and this process Ray" in done.stderr
    assert last_json(done.stdout)["error"]["code"] == "version_mismatch"  # type: ignore[index]


def test_a_run_that_is_given_the_dashboard_as_its_cluster_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    done = rushes(cluster, "run", pipeline(tmp_path), RAY_ADDRESS=cluster.url.removeprefix("http://"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "that is a dashboard" in done.stderr


def test_doctor_looks_at_the_cluster(cluster: Cluster) -> None:
    told = checks(rushes(cluster, "doctor", "--json", RAY_ADDRESS=cluster.address))
    assert told["ray cluster"] == (True, f"{cluster.address} answers, with the Ray and the Python of this machine")
    assert told["ray dashboard"] == (True, f"{cluster.url} answers: Ray 2.60.0, 1 nodes, 2 cores")
    wrong = {"RAY_ADDRESS": cluster.url, "RAY_API_SERVER_ADDRESS": "http://127.0.0.1:9"}
    told = checks(rushes(cluster, "doctor", "--json", **wrong))
    assert "that is a dashboard" in told["ray cluster"][1]
    assert "no Ray dashboard answers" in told["ray dashboard"][1]
    assert not told["ray cluster"][0]
    assert not told["ray dashboard"][0]


def checks(done: subprocess.CompletedProcess[str]) -> dict[str, tuple[bool, str]]:
    return {check["what"]: (check["ok"], check["text"]) for check in json.loads(done.stdout.splitlines()[-1])["checks"]}


def test_every_error_of_a_cluster_has_a_code_of_its_own() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.ClusterError)]
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(issubclass(kind, RushesError) for kind in kinds)


def test_the_library_asks_for_a_cluster_without_importing_ray() -> None:
    code = "import sys, rushes.cluster; print([name for name in ('ray', 'aiohttp') if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
