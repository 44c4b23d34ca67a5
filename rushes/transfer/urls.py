"""URLs: what of them identifies an item, and what of them nobody may see."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable
from urllib.parse import SplitResult, unquote, urljoin, urlsplit, urlunsplit

__all__ = ["host_of", "identity", "item_id", "join", "name_of", "redact", "suffix"]

# Parameters that sign, authorise or expire, and so change from day to day: AWS, Google Cloud, CloudFront, and the
# names that everybody else uses.
_SECRET = re.compile(
    r"x-(amz|goog|oss|cos|obs|tos)-.*|.*(token|secret|signature|passw(or)?d|credential|session_?id).*"
    r"|(api|access)[-_.]?key(id)?|awsaccesskeyid|googleaccessid|key-pair-id|auth(orization|_key)?|jwt|hmac|pwd|pass"
    r"|sig|sign|policy|expire[sd]?|expires?_?(at|in)",
    re.IGNORECASE,
)
# The short names of an Azure shared access signature, which mean something else in other URLs.
_AZURE = re.compile(r"s[eiprstv]|srt|sip|spr|sdd|ses|skoid|sktid|sk[tesv]|saoid|suoid|scid")
# Names of secrets that are words of some datasets, too: traffic signs, passes of a satellite, recording sessions.
_WORDS = re.compile(r"(sign|pass|policy|[^=]*token[^=]*)=.{0,5}|[^=]*session_?id[^=]*=.*", re.IGNORECASE)
# URLs that have nothing to take off or to write another way: most of them, and the rest of this module is slow.
_PLAIN = re.compile(
    r"https?://([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::(?!(?:80|443)/)(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}))?)/[\w.~%/+,=@-]*",
    re.ASCII,
)
# A file inside another one, by its name there; its place is not to be shown, because it means nothing to people.
_MEMBER = re.compile(r"(file:///[^?#]*)#(member=[^&#]*)(?:&.*)?")
_REMEMBERED = 1024  # each URL is asked for several times in a row
_DEFAULT_PORTS = {"http": 80, "https": 443}


def redact(url: str) -> str:
    """Returns the URL as it may be shown: no user and password, no fragment, secret parameters without their values.

    Other parameters stay, because they say which item it is.
    """
    return url if _PLAIN.fullmatch(url) else _redact(url)


@functools.lru_cache(_REMEMBERED)
def _redact(url: str) -> str:
    if member := _MEMBER.fullmatch(url):
        return f"{_redact(member[1])}#{member[2]}"
    parts = _split(url)
    if parts is None or not parts.netloc:  # whatever it is, somebody may have meant it as a URL
        return re.sub(r"//[^/]*@", "//", url).partition("?")[0].partition("#")[0]
    query = "&".join(f"{name}=…" if secret else text for name, text, secret in _parameters(parts.query))
    return urlunsplit(parts._replace(netloc=_host(parts), query=query, fragment=""))


def identity(url: str) -> str:
    """Returns what stays the same when a URL is signed anew: scheme and host in lower case, no secrets, no fragment.

    What may say which item it is stays: to fetch a file twice costs time, to take one for another costs its labels.
    The result is for hashing, not for showing.
    """
    return url if _PLAIN.fullmatch(url) else _identity(url)


@functools.lru_cache(_REMEMBERED)
def _identity(url: str) -> str:
    parts = _split(url)
    if parts is None or not parts.netloc:
        return url
    query = "&".join(text for _, text, secret in _parameters(parts.query) if not secret or _WORDS.fullmatch(text))
    return urlunsplit((parts.scheme, _place(parts), parts.path or "/", query, ""))


@functools.lru_cache(_REMEMBERED)
def host_of(url: str) -> str:
    """Returns the host that a URL leads to, with its port unless that is the usual one, or nothing."""
    if plain := _PLAIN.fullmatch(url):
        return plain[1]
    parts = _split(url)
    return _place(parts) if parts else ""


def item_id(url: str) -> str:
    """Returns an id that a person can read and that only this URL has: `street-1f00a9c3d2e4`.

    Twelve hex digits of the identity's sha256 keep a hundred million items of one name apart; only letters, digits,
    dot, dash and underscore occur.
    """
    known = identity(url)
    parts = _split(known)
    name = unquote((parts.path if parts else known).rstrip("/").rpartition("/")[2])
    stem = name.rpartition(".")[0] or name
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", stem)[:60].strip(".-_") or "item"
    return f"{readable}-{hashlib.sha256(known.encode(errors='surrogatepass')).hexdigest()[:12]}"


def name_of(url: str) -> str:
    """Returns what a URL calls a file, with its folders, as it is written there; nothing where it calls none."""
    if member := _MEMBER.fullmatch(url):
        return member[2]
    parts = _split(url)
    return parts.path if parts else ""


def suffix(url: str) -> str:
    """Returns the file name suffix that a URL's path ends with, in lower case with its dot, or nothing."""
    found = re.search(r"\.[A-Za-z0-9]{1,8}$", name_of(url))
    return found[0].lower() if found else ""


def join(base: str, location: str) -> str:
    """Returns where a redirect leads; the user and password of `base` go along to the same host only.

    Raises:
        ValueError: The location is malformed.
    """
    old, new = urlsplit(base), urlsplit(urljoin(base, location))
    same = (old.scheme, old.hostname, old.port) == (new.scheme, new.hostname, new.port)
    return urlunsplit(new._replace(netloc=old.netloc) if same and "@" not in new.netloc else new)


@functools.lru_cache(_REMEMBERED)
def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError:
        return None
    return parts


def _place(parts: SplitResult) -> str:
    port = parts.port
    host = (parts.hostname or "").rstrip(".")
    host = f"[{host}]" if ":" in host else host
    return host if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{host}:{port}"


def _host(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


def _parameters(query: str) -> Iterable[tuple[str, str, bool]]:
    texts = [text for text in query.split("&") if text]
    names = [unquote(text.partition("=")[0]) for text in texts]
    azure = "sig" in names
    for name, text in zip(names, texts, strict=True):
        yield (
            name,
            text,
            _is_secret(name, unquote(text.partition("=")[2])) or (azure and _AZURE.fullmatch(name) is not None),
        )


def _is_secret(name: str, value: str) -> bool:
    # `key` is a Google API key in some URLs, and an object's path in others.
    api_key = name.lower() == "key" and re.fullmatch(r"[A-Za-z0-9_-]{24,}", value) is not None
    return api_key or _SECRET.fullmatch(name) is not None
