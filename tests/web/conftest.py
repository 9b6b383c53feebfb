"""Fixtures of the tests of the page of `export --web`: a browser without a network, and pages in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from batchdigits.inference.choose import BUILT_IN_MODEL
from batchdigits.inference.model_file import read_model_file
from batchdigits.web.page import web_page
from tests.review.conftest import PATIENCE
from tests.review.conftest import browser as browser  # a fixture
from tests.web.screen import Screen

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Request, WebError

Show = Callable[..., Screen]


@pytest.fixture(scope="session")
def built_in_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the built-in model."""
    path = tmp_path_factory.mktemp("web") / "digits.html"
    path.write_text(web_page(read_model_file(BUILT_IN_MODEL)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def plain_context(browser: Browser) -> Iterator[BrowserContext]:
    """The tab of the tests that need no options; a new one takes a second."""
    with browser.new_context(offline=True) as context:
        yield context


@pytest.fixture
def faults() -> list[str]:
    """What a test of the page must not cause: errors of scripts, requests, and what the policy forbids."""
    return []


@pytest.fixture
def show(browser: Browser, plain_context: BrowserContext, built_in_page: Path, faults: list[str]) -> Iterator[Show]:
    """A function that opens a page; the test fails with any of `faults`."""

    def hear_error(error: WebError) -> None:
        faults.append(str(error.error))

    def hear_console(message: ConsoleMessage) -> None:
        faults.extend([message.text] if message.type == "error" else [])

    def hear_request(request: Request) -> None:
        faults.extend([] if request.url.startswith(("file:", "blob:", "about:")) else [request.url])

    with ExitStack() as stack:

        def begin(path: Path = built_in_page, size: tuple[int, int] = (1000, 800), **options: Any) -> Screen:
            new = stack.enter_context(browser.new_context(offline=True, **options)) if options else None
            context = new or plain_context
            context.set_default_timeout(PATIENCE)
            for event, listener in (("weberror", hear_error), ("console", hear_console), ("request", hear_request)):
                context.on(event, listener)  # type: ignore[call-overload]
                stack.callback(context.remove_listener, event, listener)
            page = context.pages[0] if context.pages else context.new_page()
            page.set_viewport_size({"width": size[0], "height": size[1]})
            page.goto(path.as_uri())
            page.locator("body[data-ready]").wait_for()
            return Screen(page)

        yield begin
    assert not faults


@pytest.fixture
def screen(show: Show) -> Screen:
    """The page of the built-in model in a browser."""
    return show()
