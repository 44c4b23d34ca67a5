"""The report in a real browser: quiet, closed to the network, and usable with a keyboard, on a phone and on paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser import browser
from tests.http_server import serve, status
from tests.rushes.summary.report_data import make

Scheme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("page")) / "report.html"


@pytest.fixture(scope="module")
def running() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture
def page(running: Browser) -> Iterator[Page]:
    found = running.new_page(viewport={"width": 1280, "height": 900})
    yield found
    found.close()


def test_it_asks_for_nothing_and_has_nothing_to_complain_about(page: Page, report: Path) -> None:
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    page.wait_for_load_state("networkidle")
    assert said == []
    assert [url for url in asked if not url.startswith("data:image/jpeg")] == [report.as_uri()]
    assert page.title() == "made: dataset report"
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")


def test_even_what_were_not_escaped_could_run_nothing(page: Page, report: Path, tmp_path: Path) -> None:
    begin, broken = '<main id="content" tabindex="-1">', tmp_path / "broken.html"
    with serve({"/x": status(404)}) as server:
        hostile = f'<img src="{server.url("/x")}" onerror="document.title=1"><script>document.title=2</script>'
        broken.write_text(report.read_text().replace(begin, begin + hostile))
        page.goto(broken.as_uri())
        page.wait_for_load_state("networkidle")
        assert page.locator("script").count() == 1
        assert server.requests == []
    assert page.title() == "made: dataset report"


@pytest.mark.parametrize("width", [1280, 320])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible_in_light_and_in_dark_wide_and_narrow(
    page: Page, report: Path, scheme: Scheme, width: int
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(report.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_it_fits_a_narrow_screen(page: Page, report: Path) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(report.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    outside = """[...document.querySelectorAll('main *')].filter(element => !element.closest('.wide, svg, .hidden'))
        .filter(element => element.getBoundingClientRect().right > 321).map(element => element.outerHTML)"""
    assert page.evaluate(outside) == []


def test_what_failed_and_what_to_do_stand_on_the_first_screen(page: Page, report: Path) -> None:
    page.goto(report.as_uri())
    for found in (
        page.get_by_role("heading", name="What failed, and what to do"),
        page.get_by_text("Next step:").first,
    ):
        box = found.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 900


def test_a_keyboard_reaches_all_of_it_in_the_order_of_reading(page: Page, report: Path) -> None:
    page.goto(report.as_uri())
    reached: list[float] = []
    focused = "[document.activeElement.tagName, document.activeElement.getBoundingClientRect().top + scrollY]"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    for _ in range(12):
        page.keyboard.press("Tab")
        name, top = page.evaluate(focused)
        assert name in ("A", "SUMMARY", "DIV")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
        reached.append(top)
    assert reached == sorted(reached)
    page.locator("summary").first.focus()
    before = page.locator("details[open]").count()
    page.keyboard.press("Enter")
    assert abs(page.locator("details[open]").count() - before) == 1


def test_the_skip_link_leads_to_the_content(page: Page, report: Path) -> None:
    page.goto(report.as_uri())
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_it_prints_dark_on_light_whatever_the_screen_is(page: Page, report: Path) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(report.as_uri())
    assert page.pdf(format="A4").startswith(b"%PDF-")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
