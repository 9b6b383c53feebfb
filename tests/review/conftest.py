"""Fixtures of the page's tests: a browser, and the page of a table in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import Arrays
from tests.review.screen import Line, Screen, serving, write_table

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Request, WebError

Show = Callable[..., Screen]
SIZE = (1280, 800)  # of a laptop's window
PATIENCE = 60_000  # milliseconds; a machine may be busy with other things
# The page asks for the answers of others every 3 seconds; tests do not wait so long.
QUICK = "const wait = setTimeout; window.setTimeout = (task, time) => wait(task, time / 10);"
# From the next one on, requests wait for `held`, fail as `faults` says, and give their reply after `late`. Playwright's
# own routes come too late on a busy machine.
FAULTS = """
const ask = fetch;
window.faults = {};
window.fetch = async (address, options) => {
  await window.held?.promise;
  const fault = window.faults[address.split("?")[0]];
  if (fault?.status === 0) throw new TypeError("no network");
  if (fault) return Response.json({ error: fault.error }, { status: fault.status });
  const reply = await ask(address, options);
  await window.late?.[address.split("?")[0]]?.promise;
  return reply;
};
"""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def find_browser() -> str | None:
    """A browser that Playwright can drive."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


# One for each module, since Playwright keeps an event loop in this thread as long as it runs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser that is installed on this machine."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = find_browser()
    if path is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is installed")
    with playwright.sync_playwright() as driver:
        # Chromium's sandbox does not start for root, as whom containers run tests.
        started = driver.chromium.launch(executable_path=path, args=["--no-sandbox"], timeout=PATIENCE)
        yield started
        started.close()


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """The tabs of a module's tests."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    context.add_init_script(QUICK + FAULTS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """An empty tab. The test fails if a script of the page fails, or anything asks another server."""
    faults: list[str] = []

    def hear_error(error: WebError) -> None:
        faults.append(str(error.error))

    def hear_request(request: Request) -> None:
        if "//127.0.0.1:" not in request.url:
            faults.append(request.url)

    context.on("weberror", hear_error)
    context.on("request", hear_request)
    page = context.pages[0] if context.pages else context.new_page()  # a new one takes a second
    yield page
    if not page.is_closed():
        page.unroute_all()
        page.goto("about:blank")
    context.remove_listener("weberror", hear_error)
    context.remove_listener("request", hear_request)
    assert not [fault for fault in faults if fault != "about:blank"]


@pytest.fixture
def show(page: Page, in_empty_folder: Path, small_mnist: Arrays) -> Iterator[Show]:
    """A function that writes a table, serves it, and opens the page."""
    with ExitStack() as stack:

        def begin(lines: Iterable[Line], size: tuple[int, int] = SIZE, place: str = "", **setting: Any) -> Screen:
            stack.close()  # one server at a time has the log
            table = write_table(in_empty_folder, lines, small_mnist)
            screen = Screen(page, table)
            page.set_viewport_size({"width": size[0], "height": size[1]})
            screen.open(stack.enter_context(serving(table, **setting)) + place)
            return screen

        yield begin
