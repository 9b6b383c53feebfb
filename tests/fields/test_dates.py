"""Dates, and what may be one with another separator."""

from __future__ import annotations

import cv2
import pytest

from batchdigits.fields.cut_field import Cut
from batchdigits.fields.dates import DATE_WEIGHT, is_date, may_lack_separators, prefer_dates
from batchdigits.fields.ink import View
from batchdigits.fields.lattice import Path, Step
from batchdigits.fields.pieces import pieces_of
from batchdigits.fields.read_field import MAX_DOUBTFUL_CONFIDENCE
from batchdigits.fields.reading import ReadOptions
from batchdigits.fields.unread_marks import unread_mark
from batchdigits.inference.runtime import Runtime
from tests.fields import drawn
from tests.fields.conftest import Digits
from tests.fields.drawn import INK, close_up_of, paper, write, zeros
from tests.fields.readings import read_fields


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("3/12/2026", True),
        ("3/12/26", True),
        ("3-12-2026", True),
        ("03-12-26", True),
        ("3-12-26", False),  # or 312-26
        ("3.12.2026", True),
        ("9.8.96", False),  # or 98.96, and a speck
        ("2026-12-03", True),
        ("33/1/2026", False),
        ("3/12", False),
        ("5/7.94", False),
    ],
)
def test_dates_are_preferred(value: str, expected: bool) -> None:
    assert is_date(value) is expected
    (first, *_) = prefer_dates([Path("7777", 0.0, 0.0, ()), Path(value, 1.0 - DATE_WEIGHT, 1.0 - DATE_WEIGHT, ())])
    assert (first.value == value) is expected
    assert not expected or (first.log_weight, first.best) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("value", "separators", "lacks"),
    [
        ("30-06-2016", "-", False),
        ("3006-2016", "-", True),
        ("30-062016", "-", True),
        ("3006/16", "/", True),
        ("2016-0630", "-", True),
        ("3013-2016", "-", False),  # no month
        ("30062016", "-", True),
        ("30062016", ".", False),  # a number as likely
        ("30.062016", ".", True),
        ("12.345", ".", False),
        ("12.34", ".", False),
        ("1993.35", ".", False),
        ("20160630", "/", True),
        ("2016/0630", "/", True),
        ("201606/30", "/", True),
        ("0630/16", "/", True),
        ("06/3016", "/", True),
        ("5-62016", "-", True),
        ("1234", "-", False),
        ("12/26", "/", False),
        ("120/80", "/", False),
        ("1/234", "/", False),
        ("123-45", "-", False),
        ("123/2016", "/", False),
        ("2011/12", "/", False),  # a year
        ("30/06-2016", "/-", False),
    ],
)
def test_a_date_may_lack_separators(value: str, separators: str, lacks: bool) -> None:
    assert may_lack_separators(value, separators) is lacks


def test_a_date_that_lacks_a_dash_is_in_doubt(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(360)
    end = write(scan, *mnist_digits, "07", at=30)
    cv2.line(scan, (end + 4, 31), (end + 20, 31), INK, 4)
    write(scan, *mnist_digits, "1020", at=end + 28)
    for separators, unread in (("-", "date"), ("", "")):
        (reading,) = read_fields([scan], runtime, ReadOptions(separators=separators))
        assert reading.unread == unread
        assert (reading.confidence <= MAX_DOUBTFUL_CONFIDENCE) is bool(unread)


def test_a_date_with_low_ink_is_not_in_doubt() -> None:
    mask = zeros()
    mask[67:74, 80:87] = 255
    close = close_up_of(mask)
    cut = Cut(View(mask, 1.0, 0, 0), [], [], close=close, pieces=pieces_of(close))
    steps = Step(0, 1, "0", 0.0, 0), Step(1, 2, "", 0.0), Step(2, 3, "0", 0.0, 1)
    for value, unread in (("00", "gap"), ("-00", "gap"), ("03-12-26", "")):
        assert unread_mark(Path(value, 0.0, 0.0, steps), cut, ReadOptions(separators=".-")) == unread


def test_a_comb_has_no_separators_to_lack() -> None:
    cut = Cut(View(zeros(), 1.0, 0, 0), [], [], boxes=list(range(8)))
    assert unread_mark(Path("30062016", 0.0, 0.0, ()), cut, ReadOptions(separators="-")) == ""


def test_dates_with_dashes_that_touch_digits_are_read(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(400)
    end = write(scan, *mnist_digits, "07", at=30)
    cv2.line(scan, (end - 10, 31), (end + 14, 31), INK, 4)
    end = write(scan, *mnist_digits, "10", at=end + 20)
    cv2.line(scan, (end + 4, 31), (end + 20, 31), INK, 4)
    write(scan, *mnist_digits, "20", at=end + 28)
    assert read_fields([scan], runtime, ReadOptions(separators="-"))[0].value == "07-10-20"


@pytest.mark.parametrize(("first", "value", "unread"), [(10, "2016/20", ""), (13, "20/6/20", "slash")])
def test_a_date_with_a_slash_that_looks_like_a_1_is_in_doubt(
    runtime: Runtime, mnist_digits: Digits, monkeypatch: pytest.MonkeyPatch, first: int, value: str, unread: str
) -> None:
    """Of two hands, one writes a 1 that leans more."""
    monkeypatch.setattr(drawn, "FIRST", first)
    scan = paper(380, 70)
    at = write(scan, *mnist_digits, "2016", at=30)
    cv2.line(scan, (at + 6, 54), (at + 26, 6), INK, 3)
    write(scan, *mnist_digits, "20", at=at + 30)
    (reading,) = read_fields([scan], runtime, ReadOptions(separators="/"))
    assert (reading.value, reading.unread) == (value, unread)
    assert (reading.confidence <= MAX_DOUBTFUL_CONFIDENCE) is bool(unread)
