"""What servers do to a transfer, one by one, and what must come of it; `python -m tests.misbehaviours` prints a table.

Each stands for one request, or for two where the second one is the point. The media that are asked for are `BODY`.
"""

from __future__ import annotations

import gzip
import random
import time
import zlib
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from tests import http_server as web
from tests.http_server import Answer, Handler

BODY = random.Random(1).randbytes(200_000)
OTHER = random.Random(2).randbytes(200_000)
CUT = 150_000
ARRIVES = "arrives whole"
_OK = b"HTTP/1.1 200 OK\r\n"
_QUICK = {"timeout_s": {"connect": 0.5, "read": 0.3, "total": 0.6}}


@dataclass(frozen=True)
class Case:
    """A behaviour.

    Attributes:
        name: What the server does, in words.
        answer: How.
        outcome: `ARRIVES`, or the code of the error.
        requests: How many of them it takes.
        settings: Keys of `download` that it takes to see it soon.
        body: What arrives.
        other: What else it needs of the server: a route under `/other`.
        robots: Likewise, and one under `/robots.txt`, which is asked for first.
    """

    name: str
    answer: Answer
    outcome: str = ARRIVES
    requests: int = 1
    settings: dict[str, Any] = field(default_factory=dict)
    body: bytes = BODY
    other: Answer | None = None
    robots: Answer | None = None


def _date(handler: Handler) -> None:
    web.status(429, Retry_After=formatdate(time.time() + 1, usegmt=True))(handler)


def _cut(then: Answer, **headers: object) -> Answer:
    return web.after(1, web.truncated(BODY, CUT, **(headers or {"ETag": '"v1"'})), then)


def _slowly_elsewhere(handler: Handler) -> None:
    """Redirects in a header, and goes on talking."""
    handler.head(302, Location="/other", Connection="close")
    handler.wait(5)


def _then_ok(first: Answer) -> Answer:
    return web.after(1, first, web.ok(BODY))


_HOURS = web.status(503, Retry_After=86400)
_CHUNK = b"%x\r\n%s\r\n" % (len(BODY), BODY)
_LENGTH = b"Content-Length: %d\r\n" % len(BODY)

STATUS = [
    Case("404 with a page", web.status(404), "http_status"),
    Case("410, gone for good", web.status(410), "http_status"),
    Case("403, as for a signed URL that has expired", web.status(403), "http_status"),
    Case("204 without content", web.status(204, b""), "http_status"),
    Case("206 that nobody asked for", web.status(206, BODY[:9]), "http_status"),
    Case("304 that nobody asked for", web.status(304, b""), "http_status"),
    Case("300 with a choice", web.status(300), "http_status"),
    Case("500 once", _then_ok(web.status(500)), requests=2),
    Case("500 for ever", web.status(500), "http_status", 2),
    Case("503 with Retry-After in seconds", _then_ok(web.status(503, Retry_After=1)), requests=2),
    Case("429 with Retry-After as a date", _then_ok(_date), requests=2),
    Case("429 with a Retry-After that says nothing", _then_ok(web.status(429, Retry_After="soon")), requests=2),
    Case("a status that does not exist", web.status(799), "http_status", 2),
    Case("an error page that calls itself a success", web.page(), body=b"<!doctype html><title>Please log in</title>"),
]

