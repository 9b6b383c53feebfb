"""read: a number for each field, with the inputs, outputs and engines of classify."""

from __future__ import annotations

import csv
import gzip
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from composed_fields import compose_field

from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TEST_IMAGES, TEST_LABELS, read_idx
from batchdigits.fields.decide_fields import UNREAD
from batchdigits.fields.left_out import LEFT_OUT
from batchdigits.inference import choose
from batchdigits.output.review_answers import Answer
from batchdigits.output.review_log import ReviewLog, log_path
from tests.conftest import SAMPLES, Run, rows_of
from tests.engines import helpers
from tests.fields.drawn import INK, paper, write
from tests.forms.drawn import blank_form, filled, save, scanned

VALUES = ["007", "1946", "20260", "0000", "83", "5917", "31", "604", "2871", "990", "4", "12345"]
Row = dict[str, str]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`fields` with a number in each, a blank one and one that is no image."""
    folder = tmp_path_factory.mktemp("scene")
    helpers.make_fields(folder / "fields", VALUES)
    shutil.copy(SAMPLES / "broken" / "blank.png", folder / "fields" / "blank.png")
    shutil.copy(SAMPLES / "broken" / "text.png", folder / "fields" / "text.png")
    return folder


@pytest.fixture(autouse=True)
def _in_scene(scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder is a new one with `fields` in it."""
    shutil.copytree(scene / "fields", tmp_path / "fields")
    monkeypatch.chdir(tmp_path)


def read_process(*arguments: str | Path, faulty_decoder: bool = False) -> subprocess.Popen[bytes]:
    line = helpers.command(*arguments, faulty_decoder=faulty_decoder, verb="read")
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=helpers.environment())


# Rows


def test_each_field_gives_one_row_with_its_number(run: Run) -> None:
    result = run("read", "fields")
    assert result.exit_code == 3
    assert result.stdout.startswith("path,value,confidence,status,detail,score\n")
    rows = rows_of(result.stdout)
    assert [row["value"] for row in rows] == [*VALUES, "", ""]  # leading zeros stay
    assert [row["path"] for row in rows[:2]] == ["fields/0-007.png", "fields/1-1946.png"]
    assert [row["status"] for row in rows[-2:]] == ["blank", "error"]
    assert rows[-1]["detail"] == "not an image"
    assert all(0 < float(row["score"]) == float(row["confidence"]) <= 1 for row in rows[:-2])
    assert "14 images: " in result.stderr
    assert "left out" not in result.stderr


def test_the_last_line_counts_marks_that_are_left_out(run: Run) -> None:
    digits = read_idx(MNIST / f"{TEST_IMAGES}.gz"), read_idx(MNIST / f"{TEST_LABELS}.gz")
    Path("marked").mkdir()
    for name in ("a", "b"):
        scan = paper(260)
        if name == "a":
            cv2.line(scan, (44, 31), (60, 31), INK, 4)
        end = write(scan, *digits, "18", at=60)
        cv2.circle(scan, (end + 6, 44), 3, INK, -1)
        write(scan, *digits, "6", at=end + 14)
        cv2.imwrite(f"marked/{name}.png", scan)
    minus, point = LEFT_OUT["minus"], LEFT_OUT["point"]
    result = run("read", "marked/b.png", "-o", "out.csv")
    assert f"of the 1 ok row may be wrong; in 1 of them {point}; " in result.stderr
    result = run("read", "marked", "-o", "out.csv", "--resume")
    assert f"of the 2 ok rows may be wrong; in 1 of them {minus}; in 2 of them {point}; " in result.stderr
    assert [(row["value"], row["status"], row["detail"]) for row in rows_of(Path("out.csv").read_text())] == [
        ("186", "ok", f"{minus}; {point}"),
        ("186", "ok", point),
    ]
    told = run("read", "marked", "--signed", "--separators", ".,")
    assert "left out" not in told.stderr
    assert [row["value"] for row in rows_of(told.stdout)] == ["-18.6", "18.6"]


def test_the_score_decides_between_ok_and_review(run: Run) -> None:
    every = rows_of(run("read", "fields", "--min-confidence", "0").stdout)
    none = rows_of(run("read", "fields", "--min-confidence", "1").stdout)
    assert [row["status"] for row in every[:-2]] == ["ok"] * len(VALUES)
    assert [row["status"] for row in none[:-2]] == ["review"] * len(VALUES)
    assert [row["value"] for row in none] == [row["value"] for row in every]
    limit = sorted(row["score"] for row in every[:-2])[5]
    some = rows_of(run("read", "fields", "--min-confidence", limit).stdout)
    assert [row["status"] == "ok" for row in some[:-2]] == [row["score"] >= limit for row in some[:-2]]


