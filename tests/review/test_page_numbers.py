"""A table of numbers: what is typed, what keys do, and what is refused, in a browser."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from PIL import Image

from batchdigits.fields.values.rules import MAX_VALUE, VALUE, is_number
from batchdigits.output.apply_review import apply_review
from tests.engines.helpers import make_fields
from tests.review.conftest import SIZE
from tests.review.screen import Screen, serving
from tests.review.test_page_look import faults, is_too_wide

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

WRITTEN = ["007", "1946", "20260", "83"]


class Field(NamedTuple):
    """A row of a table of numbers."""

    path: str
    value: str
    score: float | None
    status: str = "ok"
    detail: str = ""


FIELDS = [
    Field("fields/0-007.png", "007", 0.99),
    Field("fields/1-1946.png", "1948", 0.6, "review", "likeliest: 1948 (0.60), 1946 (0.30)"),
    Field("fields/2-20260.png", "20260", 0.98),
    Field("fields/3-83.png", "", None, "review", "no number found"),
    Field("fields/4-.png", "", None, "blank"),
]
ZERO, ONE, TWO, THREE, FOUR = (field.path for field in FIELDS)
Begin = Callable[..., Screen]


def write(fields: Sequence[Field]) -> Path:
    table = Path("numbers.csv")
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("path", "value", "confidence", "status", "detail", "score"))
        for path, value, score, status, detail in fields:
            writer.writerow((path, value, score, status, detail, score))
    return table


@pytest.fixture
def begin(page: Page, in_empty_folder: Path) -> Iterator[Begin]:
    """A function that writes FIELDS, or other ones, serves them, and opens the page."""
    make_fields(Path("fields"), WRITTEN)
    Image.new("L", (300, 60), 255).save(FOUR)
    with ExitStack() as stack:

        def start(
            fields: Sequence[Field] = FIELDS, mode: str = "single", size: tuple[int, int] = SIZE, **setting: Any
        ) -> Screen:
            stack.close()
            table = write(fields)
            screen = Screen(page, table)
            page.set_viewport_size({"width": size[0], "height": size[1]})
            screen.open(stack.enter_context(serving(table, mode=mode, **setting)))
            return screen

        yield start


def test_the_least_likely_fields_come_first_and_are_typed_or_accepted(begin: Begin) -> None:
    screen = begin()
    assert screen.cursor == THREE  # for review, and nothing was found in it
    screen.press("8", "3", "Tab")
    screen.wait_cursor(ONE)
    facts = screen.page.locator("#single .facts").inner_text()
    assert all(text in facts for text in ("1948 0.60 review", "likeliest: 1948 (0.60), 1946 (0.30)"))
    screen.press("1", "9", "4", "7", "Backspace", "6", "Enter")
    screen.wait_cursor(TWO)
    screen.press("Enter")
    screen.wait_cursor(ZERO)
    screen.press("Space")
    screen.wait_cursor(FOUR)
    screen.press("Space")  # a blank row is accepted as blank
    screen.wait_text("#done", "batchdigits review numbers.csv --apply -o final.csv")
    assert screen.answers == {THREE: "83", ONE: "1946", TWO: "20260", ZERO: "007", FOUR: "blank"}
    apply_review(screen.table, Path("final.csv"))
    with Path("final.csv").open() as file:
        rows = [(row["value"], row["status"], row["predicted"]) for row in csv.DictReader(file)]
    assert rows == [
        ("007", "reviewed", "007"),
        ("1946", "reviewed", "1948"),
        ("20260", "reviewed", "20260"),
        ("83", "reviewed", ""),
        ("", "reviewed", ""),
    ]


def test_keys_that_come_faster_than_answers_are_read_in_order(begin: Begin) -> None:
    screen = begin()
    screen.press(*"83", "Tab", *"1946", "Enter", *"20261", "Tab", *"008", "Enter", "x")
    screen.wait_text("#done", "Every row has an answer.")
    assert screen.answers == {THREE: "83", ONE: "1946", TWO: "20261", ZERO: "008", FOUR: "not_digit"}


def test_what_was_typed_stays_when_somebody_goes_back_and_presses_enter(begin: Begin) -> None:
    screen = begin()
    screen.press(*"83", "Tab", *"1946", "Tab")
    screen.wait_cursor(TWO)
    screen.press("Shift+Tab")
    screen.wait_cursor(ONE)
    screen.press("Enter")
    screen.wait_cursor(TWO)
    screen.press("?", "Shift+Tab", "Shift+Tab")
    screen.wait_cursor(ONE)
    screen.press("Space")
    screen.wait_cursor(ZERO)
    assert screen.answers == {THREE: "83", ONE: "1946", TWO: "unsure"}
    screen.press("Shift+Tab")
    screen.wait_cursor(TWO)
    screen.press("Space")
    screen.wait_text("#said", "20260")
    assert screen.answers[TWO] == "20260"  # unsure is no answer of that kind


def test_the_second_of_two_quick_enters_accepts_nothing(begin: Begin) -> None:
    screen = begin()
    screen.press("Tab")
    screen.wait_cursor(ONE)
    screen.page.evaluate("() => { window.late = { answers: Promise.withResolvers() } }")
    screen.press("Enter", "Enter")
    screen.page.evaluate("() => late.answers.resolve()")
    screen.wait_text("#said", "Nothing is accepted: its picture was not on the screen for a moment yet.")
    assert (screen.cursor, screen.answers) == (TWO, {ONE: "1948"})
    screen.press("Enter")
    screen.wait_cursor(ZERO)


def test_what_cannot_be_shown_can_be_typed_but_not_accepted(begin: Begin) -> None:
    screen = begin([Field("gone.png", "1948", 0.5), *FIELDS[2:3]])
    screen.press("Space")
    screen.wait_text("#said", "Nothing is accepted: its picture cannot be shown.")
    screen.press(*"1946", "Enter")
    screen.wait_cursor(TWO)
    assert screen.answers == {"gone.png": "1946"}


def test_tab_goes_on_and_back(begin: Begin) -> None:
    screen = begin()
    for key, path in (("Tab", ONE), ("Tab", TWO), ("Shift+Tab", ONE), ("ArrowRight", TWO), ("k", ONE)):
        screen.press(key)
        screen.wait_cursor(path)
    assert screen.answers == {}
    screen.press("1", "Shift+Tab")  # what was typed is kept
    screen.wait_cursor(THREE)
    assert screen.answers == {ONE: "1"}


def test_no_number_blank_unsure_undo_zoom_and_filters(begin: Begin) -> None:
    screen = begin()
    screen.press("x", "b", "?")
    screen.wait_cursor(ZERO)
    assert screen.answers == {THREE: "not_digit", ONE: "blank", TWO: "unsure"}
    screen.press("k", "k", "k")
    screen.wait_text("#single .answer", "no number")
    screen.press("u", "u")
    screen.wait_cursor(ONE)
    assert screen.answers == {THREE: "not_digit"}
    screen.press("z")
    screen.wait_text("#zoom-title", ONE)
    screen.press(*"19", "Enter")  # the button of the dialog has the focus
    screen.wait_text("#zoom-title", TWO)
    screen.press("z", "/")
    screen.page.select_option("[name=status]", "review")
    assert not screen.page.locator("#filter-group").is_visible()
    screen.page.click("#filter button[value=apply]")
    screen.wait_text("#position", "1 of 2")
    screen.wait_text("#filters", "status review")


def test_a_number_with_other_digits_than_usual_is_asked_about_once(begin: Begin) -> None:
    usual = [Field(f"{number}.png", f"12{number}", 0.99) for number in range(5)]
    screen = begin([FIELDS[1], FIELDS[2]._replace(status="review"), *usual])
    screen.press(*"946", "Enter")
    screen.wait_cursor(TWO)
    screen.press(*"20", "Enter")
    screen.wait_text("#said", "20 has 2 of the usual 3 digits: press Enter again to take it.")
    screen.wait_text("#typed", "20")
    assert (screen.cursor, screen.answers) == (TWO, {ONE: "946"})
    screen.press("1", "2", "Tab")
    screen.wait_text("#said", "2012 has 4 of the usual 3 digits")
    screen.press("Tab")
    screen.wait_cursor("0.png")
    assert screen.answers == {ONE: "946", TWO: "2012"}
    screen.page.evaluate("() => { window.late = { answers: Promise.withResolvers() } }")
    screen.press(*"120", "Enter", *"1", "Enter", *"122")
    screen.page.evaluate("() => late.answers.resolve()")
    screen.wait_text("#banner", "1 has 1 of the usual 3 digits: type it again, and press Enter twice.")
    assert screen.page.locator("#typed").inner_text() == ""


def test_a_number_that_was_read_can_be_typed_on_from(begin: Begin) -> None:
    screen = begin()
    screen.press("Tab")
    screen.wait_cursor(ONE)
    screen.press("e")
    screen.wait_text("#typed", "1948")
    screen.press("Backspace", "6", "Tab")
    screen.wait_cursor(TWO)
    assert screen.answers == {ONE: "1946"}


def test_a_number_to_type_on_from_that_comes_late_loses_the_keys_behind_it(begin: Begin) -> None:
    screen = begin()
    screen.page.evaluate("() => { window.late = { answers: Promise.withResolvers() } }")
    screen.press(*"83", "Tab", "e", "6", "Tab", *"12")
    screen.page.evaluate("() => late.answers.resolve()")
    screen.wait_text("#banner", "The answer before took too long: press e again. 4 keys after it did nothing.")
    assert screen.page.locator("#typed").inner_text() == ""
    assert screen.cursor == ONE
    assert screen.answers == {THREE: "83"}


def test_what_is_no_part_of_a_number_is_refused(begin: Begin) -> None:
    screen = begin()
    screen.press("a")
    screen.wait_text("#said", "“a” does nothing: a number has digits")
    screen.press("1", "b")
    screen.wait_text("#said", "“b” does nothing now: Enter takes 1, Escape drops it.")
    screen.press("ArrowRight", "/", "Enter")
    screen.wait_text("#said", "“1/” is no number")
    assert (screen.cursor, screen.answers) == (THREE, {})
    screen.press("2", "/", *"2026", " ", *"1", "Enter")
    screen.wait_cursor(ONE)
    screen.press("Escape", "-", *"12.50", "Tab")
    screen.wait_cursor(TWO)
    screen.press(*"9" * 33)
    screen.wait_text("#said", "at most 32 characters")
    screen.press("Escape")
    assert screen.page.locator("#typed").inner_text() == ""
    assert screen.answers == {THREE: "1/2/2026 1", ONE: "-12.50"}


def test_the_page_and_the_server_hold_to_the_rule_of_lists() -> None:
    page = (resources.files("batchdigits") / "review/page/number_keys.js").read_text("utf-8")
    assert f"/^{VALUE.pattern}$/" in page
    assert f"MAX_LENGTH = {MAX_VALUE};" in page
    assert is_number("-12 34/5:6")


def test_the_server_refuses_it_too(begin: Begin) -> None:
    screen = begin()
    for label in ("", "12a", "1" * 33, "1..2", "٣", 12, None):
        body = {"tab": "t", "mode": "single", "answers": [{"row": 0, "kind": "label", "label": label}], "since": 1}
        reply = screen.page.request.post(f"{screen.page.url.partition('#')[0]}answers", data=body)
        assert (reply.status, "a number has digits" in reply.json()["error"]) == (400, True)
    assert screen.answers == {}


def test_a_value_that_a_person_has_put_into_the_table_can_be_accepted(begin: Begin) -> None:
    screen = begin([Field(ONE, "about 19", 0.5), *FIELDS[2:3]])
    screen.press("Space")
    screen.wait_cursor(TWO)
    assert screen.answers == {ONE: "about 19"}


def test_blind_keying_shows_no_value_until_the_differences(begin: Begin) -> None:
    screen = begin(FIELDS[:3], mode="blind")
    seen = screen.page.locator("body").inner_text()
    assert not any(text in seen for text in ("1948", "0.9", "likeliest"))
    screen.press("e", "Space")
    screen.wait_text("#said", "nothing to accept here: type the number")
    screen.press(*"007", "Tab", *"1946", "Tab", *"20260", "Tab")
    screen.page.locator("#grid").wait_for()
    assert screen.cards == [ONE]
    assert "model: 1948, anna: 1946" in screen.card(ONE)
    second = begin(FIELDS[:3], mode="blind", reviewer="ben", is_second=True)
    second.press(*"007", "Tab", *"1949", "Tab", *"20260", "Tab")
    second.page.locator("#grid").wait_for()
    assert "anna: 1946, ben: 1949" in second.card(ONE)
    second.press(*"1946", "Enter")
    second.wait_text("#done", "Every row has an answer.")
    assert second.answers == {ZERO: "007", ONE: "1946", TWO: "20260"}


def test_in_a_grid_a_page_of_values_is_accepted(begin: Begin) -> None:
    screen = begin(mode="grid")
    assert screen.cards == [THREE, ONE, TWO, ZERO, FOUR]
    screen.press("Tab", *"1946", "Tab")
    screen.wait_cursor(TWO)
    screen.press("Shift+Enter")
    screen.wait_text("#said", "3 rows accepted; 1 without a label, or whose picture was not on the screen, stay open")
    assert screen.answers == {ONE: "1946", TWO: "20260", ZERO: "007", FOUR: "blank"}


def test_a_keypad_for_those_who_have_no_keys(begin: Begin) -> None:
    screen = begin(size=(360, 740))
    assert not is_too_wide(screen.page)
    sizes = screen.page.eval_on_selector_all("footer button", "all => all.map(b => b.getBoundingClientRect().height)")
    assert min(size for size in sizes if size) >= 44
    for name in ("8", "Space", "3", "1", "Backspace", "Enter"):
        screen.page.get_by_role("button", name=name, exact=True).click()
    screen.wait_cursor(ONE)
    screen.page.get_by_role("button", name="Enter", exact=True).click()  # accepts
    screen.wait_cursor(TWO)
    screen.page.get_by_role("button", name="Backspace", exact=True).click()
    screen.page.get_by_text("No number").click()
    screen.wait_cursor(ZERO)
    assert screen.answers == {THREE: "8 3", ONE: "1948", TWO: "not_digit"}


def test_tab_reaches_the_buttons_after_escape(begin: Begin) -> None:
    screen = begin()
    screen.press("Escape", "Tab")
    assert screen.page.evaluate("() => document.activeElement.dataset.command") == "help"
    screen.press("Enter")
    screen.wait_text("#help", "Shift+Tab goes back")
    assert {"e", "Escape", "Tab", "x"} <= set(screen.page.locator("#help kbd").all_inner_texts())
    assert "g" not in screen.page.locator("#help kbd").all_inner_texts()


@pytest.mark.parametrize("mode", ["single", "grid", "blind"])
def test_numbers_are_accessible(begin: Begin, mode: str) -> None:
    screen = begin(mode=mode)
    screen.press(*"12", "Enter", *"1")
    screen.wait_text("#typed", "1")
    assert faults(screen.page) == []


def test_a_tab_that_was_duplicated_undoes_its_own_answers_only(begin: Begin, context: BrowserContext) -> None:
    screen = begin()
    screen.press(*"83", "Tab")
    screen.wait_cursor(ONE)
    with context.expect_page() as opened:  # like a duplicate, it begins with a copy of what the tab has stored
        screen.page.evaluate("() => { window.open(location.href) }")
    other = Screen(opened.value, screen.table)
    other.wait_cursor(ONE)
    names = [one.page.evaluate("() => sessionStorage.tab") for one in (screen, other)]
    other.page.wait_for_function("name => sessionStorage.tab !== name", arg=names[0])
    other.press(*"1946", "Tab", "u", "u")
    other.wait_text("#said", "Nothing is left to undo.")
    assert screen.answers == {THREE: "83"}
    screen.page.reload()
    screen.wait_cursor(ONE)
    screen.press("u")
    screen.wait_cursor(THREE)
    assert screen.answers == {}
    other.page.close()


def test_an_image_that_changed_after_its_answer_is_flagged(begin: Begin) -> None:
    screen = begin()
    screen.press(*"83", "Tab")
    screen.wait_cursor(ONE)
    Path(ONE).rename(THREE)
    screen.page.reload()
    screen.wait_cursor(ONE)
    screen.press("k")
    screen.wait_text("#single .answer", "→ 83 ⚠ the image has changed since")
    applied = apply_review(screen.table, Path("final.csv"), digest_of=lambda path: "another")
    assert (applied.other_images, applied.reviewed) == ([THREE], 0)
    screen.press(*"1946", "Enter")
    screen.wait_text("#said", "3-83.png: 1946")
    assert "changed" not in screen.page.locator("#single").inner_text()


def test_fields_of_forms_are_typed_and_z_shows_more_of_the_page(page: Page, in_empty_folder: Path) -> None:
    make_fields(Path("pages"), ["1946"])
    (source,) = Path("pages").iterdir()
    table = Path("forms.csv")
    rows = [f"{source},1,{name},{name[1:]},0.9,ok,,0.9,5 5 60 5 60 30 5 30" for name in ("a1", "b2")]
    table.write_text("\n".join(["path,page,field,value,confidence,status,detail,score,box", *rows, ""]))
    with serving(table, mode="single") as address:
        screen = Screen(page, table)
        screen.open(address)
        screen.wait_cursor(f"{source}#a1")
        screen.press("z")
        screen.wait_text("#zoom-title", f"{source}#a1")
        image = page.locator("#zoom-picture img")
        assert str(image.get_attribute("src")).endswith("&wide=1")
        assert image.evaluate("image => image.decode().then(() => image.naturalHeight)") > 25 * 1.5
        screen.press("z", "7", "Tab")
        screen.wait_cursor(f"{source}#b2")
        screen.press("Space")
        screen.wait_text("#done", "Every row has an answer.")
        assert screen.answers == {f"{source}#a1": "7", f"{source}#b2": "2"}
