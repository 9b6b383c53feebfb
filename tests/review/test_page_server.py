"""The page and its server: nothing is lost when it dies, when it refuses, or when two tabs are open."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from batchdigits.output.review_log import log_path
from tests.conftest import Arrays
from tests.review.conftest import Show
from tests.review.screen import Screen, command, numbered, write_table

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Dialog, Page

LINES = numbered(["7"] * 6)


def test_a_killed_server_loses_at_most_what_it_has_not_acknowledged(
    page: Page, in_empty_folder: Path, small_mnist: Arrays
) -> None:
    table = write_table(in_empty_folder, LINES, small_mnist)
    content = table.read_bytes()
    screen = Screen(page, table)
    with command(table) as (process, address):
        screen.open(address)
        screen.press("1", "2")
        screen.wait_cursor("scans/2.png")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        screen.press("3", "4")
        screen.wait_text("#banner", "Not saved yet: 2.png: 3.")
        screen.wait_text("#banner", "One key after it did nothing.")
        screen.wait_text("#banner", "open the address that it prints")
        assert screen.cursor == "scans/2.png"
    assert screen.answers == {"scans/0.png": "1", "scans/1.png": "2"}
    with log_path(table).open("ab") as log:
        log.write(b'{"at": "2026')  # what a server leaves that dies while it writes
    page.close(run_before_unload=False)
    screen.page = page.context.new_page()
    with command(table) as (_, address):
        screen.open(address)
        assert screen.cursor == "scans/2.png"
        screen.press("3")
        screen.wait_cursor("scans/3.png")
    assert screen.answers == {"scans/0.png": "1", "scans/1.png": "2", "scans/2.png": "3"}
    assert table.read_bytes() == content


def test_an_answer_is_sent_until_the_server_is_back(show: Show) -> None:
    screen = show(LINES)
    screen.page.evaluate("() => { window.held = Promise.withResolvers() }")
    screen.press("5", "6", "7")
    screen.fail("answers")
    screen.page.evaluate("() => held.resolve()")
    screen.wait_text("#banner", "Not saved yet: 0.png: 5.")
    screen.wait_text("#banner", "2 keys after it did nothing.")
    screen.press("6")
    screen.wait_text("#banner", "3 keys after it did nothing.")
    assert screen.cursor == "scans/0.png"
    screen.heal()
    screen.wait_cursor("scans/1.png")
    screen.page.locator("#banner").wait_for(state="hidden")
    assert screen.answers == {"scans/0.png": "5"}
    screen.press("6")
    screen.wait_cursor("scans/2.png")


def test_an_answer_whose_reply_was_lost_is_written_once(show: Show) -> None:
    screen = show(LINES)
    lose = "() => { window.late = { answers: { get promise() { return Promise.reject(new TypeError()) } } } }"
    screen.page.evaluate(lose)
    screen.press("5")
    screen.wait_text("#banner", "Not saved yet: 0.png: 5.")
    screen.page.evaluate("() => { window.late = {} }")
    screen.wait_cursor("scans/1.png")
    screen.press("u")
    screen.wait_cursor("scans/0.png")
    assert screen.answers == {}


def test_a_reply_that_takes_long_is_told(show: Show) -> None:
    screen = show(LINES)
    screen.page.evaluate("() => { window.late = { answers: Promise.withResolvers() } }")
    screen.press("5", "6")
    screen.wait_text("#banner", "The server takes long to answer. Keys wait.")
    screen.page.evaluate("() => late.answers.resolve()")
    screen.wait_cursor("scans/2.png")
    screen.page.locator("#banner").wait_for(state="hidden")


def test_a_full_disk_is_told_and_tried_again(show: Show) -> None:
    screen = show(LINES)
    screen.fail("answers", 500, "No space left on device")
    screen.press("5")
    screen.wait_text("#banner", "No space left on device")
    screen.heal()
    screen.wait_cursor("scans/1.png")


def test_a_page_of_cards_that_cannot_be_had_is_asked_for_again(show: Show) -> None:
    screen = show([*LINES, *numbered(["8"], "8")])
    screen.fail("cards")
    screen.press("Shift+Enter")
    screen.wait_text("#banner", "The server does not answer. Trying again every second.")
    assert len(screen.answers) == 6
    screen.heal()
    screen.wait_cursor("8/0.png")


def test_a_refused_answer_is_told_and_the_cursor_stays(show: Show) -> None:
    screen = show(LINES)
    screen.fail("answers", 400, "there is no row 0")
    screen.press("5")
    screen.wait_text("#banner", "there is no row 0")
    assert screen.cursor == "scans/0.png"
    screen.heal()
    screen.press("5")
    screen.wait_cursor("scans/1.png")
    screen.page.locator("#banner").wait_for(state="hidden")


def test_a_server_that_is_gone_is_told_without_a_key(show: Show) -> None:
    screen = show(LINES)
    screen.fail("changes")
    screen.wait_text("#banner", "The server does not answer.")
    screen.heal()
    screen.page.locator("#banner").wait_for(state="hidden")


def test_another_server_at_the_same_address_is_told(show: Show) -> None:
    screen = show(LINES)
    screen.fail("answers", 403, "the address has no token, or a wrong one")
    screen.press("5")
    screen.wait_text("#banner", "Another server answers at this address. Not saved yet: 0.png: 5.")
    screen.page.close()


def test_two_tabs_show_and_keep_each_others_answers(show: Show, context: BrowserContext) -> None:
    one = show(LINES)
    other = Screen(context.new_page(), one.table)
    other.open(one.page.url)
    other.press("j", "j", "4")
    other.wait_cursor("scans/3.png")
    one.press("1")
    one.wait_cursor("scans/1.png")
    one.wait_text("[title='scans/2.png']", "→ 4")
    other.wait_text("[title='scans/0.png']", "→ 1")
    other.wait_text("#counts", "2 of 6")
    one.press("2")
    one.wait_cursor("scans/3.png")  # that card has an answer
    one.press("u", "u", "u")
    one.wait_text("#said", "Nothing is left to undo.")
    assert one.answers == {"scans/2.png": "4"}
    other.page.close()


def test_a_tab_that_was_done_is_not_when_another_undoes(show: Show, context: BrowserContext) -> None:
    one = show(LINES[:2])
    other = Screen(context.new_page(), one.table)
    other.open(one.page.url)
    other.press("1")
    one.wait_text("[title='scans/0.png']", "→ 1")
    one.press("j", "2")
    one.wait_text("#done", "Every row has an answer.")
    other.press("u")
    one.page.locator("#done").wait_for(state="hidden")
    other.page.close()


def test_a_reply_that_was_overtaken_changes_nothing(show: Show) -> None:
    screen = show(LINES)
    hold = """() => {
        const reply = Promise.withResolvers();
        window.replies = 0;
        window.late = { changes: { get promise() { replies += 1; return reply.promise }, resolve: reply.resolve } };
    }"""
    screen.page.evaluate(hold)
    screen.page.wait_for_function("() => replies === 1")  # about the answers of others, before there are any
    screen.press("5")
    screen.wait_text("#counts", "1 of 6")
    screen.page.evaluate("() => late.changes.resolve()")
    screen.page.wait_for_function("() => replies === 2")
    assert "1 of 6" in screen.page.locator("#counts").inner_text()


def test_leaving_the_page_asks_while_an_answer_is_not_saved(show: Show) -> None:
    screen = show(LINES)
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    screen.page.on("dialog", stay)
    screen.fail("answers")
    screen.press("5")
    screen.wait_text("#banner", "Not saved yet")
    screen.page.close(run_before_unload=True)
    while not asked:
        screen.page.wait_for_timeout(20)
    assert asked == ["beforeunload"]
    screen.heal()
    screen.wait_cursor("scans/1.png")
    screen.page.close()


def test_a_tab_counts_answers_on_cards_that_it_has_not_shown(show: Show, context: BrowserContext) -> None:
    one = show([*LINES, *numbered(["8"], "8")])
    other = Screen(context.new_page(), one.table)
    other.open(one.page.url.replace("group=7", "group=8"))
    other.press("8")
    one.wait_text("#groups", "8 1/1")
    other.page.close()


def test_a_tab_counts_answers_that_it_sees_on_a_page_before_it_hears_of_them(
    show: Show, context: BrowserContext
) -> None:
    one = show([*LINES, *numbered(["8"] * 2, "8")])
    one.page.evaluate("() => { window.late = { changes: Promise.withResolvers() } }")
    other = Screen(context.new_page(), one.table)
    other.open(one.page.url.replace("group=7", "group=8"))
    other.press("5")
    other.wait_cursor("8/1.png")
    one.press("]")
    one.wait_text("[title='8/0.png']", "→ 5")
    one.page.evaluate("() => late.changes.resolve()")
    one.wait_text("#groups", "8 1/2")
    other.page.close()