def test_a_single_digit_and_a_long_number_are_numbers(run: Run) -> None:
    helpers.make_fields(Path("more"), ["7", "0123456789012"])
    assert [row["value"] for row in rows_of(run("read", "more").stdout)] == ["7", "0123456789012"]


# Options for values


def test_a_length_that_fits_changes_no_value(run: Run) -> None:
    rows = rows_of(run("read", "fields", "--length", "1-5").stdout)
    assert [row["value"] for row in rows[:-2]] == VALUES
    assert rows_of(run("read", "fields/1-1946.png", "--length", "4").stdout)[0]["value"] == "1946"


def test_a_value_has_one_of_the_lengths_or_is_not_ok(run: Run) -> None:
    for row in rows_of(run("read", "fields", "--length", "4-5").stdout)[:-2]:
        fits = re.fullmatch(r"fields/\d+-\d{4,5}\.png", row["path"])
        assert len(row["value"]) in (0, 4, 5)
        assert (row["status"] == "ok") <= bool(fits), row


def test_a_field_without_a_number_of_that_length_says_so(run: Run) -> None:
    (row,) = rows_of(run("read", "fields/4-83.png", "--length", "20").stdout)
    assert (row["value"], row["confidence"], row["status"], row["score"]) == ("", "", "review", "")
    assert row["detail"] == "no number of 20 digits found"


@pytest.mark.parametrize(
    ("option", "rule", "kept"),
    [
        (["--pattern", "[0-9]{4}"], "pattern", lambda value: len(value) == 4),
        (["--range", "100-20000"], "range", lambda value: 100 <= int(value) <= 20000),
        (["--check", "d1 == 0"], "check", lambda value: value[0] == "0"),
        (["--check", "luhn", "--check", "d2 == 0"], "check", lambda value: value in ("0000", "604")),
        (["--decimals", "1"], "decimals", lambda value: False),
    ],
)
def test_a_value_that_breaks_a_rule_is_for_review(
    run: Run, option: list[str], rule: str, kept: Callable[[str], bool]
) -> None:
    """Unless another value that the field may have keeps it; so a rule changes no value that keeps it."""
    rows = rows_of(run("read", "fields", "--min-confidence", "0", *option).stdout)[:-2]
    for row, value in zip(rows, VALUES, strict=True):
        if kept(value):
            assert (row["value"], row["status"], row["detail"]) == (value, "ok", "")
        elif row["status"] == "review":
            fault = row["detail"].removeprefix(f"{UNREAD['gap']}; ").partition("; ")[0]
            assert (row["value"], fault) == (value, f"fails the {rule}")
        else:
            assert row["detail"] == f"read as {value}, by the {rule}"
    if rule in ("decimals", "pattern"):
        assert any(row["status"] == "review" for row in rows)


def test_each_value_is_on_the_list(run: Run) -> None:
    Path("list.csv").write_text("id,name\n007,A\n1948,B\n20260,C\n0000,D\n0000,E\n")
    result = run("read", "fields", "--values", "list.csv:id", "--min-confidence", "0.5")
    assert "list.csv:id has 0000 more than once" in result.stderr
    rows = rows_of(result.stdout)
    assert [(rows[place]["value"], rows[place]["status"]) for place in (0, 2, 3)] == [
        ("007", "ok"),
        ("20260", "ok"),
        ("0000", "ok"),
    ]
    assert (rows[4]["value"], rows[4]["status"]) == ("83", "review")  # like nothing on the list
    assert rows[4]["detail"].startswith("not on the list")
    assert "1948" in rows[1]["value"] + rows[1]["detail"]  # one digit away
    assert (rows[1]["status"] == "ok") == (rows[1]["detail"] == "read as 1946, by the list")


def test_a_list_that_lost_its_zeros_is_named(run: Run) -> None:
    Path("list.txt").write_text("7\n1946\n20260\n")
    result = run("read", "fields", "--values", "list.txt")
    assert "on list.txt but for zeros in front: fields/0-007.png; if a spreadsheet dropped them" in result.stderr
    told = run("read", "fields", "--values", "list.txt", "--length", "5").stderr
    assert "left out of list.txt, by the rules: 7, 1946; some keep them with zeros in front" in told


def test_listed_values_that_break_a_rule_are_left_out_and_named(run: Run) -> None:
    Path("list.txt").write_text("007\n1946\n83\n")
    result = run("read", "fields/4-83.png", "--values", "list.txt", "--length", "3-4")
    assert "left out of list.txt, by the rules: 83" in result.stderr
    assert rows_of(result.stdout)[0]["value"] != "83"
    none = run("read", "fields", "--values", "list.txt", "--length", "9")
    assert (none.exit_code, none.stdout) == (1, "")
    assert "every value of the list fails the length" in none.stderr


