import re
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.transfer import urls
from rushes.transfer.urls import host_of, identity, item_id, join, redact, suffix

SIGNED = [
    "https://b.s3.amazonaws.com/a.jpg?X-Amz-Signature=SECRET&X-Amz-Credential=SECRET&X-Amz-Date=SECRET",
    "https://storage.googleapis.com/b/a.jpg?X-Goog-Signature=SECRET&GoogleAccessId=SECRET&Expires=SECRET",
    "https://a.blob.core.windows.net/c/a.jpg?sv=SECRET&st=SECRET&se=SECRET&sr=b&sp=r&sig=SECRET",
    "https://d1.cloudfront.net/a.jpg?Expires=SECRET&Signature=SECRET&Key-Pair-Id=SECRET&Policy=SECRET",
    "https://h/a.jpg?access_token=SECRET&api_key=SECRET&auth=SECRET&jwt=SECRET",
    "https://h/a.jpg?key=AIzaSySECRETSECRETSECRETSECRETSECRET",
    "https://user:SECRET@h/a.jpg#SECRET",
    "https://h/a.jpg?%73ig=SECRET",
]


@pytest.mark.parametrize("url", SIGNED)
def test_what_is_shown_holds_no_credentials(url: str) -> None:
    assert "SECRET" not in redact(url)
    assert "SECRET" not in identity(url)


@pytest.mark.parametrize("url", SIGNED)
def test_an_item_signed_anew_is_the_same_item(url: str) -> None:
    renewed = url.replace("SECRET", "OTHERS")
    assert identity(renewed) == identity(url)
    assert item_id(renewed) == item_id(url)


@pytest.mark.parametrize("name", ["sign", "pass", "policy", "token", "session_id", "sessionId"])
def test_a_word_that_may_say_which_item_it_is_tells_items_apart_and_is_not_shown(name: str) -> None:
    stop, go = f"https://h/img?{name}=stop", f"https://h/img?{name}=go"
    assert identity(stop) != identity(go)
    assert item_id(stop) != item_id(go)
    assert redact(stop) == redact(go) == f"https://h/img?{name}=…"


@pytest.mark.parametrize(
    "url", ["https://h/get?id=7&page=2", "https://h/get?key=videos/a.mp4", "https://h/x?st=Main&se=1"]
)
def test_parameters_that_say_which_item_stay(url: str) -> None:
    assert redact(url) == identity(url) == url


def test_names_of_secret_parameters_stay_readable() -> None:
    assert redact("https://h/a?id=7&sig=abc") == "https://h/a?id=7&sig=…"


def test_a_url_that_cannot_be_parsed_is_redacted_all_the_same() -> None:
    assert redact("http://user:secret@[::1/a?sig=secret#secret") == "http://[::1/a"
    assert redact("ht tp://user:secret@h/a?sig=secret") == "ht tp://h/a"
    assert redact("http://user:se@cret@h:99999999/a") == "http://h:99999999/a"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("HTTP://Example.ORG/a", "http://example.org/a"),
        ("http://h:80/a", "http://h/a"),
        ("https://h:443/a", "https://h/a"),
        ("https://h", "https://h/"),
        ("https://h./a", "https://h/a"),
        ("https://u:p@h/a#top", "https://h/a"),
        ("http://[::1]:80/a", "http://[::1]/a"),
    ],
)
def test_ways_to_write_one_url_have_one_identity(first: str, second: str) -> None:
    assert identity(first) == identity(second)


def test_other_ports_paths_and_queries_are_other_items() -> None:
    urls = ["http://h/a", "http://h:8080/a", "https://h/a", "http://h/A", "http://h/a?id=1", "http://h/a?id=2"]
    assert len({identity(url) for url in urls}) == len({item_id(url) for url in urls}) == len(urls)


def test_an_id_reads_like_its_file() -> None:
    assert re.fullmatch(r"street-[0-9a-f]{12}", item_id("https://h/clips/street.mp4?sig=1"))
    assert re.fullmatch(r"a-b-c-[0-9a-f]{12}", item_id("clips/a b ü/a b?c.mp4".replace("?", "%3F")))
    assert re.fullmatch(r"item-[0-9a-f]{12}", item_id("https://h/"))


@given(st.text())
def test_any_text_has_a_safe_id(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,72}", item_id(text))
    redact(text)


@given(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text(min_size=1), st.text(min_size=1))
def test_identity_is_idempotent_and_password_never_shows(host: str, path: str, password: str) -> None:
    url = f"https://me:{quote(password, safe='')}@{host}.example/{quote(path)}"
    assert identity(identity(url)) == identity(url)
    assert "@" not in redact(url).partition("example")[0]


def test_the_suffix_comes_from_the_path() -> None:
    assert suffix("https://h/a.MP4?x=.jpg") == ".mp4"
    assert suffix("https://h.com") == suffix("https://h/a.notasuffixatall") == ""


def test_a_redirect_keeps_credentials_on_its_own_host_only() -> None:
    base = "http://u:p@h:81/a/b"
    assert join(base, "/c") == join(base, "http://h:81/c") == "http://u:p@h:81/c"
    assert join(base, "http://other/c") == "http://other/c"
    assert join(base, "http://h/c") == "http://h/c"
    assert join(base, "https://h:81/c") == "https://h:81/c"


@given(st.from_regex(urls._PLAIN, fullmatch=True))
def test_what_looks_plain_has_nothing_to_hide_and_nothing_to_change(url: str) -> None:
    assert urls._redact(url) == url
    assert urls._identity(url) == url
    assert host_of(url) == urlsplit(url).netloc
