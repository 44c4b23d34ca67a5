"""Text from outside in Markdown: read back by a parser it is what it was, and nothing of it is markup."""

from __future__ import annotations

import html
import re
import string
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from rushes.markdown import code, inline, link, plain

PAGE = MarkdownIt("gfm-like", {"linkify": False})
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "![x](http://tracker.example/1.png)",
    "**bold** `code` ~~gone~~ _it_ | pipe",
    "# no title",
    "a\\|b",
    "&lt;script&gt;",
    "=cmd|' /C calc'!A0",
]


def read(text: str) -> str:
    """Returns what a page shows of one cell of a table, and fails if there is anything but text."""
    shown = PAGE.render(f"| a | b |\n|---|---|\n| {text} | c |")
    cells = re.findall(r"<td[^>]*>(.*?)</td>", shown, re.DOTALL)
    assert len(cells) == 2, shown
    assert cells[1] == "c"
    assert not re.search(r"<(?!/?code>)", cells[0]), cells[0]
    return html.unescape(re.sub("</?code>", "", cells[0]))


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("write", [inline, code])
def test_what_looks_like_markup_is_shown_as_it_is(write: Callable[[str], str], text: str) -> None:
    assert read(write(text)) == text


@given(st.text())
def test_any_text_is_shown_as_it_is_in_one_line(text: str) -> None:
    visible = [character for character in text if character.isalnum() or character in string.punctuation]
    shown = read(inline(f"x{text}x"))
    assert "\n" not in shown
    assert [character for character in shown if character in visible] == [
        character for character in f"x{text}x" if character in visible
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_cell_has_no_tag_no_link_and_no_picture_in_markdown_and_reads_as_it_was(text: str) -> None:
    assert not re.search(r"<(?!/?(p|em|strong|code|s|h1)>)", PAGE.render(plain(text)))
    assert plain(text).replace("\u200b", "") == text


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "s3://bucket/a.mp4",
        "https://me:hunter2@host/a",
        "https://host/a?token=…",
        "//host/a",
        "http://[broken/a",
        "a.mp4",
    ],
)
def test_only_addresses_of_the_web_without_secrets_become_links(url: str) -> None:
    assert link("name", url) == "name"


def test_a_link_leads_where_its_url_does_whatever_is_in_it() -> None:
    shown = PAGE.render(link("a](b", 'https://host/a b(1)<2>|"3"?q=`x`'))
    assert 'href="https://host/a%20b%281%29%3C2%3E%7C%223%22?q=%60x%60"' in shown
    assert ">a](b</a>" in shown
