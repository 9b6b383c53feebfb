"""One by one, blind, by a second person, and classes of other names than digits: in a browser."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from batchdigits.output.review_answers import Answer, Round
from batchdigits.output.review_log import ReviewLog
from tests.review.conftest import Show
from tests.review.screen import Line, Screen, numbered

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

LINES = [
    Line("a/1.png", "7", 0.9, image=0),
    Line("a/2.png", "2", 0.3, "review", "may be no digit", image=1),
    Line("a/3.png", "1", 0.8, image=2),
    Line("b/4.png", "", None, "blank", image=3),
]


def neighbours(screen: Screen) -> list[str]:
    screen.page.locator("#single .here").wait_for()
    return [str(path) for path in screen.page.eval_on_selector_all(".neighbours > div", "all => all.map(n => n.title)")]


def test_one_by_one_the_least_likely_of_all_classes_comes_first(show: Show) -> None:
    screen = show(LINES, mode="single")
    assert screen.cursor == "a/2.png"
    facts = screen.page.locator("#single .facts").inner_text()
    assert all(text in facts for text in ("2 0.30 review", "may be no digit", "a/2.png"))
    assert neighbours(screen) == ["a/1.png", "a/2.png", "a/3.png"]
    assert screen.page.locator("#single .large img").get_attribute("src") == "scan/1?side=800"
    screen.press("5")
    screen.wait_cursor("a/3.png")
    screen.press("Space", "u")
    screen.wait_cursor("a/3.png")
    screen.press("k")
    screen.wait_text("#single .answer", "→ 5")
    assert screen.answers == {"a/2.png": "5"}
    screen.press("Shift+Enter")
    screen.wait_text("#said", "Only the grid")
    screen.page.click('#groups b:text-is("7")')
    screen.wait_cursor("a/1.png")
    screen.wait_text("#position", "1 of 1")
    screen.press("x")
    screen.wait_cursor("b/4.png")  # what is behind the class


def test_one_by_one_shows_what_others_answer(show: Show, context: BrowserContext) -> None:
    screen = show(LINES, mode="single")
    assert neighbours(screen) == ["a/1.png", "a/2.png", "a/3.png"]
    other = Screen(context.new_page(), screen.table)
    other.open(screen.page.url)
    other.press("j", "5")
    other.wait_cursor("a/1.png")
    screen.wait_text(".neighbours", "5")
    assert "answered" not in str(screen.page.get_attribute("#single", "aria-label"))
    assert screen.page.locator("#single .answer").inner_text() == ""
    other.page.close()


def test_a_jump_is_of_the_grid_only(show: Show) -> None:
    screen = show(LINES, mode="single")
    screen.press("f", "5")
    screen.wait_cursor("a/3.png")


def test_one_by_one_goes_over_the_end_of_what_is_loaded(show: Show) -> None:
    screen = show(numbered(["7"] * 50), place="#start=48", mode="single")
    for key, number in (("k", 47), ("j", 48), ("PageUp", 47), ("n", 48)):
        screen.press(key)
        screen.wait_cursor(f"scans/{number}.png")
        screen.wait_text("#position", f"{number + 1} of 50")


def test_blind_keying_shows_no_prediction_and_then_the_differences(show: Show) -> None:
    screen = show(LINES, mode="blind")
    assert screen.cursor == "a/1.png"
    seen = screen.page.locator("body").inner_text()
    assert not any(text in seen for text in ("0.9", "review ", "may be", "ok"))
    screen.press("Space")
    screen.wait_text("#said", "nothing to accept")
    screen.press("7", "4", "5", "x")
    screen.page.locator("#grid").wait_for()
    assert screen.cards == ["a/2.png", "a/3.png"]  # no digit agrees with blank
    assert "model: 2, anna: 4" in screen.card("a/2.png")
    screen.press("Space")
    screen.wait_cursor("a/3.png")
    screen.press("1")
    screen.wait_text("#done", "Every row has an answer.")
    assert screen.answers == {"a/1.png": "7", "a/2.png": "4", "a/3.png": "1", "b/4.png": "not_digit"}
    screen.page.reload()
    screen.wait_text("#done", "Every row has an answer.")


def test_behind_a_sample_that_is_keyed_comes_the_audit(show: Show) -> None:
    screen = show(LINES[:1], mode="blind", sample="my sample.csv")
    screen.press("7")
    screen.wait_text("#done", "Next: batchdigits audit rows.csv --keyed 'my sample.csv'")


def test_undo_in_the_differences_goes_back_to_keying(show: Show) -> None:
    screen = show(LINES[:2], mode="blind")
    screen.press("7", "4")
    screen.page.locator("#grid").wait_for()
    screen.press("u")
    screen.page.locator("#single").wait_for()
    screen.wait_cursor("a/2.png")


def test_a_second_person_keys_and_sees_where_the_two_differ(show: Show) -> None:
    first = show(LINES[:3], mode="blind", reviewer="anna")
    first.press("7", "2", "5")
    first.wait_text("#grid", "anna: 5")
    second = show(LINES[:3], mode="blind", reviewer="ben", is_second=True)
    second.wait_cursor("a/1.png")
    second.press("7", "3", "5")
    second.page.locator("#grid").wait_for()
    assert second.cards == ["a/2.png"]
    assert "anna: 2, ben: 3" in second.card("a/2.png")
    assert second.page.locator("#grid .first").evaluate("text => text.scrollWidth <= text.clientWidth")  # all is seen
    second.press("2")
    second.wait_text("#done", "Every row has an answer.")
    assert second.answers == {"a/1.png": "7", "a/2.png": "2", "a/3.png": "5"}


def test_differences_that_stay_open_are_passed_once(show: Show, in_empty_folder: Path) -> None:
    lines = numbered(["7"] * 49)
    rounds: tuple[tuple[Round, str], ...] = (("first", "1"), ("second", "2"))
    with closing(ReviewLog(in_empty_folder / "rows.csv.review", "rows.csv")) as log:
        for round_, label in rounds:
            log.add("anna", "t", "blind", round_, [Answer(line.path, "label", label, "7", "ok") for line in lines])
    screen = show(lines, mode="blind", reviewer="ben", is_second=True)
    screen.press(*"?" * 49)
    screen.wait_text("#done", "Every row has an answer. 49 rows are unsure.")


WORDS = ["seven", "six", "sixty", "sixty one", "Zero", "xenon", "eleven"]


def test_classes_with_names_are_typed(show: Show) -> None:
    screen = show(numbered(WORDS), mode="single")
    first, *others = (f"scans/{number}.png" for number in range(7))
    screen.press("z")
    screen.wait_cursor(others[0])
    assert screen.answers == {first: "Zero"}
    screen.press("s", "i", "x", "t")
    screen.wait_text("#typed", "sixt")
    screen.press("Backspace", "Enter")
    screen.wait_cursor(others[1])
    screen.press("s", "e", "v", "e", "n")  # with the rest of a name that is clear already
    screen.wait_cursor(others[2])
    screen.press("s", "i", "x", "t", "y", " ")
    screen.wait_cursor(others[3])
    assert [screen.answers[path] for path in others[:3]] == ["six", "seven", "sixty one"]
    screen.press("q")
    screen.wait_text("#said", "No class begins with “q”.")
    screen.press("s", "i", "ArrowRight")  # a command forgets what was typed
    screen.wait_cursor(others[4])
    assert screen.page.locator("#typed").inner_text() == ""
    screen.press("ArrowLeft", "s", "i", "Enter")
    screen.wait_text("#said", "No class is called “si”.")
    screen.press("Escape")
    assert screen.page.locator("#typed").inner_text() == ""
    screen.press("Space", "Alt+x", "Alt+u", "Alt+u", "Alt+b")
    screen.wait_text("#said", "4.png: blank")
    assert screen.answers[others[3]] == "blank"
    assert others[4] not in screen.answers
    screen.press("Alt+h")
    screen.wait_text("#help kbd", "Alt+x")
    assert "Alt+x" in screen.page.locator("footer [data-command=not_digit]").inner_text()


def test_alt_and_a_letter_give_another_character_on_a_mac(show: Show) -> None:
    screen = show(numbered(WORDS), mode="single")
    keys = {"key": "≈", "code": "KeyX", "altKey": True, "bubbles": True}
    screen.page.evaluate("keys => { single.dispatchEvent(new KeyboardEvent('keydown', keys)) }", keys)
    screen.wait_cursor("scans/1.png")
    assert screen.answers == {"scans/0.png": "not_digit"}


def test_letters_that_are_no_command_are_keys(show: Show) -> None:
    screen = show(numbered(["a", "c"] * 2))
    screen.press("C")
    screen.wait_cursor("scans/2.png")
    assert screen.answers == {"scans/0.png": "c"}
    screen.press("x")
    screen.wait_cursor("scans/1.png")
    assert screen.answers["scans/2.png"] == "not_digit"


def test_a_name_that_another_begins_with_needs_enter(show: Show) -> None:
    screen = show(numbered(["1", "10", "11"]))
    screen.press("1", "Enter")
    screen.wait_cursor("scans/1.png")
    screen.press("1", "0")
    screen.wait_cursor("scans/2.png")
    assert screen.answers == {"scans/0.png": "1", "scans/1.png": "10"}
