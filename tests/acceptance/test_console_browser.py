"""The console in a real browser: Chromium, driven as a reader would use it.

``DOORSTAFF_TEST_CHROMIUM`` names the browser; a screenshot of each look is left in the folder that
``DOORSTAFF_TEST_SCREENSHOTS`` names, if it is set.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from sqlalchemy import Engine

from console.app import create_app
from console.server import address_of, listen, make_server
from contracts.alert import Alert, AlertKind
from store.alert import save_alert
from store.database import open_database
from store.migration import migrate
from tests.unit.console.examples import an_alert

pytestmark = pytest.mark.slow

NOW = datetime.now(UTC)
MARKUP = "<img src=x onerror=document.title='owned'> " + "cheaptickets" * 20


@dataclass(frozen=True)
class Desk:
    """A console that runs, and its database."""

    url: str
    engine: Engine

    def keep(self, *alerts: Alert) -> None:
        with self.engine.begin() as connection:
            for alert in alerts:
                save_alert(connection, alert)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = os.environ.get("DOORSTAFF_TEST_CHROMIUM", "/usr/bin/chromium")
    if not Path(executable).exists():
        missing = f"needs Chromium: {executable} is not there (DOORSTAFF_TEST_CHROMIUM)"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    # Chromium has no sandbox for root, as whom CI may run; it only visits our own pages.
    arguments = ["--disable-quic", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    engine = open_database(f"sqlite:///{tmp_path / 'doorstaff.db'}")
    migrate(engine)
    listener = listen("127.0.0.1", 0)
    server = make_server(create_app(engine))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield Desk(address_of(listener), engine)
    server.should_exit = True
    thread.join(timeout=10)
    listener.close()
    engine.dispose()
    assert not thread.is_alive()


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, desk: Desk) -> Iterator[OpenPage]:
    """Open a page of the console; fail if it reports an error or asks for anything elsewhere."""
    complaints: list[str] = []
    contexts = []

    def open_page(path: str = "/", **options: object) -> Page:
        context = browser.new_context(**options)  # type: ignore[arg-type] # Playwright checks them
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith(desk.url) else complaints.append(request.url)
            ),
        )
        page.goto(desk.url + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("count", [0, 1, 300])
def test_the_list_fits_the_window(desk: Desk, open_page: OpenPage, scheme: str, count: int) -> None:
    desk.keep(*_alerts(count))
    page = open_page(color_scheme=scheme)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        _picture(page, f"alerts-{count}-{scheme}-{width}")
    expect(page.locator(".alerts li")).to_have_count(min(count, 50))


def test_from_the_list_to_the_seconds_that_match(desk: Desk, open_page: OpenPage) -> None:
    desk.keep(*_alerts(30))
    page = open_page()
    page.get_by_role("link", name=re.compile("^media")).click()
    page.locator(".alerts .title").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Night Train")
    expect(page.get_by_role("img", name=re.compile("0:12 to 0:27 of the upload"))).to_be_visible()
    _picture(page, "media-alert")
    page.get_by_role("link", name="← Alerts").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Alerts")


def test_it_works_without_a_script(desk: Desk, open_page: OpenPage) -> None:
    desk.keep(*_alerts(120))
    page = open_page(java_script_enabled=False)
    page.get_by_role("link", name="Older").click()
    expect(page.locator(".paging")).to_contain_text("51 to 100 of 120")
    page.get_by_role("link", name="Newest").click()
    expect(page.locator(".paging")).to_contain_text("1 to 50 of 120")


def test_markup_of_a_spammer_is_text(desk: Desk, open_page: OpenPage) -> None:
    desk.keep(an_alert(1, title=MARKUP, updated_at=NOW))
    page = open_page()
    expect(page.locator(".alerts .title")).to_contain_text("<img src=x")
    page.locator(".alerts .title").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("<img src=x")
    assert "owned" not in page.title().split()
    assert page.locator("main img").count() == 0
    page.wait_for_load_state("load")  # the stylesheet has a say in the width
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    _picture(page, "long-title")


def test_new_alerts_come_by_themselves_and_the_reader_keeps_the_place(
    desk: Desk, open_page: OpenPage
) -> None:
    desk.keep(*_alerts(40))
    page = open_page(viewport={"width": 1100, "height": 700})
    page.evaluate("window.scrollTo(0, 900)")
    reading = page.locator(".alerts li").nth(14)
    name, before = reading.get_attribute("id"), reading.bounding_box()

    desk.keep(an_alert(900, updated_at=NOW + timedelta(seconds=1)))
    expect(page.locator("#alert-000900")).to_be_attached(timeout=15_000)

    after = page.locator(f"#{name}").bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) < 2


def test_when_the_place_is_gone_the_reader_is_asked(desk: Desk, open_page: OpenPage) -> None:
    desk.keep(*_alerts(50))
    page = open_page(viewport={"width": 1100, "height": 700})
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    desk.keep(*(an_alert(900 + n, updated_at=NOW + timedelta(seconds=1)) for n in range(50)))
    button = page.get_by_role("button", name="There are new alerts")
    expect(button).to_be_visible(timeout=15_000)
    expect(page.locator("#alert-000900")).not_to_be_attached()
    button.click()
    expect(page.locator("#alert-000900")).to_be_attached()


def _alerts(count: int) -> list[Alert]:
    kinds: tuple[AlertKind, ...] = ("media", "campaign", "account")
    return [
        an_alert(
            number,
            kind=kinds[number % 3],
            opened_at=NOW - timedelta(minutes=5 * number + 4),
            updated_at=NOW - timedelta(minutes=5 * number),
        )
        for number in range(count)
    ]


def _picture(page: Page, name: str) -> None:
    if folder := os.environ.get("DOORSTAFF_TEST_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")