BODIES = [
    Case("hangs up without a word", web.slammed, "connection", 2),
    Case("hangs up before the end", web.truncated(BODY, CUT), "truncated", 2),
    Case("hangs up after the headers", web.truncated(BODY, 0), "truncated", 2),
    Case("resets the connection", _then_ok(web.reset(BODY, CUT)), requests=2),
    Case("sends more than it announced", web.raw(_OK + _LENGTH + b"\r\n" + BODY + b"and more")),
    Case("stalls in the middle", web.stall(), "timeout", 2, _QUICK),
    Case("accepts, and says nothing", web.silent(), "timeout", 2, _QUICK),
    Case("drips byte after byte", web.drip(BODY, 0.02), "timeout", 2, _QUICK),
    Case("announces more than is allowed", web.ok(BODY), "too_large", 1, {"max_bytes": 100_000}),
    Case("announces no length, and does not stop", web.endless(), "too_large", 1, {"max_bytes": 100_000}),
    Case("announces more than the disk holds", web.announcing(10**17), "disk_full", 1, {"max_bytes": 10**18}),
    Case("announces no length, and ends", web.raw(_OK + b"\r\n" + BODY)),
    Case("announces a negative length", web.raw(_OK + b"Content-Length: -1\r\n\r\n" + BODY)),
    Case("announces a length that is no number", web.raw(_OK + b"Content-Length: many\r\n\r\n" + BODY)),
    Case("announces two lengths", web.raw(_OK + b"Content-Length: 5\r\n" + _LENGTH + b"\r\n" + BODY), "connection", 2),
]

CODINGS = [
    Case("chunks", web.chunked(BODY[:5], BODY[5:])),
    Case("chunks without end", web.chunked(*[b"\0" * 50_000] * 9, ended=False), "too_large", 1, {"max_bytes": 100_000}),
    Case("chunks, and hangs up before the last one", web.chunked(BODY, ended=False), "truncated", 2),
    Case("a chunk that is shorter than its size", web.raw(web.CHUNKED + b"fffff\r\nabc"), "truncated", 2),
    Case("a chunk's size that is no number", web.raw(web.CHUNKED + b"zz\r\nabc\r\n"), "truncated", 2),
    Case("a chunk's size that drips", web.dripping_text(b"0", 0.02, web.CHUNKED), "timeout", 2, _QUICK),
    Case("trailers without end", web.dripping_text(b"X: 0\r\n", 0.01, web.CHUNKED + b"0\r\n"), "timeout", 2, _QUICK),
    Case("chunks and a length", web.raw(_OK + b"Content-Length: 3\r\n" + web.CHUNKED[17:] + _CHUNK + b"0\r\n\r\n")),
    Case("gzip that nobody asked for", web.gzipped(BODY)),
    Case("deflate that nobody asked for", web.ok(zlib.compress(BODY), Content_Encoding="deflate")),
    Case("an encoding that nobody knows", web.ok(BODY, Content_Encoding="br"), "download"),
    Case("gzip that is none", web.ok(BODY, Content_Encoding="gzip"), "connection", 2),
    Case("gzip that ends early", web.truncated(gzip.compress(BODY), 1000, Content_Encoding="gzip"), "truncated", 2),
    Case("a gzip bomb", web.gzipped(bytes(50_000_000)), "too_large", 1, {"max_bytes": 1_000_000}),
]

HEADERS = [
    Case("a thousand headers", web.raw(_OK + b"X: 0\r\n" * 1000 + b"\r\n"), "connection", 2),
    Case("a header of a megabyte", web.raw(_OK + b"X: " + b"0" * 1_000_000), "connection", 2),
    Case("a status line of a megabyte", web.raw(b"HTTP/1.1 200 " + b"O" * 1_000_000), "connection", 2),
    Case("headers that drip", web.dripping_head(0.02), "timeout", 2, _QUICK),
    Case(
        "interim answers without end",
        web.dripping_text(b"HTTP/1.1 100 Continue\r\n\r\n", 0.001),
        "timeout",
        2,
        _QUICK,
    ),
    Case("no HTTP at all", web.raw(b"SSH-2.0-OpenSSH_9.6\r\n"), "connection", 2),
    Case("a name for the file that leads out of the folder", web.ok(BODY, Content_Disposition=web.TRAVERSING)),
    Case("a name for the file in Unicode, twice", web.ok(BODY, Content_Disposition=web.UNICODE)),
    Case("a content type of control characters", web.ok(BODY, "\x01\x02; charset=\x7f")),
    Case("cookies", web.ok(BODY, Set_Cookie="id=1; Domain=.com")),
]