def test_the_list_is_not_written_over_and_belongs_to_the_run(run: Run) -> None:
    Path("list.csv").write_text("id\n007\n")
    refused = run("read", "fields", "--values", "list.csv:id", "-o", "list.csv", "--overwrite")
    assert "is one of the inputs" in refused.stderr
    assert Path("list.csv").read_text() == "id\n007\n"
    assert "no file" in run("read", "fields", "--values", "none.csv").stderr
    assert run("read", "fields", "--values", "list.csv", "-o", "out.csv").exit_code == 3
    Path("list.csv").write_text("id\n008\n")
    changed = run("read", "fields", "--values", "list.csv", "-o", "out.csv", "--resume")
    assert "the contents of --values have changed since it was begun" in changed.stderr
    none = run("read", "fields", "-o", "out.csv", "--resume")
    assert "--values was " in none.stderr and "and is any now" in none.stderr


def test_the_digits_stand_in_a_column_from_left_to_right(run: Run) -> None:
    result = run("read", "fields", "--digits")
    assert result.stdout.startswith("path,value,confidence,status,detail,score,digits\n")
    rows = rows_of(result.stdout)
    assert [row["digits"] for row in rows[-2:]] == ["", ""]
    for row in rows[:-2]:
        digits = json.loads(row["digits"])
        assert "".join(digit["label"] for digit in digits) == row["value"]
        assert all(0 <= digit["confidence"] <= 1 for digit in digits)
        for place, digit in enumerate(digits):
            left, top, right, bottom = digit["box"]
            middle = (left + right) / 2 - helpers.FIELD_MARGIN
            assert 32 * place <= middle <= 32 * (place + 1)  # helpers.make_fields gives each 32 pixels
            assert 0 <= top < bottom <= 60


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--length", "0"], "is no length such as 9 or 5-8"),
        (["--length", "8-5"], "is no length such as 9 or 5-8"),
        (["--length", "33"], "is no length such as 9 or 5-8"),
        (["--length", "nine"], "is no length such as 9 or 5-8"),
        (["--comb", "1"], "1 is not in the range"),
        (["--check", "isbn10", "--length", "5"], "no number of that length passes the check 'isbn10'"),
        (["--comb", "4", "--length", "5"], "a number of 5 digits does not fit into 4 boxes"),
        (["--separators", "a"], "are not separators"),
        (["--digits-only"], "--digits-only needs --separators"),
        (["--digits-only", "--separators", ".", "--decimals", "2"], "has no point before its decimals"),
        (["--decimals", "0"], "0 is not in the range"),
        (["--pattern", "("], "is no regular expression"),
        (["--range", "9"], "is no range such as 0-300"),
        (["--range", "300-0"], "its first number is the greater one"),
        (["--pattern", ""], "an empty pattern matches no number"),
        (["--values", ""], "--values needs the name of a file, and it is empty"),
        (["--template", ""], "--template needs the name of a file, and it is empty"),
        (["--check", "crc"], "is no check: there are luhn, "),
        (["--min-confidence", "2"], "'2' is not a share such as 5% or 0.05"),
        (["--top-k", "2"], "No such option"),
    ],
)
def test_a_bad_option_destroys_nothing(run: Run, options: list[str], words: str) -> None:
    Path("out.csv").write_text("mine")
    result = run("read", "fields", "-o", "out.csv", "--overwrite", *options)
    assert result.exit_code == 2
    assert words in result.stderr
    assert Path("out.csv").read_text() == "mine"


def test_a_page_of_writing_is_for_review_and_not_blank(run: Run) -> None:
    save(scanned(filled(blank_form())), "page.png")
    (row,) = rows_of(run("read", "page.png").stdout)
    assert (row["value"], row["status"], row["detail"]) == ("", "review", "no number found")


# Inputs and outputs, by the code of classify


def test_all_formats_have_the_same_rows(run: Run) -> None:
    import pyarrow.parquet

    run("read", "fields", "--digits", "-o", "out.csv")
    rows = rows_of(Path("out.csv").read_text())
    for name in ("out.tsv", "out.jsonl", "out.csv.gz", "out.parquet", "out.xlsx"):
        assert run("read", "fields", "--digits", "-o", name).exit_code == 3
    assert gzip.decompress(Path("out.csv.gz").read_bytes()) == Path("out.csv").read_bytes()
    assert list(csv.DictReader(Path("out.tsv").read_text().splitlines(), delimiter="\t")) == rows
    documents = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert list(documents[0]) == list(rows[0])
    table = pyarrow.parquet.read_table("out.parquet").to_pylist()
    for found in (documents, table):
        assert [row["value"] or "" for row in found] == [row["value"] for row in rows]
        assert [row["digits"] or "" for row in found] == [row["digits"] for row in rows]
    assert isinstance(table[0]["score"], float)


