"""The grid and its keys, in a browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from batchdigits.output.review_log import log_path
from tests.conftest import Arrays
from tests.review.conftest import Show
from tests.review.screen import NO_IMAGE, Line, Screen, numbered, serving, write_table

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page, Route

SEVENS = numbered(["7"] * 50)
FEW = [*numbered(["3"] * 4, "3"), *numbered(["8"] * 4, "8"), Line("none/0.png", "", None, "blank")]


def actions(screen: Screen) -> list[Any]:
    return [json.loads(line) for line in log_path(screen.table).read_text().splitlines()[1:]]


def test_one_key_answers_a_card_and_goes_on(show: Show) -> None:
    screen = show(FEW)
    assert screen.cursor == "3/0.png"  # the least likely of the first class
    assert screen.cards == [f"3/{number}.png" for number in range(4)]
    screen.press("5", "Space", "x", "b")
    screen.wait_cursor("8/0.png")  # the next class
    screen.press("Enter", "?")
    screen.wait_cursor("8/2.png")
    assert screen.answers == {
        "3/0.png": "5",
        "3/1.png": "3",
        "3/2.png": "not_digit",
        "3/3.png": "blank",
        "8/0.png": "8",
        "8/1.png": "unsure",
    }
    screen.wait_text("#counts", "6 of 9 rows answered")
    assert "? unsure" in screen.card("8/1.png")


def test_the_rest_of_a_page_is_accepted_as_one_action(show: Show) -> None:
    screen = show(SEVENS)
    screen.press("ArrowRight", "1")
    screen.wait_cursor("scans/2.png")
    screen.press("Shift+Enter")
    screen.wait_cursor("scans/48.png")
    assert len(actions(screen)) == 2
    assert len(screen.answers) == 48
    assert screen.answers["scans/1.png"] == "1"
    screen.press("u")
    screen.wait_cursor("scans/0.png")
    assert "→ 1" in screen.card("scans/1.png")
    assert screen.answers == {"scans/1.png": "1"}


def test_when_everything_is_answered_the_page_says_what_comes_next(show: Show) -> None:
    screen = show(FEW)
    for path in ("3/0.png", "8/0.png", "none/0.png"):
        screen.wait_cursor(path)
        screen.press("Shift+Enter")
    screen.wait_text("#done", "batchdigits review rows.csv --apply -o final.csv")
    assert screen.answers["none/0.png"] == "blank"  # a blank row is accepted as such
    screen.press("u")
    screen.page.locator("#done").wait_for(state="hidden")
    screen.page.reload()
    screen.wait_cursor("none/0.png")


def test_the_command_that_comes_next_does_not_write_over_the_table(
    page: Page, in_empty_folder: Path, small_mnist: Arrays
) -> None:
    table = write_table(in_empty_folder, FEW[:1], small_mnist).rename(in_empty_folder / "final.csv")
    with serving(table) as address:
        screen = Screen(page, table)
        screen.open(address)
        screen.press("Space")
        screen.wait_text("#done", "batchdigits review final.csv --apply -o handed-over.csv")


def test_what_a_person_said_of_rows_without_a_label_is_accepted_in_a_finished_table(show: Show) -> None:
    screen = show([Line("a.png", "", 0.9, "reviewed", "no digit"), Line("b.png", "", 0.9, "reviewed", "blank")])
    screen.press("Shift+Enter")
    screen.wait_text("#done", "Every row has an answer.")
    assert screen.answers == {"a.png": "not_digit", "b.png": "blank"}


def test_a_row_without_a_label_is_not_accepted_with_the_page(show: Show) -> None:
    screen = show([Line("a.png", "", None, "error", "truncated"), Line("b.png", "", None, "blank")])
    screen.press("Space")
    screen.wait_text("#said", "nothing to accept")
    screen.press("Shift+Enter")
    screen.wait_text("#said", "1 row accepted; 1 without a label, or whose picture was not on the screen, stay open")
    assert screen.answers == {"b.png": "blank"}
    assert screen.cursor == "a.png"


def test_undo_has_no_end_and_goes_where_the_card_is(show: Show) -> None:
    screen = show(FEW)
    screen.press("1", "2", "3", "4", "5")
    screen.wait_cursor("8/1.png")
    screen.press("u")
    screen.wait_cursor("8/0.png")
    screen.press("u")
    screen.wait_cursor("3/3.png")
    screen.page.reload()
    screen.wait_cursor("3/3.png")
    screen.press("u", "u", "u")
    screen.wait_cursor("3/0.png")
    assert screen.answers == {}
    screen.press("u")
    screen.wait_text("#said", "Nothing is left to undo.")


def test_undo_finds_a_card_that_this_page_never_showed(show: Show) -> None:
    screen = show([*SEVENS, Line("8/0.png", "8", 0.5)])
    screen.press("Shift+Enter")
    screen.wait_cursor("scans/48.png")
    screen.press("]")
    screen.wait_cursor("8/0.png")
    screen.page.reload()
    screen.wait_cursor("8/0.png")
    screen.press("u")
    screen.wait_cursor("scans/0.png")


def test_moves(show: Show) -> None:
    screen = show([*SEVENS, *numbered(["8"], "8")])
    for key, number in [
        ("ArrowRight", 1),
        ("j", 2),
        ("k", 1),
        ("ArrowLeft", 0),
        ("ArrowDown", 12),
        ("ArrowUp", 0),
        ("ArrowUp", 0),
        ("PageDown", 48),
        ("k", 47),
        ("j", 48),
        ("PageUp", 47),
        ("n", 48),
        ("p", 47),
    ]:
        screen.press(key)
        screen.wait_cursor(f"scans/{number}.png")
    screen.press("n", "n")
    screen.wait_cursor("8/0.png")
    screen.press("[")
    screen.wait_cursor("scans/0.png")
    assert screen.answers == {}


def test_any_card_of_a_page_is_two_keys_away(show: Show) -> None:
    screen = show(SEVENS)
    for letter, number in [("a", 0), ("Y", 47), ("x", 22), ("A", 25)]:
        screen.press("f")
        assert screen.page.locator(".letter").nth(number).inner_text() == letter
        screen.press(letter)
        screen.wait_cursor(f"scans/{number}.png")
    screen.press("f", "Escape", "9")
    screen.wait_cursor("scans/26.png")
    assert screen.answers == {"scans/25.png": "9"}


def test_a_card_that_is_passed_over_stays_open_and_comes_at_the_end(show: Show) -> None:
    screen = show(FEW)
    screen.press("Shift+Enter")
    screen.wait_cursor("8/0.png")
    screen.press("j", "j", "8", "PageDown")  # the class behind it
    screen.wait_cursor("none/0.png")
    screen.press("b")
    screen.wait_cursor("8/0.png")
    assert "8/0.png" not in screen.answers


def test_the_cursor_comes_back_to_cards_before_it_that_are_open(show: Show) -> None:
    screen = show(FEW)
    screen.press("j", "j", "j", "5")  # the last one of the page
    screen.wait_cursor("3/0.png")
    screen.press("Space", "Space", "Space")
    screen.wait_cursor("8/0.png")


def test_a_reload_keeps_place_answers_and_cursor(show: Show) -> None:
    screen = show(SEVENS)
    screen.press("n")
    screen.wait_cursor("scans/48.png")
    screen.press("2")
    screen.wait_cursor("scans/49.png")
    screen.page.reload()
    screen.wait_cursor("scans/49.png")
    assert "→ 2" in screen.card("scans/48.png")


def test_keys_typed_while_an_answer_is_on_its_way_wait(show: Show) -> None:
    screen = show(FEW)
    screen.page.evaluate("() => { window.held = Promise.withResolvers() }")
    screen.press("1", "2", "j", "3")
    screen.page.wait_for_timeout(100)
    assert screen.cursor == "3/0.png"  # not before the answer is on disk
    assert screen.answers == {}
    screen.page.evaluate("() => held.resolve()")
    screen.wait_cursor("3/2.png")
    assert screen.answers == {"3/0.png": "1", "3/1.png": "2", "3/3.png": "3"}


def test_a_key_that_is_held_down_answers_one_card(show: Show) -> None:
    screen = show(FEW)
    screen.wait_seen()
    for key in ("Space", "Space", "Space"):  # the second one repeats the first
        screen.page.keyboard.down(key)
    screen.page.keyboard.up("Space")
    screen.wait_cursor("3/1.png")
    for key in ("j", "j"):
        screen.page.keyboard.down(key)
    screen.wait_cursor("3/3.png")
    assert screen.answers == {"3/0.png": "3"}


def test_keys_of_the_browser_stay_its_own(show: Show) -> None:
    screen = show(FEW)
    screen.press("Control+5", "Alt+5", "Alt+x", "Meta+b", "j")
    screen.wait_cursor("3/1.png")
    assert screen.answers == {}


def test_keyboards_on_which_a_bracket_needs_alt_graph(show: Show) -> None:
    screen = show(FEW)
    graph = {"key": "]", "ctrlKey": True, "altKey": True, "modifierAltGraph": True, "bubbles": True}
    screen.page.evaluate("keys => { grid.dispatchEvent(new KeyboardEvent('keydown', keys)) }", graph)
    screen.wait_cursor("8/0.png")


def test_glyphs(show: Show) -> None:
    screen = show(FEW)

    def glyphs() -> int:
        return screen.page.locator("#grid img[src^=glyph]").count()

    screen.press("g")
    screen.page.locator("#grid img[src^=glyph]").wait_for()
    assert glyphs() == 1
    screen.press("g", "Shift+G")
    screen.page.locator("[data-command=glyphs][aria-pressed=true]").wait_for()
    assert glyphs() == 4
    screen.press("Shift+Enter")
    screen.wait_cursor("8/0.png")
    assert glyphs() == 4  # the next page, too
    screen.press("Shift+G")
    screen.page.locator("[data-command=glyphs][aria-pressed=false]").wait_for()
    assert glyphs() == 0


def test_zoom_follows_the_cursor(show: Show) -> None:
    screen = show(FEW)
    screen.press("z")
    screen.wait_text("#zoom-title", "3/0.png")
    screen.press("5")
    screen.wait_text("#zoom-title", "3/1.png")
    screen.press("z")
    screen.page.locator("#zoom").wait_for(state="hidden")
    assert screen.answers == {"3/0.png": "5"}
    screen.press("z", "Escape")
    screen.page.locator("#zoom").wait_for(state="hidden")
    screen.press("6")
    screen.wait_cursor("3/2.png")


@pytest.mark.parametrize("key", ["h", "F1"])
def test_help_names_every_key(show: Show, key: str) -> None:
    screen = show(FEW)
    screen.press(key)
    screen.wait_text("#help", "no digit")
    shown = screen.page.locator("#help kbd").all_inner_texts()
    assert {"x", "b", "?", "u", "z", "g", "f", "/", "Space", "Shift+Enter", "Page Down", "h", "F1"} <= set(shown)
    screen.press("5", "Escape")
    screen.page.locator("#help").wait_for(state="hidden")
    assert screen.answers == {}


def test_filters(show: Show) -> None:
    lines = [line._replace(status="review") if line.path.endswith("/2.png") else line for line in FEW]
    screen = show(lines)
    screen.press("/")
    screen.page.select_option("[name=status]", "review")
    screen.page.fill("[name=path]", "8/")
    screen.page.select_option("[name=group]", label="8")
    screen.press("Enter")
    screen.wait_cursor("8/2.png")
    assert screen.cards == ["8/2.png"]
    screen.wait_text("#filters", "status review, path with “8/”")
    screen.page.reload()
    screen.wait_cursor("8/2.png")
    screen.press("?")
    screen.wait_text("#done", "No row is open of these: status review")
    screen.page.click("text=Show all")
    screen.wait_cursor("8/0.png")
    assert not screen.page.locator("#done").is_visible()
    screen.page.click("text=1 unsure")
    screen.wait_cursor("8/2.png")
    screen.press("8")
    screen.page.locator("#show-unsure").wait_for(state="hidden")
    screen.page.go_back()
    screen.wait_cursor("8/0.png")


def test_a_filter_stays_when_the_class_changes(show: Show) -> None:
    """By the keys, past the last page, and by a button; classes without such a card are passed over."""
    lines = [line._replace(status="review") if line.path.endswith("/2.png") else line for line in FEW]
    screen = show([*lines, *numbered(["5"] * 3, "5"), Line("9/2.png", "9", 0.5, "review")])
    screen.press("/")
    screen.page.select_option("[name=status]", "review")
    screen.page.select_option("[name=group]", label="3")
    screen.page.click("#filter button[value=apply]")
    screen.wait_cursor("3/2.png")
    for key, path in (("]", "8/2.png"), ("PageDown", "9/2.png"), ("[", "8/2.png")):
        screen.press(key)
        screen.wait_cursor(path)
        assert screen.cards == [path]
    screen.page.click('#groups b:text-is("3")')
    screen.wait_cursor("3/2.png")
    assert screen.cards == ["3/2.png"]
    screen.wait_text("#filters", "status review")
    screen.page.click("text=Show all")
    screen.page.wait_for_function("() => document.querySelectorAll('#grid .card').length === 4")


def test_the_unsure_ones_of_all_classes_are_gone_through(show: Show) -> None:
    screen = show(FEW)
    screen.press("j", "?", "]")
    screen.wait_cursor("8/0.png")
    screen.press("?")
    screen.wait_cursor("8/1.png")
    screen.page.click("text=2 unsure")
    screen.wait_cursor("3/1.png")
    assert screen.cards == ["3/1.png", "8/0.png"]
    screen.press("5")
    screen.wait_cursor("8/0.png")
    screen.press("Space")
    screen.wait_text("#done", "No row is open of these: unsure.")
    assert screen.answers == {"3/1.png": "5", "8/0.png": "8"}


def test_a_filter_by_answers_shows_each_open_card_once(show: Show) -> None:
    screen = show(numbered(["7"] * 100))
    screen.press("/")
    screen.page.select_option("[name=answered]", "open")
    screen.page.click("#filter button[value=apply]")
    screen.wait_text("#filters", "without an answer")
    screen.press("j", "Shift+Enter")
    screen.wait_cursor("scans/48.png")
    screen.press("ArrowRight", "n")  # 48 cards stay open
    screen.wait_cursor("scans/96.png")
    screen.press("Shift+Enter")
    screen.wait_cursor("scans/48.png")
    screen.press("Shift+Enter")
    screen.wait_text("#done", "No row is open of these: without an answer.")
    assert len(screen.answers) == 100


def show_open(show: Show) -> Screen:
    """The first 48 of 100 cards without an answer. The page ahead comes when `ahead` is resolved."""
    screen = show(numbered(["7"] * 100))
    late_behind_the_first_page = """() => {
        window.ahead = Promise.withResolvers();
        window.late = { cards: { get promise() { return location.hash.includes("answered") ? ahead.promise : null } } };
    }"""
    screen.page.evaluate(late_behind_the_first_page)
    screen.press("/")
    screen.page.select_option("[name=answered]", "open")
    screen.page.click("#filter button[value=apply]")
    screen.wait_text("#filters", "without an answer")
    return screen


def test_a_page_ahead_that_comes_after_an_answer_skips_no_card(show: Show) -> None:
    screen = show_open(show)
    screen.press("Shift+Enter")
    screen.wait_text("#counts", "48 of 100 rows answered")
    screen.page.evaluate("() => ahead.resolve()")
    screen.wait_cursor("scans/48.png")


def test_a_page_ahead_that_comes_after_the_answer_of_another_tab_skips_no_card(
    show: Show, context: BrowserContext
) -> None:
    screen = show_open(show)
    screen.press("n")
    other = Screen(context.new_page(), screen.table)
    other.open(screen.page.url.partition("#")[0])
    other.press("1")
    screen.wait_text("#counts", "1 of 100 rows answered")
    screen.page.evaluate("() => ahead.resolve()")
    screen.wait_cursor("scans/48.png")
    other.page.close()


def test_a_click_picks_the_card_that_was_seen_or_none(show: Show) -> None:
    screen = show(SEVENS)
    screen.page.evaluate("() => { window.late = { answers: Promise.withResolvers() } }")
    screen.press("Shift+Enter")
    screen.page.click("[title='scans/5.png']")
    screen.press("5")
    screen.page.evaluate("() => late.answers.resolve()")
    screen.wait_text("#banner", "Another page is shown than the one with 5.png. One key after it did nothing.")
    assert screen.cursor == "scans/48.png"
    assert set(screen.answers.values()) == {"7"}


def test_a_dialog_has_the_keys_behind_its_own_while_an_answer_is_on_its_way(show: Show) -> None:
    screen = show(FEW)
    screen.page.evaluate("() => { window.late = { answers: Promise.withResolvers() } }")
    screen.press("5", "/")
    screen.page.locator("#filter").wait_for()
    screen.page.fill("[name=path]", "8/")
    screen.press("1", "Enter")
    screen.page.evaluate("() => late.answers.resolve()")
    screen.wait_text("#position", "No row")  # has 8/1 in its path
    assert screen.answers == {"3/0.png": "5"}


def test_back_goes_to_its_place_while_an_answer_is_on_its_way(show: Show) -> None:
    screen = show(FEW)
    screen.press("]", "]")
    screen.wait_cursor("none/0.png")
    screen.page.evaluate("() => { window.late = { answers: Promise.withResolvers() } }")
    screen.press("b")
    screen.page.evaluate("() => history.back()")
    screen.page.wait_for_function("() => location.hash.includes('group=8')")
    screen.page.evaluate("() => late.answers.resolve()")
    screen.wait_cursor("8/0.png")


def test_the_second_of_two_quick_shift_enters_accepts_nothing(show: Show) -> None:
    screen = show(FEW)
    screen.page.evaluate("() => { window.late = { answers: Promise.withResolvers() } }")
    screen.press("Shift+Enter", "Shift+Enter")
    screen.page.evaluate("() => late.answers.resolve()")
    screen.wait_text("#said", "Nothing is accepted: its picture was not on the screen for a moment yet.")
    assert (screen.cursor, len(screen.answers)) == ("8/0.png", 4)


def test_a_card_that_cannot_be_shown_is_not_accepted_with_the_page(show: Show) -> None:
    screen = show([Line("../3.png", "3", 0.2), *FEW[:2]])
    screen.press("Shift+Enter")
    screen.wait_text("#said", "2 rows accepted; 1 without a label, or whose picture was not on the screen, stay open")
    assert (screen.cursor, "../3.png" in screen.answers) == ("../3.png", False)


def test_a_card_below_the_screen_is_not_accepted_with_the_page(show: Show) -> None:
    screen = show(SEVENS, size=(700, 400))
    screen.press("Shift+Enter")
    screen.wait_text("#said", "or whose picture was not on the screen, stay open")
    seen = len(screen.answers)
    assert 0 < seen < 24
    screen.wait_cursor(f"scans/{seen}.png")  # the first that was not on the screen


def test_an_image_that_cannot_be_shown_says_why(show: Show) -> None:
    screen = show([*FEW, Line("3/9.png", "3", 0.1, image=NO_IMAGE), Line("../3.png", "3", 0.2)])
    screen.wait_text(".fault", "not an image")
    screen.wait_text(".fault", "outside of the folders")


def test_markup_in_a_table_is_text(show: Show) -> None:
    evil = "<img src=x onerror=alert(1)>"
    screen = show([Line(f"{evil}.png", evil, 0.4, "review", evil), Line("b.png", "'\"&</b>", 0.5)], mode="single")
    assert screen.cursor == f"{evil}.png"
    assert evil in screen.page.locator("#single .facts").inner_text()
    assert evil in screen.page.locator("#labels").inner_text()
    assert screen.page.locator("img[src=x]").count() == 0


def test_nothing_moves_when_images_come(show: Show) -> None:
    screen = show(numbered(["7"] * 48))
    boxes = "all => all.map(card => JSON.stringify(card.getBoundingClientRect()))"
    held: list[Route] = []
    screen.page.route("**/scan/**", lambda route: held.append(route))
    screen.page.reload()
    screen.wait_cursor("scans/0.png")
    before = screen.page.eval_on_selector_all(".card", boxes)
    screen.page.route("**/scan/**", lambda route: route.continue_())  # those that are asked for from now on
    for route in held:
        route.continue_()
    loaded = "() => [...document.images].length === 48 && [...document.images].every(image => image.naturalWidth)"
    screen.page.wait_for_function(loaded)
    assert screen.page.eval_on_selector_all(".card", boxes) == before


def test_images_of_the_next_page_are_there_before_it_is_shown(show: Show) -> None:
    screen = show(SEVENS)
    loaded = "() => performance.getEntriesByType('resource').filter(one => one.name.includes('/scan/')).length"
    screen.page.wait_for_function(f"() => ({loaded})() === 50")
    screen.page.route("**/scan/**", lambda route: route.abort())
    screen.press("n")
    screen.wait_cursor("scans/48.png")
    assert screen.page.eval_on_selector_all("#grid img", "all => all.every(image => image.naturalWidth > 0)")
    assert screen.page.evaluate(loaded) == 50
