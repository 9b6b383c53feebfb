"""Reading the numbers of fields: composed ones of many kinds, and single hardships."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from composed_fields import KINDS, Field, compose_field
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from batchdigits.fields.cut_field import cut_field, without_pictures
from batchdigits.fields.read_field import MAX_DOUBTFUL_CONFIDENCE, classify_cuts, read_cut
from batchdigits.fields.reading import FieldReading, ReadOptions
from batchdigits.inference.runtime import Runtime
from tests.fields.conftest import Digits
from tests.fields.drawn import GUIDE, INK, LINE, paper, walls, write
from tests.fields.readings import read_fields


def compose(count: int, digits: Digits, seed: int = 0, longest: int = 4) -> list[Field]:
    images, labels = digits
    rng = np.random.default_rng(seed)
    fields = []
    for index in range(count):
        chosen = rng.integers(0, len(images), rng.integers(1, longest + 1))
        fields.append(compose_field(KINDS[index % len(KINDS)], images[chosen], labels[chosen], rng))
    return fields


def digits_of(reading: FieldReading) -> str:
    return "".join(filter(str.isdigit, reading.value))


def share_exact(fields: list[Field], runtime: Runtime) -> float:
    readings = read_fields([field.scan for field in fields], runtime)
    return float(np.mean([digits_of(reading) == field.value for reading, field in zip(readings, fields, strict=True)]))


def test_numbers_of_all_kinds_are_read(runtime: Runtime, mnist_digits: Digits) -> None:
    assert share_exact(compose(140, mnist_digits), runtime) >= 0.95


@pytest.mark.slow
def test_a_thousand_numbers_are_read(runtime: Runtime, mnist_digits: Digits) -> None:
    assert share_exact(compose(1001, mnist_digits), runtime) >= 0.97


def test_sure_readings_are_right(runtime: Runtime, mnist_digits: Digits) -> None:
    fields = compose(210, mnist_digits, seed=1)
    readings = read_fields([field.scan for field in fields], runtime)
    sure = [(reading, field) for reading, field in zip(readings, fields, strict=True) if reading.confidence >= 0.95]
    assert len(sure) > 0.5 * len(fields)
    assert np.mean([digits_of(reading) == field.value for reading, field in sure]) >= 0.97


def test_a_reading_has_its_digits_where_they_are(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(220)
    write(scan, *mnist_digits, "3702", at=40)
    (reading,) = read_fields([scan], runtime)
    assert reading.value == "3702"
    assert [digit.label for digit in reading.digits] == ["3", "7", "0", "2"]
    for place, digit in enumerate(reading.digits):
        left, top, right, bottom = digit.box
        assert 34 <= left - 34 * place < right - 34 * place <= 84
        assert 8 <= top < bottom <= 52
        assert 0.5 < digit.confidence <= 1


def test_fields_do_not_depend_on_their_neighbours(runtime: Runtime, mnist_digits: Digits) -> None:
    scans = [field.scan for field in compose(14, mnist_digits, seed=2)]
    together = read_fields(scans, runtime)
    assert together == [read_fields([scan], runtime)[0] for scan in scans]


class OtherLabels:
    """The runtime of a network with the digits in another order, and one more label, an x, that never fits."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.card = replace(runtime.card, labels=("x", *reversed(runtime.card.labels)))

    def logits(self, glyphs: np.ndarray) -> np.ndarray:
        logits = self._runtime.logits(glyphs)
        return np.concatenate([np.full((len(logits), 1), -1e3, np.float32), logits[:, ::-1]], axis=1)


def test_the_order_of_labels_and_others_than_digits_change_nothing(runtime: Runtime, mnist_digits: Digits) -> None:
    scans = [field.scan for field in compose(21, mnist_digits)]
    expected, found = read_fields(scans, runtime), read_fields(scans, OtherLabels(runtime))
    assert [reading.value for reading in found] == [reading.value for reading in expected]
    assert [reading.confidence for reading in found] == pytest.approx([reading.confidence for reading in expected])


