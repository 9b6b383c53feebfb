"""How the page looks and feels: contrast, names and roles, phone width, mouse and touch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.review.conftest import Show
from tests.review.screen import Line, Screen, numbered

if TYPE_CHECKING:
    from playwright.sync_api import Page

LINES = [
    *numbered(["3"] * 12, "3"),
    Line("3/review.png", "3", 0.97, "review", "may be no digit"),
    Line("3/" + "long" * 30 + ".png", "3", 0.98, "by hand"),
    Line("none/0.png", "", None, "blank"),
    Line("none/1.png", "", None, "error", "truncated"),
]
WORDS = numbered(["a name that is so long that it fits no button of a page on a phone", "seven"])
ANSWERS = ("1", "Space", "x", "b", "?")


def faults(page: Page) -> list[str]:
    """What axe-core finds, in light and dark."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for fault in axe.run(page).response["violations"]:
            found += [f"{scheme} {fault['id']}: {node['html']} {node['failureSummary']}" for node in fault["nodes"]]
    page.emulate_media(color_scheme="light", reduced_motion="no-preference")
    return found


def is_too_wide(page: Page) -> bool:
    return bool(page.evaluate("() => document.documentElement.scrollWidth > innerWidth"))


def test_the_grid_and_its_dialogs_are_accessible(show: Show) -> None:
    screen = show(LINES)
    screen.press(*ANSWERS, "f")
    screen.wait_text("#said", "unsure")
    assert faults(screen.page) == []
    for key, dialog in (("z", "#zoom"), ("h", "#help"), ("/", "#filter")):
        screen.press("Escape", key)
        screen.page.locator(dialog).wait_for()
        assert faults(screen.page) == []
        screen.press("Escape")
        screen.page.locator(dialog).wait_for(state="hidden")
    screen.fail("answers")
    screen.press("5")
    screen.page.locator("#banner").wait_for()
    assert faults(screen.page) == []
    screen.page.close()


def test_one_by_one_is_accessible(show: Show) -> None:
    screen = show(LINES, mode="single")
    screen.press("5", "k")
    screen.wait_text("#single .answer", "→ 5")
    assert faults(screen.page) == []


def test_blind_keying_its_differences_and_the_end_are_accessible(show: Show) -> None:
    screen = show(LINES[:2], mode="blind")
    assert faults(screen.page) == []
    screen.press("5", "3")
    screen.page.locator("#grid").wait_for()
    assert faults(screen.page) == []
    screen.press("Space")
    screen.page.locator("#done").wait_for()
    assert faults(screen.page) == []


def test_names_of_classes_are_accessible(show: Show) -> None:
    screen = show(WORDS)
    screen.press("s")
    assert faults(screen.page) == []


@pytest.mark.parametrize(("lines", "mode"), [(LINES, "grid"), (LINES, "single"), (LINES, "blind"), (WORDS, "grid")])
def test_a_phone_shows_everything_without_scrolling_sideways(show: Show, lines: list[Line], mode: str) -> None:
    screen = show(lines, size=(360, 740), mode=mode)
    assert not is_too_wide(screen.page)
    sizes = screen.page.eval_on_selector_all("footer button", "all => all.map(b => b.getBoundingClientRect().height)")
    assert min(size for size in sizes if size) >= 44
    for key, dialog in (("F1", "#help"), ("/", "#filter")):
        screen.press(key)
        screen.page.locator(dialog).wait_for()
        assert not is_too_wide(screen.page)
        screen.press("Escape")


def test_the_cursor_stays_in_sight_on_a_phone(show: Show) -> None:
    screen = show(numbered(["3"] * 50), size=(360, 740))
    for key, number in (("PageDown", 48), ("k", 47), ("j", 48)):
        screen.press(key)
        screen.wait_cursor(f"scans/{number}.png")
        assert is_in_sight(screen)


def is_in_sight(screen: Screen) -> bool:
    script = """() => {
      const card = document.querySelector("[aria-selected=true]").getBoundingClientRect();
      const main = document.querySelector("main").getBoundingClientRect();
      return card.top >= main.top - 1 && card.bottom <= main.bottom + 1;
    }"""
    return bool(screen.page.evaluate(script))


def test_mouse_and_touch_do_what_keys_do(show: Show) -> None:
    screen = show(numbered(["3"] * 8, "3") + numbered(["8"], "8"))
    click = screen.page.click
    click("[title='3/2.png'] img")
    click("#labels button:has-text('5')")
    screen.wait_cursor("3/3.png")
    click("text=No digit")
    screen.wait_cursor("3/4.png")
    click("#commands >> text=Blank")
    screen.wait_cursor("3/5.png")
    click("#commands >> text=Unsure")
    screen.wait_cursor("3/6.png")
    screen.press("Enter")  # the focus is on the cards again
    screen.wait_cursor("3/7.png")
    click("text=Undo")
    screen.wait_cursor("3/6.png")
    click("text=Zoom")
    screen.page.click("#zoom >> text=Close")
    click('#groups b:text-is("8")')
    screen.wait_cursor("8/0.png")
    click("#commands >> text=Accept >> nth=0")
    screen.wait_cursor("3/0.png")
    click("text=Accept page")
    screen.page.locator("#done").wait_for()
    kinds = {"3/2.png": "5", "3/3.png": "not_digit", "3/4.png": "blank", "3/5.png": "unsure"}
    assert screen.answers.items() >= kinds.items()


def test_a_button_that_has_the_focus_is_pressed_by_its_keys(show: Show) -> None:
    screen = show(numbered(["3"] * 4))
    screen.page.focus("#commands [data-command=blank]")
    screen.press("Enter")
    screen.wait_cursor("scans/1.png")
    screen.press("Space", "4")
    screen.wait_cursor("scans/3.png")
    assert screen.answers == {"scans/0.png": "blank", "scans/1.png": "blank", "scans/2.png": "4"}


def test_the_list_of_cards_tells_where_the_cursor_is(show: Show) -> None:
    screen = show(LINES)
    grid = screen.page.get_by_role("listbox", name="Cards")
    assert grid.evaluate("box => document.activeElement === box")
    screen.press("j", "5")
    screen.wait_cursor("3/2.png")
    active = screen.page.locator(f"#{grid.get_attribute('aria-activedescendant')}")
    assert active.get_attribute("aria-selected") == "true"
    assert active.get_attribute("aria-label") == "label 3, score 0.23, ok, 3/2.png"
    assert screen.page.locator("[aria-selected=true]").count() == 1
    assert "5" in screen.page.get_by_role("status").inner_text()


def test_nothing_moves_for_whom_motion_makes_ill(show: Show) -> None:
    screen = show(LINES)
    duration = "() => getComputedStyle(document.querySelector('.card')).transitionDuration"
    assert screen.page.evaluate(duration) != "0s"
    screen.page.emulate_media(reduced_motion="reduce")
    assert screen.page.evaluate(duration) == "0s"
    screen.page.emulate_media(reduced_motion="no-preference")


def test_a_card_says_why_a_person_should_look(show: Show) -> None:
    screen = show(LINES)
    assert "may be no digit" in screen.card("3/review.png")
    assert "review" not in screen.card("3/review.png")  # its colour says so, and the card is narrow
    screen.press("]")
    screen.wait_cursor("none/0.png")
    assert screen.card("none/0.png") == "blank"
    assert "error: truncated" in screen.card("none/1.png")