def test_lists_ids_archives_and_filters_work_as_in_classify(run: Run) -> None:
    shutil.make_archive("all", "zip", "fields")
    assert [row["value"] for row in rows_of(run("read", "all.zip", "--include", "1-*").stdout)] == ["1946"]
    Path("list").write_text("fields/0-007.png\tform 1\n")
    result = run("read", "--files-from", "list", "--with-id", "--digits")
    assert result.stdout.startswith("path,value,confidence,status,detail,score,id,digits\n")
    assert rows_of(result.stdout)[0]["id"] == "form 1"
    stdin = run("read", "-", input=Path("fields/1-1946.png").read_bytes())
    assert [(row["path"], row["value"]) for row in rows_of(stdin.stdout)] == [("-", "1946")]
    listed = run("read", "fields", "--exclude", "*-*", "--dry-run")
    assert listed.stdout == "fields/blank.png\nfields/text.png\n"
    assert "2 files would be read" in listed.stderr


def test_the_summary_names_command_and_options(run: Run) -> None:
    Path("classified.json").write_text('{"summary_of": "batchdigits classify"}')
    refused = run("read", "fields", "--summary", "classified.json")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert run("read", "fields", "--length", "1-5", "--summary", "run.json").exit_code == 3
    summary = json.loads(Path("run.json").read_text())
    assert summary["summary_of"] == "batchdigits read"
    assert summary["images"] == len(VALUES) + 2
    assert summary["options"]["pattern"] is None
    assert summary["options"]["range"] is None
    assert summary["options"]["check"] == []
    assert not summary["options"].keys() & {"top_k", "bounds", "checks", "second_look"}


def test_too_many_failures_stop_the_run(run: Run) -> None:
    result = run("read", "fields/text.png", "--max-failures", "0")
    assert result.exit_code == 1
    assert "1 of 1 images" in result.stderr


def test_the_number_of_workers_and_fields_in_a_batch_changes_no_byte(run: Run) -> None:
    helpers.make_fields(Path("many"), VALUES * 6)
    alone = run("read", "many", "--digits", "--jobs", "1").stdout
    assert run("read", "many", "--digits", "--jobs", "2").stdout == alone
    assert run("read", "many", "--digits", "--batch-size", "7").stdout == alone


def test_a_file_that_crashes_or_hangs_costs_its_own_row_only(run: Run) -> None:
    expected = rows_of(run("read", "fields").stdout)
    for name in ("crash.png", "hang.png"):
        shutil.copy("fields/0-007.png", f"fields/{name}")
    process = read_process("fields", "--timeout", "3", faulty_decoder=True)
    output, _ = process.communicate()
    found = {row["path"]: row for row in rows_of(output.decode())}
    assert found.pop("fields/crash.png")["detail"].startswith("its decoder crashed")
    assert found.pop("fields/hang.png")["detail"] == "took longer than 3 s"
    assert list(found.values()) == expected