def test_an_inverted_field_reads_the_same(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(200)
    write(scan, *mnist_digits, "472", at=40)
    assert read_fields([scan], runtime) == read_fields([255 - scan], runtime)


def test_probabilities_of_values_add_up_to_one_at_most(runtime: Runtime, mnist_digits: Digits) -> None:
    for reading in read_fields([field.scan for field in compose(35, mnist_digits, seed=3)], runtime):
        if reading.value:
            others = [probability for _, probability in reading.alternatives]
            assert 0 <= reading.confidence <= 1
            assert sorted(others, reverse=True) == others
            assert reading.confidence + sum(others) <= 1 + 1e-9
            assert reading.value not in [value for value, _ in reading.alternatives]


@pytest.mark.parametrize("value", ["00", "123", "4567", "98"])
def test_empty_boxes_give_no_digit(runtime: Runtime, mnist_digits: Digits, value: str) -> None:
    scan = paper(8 * 44 + 20)
    walls(scan, 8, 44, 8)
    for place, digit in enumerate(value):
        write(scan, *mnist_digits, digit, at=8 + 44 * (2 + place) + 4)
    assert read_fields([scan], runtime)[0].value == value


def test_crossed_out_boxes_give_no_digit(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(4 * 50 + 20)
    walls(scan, 8, 50, 4)
    for box in (0, 1):
        cv2.line(scan, (16 + 50 * box, 10), (52 + 50 * box, 50), INK, 3)
        cv2.line(scan, (52 + 50 * box, 10), (16 + 50 * box, 50), INK, 3)
    write(scan, *mnist_digits, "5", at=8 + 107)
    write(scan, *mnist_digits, "2", at=8 + 157)
    assert read_fields([scan], runtime)[0].value == "52"


@pytest.mark.parametrize("tilt", [0, 4])
def test_dashes_in_boxes_give_no_digit(runtime: Runtime, mnist_digits: Digits, tilt: int) -> None:
    scan = paper(4 * 50 + 20)
    walls(scan, 8, 50, 4)
    for box in (0, 1):
        cv2.line(scan, (20 + 50 * box, 30), (46 + 50 * box, 30 + tilt), INK, 5)
    write(scan, *mnist_digits, "5", at=8 + 107)
    write(scan, *mnist_digits, "2", at=8 + 157)
    assert read_fields([scan], runtime)[0].value == "52"


def test_the_boxes_of_a_date_stand_in_groups(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(8 * 44 + 2 * 26 + 20)
    place = iter("30022006")
    for first, boxes in ((8, 2), (122, 2), (236, 4)):
        walls(scan, first, 44, boxes)
        for box in range(boxes):
            write(scan, *mnist_digits, next(place), at=first + 44 * box + 4)
    for gap in (96, 210):
        cv2.line(scan, (gap + 20, 8), (gap + 6, 52), LINE, 2)
    reading = read_fields([scan], runtime)[0]
    assert (reading.value, reading.boxes) == ("30022006", 8)
    assert read_fields([scan], runtime, ReadOptions(boxes=8))[0].value == "30022006"


@pytest.mark.parametrize("bottom", [0, 12])
def test_ticks_between_digits_are_walls(runtime: Runtime, mnist_digits: Digits, bottom: int) -> None:
    scan = paper(6 * 50 + 40, 56 + bottom)
    for box in range(7):
        cv2.line(scan, (20 + 50 * box, 32), (20 + 50 * box, 56 if bottom else 60), INK, 2)
    if bottom:
        cv2.line(scan, (20, 56), (320, 56), INK, 2)
    for box, digit in enumerate("294830"):
        write(scan, *mnist_digits, digit, at=27 + 50 * box, top=10)
    reading = read_fields([scan], runtime)[0]
    assert (reading.value, reading.boxes) == ("294830", 6)
    assert read_fields([scan], runtime, ReadOptions(boxes=6))[0].value == "294830"


def test_ones_on_a_rule_are_no_ticks(runtime: Runtime) -> None:
    scan = paper(280)
    cv2.line(scan, (0, 54), (279, 54), LINE, 2)
    for place in range(5):
        cv2.line(scan, (42 + 45 * place, 14), (40 + 45 * place, 52), INK, 4)
    assert read_fields([scan], runtime)[0].value == "11111"


def test_a_field_half_in_a_shadow_is_read_whole(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(240)
    write(scan, *mnist_digits, "47208", at=30)
    scan[:, 120:] = scan[:, 120:] // 2
    assert read_fields([scan], runtime)[0].value == "47208"


def test_the_dark_edge_of_a_book_is_not_read(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(200)
    write(scan, *mnist_digits, "472", at=80)
    scan[:, :50] = 15
    cv2.line(scan, (25, 10), (25, 50), 60, 3)
    assert read_fields([scan], runtime)[0].value == "472"


@pytest.mark.parametrize(("second", "is_sure"), [("31", False), ("8", True)])
def test_of_two_rows_alike_none_is_sure(runtime: Runtime, mnist_digits: Digits, second: str, is_sure: bool) -> None:
    scan = paper(200, 120)
    write(scan, *mnist_digits, "472", at=40, top=12)
    write(scan, *mnist_digits, second, at=50, top=72)
    assert (read_fields([scan], runtime)[0].confidence > 0.9) is is_sure


def test_a_number_on_checked_paper_is_not_in_boxes(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(250, 80)
    for column in range(14, 250, 25):
        cv2.line(scan, (column, 0), (column, 79), 205, 2)
    for row in range(8, 80, 25):
        cv2.line(scan, (0, row), (249, row), 205, 2)
    write(scan, *mnist_digits, "42078", at=30, top=20)
    assert read_fields([scan], runtime)[0].value == "42078"


def test_two_digits_in_a_square_of_checked_paper_are_two(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(270)
    walls(scan, 6, 64, 4, level=190)
    write(scan, *mnist_digits, "4", at=20)
    write(scan, *mnist_digits, "25", at=68)
    write(scan, *mnist_digits, "8", at=152)
    assert read_fields([scan], runtime)[0].value == "4258"


def with_stroke(digits: Digits, start: tuple[int, int], end: tuple[int, int], height: int = 60) -> np.ndarray:
    """A comb with the digits 4258, and a stroke in the box of the 2."""
    scan = paper(4 * 60 + 20, height)
    walls(scan, 8, 60, 4)
    for box, digit in enumerate("4258"):
        write(scan, *digits, digit, at=26 + 60 * box, top=(height - 36) // 2)
    cv2.line(scan, start, end, INK, 3)
    return scan


@pytest.mark.parametrize(
    ("start", "end", "height"),
    [((73, 16), (73, 44), 60), ((77, 5), (80, 41), 46)],
    ids=["along a wall", "as tall as a wall"],
)
def test_the_rest_of_a_wall_is_no_digit_beside_another(
    runtime: Runtime, mnist_digits: Digits, start: tuple[int, int], end: tuple[int, int], height: int
) -> None:
    assert read_fields([with_stroke(mnist_digits, start, end, height)], runtime)[0].boxes == 4


def test_a_box_between_digits_with_other_ink_leaves_a_number_in_doubt(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = with_stroke(mnist_digits, (76, 12), (120, 50))
    cv2.line(scan, (76, 50), (120, 12), INK, 3)
    (reading,) = read_fields([scan], runtime)
    assert (reading.value, reading.boxes) == ("458", 4)
    assert reading.confidence <= MAX_DOUBTFUL_CONFIDENCE


def test_a_one_that_leans_much_is_a_one(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(4 * 50 + 20)
    walls(scan, 8, 50, 4)
    cv2.line(scan, (13, 46), (53, 14), INK, 7)
    for box, digit in ((1, "0"), (2, "4"), (3, "2")):
        write(scan, *mnist_digits, digit, at=8 + 50 * box + 7)
    assert read_fields([scan], runtime)[0].value == "1042"


def test_an_empty_box_within_a_number_leaves_it_in_doubt(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(4 * 50 + 20)
    walls(scan, 8, 50, 4)
    for box, digit in ((0, "7"), (1, "0"), (3, "2")):
        write(scan, *mnist_digits, digit, at=8 + 50 * box + 7)
    reading = read_fields([scan], runtime)[0]
    assert reading.value == "702"
    assert reading.confidence <= MAX_DOUBTFUL_CONFIDENCE


def test_a_one_that_may_be_a_wall_leaves_a_number_in_doubt(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(260, 46)
    cv2.rectangle(scan, (6, 3), (252, 42), LINE, 2)
    write(scan, *mnist_digits, "47", at=40, top=5)
    write(scan, *mnist_digits, "28", at=130, top=5)
    cv2.line(scan, (119, 3), (119, 42), INK, 2)
    reading = read_fields([scan], runtime)[0]
    assert reading.value == "47128" or reading.confidence <= MAX_DOUBTFUL_CONFIDENCE


@pytest.mark.parametrize("top", [11, 13])
def test_a_one_from_rule_to_rule_leaves_a_number_in_doubt(runtime: Runtime, mnist_digits: Digits, top: int) -> None:
    scan = paper(240)
    for row in (top, 50):
        cv2.line(scan, (0, row), (239, row), LINE, 2)
    right = write(scan, *mnist_digits, "452", at=40)
    cv2.line(scan, (right + 10, top), (right + 10, 50), INK, 4)
    reading = read_fields([scan], runtime)[0]
    assert reading.value == "4521" or reading.confidence <= MAX_DOUBTFUL_CONFIDENCE


def test_a_slash_that_nobody_told_of_is_no_one(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(240)
    right = write(scan, *mnist_digits, "07", at=30)
    cv2.line(scan, (right + 25, 3), (right + 5, 57), INK, 3)
    write(scan, *mnist_digits, "20", at=right + 28)
    (reading,) = read_fields([scan], runtime)
    assert (reading.value, reading.may_have_slashes) == ("0720", True)
    assert reading.confidence <= MAX_DOUBTFUL_CONFIDENCE


def test_a_digit_that_the_length_leaves_out_is_in_doubt(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(240)
    write(scan, *mnist_digits, "4258", at=40)
    for length, is_sure in ((4, True), (3, False)):
        (reading,) = read_fields([scan], runtime, ReadOptions(length=range(length, length + 1)))
        assert len(reading.digits) == length
        assert (reading.confidence > MAX_DOUBTFUL_CONFIDENCE) is is_sure


def test_printed_guides_are_no_digits(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(4 * 50 + 20)
    walls(scan, 8, 50, 4)
    for box in range(4):
        cv2.rectangle(scan, (24 + 50 * box, 14), (42 + 50 * box, 46), GUIDE, 2)
        cv2.line(scan, (24 + 50 * box, 30), (42 + 50 * box, 30), GUIDE, 2)
    write(scan, *mnist_digits, "7", at=8 + 107)
    write(scan, *mnist_digits, "3", at=8 + 157)
    assert read_fields([scan], runtime)[0].value == "73"


@pytest.mark.parametrize(("level", "value"), [(GUIDE + 25, ""), (INK, "88888")])
def test_guides_without_writing_are_no_number_if_they_are_pale(runtime: Runtime, level: int, value: str) -> None:
    scan = paper(240)
    walls(scan, 10, 44, 5, INK)
    for left in range(10, 230, 44):
        cv2.putText(scan, "8", (left + 10, 43), cv2.FONT_HERSHEY_SIMPLEX, 1.2, level, 2)
    (reading,) = read_fields([scan], runtime)
    assert (reading.value, reading.has_ink) == (value, bool(value))
    assert reading.confidence <= MAX_DOUBTFUL_CONFIDENCE


def test_a_comb_without_walls_can_be_told(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(5 * 44)
    for box, digit in ((1, "4"), (2, "0"), (4, "8")):
        write(scan, *mnist_digits, digit, at=44 * box + 4)
    assert read_fields([scan], runtime, ReadOptions(boxes=5))[0].value == "408"


def test_a_wall_that_a_digit_touches_is_a_wall(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(208)
    for place, digit in enumerate("8292"):
        write(scan, *mnist_digits, digit, 20 + place * 44)
        scan[30:32, 40 + place * 44 : 60 + place * 44] = INK  # from the digit to the wall
    walls(scan, 16, 44, 4)
    (reading,) = read_fields([scan], runtime)
    assert reading.boxes == 4


def test_a_digit_near_the_end_of_a_long_field_is_read(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(400)
    write(scan, *mnist_digits, "20260", 70)
    cv2.line(scan, (48, 14), (38, 46), INK, 2)  # a slanted and thin 1
    assert [digits_of(reading) for reading in read_fields([scan], runtime)] == ["120260"]


def test_fields_wait_for_the_network_without_their_pictures(runtime: Runtime, mnist_digits: Digits) -> None:
    fields = compose(7, mnist_digits)
    cuts = [cut_field(field.scan, ReadOptions()) for field in fields]
    light = [without_pictures(cut) for cut in cuts]
    pictures = [
        [cut.view.ink, *(cut.close[:3] if cut.close else ()), *(cut.pieces[:1] if cut.pieces else ())] for cut in light
    ]
    assert not any(picture.size for of_cut in pictures for picture in of_cut)
    readings = [
        read_cut(cut, rows, ReadOptions()) for cut, rows in zip(light, classify_cuts(cuts, runtime), strict=True)
    ]
    assert readings == read_fields([field.scan for field in fields], runtime)


@pytest.mark.parametrize("rows", [(50,), (4, 55)])
def test_rules_are_no_digits(runtime: Runtime, mnist_digits: Digits, rows: tuple[int, ...]) -> None:
    scan = paper(260)
    for row in rows:
        cv2.line(scan, (0, row), (259, row), LINE, 2)
    write(scan, *mnist_digits, "4719", at=50)
    assert read_fields([scan], runtime)[0].value == "4719"


def test_the_number_is_found_on_a_large_page(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(200, 260)
    scan[:, :60] = 10  # the edge of a book
    write(scan, *mnist_digits, "84", at=95, top=90)
    cv2.line(scan, (95, 134), (160, 136), INK, 3)  # an underline
    for column in range(80, 190, 14):  # print at the foot
        cv2.putText(scan, "e", (column, 256), cv2.FONT_HERSHEY_SIMPLEX, 0.4, INK, 1)
    assert read_fields([scan], runtime)[0].value == "84"


def test_the_length_decides(runtime: Runtime, mnist_digits: Digits) -> None:
    fields = [field for field in compose(105, mnist_digits, seed=4) if field.value]
    for field in fields:
        length = len(field.value)
        (reading,) = read_fields([field.scan], runtime, ReadOptions(length=range(length, length + 1)))
        assert not reading.value or len(digits_of(reading)) == length
    (reading,) = read_fields([fields[0].scan], runtime, ReadOptions(length=range(30, 31)))
    assert (reading.value, reading.has_ink) == ("", True)


@pytest.mark.parametrize(
    ("options", "value"),
    [
        (ReadOptions(separators=".,"), "18.6"),
        (ReadOptions(separators=","), "18,6"),
        (ReadOptions(), "186"),
    ],
)
def test_a_point_is_a_separator(runtime: Runtime, mnist_digits: Digits, options: ReadOptions, value: str) -> None:
    scan = paper(240)
    end = write(scan, *mnist_digits, "18", at=40)
    cv2.circle(scan, (end + 6, 44), 3, INK, -1)
    write(scan, *mnist_digits, "6", at=end + 14)
    (reading,) = read_fields([scan], runtime, options)
    assert reading.value == value
    assert "".join(digit.label for digit in reading.digits) == "186"
    assert len(reading.separators) == len(value) - 3


@pytest.mark.parametrize(
    ("options", "value"),
    [
        (ReadOptions(signed=True), "-47"),
        (ReadOptions(separators="-"), "-47"),
        (ReadOptions(), "47"),
    ],
)
def test_a_minus_is_a_sign_where_there_may_be_one(
    runtime: Runtime, mnist_digits: Digits, options: ReadOptions, value: str
) -> None:
    scan = paper(200)
    cv2.line(scan, (34, 31), (50, 31), INK, 4)
    write(scan, *mnist_digits, "47", at=50)
    (reading,) = read_fields([scan], runtime, options)
    assert reading.value == value
    assert reading.left_out == (() if value == "-47" else ("minus",))


@pytest.mark.parametrize("line", [((30, 50), (54, 50)), ((120, 31), (140, 31)), ((44, 18), (44, 42))])
def test_other_lines_are_no_minus_that_is_left_out(
    runtime: Runtime, mnist_digits: Digits, line: tuple[tuple[int, int], tuple[int, int]]
) -> None:
    scan = paper(200)
    cv2.line(scan, *line, INK, 4)
    write(scan, *mnist_digits, "47", at=50)
    assert read_fields([scan], runtime)[0].left_out == ()


def test_a_minus_far_before_the_number_is_a_sign(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(260)
    write(scan, *mnist_digits, "47", 115)
    cv2.line(scan, (60, 30), (80, 30), INK, 4)
    signed, plain = (read_fields([scan], runtime, ReadOptions(signed=is_signed))[0] for is_signed in (True, False))
    assert (signed.value, plain.value) == ("-47", "47")
    assert (signed.left_out, plain.left_out) == ((), ("minus",))


def test_a_minus_is_at_the_height_of_the_first_digit(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(260, 120)
    write(scan, *mnist_digits, "4", 115, top=12)
    write(scan, *mnist_digits, "7", 149, top=25)
    cv2.line(scan, (60, 30), (80, 30), INK, 4)
    assert read_fields([scan], runtime, ReadOptions(signed=True))[0].value == "-47"


def test_a_point_before_the_number_leaves_it_in_doubt(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(200)
    cv2.circle(scan, (52, 44), 3, INK, -1)
    write(scan, *mnist_digits, "75", at=60)
    for separators, unread in ((".", "point"), (",", "point"), ("/", ""), ("", "")):
        (reading,) = read_fields([scan], runtime, ReadOptions(separators=separators))
        assert (reading.value, reading.unread) == ("75", unread)
        assert (reading.confidence <= MAX_DOUBTFUL_CONFIDENCE) is bool(unread)


@pytest.mark.parametrize(
    ("before", "gap", "scale", "separators", "unread"),
    [
        ("36", 20, 0.5, ".", "gap"),
        ("36", 20, 0.5, ",/", "gap"),
        ("36", 20, 0.5, "/", ""),  # no point was told of
        ("36", 20, 1.0, ".", ""),  # it would be seen
        ("36", 4, 0.5, ".", ""),  # as between the others
        ("3", -8, 0.5, ".", ""),  # too narrow
        ("3", 20, 0.5, ".", "gap"),
    ],
)
def test_a_gap_where_a_faint_point_may_stand_leaves_the_number_in_doubt(
    runtime: Runtime, mnist_digits: Digits, before: str, gap: int, scale: float, separators: str, unread: str
) -> None:
    scan = paper(260)
    write(scan, *mnist_digits, "6", at=write(scan, *mnist_digits, before, at=40) + gap)
    scan = np.asarray(cv2.resize(scan, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    (reading,) = read_fields([scan], runtime, ReadOptions(separators=separators))
    assert (reading.value, reading.unread) == (f"{before}6", unread)
    assert (reading.confidence <= MAX_DOUBTFUL_CONFIDENCE) is bool(unread)


@pytest.mark.parametrize(("row", "separators", "unread"), [(43, ".", "gap"), (43, "", ""), (16, ".", "")])
def test_low_ink_between_digits_that_is_no_point_leaves_the_number_in_doubt(
    runtime: Runtime, mnist_digits: Digits, row: int, separators: str, unread: str
) -> None:
    scan = paper(260)
    end = write(scan, *mnist_digits, "36", at=40)
    scan[row : row + 4, end + 4] = INK
    write(scan, *mnist_digits, "6", at=end + 12)
    (reading,) = read_fields([scan], runtime, ReadOptions(separators=separators))
    assert (reading.value, reading.unread) == ("366", unread)


def test_a_point_between_a_minus_and_the_number_leaves_it_in_doubt(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(220)
    cv2.line(scan, (30, 30), (50, 30), INK, 4)
    cv2.circle(scan, (62, 44), 3, INK, -1)
    write(scan, *mnist_digits, "75", at=72)
    (reading,) = read_fields([scan], runtime, ReadOptions(separators=".", signed=True))
    assert (reading.value, reading.unread) == ("-75", "point")


def test_a_minus_in_a_box_leaves_a_signed_number_in_doubt(runtime: Runtime, mnist_digits: Digits) -> None:
    scan = paper(220)
    walls(scan, 10, 50, 4)
    for place, digit in ((1, "4"), (2, "7")):
        write(scan, *mnist_digits, digit, 18 + 50 * place)
    without = scan.copy()
    cv2.line(scan, (25, 30), (45, 30), INK, 4)
    fields = [(scan, True), (scan, False), (without, True)]
    readings = [read_fields([one], runtime, ReadOptions(boxes=4, signed=is_signed))[0] for one, is_signed in fields]
    assert [reading.value for reading in readings] == ["47"] * 3
    assert [reading.unread for reading in readings] == ["minus", "", ""]
    assert [reading.left_out for reading in readings] == [(), ("boxed minus",), ()]
    assert [reading.confidence <= MAX_DOUBTFUL_CONFIDENCE for reading in readings] == [True, False, False]


@pytest.mark.parametrize(("separators", "value"), [("/", "07/20"), ("-", "07-20")])
def test_dates_have_slashes_and_dashes(runtime: Runtime, mnist_digits: Digits, separators: str, value: str) -> None:
    scan = paper(260)
    end = write(scan, *mnist_digits, "07", at=40)
    if separators == "/":
        cv2.line(scan, (end + 4, 54), (end + 24, 6), INK, 3)
    else:
        cv2.line(scan, (end + 4, 31), (end + 20, 31), INK, 4)
    write(scan, *mnist_digits, "20", at=end + 28)
    assert read_fields([scan], runtime, ReadOptions(separators=separators))[0].value == value


@pytest.mark.parametrize(
    "scan",
    [
        np.full((60, 300), 240, np.uint8),
        np.zeros((40, 90), np.uint8),
        np.full((1, 1), 7, np.uint8),
        np.full((1, 400), 7, np.uint8),
        np.full((900, 3), 200, np.uint8),
    ],
    ids=["paper", "black", "pixel", "row", "column"],
)
def test_a_plain_scan_is_blank(runtime: Runtime, scan: np.ndarray) -> None:
    assert read_fields([scan], runtime) == [FieldReading()]


def test_empty_cells_are_blank(runtime: Runtime, mnist_digits: Digits) -> None:
    rng = np.random.default_rng(0)
    none = np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.uint8)
    readings = read_fields([compose_field("empty", *none, rng).scan for _ in range(100)], runtime)
    assert np.mean([not reading.value for reading in readings]) >= 0.95
    assert max(reading.confidence for reading in readings) <= MAX_DOUBTFUL_CONFIDENCE


def test_an_empty_comb_is_blank(runtime: Runtime) -> None:
    scan = paper(6 * 44 + 20)
    walls(scan, 8, 44, 6)
    assert read_fields([scan], runtime) == [FieldReading()]


def test_no_fields_have_no_readings(runtime: Runtime) -> None:
    assert read_fields([], runtime) == []


@settings(max_examples=40)
@given(arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 90))))
def test_any_picture_gives_a_reading(runtime: Runtime, scan: np.ndarray) -> None:
    (reading,) = read_fields([scan], runtime)
    assert 0 <= reading.confidence <= 1
    assert len(reading.digits) + len(reading.separators) == len(reading.value)


@pytest.mark.parametrize("step", [2, 3])
def test_a_large_page_of_specks_takes_no_long_time(runtime: Runtime, step: int) -> None:
    scan = np.full((1500, 4000), 255, np.uint8)
    scan[::step, ::step] = 0
    assert len(read_fields([scan], runtime)) == 1