REDIRECTS = [
    Case("a redirect", web.redirect("/other"), requests=2, other=web.ok(BODY)),
    Case("a redirect that goes on talking", _slowly_elsewhere, requests=2, other=web.ok(BODY)),
    Case("a redirect in a circle", web.redirect("/clip.mp4"), "bad_url", 11),
    Case("a redirect to nowhere", web.raw(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"), "http_status"),
    Case("a redirect to a malformed address", web.redirect("http://[::1"), "bad_url"),
    Case("a redirect to file://", web.redirect("file:///etc/passwd"), "bad_url"),
    Case("a redirect to ftp://", web.redirect("ftp://127.0.0.1/a"), "bad_url"),
    Case("a redirect to data:", web.redirect("data:text/plain,x"), "bad_url"),
    *(
        Case(f"a redirect to loopback {how}", web.redirect(f"http://{host}/a"), "forbidden_host")
        for how, host in [
            ("in dots", "127.0.0.2"),
            ("in short", "127.2"),
            ("in decimal", "2130706434"),
            ("in octal", "0177.0.0.2"),
            ("in hexadecimal", "0x7f000002"),
            ("as IPv4-mapped IPv6", "[::ffff:127.0.0.2]"),
            ("as IPv6", "[::1]"),
            ("behind a user name", "example.com@127.0.0.2"),
            ("as zero", "0"),
        ]
    ),
    Case("a redirect to a cloud's metadata", web.redirect("http://169.254.169.254/latest/"), "forbidden_host"),
]

RANGES = [
    Case("sends the rest when asked", _cut(web.ranged(BODY, ETag='"v1"')), requests=2),
    Case("ignores the range", _cut(web.ok(OTHER)), requests=2, body=OTHER),
    Case("has other content by then, with another ETag", _cut(web.ranged(OTHER, ETag='"v2"')), requests=2, body=OTHER),
    Case("answers 416", _cut(web.after(1, web.status(416, b""), web.ok(OTHER))), requests=3, body=OTHER),
    Case(
        "sends another range than asked for",
        _cut(web.after(1, web.part(BODY, 9, ETag='"v1"'), web.ok(BODY))),
        requests=3,
    ),
    Case(
        "ignores If-Range, and sends a range of other content",
        _cut(web.after(1, web.part(OTHER, CUT, ETag='"v2"'), web.ok(OTHER))),
        requests=3,
        body=OTHER,
    ),
    Case("has a weak ETag only", _cut(web.ranged(OTHER, ETag='W/"v"'), ETag='W/"v"'), requests=2, body=OTHER),
]

_RESPECT = {"robots": "respect"}
_OPEN, _SHUT = web.ok(b"User-agent: *\nAllow: /"), web.ok(b"User-agent: *\nDisallow: /")
_TAGGED = web.ok(BODY, X_Robots_Tag="noai")

ROBOTS = [
    Case("a robots.txt that disallows it", web.ok(BODY), "robots", 1, _RESPECT, robots=_SHUT),
    Case("a robots.txt that allows it", web.ok(BODY), ARRIVES, 2, _RESPECT, robots=_OPEN),
    Case("404 for robots.txt", web.ok(BODY), ARRIVES, 2, _RESPECT),
    Case("503 for robots.txt", web.ok(BODY), "robots_unreachable", 2, _RESPECT, robots=web.status(503)),
    Case("X-Robots-Tag: noai", _TAGGED, "robots", 2, _RESPECT, robots=_OPEN),
    Case("either of them, and `download.robots` is `ignore`", _TAGGED, robots=_SHUT),
]

CASES = [*STATUS, *BODIES, *CODINGS, *HEADERS, *REDIRECTS, *RANGES, *ROBOTS]


def table() -> str:
    """Returns the cases as a table in Markdown."""
    rows = ["| A server that sends or does | What comes of it |", "|---|---|"]
    for case in CASES:
        outcome = case.outcome if case.outcome == ARRIVES else f"`{case.outcome}`"
        again = ", asked again" if case.requests > 1 and case not in (*REDIRECTS, *ROBOTS) else ""
        rows.append(f"| {case.name} | {outcome}{again} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(table(), end="")  # noqa: T201 - it is what the command is for
