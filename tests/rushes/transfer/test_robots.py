"""What a host lets robots take is asked first, and heeded, where the configuration says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import stamina
from hypothesis import given
from hypothesis import strategies as st

from rushes.config import DownloadConfig
from rushes.errors import (
    BadURLError,
    ForbiddenHostError,
    HTTPStatusError,
    RobotsError,
    RobotsUnreachableError,
)
from rushes.files.download import fetch
from rushes.records import Source
from rushes.transfer import robots as robots_module
from rushes.transfer.guard import GuardedSession, guarded_session
from rushes.transfer.hosts import HostShares
from rushes.transfer.leases import gate_of
from rushes.transfer.request import opened
from rushes.transfer.robots import MAX_BYTES, Robots, check_tag
from tests import http_server as web
from tests.http_server import Answer, Meter, serve

ALLOWS, NONE = "robots.txt allows", "no robots.txt"


@pytest.fixture(autouse=True)
def _no_pauses() -> Iterator[None]:
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


def config(**settings: Any) -> DownloadConfig:
    respecting = {"allow_private_hosts": ("127.0.0.1", "localhost"), "robots": "respect", "attempts": 2}
    return DownloadConfig.model_validate(respecting | settings)


def get(url: str, session: GuardedSession | None = None, **settings: Any) -> str | None:
    """Fetches a URL and returns what was recorded."""
    own = config(**settings)
    given = nullcontext(session) if session else guarded_session(own)
    with given as used, opened(url, used, own, {}) as transfer:
        assert b"".join(transfer.chunks()) == b"media"
        return transfer.robots


def ask(rules: Answer | bytes, path: str = "/clip.mp4", **settings: Any) -> str | None:
    with serve({"/robots.txt": rules, path: b"media"}) as server:
        return get(server.url(path), **settings)


def refused(rules: Answer | bytes, path: str = "/clip.mp4", **settings: Any) -> None:
    with serve({"/robots.txt": rules, path: b"media"}) as server:
        with pytest.raises(RobotsError, match=rf"{path}: http://127.0.0.1:{server.port}/robots.txt disallows it"):
            get(server.url(path), **settings)
        assert set(server.paths()) == {"/robots.txt"}


def lines(*text: str) -> bytes:
    return "\n".join(text).encode()


@pytest.mark.parametrize(
    "rules",
    [
        lines("User-agent: *", "Disallow: /"),
        lines("User-agent: rushes", "Disallow: /clip"),
        lines("user-agent: RUSHES", "disallow: *.mp4$", "", "User-agent: *", "Allow: /"),
        lines("User-agent: other", "User-agent: rushes", "Disallow: /"),
        b"\xef\xbb\xbf" + lines("User-agent: *", "Disallow: /"),
        b"User-agent: *\r\nDisallow: /\r\n",
        b"\xff\xfe\nUser-agent: *\nDisallow: /",
        web.gzipped(lines("User-agent: *", "Disallow: /")),
    ],
)
def test_what_is_disallowed_is_not_asked_for(rules: Answer | bytes) -> None:
    refused(rules)


@pytest.mark.parametrize(
    "rules",
    [
        b"",
        lines("User-agent: *", "Disallow:"),
        lines("User-agent: *", "Disallow: /private"),
        lines("User-agent: other", "Disallow: /"),
        lines("User-agent: *", "Disallow: /", "User-agent: rushes", "Allow: /"),
        lines("User-agent: *", "Disallow: /", "Allow: /clip"),
        b"<!doctype html><title>Not found</title>",
        bytes(range(256)),
    ],
)
def test_what_is_allowed_is_fetched_and_that_is_recorded(rules: bytes) -> None:
    assert ask(rules) == ALLOWS


def test_paths_are_compared_as_they_are_meant() -> None:
    with serve({"/robots.txt": lines("User-agent: *", "Disallow: /k%C3%B6ln"), "/köln.jpg": b"media"}) as server:
        for spelling in ("/köln.jpg", "/k%c3%b6ln.jpg"):
            with pytest.raises(RobotsError):
                get(server.url(spelling))
        assert set(server.paths()) == {"/robots.txt"}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_a_host_without_robots_txt_forbids_nothing(status: int) -> None:
    assert ask(web.status(status)) == NONE


@pytest.mark.parametrize("answer", [web.status(500), web.status(503), web.status(429), web.slammed, web.silent()])
def test_what_robots_txt_says_is_waited_for_and_then_nothing_is_asked(answer: Answer) -> None:
    with serve({"/robots.txt": answer, "/clip.mp4": b"media"}) as server:
        with pytest.raises(RobotsUnreachableError, match=r"nobody knows whether it may be.*robots\.txt.*Run again"):
            get(server.url("/clip.mp4"), timeout_s={"read": 0.2})
        assert server.paths() == ["/robots.txt"] * 2


def test_a_robots_txt_that_comes_at_the_second_try_counts() -> None:
    refused(web.after(1, web.status(503), web.ok(lines("User-agent: *", "Disallow: /"))))


def test_redirects_of_robots_txt_are_followed_also_to_another_host() -> None:
    with serve({"/rules": lines("User-agent: *", "Disallow: /clip")}) as other:
        chain = {f"/{number}": web.redirect(f"/{number + 1}") for number in range(4)}
        chain |= {"/robots.txt": web.redirect("/0"), "/4": web.redirect(other.url("/rules", "localhost"))}
        with serve({**chain, "/clip.mp4": b"media"}) as server, pytest.raises(RobotsError):
            get(server.url("/clip.mp4"))


def test_redirects_that_lead_nowhere_are_no_robots_txt() -> None:
    assert ask(web.redirect("/robots.txt")) == NONE
    assert ask(web.redirect("file:///etc/passwd")) == NONE


def test_the_guard_stands_before_robots_txt_as_well() -> None:
    rules = web.redirect("http://127.0.0.2/robots.txt")
    assert ask(rules) == NONE
    with serve({"/robots.txt": b"", "/clip.mp4": b"media"}) as server:
        with pytest.raises(ForbiddenHostError):
            get(server.url("/clip.mp4"), allow_private_hosts=())
        assert server.requests == []


def test_of_a_large_robots_txt_the_first_500_kib_count() -> None:
    rule, filler = lines("User-agent: *", "Disallow: /clip", ""), b"# nothing\n" * (MAX_BYTES // 10)
    refused(rule + filler + b"x" * 1_000_000)
    assert ask(filler + b"\n" * 100 + rule) == ALLOWS
    cut = b"#" * (MAX_BYTES - 40) + b"\nUser-agent: *\nDisallow: /" + b"x" * 100
    assert ask(cut) == ALLOWS
    refused(rule, max_bytes=10)


def test_each_host_is_asked_once_whoever_wants_to_know() -> None:
    meter = Meter()
    rules = meter.before(web.ok(lines("User-agent: *", "Disallow: /no")), 0.05)
    with serve({"/robots.txt": rules, "/a": b"media"}) as server, guarded_session(config()) as session:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: get(server.url("/a?token=SECRET"), session), range(16)))
        for _ in range(2):
            with pytest.raises(RobotsError):
                get(server.url("/no"), session)
        assert found == [ALLOWS] * 16
        assert server.paths().count("/robots.txt") == 1


def test_the_file_itself_is_asked_for_without_credentials() -> None:
    with serve({"/robots.txt": b"", "/a": b"media"}) as server:
        get(server.url("/a?token=SECRET").replace("//", "//user:SECRET@"))
        rules, item = server.requests
        assert (rules.path, rules.headers.get("authorization")) == ("/robots.txt", None)
        assert item.headers["authorization"]
        with pytest.raises(RobotsError) as caught:
            check_tag("http://user:SECRET@h/a?token=SECRET", ["noai"])
        assert "SECRET" not in str(caught.value)


def test_where_a_redirect_leads_is_asked_about_too() -> None:
    with serve({"/robots.txt": lines("User-agent: *", "Disallow: /"), "/a": b"media"}) as other:
        with (
            serve({"/a": web.redirect(other.url("/a"))}) as front,
            pytest.raises(RobotsError, match=f":{other.port}/a"),
        ):
            get(front.url("/a"))
        assert other.paths() == ["/robots.txt"]


def test_nobody_is_asked_unless_the_configuration_says_so() -> None:
    with serve(
        {"/robots.txt": lines("User-agent: *", "Disallow: /"), "/a": web.ok(b"media", X_Robots_Tag="noai")}
    ) as s:
        assert get(s.url("/a"), robots="ignore") is None
        assert s.paths() == ["/a"]
    assert DownloadConfig().robots == "ignore"


@pytest.mark.parametrize("word", ["noai", "noimageai", "noindex", "noimageindex", "none", "NoAI", "rushes: noai"])
def test_content_that_its_host_keeps_out_is_refused_and_nothing_is_written(word: str, tmp_path: Path) -> None:
    answer = web.ok(b"media", X_Robots_Tag=f"nofollow, {word}")
    own = config()
    with serve({"/a": answer}) as server, guarded_session(own) as session:
        with pytest.raises(RobotsError, match=r"sent with X-Robots-Tag: no\w+\. Leave it out"):
            fetch(Source("a", server.url("/a")), tmp_path, "a", own, session)
        assert not list(tmp_path.iterdir())
        assert server.paths() == ["/robots.txt", "/a"]


@pytest.mark.parametrize(
    "given",
    [
        ["all"],
        ["nofollow, noarchive, notranslate"],
        ["otherbot: noindex, noai"],
        ["unavailable_after: Wed, 25 Jun 2031 15:00:00 PST"],
        ["unavailable_after: 2031-06-25T15:00:00Z, max-image-preview: none"],
        ["noaircraft"],
        [""],
        [],
    ],
)
def test_other_directives_and_other_robots_are_none_of_ours(given: list[str]) -> None:
    check_tag("http://h/a", given)


@pytest.mark.parametrize(
    "given",
    [
        ["otherbot: nofollow", "noindex"],
        ["otherbot: nofollow, rushes: noindex"],
        ["unavailable_after: Wed, 25 Jun 2031 15:00:00 PST, noai"],
        ["*: none"],
    ],
)
def test_each_header_and_each_robot_in_it_counts_by_itself(given: list[str]) -> None:
    with pytest.raises(RobotsError):
        check_tag("http://h/a", given)


def test_two_headers_of_one_answer_are_two() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Robots-Tag: otherbot: nofollow\r\n%s\r\nmedia"
    with serve({"/a": web.raw(head % b""), "/b": web.raw(head % b"X-Robots-Tag: noai\r\n")}) as server:
        assert get(server.url("/a")) == NONE
        with pytest.raises(RobotsError):
            get(server.url("/b"))


@pytest.mark.parametrize("leased", [False, True])
def test_a_crawl_delay_holds_over_all_batches(leased: bool) -> None:
    times: list[float] = []

    def noted(handler: web.Handler) -> None:
        times.append(time.monotonic())
        web.ok(b"media")(handler)

    rules = lines("User-agent: *", "Crawl-delay: 0.3")
    shares = HostShares() if leased else None
    with serve({"/robots.txt": rules, "/a": noted}) as server, gate_of(shares) as one, gate_of(shares) as two:

        def batch(gate: Any) -> None:
            with guarded_session(config(), gate) as session:
                for _ in range(3):
                    assert get(server.url("/a"), session) == ALLOWS

        threads = [threading.Thread(target=batch, args=(gate,)) for gate in (one, two)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(times) == 6
    assert min(later - earlier for earlier, later in pairwise(times)) > 0.25


def test_a_crawl_delay_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robots_module, "MAX_DELAY_S", 0.1)
    start_s = time.monotonic()
    ask(lines("User-agent: *", "Crawl-delay: 86400"))
    assert 0.1 <= time.monotonic() - start_s < 3


def test_a_crawl_delay_takes_nothing_of_the_time_for_the_transfer() -> None:
    rules, there = lines("User-agent: *", "Crawl-delay: 0.6"), web.redirect("/b")
    with serve({"/robots.txt": rules, "/a": there, "/b": b"media"}) as server:
        assert get(server.url("/a"), timeout_s={"connect": 0.5, "read": 0.5, "total": 0.5}) == ALLOWS


def test_what_the_host_says_about_status_stays_what_it_is() -> None:
    with serve({"/robots.txt": b""}) as server, pytest.raises(HTTPStatusError, match="404"):
        get(server.url("/gone"))
    with pytest.raises(BadURLError):
        get("http://[::1/a")


@given(st.text() | st.lists(st.sampled_from(["User-agent: *", "Disallow: ", "Allow: /a*$", "Crawl-delay: x", "/%"])))
def test_no_robots_txt_breaks_a_run(text: str | list[str]) -> None:
    content = (text if isinstance(text, str) else "\n".join(text)).encode("utf-8", "replace")

    class Body:
        def chunks(self) -> Iterator[bytes]:
            yield content

    robots = Robots()
    for path in ("/a", "/%ff?%", "/ä"):
        try:
            robots.admit(f"http://h.example{path}", config(), lambda _, __: nullcontext(Body()))
        except RobotsError:
            continue
