"""Addresses that lead inside, one by one, and what must come of them; `python -m tests.attacks` prints the tables.

Inside is a server on 127.0.0.1, which must never hear of any of them. What is outside stands on 127.0.0.3, which the
tests let through as if it were public; names are known to a resolver of the tests' own only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

OUTSIDE, ELSEWHERE = "127.0.0.3", "127.0.0.4"
"""Addresses that are let through; nobody listens on the second."""

REDIRECTS = (301, 302, 303, 307, 308)

Names = Mapping[str, Sequence[Sequence[str]]]


@dataclass(frozen=True)
class Attack:
    """A URL that leads inside.

    Attributes:
        what: What it does, in words.
        url: With `{port}` where the port of the server goes.
        names: What the resolver says of names in it: addresses, for each time that it is asked; the last ones stay.
    """

    what: str
    url: str
    names: Names = field(default_factory=dict)


def _hosts(what: str, *hosts: str) -> list[Attack]:
    return [Attack(what, f"http://{host}:{{port}}/a") for host in hosts]


def _named(what: str, name: str, *addresses: str) -> Attack:
    return Attack(what, f"http://{name}:{{port}}/a", {name.lower().rstrip("."): [addresses]})


LOOPBACK = [
    *_hosts("loopback", "127.0.0.1", "127.127.127.127", "127.255.255.254", "127.0.0.1."),
    *_hosts("loopback in short", "127.1", "127.0.1"),
    *_hosts("loopback in decimal", "2130706433"),
    *_hosts("loopback in octal", "0177.0.0.1", "017700000001", "00000177.1", "127.0.0.01"),
    *_hosts("loopback in hexadecimal", "0x7f.0.0.1", "0x7f000001", "0X7F.1", "0x7f.0x0.0x0.0x1"),
    *_hosts("loopback in several bases at once", "0x7f.0.01", "0177.0x0.1"),
    *_hosts("this host", "0.0.0.0", "0", "0x0"),
    *_hosts("loopback as IPv6", "[::1]", "[0:0:0:0:0:0:0:1]", "[::]"),
    *_hosts("IPv4-mapped IPv6", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:169.254.169.254]"),
    *_hosts("IPv4-compatible and translated IPv6", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]"),
    *_hosts("NAT64", "[64:ff9b::127.0.0.1]", "[64:ff9b:1::127.0.0.1]", "[64:ff9b::a9fe:a9fe]"),
    *_hosts("6to4", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]"),
    *_hosts("Teredo", "[2001:0:4136:e378:8000:63bf:80ff:fffe]"),
]

NETWORKS = [
    *_hosts("link-local", "169.254.1.1", "[fe80::1]", "[fe80::1%25lo]", "[fe80::1%25no-such-zone]", "[fec0::1]"),
    *_hosts("private networks", "10.0.0.1", "10.1", "172.16.0.1", "172.31.255.254", "192.168.1.1", "[fc00::1]"),
    *_hosts("shared by a provider's customers", "100.64.0.1", "100.127.255.254"),
    *_hosts("a cloud's metadata", "169.254.169.254", "169.254.170.2", "100.100.100.200", "[fd00:ec2::254]"),
    *_hosts("a cloud's metadata, at addresses that look public", "192.0.0.192", "168.63.129.16"),
    *_hosts("a cloud's metadata in other bases", "2852039166", "0xA9FEA9FE", "0251.0376.0251.0376", "169.254.43518"),
    *_hosts("multicast and broadcast", "224.0.0.1", "239.255.255.255", "255.255.255.255", "[ff02::1]"),
    *_hosts("reserved", "240.0.0.1", "192.0.0.1", "192.88.99.1", "[100::1]", "[5f00::1]", "[4000::1]"),
    *_hosts("benchmarks", "198.18.0.1", "198.19.255.254", "[2001:2::1]"),
    *_hosts("documentation", "192.0.2.1", "198.51.100.1", "203.0.113.1", "[2001:db8::1]", "[3fff::1]"),
]

NAMES = [
    _named("localhost", "localhost", "127.0.0.1", "::1"),
    _named("localhost, with a dot", "localhost.", "127.0.0.1"),
    _named("localhost in capitals", "LOCALHOST", "127.0.0.1"),
    *_hosts("below localhost, which no resolver need know", "a.localhost", "a.b.localhost.", "A.LocalHost"),
    _named("below localhost, of which a resolver says that it is public", "b.localhost", OUTSIDE),
    _named("a name for loopback", "127.0.0.1.wildcard.example", "127.0.0.1"),
    _named("a name for IPv6 loopback", "six.example", "::1"),
    _named("a name for IPv4-mapped loopback", "mapped.example", "::ffff:127.0.0.1"),
    _named("a name for an address with a zone", "zone.example", "fe80::1%1"),
    _named("a name of the local network", "printer.example", "192.168.1.9"),
    _named("a name of a cloud's metadata", "metadata.google.internal", "169.254.169.254"),
    _named("a name with several addresses, all inside", "many.example", "127.0.0.1", "10.0.0.1", "::1"),
]

DISGUISES = [
    Attack("a public name as the user", "http://public.example@127.0.0.1:{port}/a"),
    Attack("a public name as user and port", "http://public.example:80@127.0.0.1:{port}/a"),
    Attack("a public address as the user", "http://1.1.1.1@127.0.0.1:{port}/a"),
    Attack("an at sign in the user", "http://public.example%40@127.0.0.1:{port}/a"),
    Attack("two at signs", "http://a@public.example@127.0.0.1:{port}/a"),
    Attack("an empty user", "http://@127.0.0.1:{port}/a"),
    Attack("a public name after a backslash", "http://127.0.0.1:{port}\\@public.example/a"),
    Attack("a backslash for a slash", "http://127.0.0.1\\a"),
    Attack("a public name after a fragment's sign", "http://127.0.0.1:{port}#@public.example/a"),
    Attack("a public name after a query's sign", "http://127.0.0.1:{port}?@public.example/a"),
    Attack("a public name in the path", "http://127.0.0.1:{port}/http://public.example/a"),
    Attack("the scheme in capitals", "HTTP://127.0.0.1:{port}/a"),
    Attack("TLS", "https://127.0.0.1:{port}/a"),
    Attack("a port with zeros", "http://127.0.0.1:0{port}/a"),
]

ATTACKS = [*LOOPBACK, *NETWORKS, *NAMES, *DISGUISES]

MALFORMED = [
    Attack("digits in circles", "http://①②⑦.⓪.⓪.①:{port}/a"),
    Attack("digits of full width", "http://\uff11\uff12\uff17.0.0.1:{port}/a"),
    Attack("full stops of other scripts", "http://127。0。0。1:{port}/a"),
    Attack("letters in circles", "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{port}/a"),
    Attack("an IPv4 address in brackets", "http://[127.0.0.1]:{port}/a"),
    Attack("something after the brackets", "http://[::1].:{port}/a"),
    Attack("a NUL in the host", "http://127.0.0.1%00:{port}/a"),
    Attack("a space before the host", "http:// 127.0.0.1:{port}/a"),
    Attack("a tab in the host", "http://127.0.0.1\t:{port}/a"),
    Attack("a line break in the host", "http://127.0.\n0.1:{port}/a"),
    Attack("a second header in the host", "http://127.0.0.1\r\nHost: x:{port}/a"),
    Attack("a tab in the scheme", "ht\ttp://127.0.0.1:{port}/a"),
    Attack("a port that is no number", "http://127.0.0.1:+{port}/a"),
    Attack("a port out of range", "http://127.0.0.1:99999/a"),
    Attack("one slash", "http:/127.0.0.1:{port}/a"),
    Attack("three slashes", "http:///127.0.0.1:{port}/a"),
    Attack("another scheme", "gopher://127.0.0.1:{port}/a"),
    Attack("a socket as the host", "http+unix://%2Fvar%2Frun%2Fdocker.sock/a"),
]
"""URLs that nobody takes to any address."""


@dataclass(frozen=True)
class Shift:
    """A name whose addresses change, or are not all alike.

    Attributes:
        what: What it does, in words.
        answers: What the resolver says, for each time that it is asked; the last ones stay.
        outside: What the server outside does: answers, hangs up, or redirects to the same name again.
        outcome: Code of the error; None where the bytes of the server outside arrive.
    """

    what: str
    answers: Sequence[Sequence[str]]
    outside: str
    outcome: str | None


SHIFTS = [
    Shift("is public when checked, and inside a moment later", [[OUTSIDE], ["127.0.0.1"]], "answers", None),
    Shift("is inside when checked, and public a moment later", [["127.0.0.1"], [OUTSIDE]], "answers", "forbidden_host"),
    Shift("moves inside before the next try", [[OUTSIDE], ["127.0.0.1"]], "hangs up", "forbidden_host"),
    Shift("moves inside before its own redirect", [[OUTSIDE], ["127.0.0.1"]], "redirects", "forbidden_host"),
    Shift("moves inside, to IPv6, before its own redirect", [[OUTSIDE], ["::1"]], "redirects", "forbidden_host"),
    Shift("has an address inside beside a public one", [["127.0.0.1", OUTSIDE]], "answers", None),
    Shift("has a public address beside one inside", [[OUTSIDE, "127.0.0.1"]], "answers", None),
    Shift(
        "has an address inside beside a public one that is down", [["127.0.0.1", ELSEWHERE]], "answers", "connection"
    ),
    Shift("has a public address that is down beside one inside", [[ELSEWHERE, "127.0.0.1"]], "answers", "connection"),
]


def tables() -> str:
    """Returns the tables in Markdown."""
    codes = ", ".join(str(code) for code in REDIRECTS)
    return "\n\n".join(
        [
            f"Each of these URLs ends as `forbidden_host`, asked for directly and as the target of a {codes}:",
            _listed(ATTACKS),
            "These are no URLs to anybody, and end as `bad_url`:",
            _listed(MALFORMED),
            "And names that are not always the same:",
            "\n".join(
                [
                    "| A name that | What comes of it |",
                    "|---|---|",
                    *(f"| {shift.what} | {_outcome(shift.outcome)} |" for shift in SHIFTS),
                ]
            ),
        ]
    )


def _listed(attacks: Sequence[Attack]) -> str:
    rows: dict[str, list[str]] = {}
    for attack in attacks:
        rows.setdefault(attack.what, []).append(f"`{_shown(attack.url)}`")
    return "\n".join(
        ["| What it is | URL |", "|---|---|", *(f"| {what} | {', '.join(urls)} |" for what, urls in rows.items())]
    )


def _shown(url: str) -> str:
    for given, shown in ((":0{port}", ":00080"), (":+{port}", ":+80"), (":{port}", "")):
        url = url.replace(given, shown)
    return "".join(repr(letter)[1:-1] if letter in "\t\r\n" else letter for letter in url).removesuffix("/a")


def _outcome(code: str | None) -> str:
    return f"`{code}`" if code else "the public address is asked, and no other"


if __name__ == "__main__":
    print(tables())  # noqa: T201 - it is what the command is for
