"""A real browser for tests of pages: one that is on the machine, found and started in one place."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

__all__ = ["browser", "find_browser"]

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    "--no-sandbox",  # Chromium refuses to run as root with one
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_browser() -> str | None:
    """Returns the path of a browser that these tests can drive, or None where there is none."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


@contextmanager
def browser() -> Iterator[Browser]:
    """Gives a headless browser; skips the test, with the reason, where the machine has none."""
    path = find_browser()
    if path is None:
        pytest.skip(f"no browser: expected one of {', '.join(_NAMES)} on PATH")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=[*_ARGUMENTS], headless=True)
        try:
            yield running
        finally:
            running.close()
