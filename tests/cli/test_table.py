"""Lists and single things as people and scripts read them."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from cli import table

CODE = "from cli import table; table.rows(('job', 'command'), [('a-1', 'x [red]\\n  y'), ('b-2', '')])"


def test_a_script_gets_a_line_for_each_row_with_tabs_and_no_header() -> None:
    assert subprocess.check_output([sys.executable, "-c", CODE], text=True) == "a-1\tx [red] y\nb-2\t\n"


def test_a_terminal_gets_a_table_with_a_header() -> None:
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run([sys.executable, "-c", CODE], stdout=theirs, stderr=subprocess.PIPE, check=False)
        assert done.returncode == 0, done.stderr
        said = os.read(ours, 65536).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert "command" in said
    assert "x [red]" in said  # what jobs are called is text, and no markup


def test_one_thing_has_a_line_for_each_field_that_says_something(capsys: pytest.CaptureFixture[str]) -> None:
    table.fields({"id": "x", "empty": None, "metadata": {"of": "test"}, "names": ("A", "B"), "message": "one\ntwo"})
    assert capsys.readouterr().out.splitlines() == [
        "id        x",
        "metadata  of test",
        "names     A, B",
        "message   one",
        "          two",
    ]


@pytest.mark.parametrize(
    ("end_s", "expected"), [(1_030, "30 s"), (1_090, "1.5 min"), (8_200, "2.0 h"), (174_000, "2.0 d"), (900, "0 s")]
)
def test_a_duration_is_said_in_the_unit_that_fits(end_s: float, expected: str) -> None:
    assert table.lasted(1_000, end_s) == expected


def test_what_has_not_begun_took_no_time() -> None:
    assert (table.lasted(None, None), table.moment(None)) == ("", "")
    assert table.moment(1_000_000_000) == "2001-09-09 01:46:40"
