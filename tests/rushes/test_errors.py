import pickle
import re

import pytest

from rushes import errors
from rushes.errors import HTTPStatusError, RushesError, ServerBusyError

CODES = {
    *("http_status", "connection", "timeout", "too_large", "truncated", "checksum_mismatch", "forbidden_host"),
    *("bad_url", "not_media", "unsupported_format", "corrupt_media", "transcode_failed", "bad_annotation", "bad_row"),
    *("storage", "disk_full"),
}


def all_classes() -> list[type[RushesError]]:
    found, queue = [], [RushesError]
    while queue:
        found.append(queue.pop())
        queue += found[-1].__subclasses__()
    return [kind for kind in found if kind.__module__.startswith("rushes.errors.")]


def make(kind: type[RushesError], message: str) -> RushesError:
    return kind(message, 503, 1.5) if issubclass(kind, HTTPStatusError) else kind(message)


@pytest.mark.parametrize("kind", all_classes())
def test_every_error_survives_a_trip_between_processes(kind: type[RushesError]) -> None:
    error = make(kind, "items.csv:3: what, where, and what to do next.")
    error.attempts = 4
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == str(error) == "items.csv:3: what, where, and what to do next."
    assert copy.args == error.args
    assert copy.attempts == 4
    assert (copy.code, copy.transient, copy.status) == (kind.code, kind.transient, kind.status)


def test_a_status_error_keeps_its_status_and_patience() -> None:
    copy = pickle.loads(pickle.dumps(ServerBusyError("busy", 429, 2.5)))
    assert (copy.http_status, copy.retry_after_s, str(copy)) == (429, 2.5, "busy")


def test_an_error_was_tried_once_unless_it_says_otherwise() -> None:
    assert RushesError("x").attempts == 1


def test_every_code_that_users_build_on_has_a_class() -> None:
    assert {kind.code for kind in all_classes()} >= CODES


def test_all_names_every_class() -> None:
    assert sorted(errors.__all__) == sorted(kind.__name__ for kind in all_classes())


def drawn_tree() -> dict[str, tuple[str, str, str]]:
    """Reads the tree in the docstring: name to parent, code and notes."""
    drawn: dict[str, tuple[str, str, str]] = {}
    ancestors: dict[int, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        match = re.fullmatch(r"    ([│ ├└─]*)(\w+Error)(?: +(\w+))?(?: +(.+))?", line)
        if match:
            depth = len(match[1]) // 4
            ancestors[depth] = match[2]
            drawn[match[2]] = ancestors.get(depth - 1, "Exception"), match[3] or "", match[4] or ""
    return drawn


def test_the_tree_in_the_docstring_is_the_tree_of_classes() -> None:
    parents = {name: parent for name, (parent, _, _) in drawn_tree().items()}
    assert parents == {kind.__name__: kind.__bases__[0].__name__ for kind in all_classes()}


@pytest.mark.parametrize("kind", all_classes())
def test_the_tree_tells_each_code_exit_and_how_its_items_end(kind: type[RushesError]) -> None:
    _, code, notes = drawn_tree()[kind.__name__]
    assert code in ("", kind.code)
    assert (notes if notes in ("quarantined", "skipped") else "failed") == kind.status
    assert notes != "exit 2" or kind.exit_code == 2
