"""Whatever an address looks like, and wherever it is met, nothing inside ever hears of it."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina

from rushes.config import DownloadConfig
from rushes.errors import BadURLError, ForbiddenHostError, RushesError
from rushes.files.download import download_file, fetch
from rushes.records import Download, Source
from rushes.transfer.guard import guarded_session
from tests.attacks import ATTACKS, ELSEWHERE, MALFORMED, OUTSIDE, REDIRECTS, SHIFTS, Attack, Names, Shift, tables
from tests.http_server import Handler, Server, ok, redirect, serve, slammed, status

ALLOWED = (OUTSIDE, ELSEWHERE)
BODY = b"from outside"


@pytest.fixture(scope="module")
def inside() -> Iterator[Server]:
    def secret(handler: Handler) -> None:
        ok(b"inside")(handler)

    with serve({"/a": secret, "/": secret}) as running:
        yield running


@pytest.fixture(scope="module")
def outside() -> Iterator[tuple[Server, dict[str, str]]]:
    """Redirects to where a test says, in every way."""
    location: dict[str, str] = {}

    def answer(handler: Handler) -> None:
        redirect(location[handler.path], int(handler.path[1:4]))(handler)

    paths = [*(f"/{code}" for code in REDIRECTS), "/302-relative"]
    with serve(dict.fromkeys(paths, answer), address=(OUTSIDE, 0)) as running:
        yield running, location


@pytest.fixture(autouse=True)
def _no_pauses() -> Iterator[None]:
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


def resolver(monkeypatch: pytest.MonkeyPatch, names: Names) -> Counter[str]:
    """Has names resolved by this table only, and returns how often each was asked for; addresses are what they are."""
    real, asked = socket.getaddrinfo, Counter[str]()

    def resolve(host: str, port: int, *args: object, **options: object) -> list[tuple[object, ...]]:
        try:
            return list(real(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
        except socket.gaierror:
            answers = names.get(host.lower().rstrip("."), ())
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        addresses = answers[min(asked[host], len(answers) - 1)]
        asked[host] += 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def get(url: str, root: Path) -> Download | None:
    limits = {"connect": 1, "read": 1, "total": 3}
    config = DownloadConfig.model_validate({"attempts": 2, "allow_private_hosts": ALLOWED, "timeout_s": limits})
    with guarded_session(config) as session:
        return fetch(Source("a", url), root, "incoming/a", config, session)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.url)
def test_what_leads_inside_is_refused_where_it_is_asked_for(
    attack: Attack, inside: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver(monkeypatch, attack.names)
    with pytest.raises(ForbiddenHostError):
        download_file(attack.url.format(port=inside.port), tmp_path, allow_hosts=ALLOWED)
    assert inside.requests == []
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.url)
def test_what_leads_inside_is_refused_as_the_target_of_a_redirect(
    attack: Attack,
    inside: Server,
    outside: tuple[Server, dict[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolver(monkeypatch, attack.names)
    server, locations = outside
    url = attack.url.format(port=inside.port)
    targets = {f"/{code}": url for code in REDIRECTS}
    if url.startswith("http://"):
        targets["/302-relative"] = url.removeprefix("http:")
    locations |= targets
    server.requests.clear()
    for path in targets:
        with pytest.raises(ForbiddenHostError):
            get(server.url(path, OUTSIDE), tmp_path)
    assert server.paths() == list(targets)
    assert inside.requests == []


@pytest.mark.parametrize("attack", MALFORMED, ids=lambda attack: attack.what)
def test_what_nobody_can_read_is_no_url(
    attack: Attack, inside: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver(monkeypatch, attack.names)
    with pytest.raises(BadURLError):
        get(attack.url.format(port=inside.port), tmp_path)
    assert inside.requests == []


@pytest.mark.parametrize("shift", SHIFTS, ids=lambda shift: shift.what)
def test_a_name_that_moves_brings_nobody_inside(
    shift: Shift, inside: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = resolver(monkeypatch, {"shifty.example": shift.answers})
    url = inside.url("/a", "shifty.example")
    away = status(302, Location=url, Connection="close")
    with serve(
        {"/a": {"answers": ok(BODY), "hangs up": slammed, "redirects": away}[shift.outside]},
        address=(OUTSIDE, inside.port),
    ):
        if shift.outcome is None:
            found = get(url, tmp_path)
            assert found is not None
            assert (tmp_path / found.path).read_bytes() == BODY
            assert asked["shifty.example"] == 1
        else:
            with pytest.raises(RushesError) as caught:
                get(url, tmp_path)
            assert caught.value.code == shift.outcome
    assert inside.requests == []


def test_the_server_inside_would_have_answered(inside: Server, tmp_path: Path) -> None:
    path = download_file(inside.url("/a"), tmp_path, allow_hosts=["127.0.0.1"])
    assert path.read_bytes() == b"inside"
    inside.requests.clear()


def test_a_host_below_localhost_is_reached_where_loopback_is_allowed(inside: Server, tmp_path: Path) -> None:
    path = download_file(inside.url("/a", "media.localhost"), tmp_path, allow_hosts=["127.0.0.1"])
    assert path.read_bytes() == b"inside"
    inside.requests.clear()


def test_the_tables_name_each_url_once() -> None:
    urls = [attack.url for attack in (*ATTACKS, *MALFORMED)]
    assert len(set(urls)) == len(urls)
    assert len(ATTACKS) >= 30


def test_the_page_of_servers_has_these_tables() -> None:
    page = (Path(__file__).parents[3] / "docs/servers.md").read_text()
    assert tables() in page, "Put what `python -m tests.attacks` prints into docs/servers.md."