def test_an_unforeseen_error_costs_one_row(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from batchdigits.api.classifier import Classifier
    from batchdigits.fields import cut_batch, decide_fields

    def fail(*arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(decide_fields, "read_cut", fail)
    assert Classifier().read("fields/0-007.png")[3:5] == ("error", "cannot be read (ZeroDivisionError)")
    monkeypatch.setattr(cut_batch, "cut_field", fail)
    assert Classifier().read("fields/0-007.png")[3:5] == ("error", "cannot be cut (ZeroDivisionError)")


SLOW_READING = """
import os, time
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # workers are forked, and inherit this
from batchdigits.fields import decide_fields
read = decide_fields.read_cut
def slow(*arguments):
    time.sleep(%s)
    return read(*arguments)
decide_fields.read_cut = slow
"""


@pytest.mark.parametrize(("seconds", "details"), [(0.25, [""] * 10), (3, ["took longer than 2 s"])])
def test_each_page_of_a_file_has_the_full_time(seconds: float, details: list[str]) -> None:
    from PIL import Image

    page = Image.open("fields/1-1946.png")
    page.save("pages.tif", save_all=True, append_images=[page] * 9)
    line = [sys.executable, "-c", SLOW_READING % seconds + helpers.RUN, "read", "pages.tif"]
    line += ["--timeout", "2", "--min-confidence", "0"]
    result = subprocess.run(line, capture_output=True, text=True, check=False, env=helpers.environment())
    assert [row["detail"] for row in rows_of(result.stdout) if row["status"] != "review"] == details


# Resuming


def test_killed_and_resumed_gives_the_undisturbed_bytes(run: Run) -> None:
    helpers.make_fields(Path("many"), VALUES * 3)
    assert run("read", "many", "-o", "whole.csv").exit_code == 0
    Path("many/0-007.png").rename("many/slow.png")  # so that a run with the faulty decoder lasts
    for path in list(Path("many").iterdir()):
        path.rename(path.with_name(f"slow-{path.name}"))
    assert run("read", "many", "-o", "whole.csv", "--overwrite").exit_code == 0
    process = read_process("many", "-o", "out.csv", "--resume", "--jobs", "1", faulty_decoder=True)
    part = Path(".out.csv.part")
    until = time.monotonic() + 60
    while (not part.exists() or part.read_bytes().count(b"\n") < 3) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not Path("out.csv").exists()
    refused = run("read", "many", "-o", "out.csv", "--resume", "--length", "9")
    assert "--length was any when it was begun, and is 9 now" in refused.stderr
    result = run("read", "many", "-o", "out.csv", "--resume")
    assert result.exit_code == 0
    assert " are done" in result.stderr
    assert Path("out.csv").read_bytes() == Path("whole.csv").read_bytes()


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet"])
def test_a_finished_table_is_added_to_and_pruned(run: Run, name: str) -> None:
    Path("fields/text.png").unlink()
    assert run("read", "fields", "-o", name).exit_code == 0
    helpers.make_fields(Path("new"), ["42"])
    shutil.move("new/0-42.png", "fields/42.png")
    Path("fields/4-83.png").unlink()
    result = run("read", "fields", "-o", name, "--resume", "--prune")
    assert "1 file added, 0 read again, 12 kept, 1 no longer named and dropped" in result.stderr
    assert run("read", "fields", "-o", f"new-{name}").exit_code == 0
    assert Path(name).read_bytes() == Path(f"new-{name}").read_bytes()


def test_a_table_that_another_network_read_is_not_added_to(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("fields/text.png").unlink()
    arguments = ["read", "fields", "-o", "out.csv", "--model", "tiny"]  # whose card asks for no second look
    assert run(*arguments).exit_code == 0
    before = Path("out.csv").read_bytes()
    monkeypatch.setattr(choose, "CONTEXT_NETWORK", choose.PRETRAINED / "tiny.tflite")
    result = run(*arguments, "--resume")
    assert result.exit_code == 1
    assert "the second network was" in result.stderr
    assert Path("out.csv").read_bytes() == before


def test_a_table_of_digits_is_not_added_to(run: Run) -> None:
    Path("fields/text.png").unlink()
    assert run("classify", "fields", "-o", "out.csv").exit_code == 0
    before = Path("out.csv").read_bytes()
    result = run("read", "fields", "-o", "out.csv", "--resume")
    assert result.exit_code == 1
    assert "cannot" in result.stderr
    assert Path("out.csv").read_bytes() == before


@pytest.mark.skipif(find_spec("pyarrow") is None, reason="pyarrow is not installed")
def test_ray_gives_the_same_rows(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from batchdigits.engines import ray_engine
    from tests.cli.test_classify_parts import Cluster

    monkeypatch.setattr(ray_engine, "classify", Cluster().classify)
    expected = run("read", "fields", "--length", "1-5").stdout.splitlines()
    assert run("read", "fields", "--length", "1-5", "--engine", "ray", "-o", "rows", "--part-size", "5").exit_code == 3
    parts = sorted(Path("rows").glob("*.csv"))
    assert len(parts) == 3
    assert [line for part in parts for line in part.read_text().splitlines()[1:]] == expected[1:]


@pytest.mark.parametrize("boxes", ["2", "3", "4", "7"])
def test_a_field_without_boxes_is_for_review_where_there_should_be_some(run: Run, boxes: str) -> None:
    helpers.make_fields(Path("strips"), ["007", "1946", "83"])
    rows = rows_of(run("read", "strips", "--comb", boxes).stdout)
    assert [row["status"] for row in rows] == ["review"] * 3
    assert all(row["detail"].startswith(f"no boxes found where {boxes} should be") for row in rows)


def test_a_field_with_digits_in_other_boxes_is_for_review(run: Run) -> None:
    images, labels = read_idx(MNIST / f"{TEST_IMAGES}.gz"), read_idx(MNIST / f"{TEST_LABELS}.gz")
    chosen = [int(np.flatnonzero(labels == digit)[5]) for digit in (4, 0, 2, 6, 3)]
    Path("combs").mkdir()
    cv2.imwrite("combs/a.png", compose_field("comb", images[chosen], labels[chosen], np.random.default_rng(1)).scan)
    (row,) = rows_of(run("read", "combs", "--comb", "5").stdout)
    assert row["value"] == "40263"
    assert "boxes" not in row["detail"]
    for boxes in ("4", "3", "6", "9"):
        (row,) = rows_of(run("read", "combs", "--comb", boxes).stdout)
        assert row["status"] == "review"
        assert row["detail"].startswith(f"5 boxes found where {boxes} should be")


# Other commands


def test_other_commands_take_a_table_of_values(run: Run) -> None:
    assert run("read", "fields", "-o", "out.csv", "--summary", "run.json", "--min-confidence", "0").exit_code == 3
    assert run("preview", "out.csv", "--status", "ok", "-o", "page.html").exit_code == 0
    assert "20260" in Path("page.html").read_text()
    assert run("audit", "out.csv", "--sample", "5", "-o", "sample.csv").exit_code == 0
    assert Path("sample.csv").exists()


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet"])
def test_answers_of_a_review_go_into_the_column_of_values(run: Run, name: str) -> None:
    import pyarrow.parquet

    assert run("read", "fields", "-o", name, "--min-confidence", "0").exit_code == 3
    answer = Answer("fields/0-007.png", "label", "001", "007", "ok")
    with closing(ReviewLog(log_path(Path(name)), name)) as log:
        log.add("anna", "t", "grid", "first", [answer], "2026-11-29T05:00:00+00:00")
    assert run("review", name, "--apply", "-o", f"final-{name}").exit_code == 0
    load: dict[str, Callable[[Path], list[Row]]] = {
        ".csv": lambda path: rows_of(path.read_text()),
        ".jsonl": lambda path: [json.loads(line) for line in path.read_text().splitlines()],
        ".parquet": lambda path: pyarrow.parquet.read_table(path).to_pylist(),
    }
    row = load[Path(name).suffix](Path(f"final-{name}"))[0]
    assert (row["value"], row["predicted"], row["status"]) == ("001", "007", "reviewed")
    assert "label" not in row


# From Python


def test_python_reads_the_same_values(run: Run) -> None:
    import batchdigits

    rows = rows_of(run("read", "fields").stdout)
    classifier = batchdigits.Classifier()
    for row in rows[:3] + rows[-2:]:
        prediction = classifier.read(row["path"])
        assert (prediction.path, prediction.value, prediction.status) == (row["path"], row["value"], row["status"])
        assert "".join(digit.label for digit in prediction.digits) == row["value"]
        assert prediction.detail == row["detail"]
        confidence = "" if prediction.confidence is None else f"{prediction.confidence:.6f}"
        assert confidence == row["confidence"]  # that of one look, as the command's
    assert classifier.read("fields/4-83.png", length=20).detail == "no number of 20 digits found"
    assert classifier.read("fields/4-83.png", pattern="9.").status == "review"
    assert classifier.read("fields/4-83.png", values=["83", "007"]).value == "83"


def test_python_refuses_impossible_arguments() -> None:
    import batchdigits

    classifier = batchdigits.Classifier()
    for length in (0, "5-3", 99):
        with pytest.raises(ValueError, match="is no length such as"):
            classifier.read("fields/4-83.png", length=length)
    with pytest.raises(TypeError, match="an image is a path"):
        classifier.read(7)
    with pytest.raises(TypeError, match="values is an iterable of texts, not '83'"):
        classifier.read("fields/4-83.png", values="83")
    with pytest.raises(TypeError, match="checks is an iterable of texts, not 'luhn'"):
        classifier.read("fields/4-83.png", checks="luhn")
    with pytest.raises(ValueError, match="the list of values is empty"):
        classifier.read("fields/4-83.png", values=[])
    with pytest.raises(ValueError, match="values are numbers, not ' 83'"):
        classifier.read("fields/4-83.png", values=["007", " 83"])
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"values": [83, 7]}, "values is an iterable of texts, not of 83"),
        ({"checks": ["luhn", 3]}, "checks is an iterable of texts, not of 3"),
        ({"comb": 6.5}, "comb is a whole number, not 6.5"),
        ({"decimals": True}, "decimals is a whole number, not True"),
        ({"bounds": (0, 300)}, "bounds is a text, not "),
        ({"pattern": 83}, "pattern is a text, not 83"),
        ({"separators": None}, "separators is a text, not None"),
        ({"signed": "x"}, "signed is True or False, not 'x'"),
        ({"digits_only": "no"}, "digits_only is True or False, not 'no'"),
        ({"digits_only": np.ones(2)}, r"digits_only is True or False, not array\("),
        ({"signed": 1}, "signed is True or False, not 1"),
    ]
    for arguments, words in wrong:
        with pytest.raises(TypeError, match=words):
            classifier.read("fields/4-83.png", **arguments)


# Values of all fields together


def test_unique_values_are_chosen_together_and_the_list_is_compared(run: Run) -> None:
    helpers.make_fields(Path("ids"), ["1946", "20260", "5917", "5917", "604"])
    Path("roster.csv").write_text("ID\n1946\n20260\n5917\n2871\n")
    result = run("read", "ids", "--values", "roster.csv:ID", "--unique", "--jobs", "2")
    assert result.exit_code == 0, result.output
    rows = rows_of(result.stdout)
    assert [row["value"] for row in rows] == ["1946", "20260", "5917", "5917", "604"]
    assert [row["status"] for row in rows] == ["ok", "ok", "review", "review", "review"]
    assert rows[2]["detail"].startswith("also in ids/3-5917.png")
    assert rows[4]["detail"].startswith("not on the list")
    assert "1 value of roster.csv:ID in no field: 2871\n" in result.stderr
    assert "5917 is in ids/2-5917.png, ids/3-5917.png\n" in result.stderr
    assert "1 field not on roster.csv:ID: ids/4-604.png\n" in result.stderr
    assert run("read", "ids", "--values", "roster.csv:ID", "--unique", "--jobs", "1").stdout == result.stdout


def test_unique_values_need_no_list_and_leave_other_rows_as_they_are(run: Run) -> None:
    result = run("read", "fields", "--unique", "--digits")
    alone = run("read", "fields", "--digits")
    assert result.exit_code == 3
    columns = ("path", "value", "digits")
    together, separate = rows_of(result.stdout), rows_of(alone.stdout)
    assert [[row[name] for name in columns] for row in together] == [
        [row[name] for name in columns] for row in separate
    ]
    assert together[-2:] == separate[-2:]  # blank and error
    assert "in no field" not in result.stderr


def test_unique_values_go_to_a_file_that_is_whole(run: Run) -> None:
    assert run("read", "fields", "--unique", "-o", "out.csv").exit_code == 3
    assert Path("out.csv").read_text() == run("read", "fields", "--unique").stdout
    again = run("read", "fields", "--unique", "-o", "out.csv")
    assert (again.exit_code, "out.csv exists: give another name, or --overwrite" in again.stderr) == (1, True)


def test_of_unique_values_that_cannot_be_resumed_nothing_is_left(run: Run) -> None:
    result = run("read", "fields", "--unique", "--max-failures", "0", "-o", "out.csv")
    assert result.exit_code == 1
    assert "more than --max-failures 0 allows" in result.stderr
    assert "--resume" not in result.stderr
    assert not list(Path().glob("*out.csv*"))
    assert run("read", "fields", "--unique", "-o", "out.csv").exit_code == 3


@pytest.mark.parametrize("more", [["--resume", "-o", "out.csv"], ["--engine", "ray", "-o", "parts"]])
def test_unique_values_are_not_added_to(run: Run, more: list[str]) -> None:
    result = run("read", "fields", "--unique", *more)
    assert result.exit_code == 2
    assert "chooses the values of all fields together" in result.stderr.replace("\n", " ")


@pytest.fixture
def roster() -> Path:
    """A list, and fields of which one is not on it and two hold the same value."""
    helpers.make_fields(Path("ids"), ["1946", "20260", "5917", "5917", "604"])
    path = Path("roster.txt")
    path.write_text("1946\n20260\n5917\n2871\n83\n")
    return path


COMPARED = (
    "2 values of roster.txt in no field: 2871, 83\n",
    "5917 is in ids/2-5917.png, ids/3-5917.png\n",
    "1 field not on roster.txt: ids/4-604.png\n",
)


@pytest.mark.parametrize("output", [[], ["-o", "out.csv"], ["-o", "out.jsonl.gz"], ["-o", "out.xlsx"]])
def test_what_is_missing_and_doubled_is_named_without_unique_too(run: Run, roster: Path, output: list[str]) -> None:
    result = run("read", "ids", "--values", roster, *output)
    assert result.exit_code == 0, result.output
    assert all(f"batchdigits: {line}" in result.stderr for line in COMPARED)
    assert [row["status"] for row in rows_of(result.stdout)][:4] == ["ok"] * (0 if output else 4)


def test_what_is_missing_is_an_event_too_and_nothing_of_a_quiet_run(run: Run, roster: Path) -> None:
    assert "roster" not in run("read", "ids", "--quiet", "--values", roster).stderr
    assert "in no field" not in run("read", "ids").stderr
    named = run("read", "ids", "--values", roster, "--log-format", "json").stderr
    missing = next(line for line in map(json.loads, named.splitlines()) if line["event"] == "missing")
    assert missing["values"] == ["2871", "83"]


def test_only_the_first_doubled_values_have_a_line(run: Run, roster: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchdigits.cli.numbers.compared.MAX_DOUBLED", 1)
    shutil.copytree("ids", "more")
    command = ["read", "ids", "more", "--values", roster]
    text = run(*command).stderr
    assert "1946 is in ids/0-1946.png, more/0-1946.png\n" in text
    assert "20260 is in" not in text
    assert "2 more values in several fields\n" in text
    assert run(*command, "--log-format", "json").stderr.count('"event": "doubled"') == 3


def test_values_with_separators_that_nobody_told_of_are_named(run: Run) -> None:
    Path("list.csv").write_text('amount\n1946\n12.50\n"12,75"\n')
    text = run("read", "fields/1-1946.png", "--values", "list.csv").stderr
    assert "2 values of list.csv with a separator or sign that no option tells of: 12.50, 12,75\n" in text
    told = run("read", "fields/1-1946.png", "--values", "list.csv", "--decimals", "2").stderr
    assert "no option tells of" not in told
    assert "left out of list.csv, by the rules: 1946\n" in told
    assert "2 values of list.csv in no field: 12.50, 12.75\n" in told


@pytest.mark.parametrize("name", ["out.csv", "out.parquet", "out.tsv.gz"])
def test_rows_of_earlier_runs_are_compared_too(run: Run, roster: Path, name: str) -> None:
    for path in ("ids/3-5917.png", "ids/4-604.png"):
        shutil.move(path, Path(path).name)
    first = run("read", "ids", "--values", roster, "-o", name)
    assert "5917 is in" not in first.stderr
    for path in ("3-5917.png", "4-604.png"):
        shutil.move(path, "ids")
    result = run("read", "ids", "--values", roster, "-o", name, "--resume")
    assert "2 files added" in result.stderr
    assert all(line in result.stderr for line in COMPARED)


def test_a_workbook_that_went_on_is_compared_too(run: Run, roster: Path) -> None:
    Path("ids/5-broken.png").write_bytes(b"none")
    stopped = run("read", "ids", "--values", roster, "-o", "out.xlsx", "--max-failures", "0", "--jobs", "1")
    assert stopped.exit_code == 1
    Path("ids/5-broken.png").unlink()
    result = run("read", "ids", "--values", roster, "-o", "out.xlsx", "--resume")
    assert "5 files are done" in result.stderr
    assert all(line in result.stderr for line in COMPARED)
    assert result.stderr.count("5917 is in") == 1


@pytest.mark.skipif(find_spec("pyarrow") is None, reason="pyarrow is not installed")
def test_the_parts_of_a_cluster_are_compared_too(run: Run, roster: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from batchdigits.engines import ray_engine
    from tests.cli.test_classify_parts import Cluster

    monkeypatch.setattr(ray_engine, "classify", Cluster().classify)
    arguments = ["read", "ids", "--values", roster, "--engine", "ray", "--part-size", "2", "-o", "rows"]
    shutil.move("ids/3-5917.png", "5917.png")
    first = run(*arguments)
    assert COMPARED[0] in first.stderr
    assert "5917 is in" not in first.stderr
    shutil.move("5917.png", "ids/3-5917.png")
    result = run(*arguments, "--resume")
    assert all(line in result.stderr for line in COMPARED), result.output
    assert "roster" not in run(*arguments, "--overwrite", "--quiet").stderr


@pytest.mark.parametrize("output", [[], ["-o", "out.csv"]])
def test_progress_is_told_while_unique_values_are_read(
    run: Run, roster: Path, monkeypatch: pytest.MonkeyPatch, output: list[str]
) -> None:
    from batchdigits.cli.shared import progress

    monkeypatch.setattr(progress, "LINE_SECONDS", 0)
    helpers.make_fields(Path("ids"), VALUES * 5)
    result = run("read", "ids", "--unique", *output)
    done = [int(number) for number in re.findall(r"(\d+) (?:files? |of about 65 files )done,", result.stderr)]
    assert len(done) > 2
    assert (sorted(done), done[-1]) == (done, 65)
    rows = rows_of(Path("out.csv").read_text() if output else result.stdout)
    assert len(rows) == 65
