"""Accuracy, interval, recall and confusion, from predictions and the folders that their sources lie in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchdigits.errors import DataError, NoImagesError
from batchdigits.inference.decide import Prediction, Status, failed
from batchdigits.reports.evaluation import (
    Evaluation,
    as_json,
    class_folders,
    evaluate_predictions,
    mean_accuracy,
    wilson_interval,
)
from batchdigits.reports.evaluation_table import details, summary

LABELS = ("0", "1", "2")


def prediction(source: str, label: str, status: Status = Status.OK) -> Prediction:
    return Prediction(source, label, 0.9, status, score=0.8)


def blank(source: str) -> Prediction:
    return Prediction(source, "", None, Status.BLANK)


PREDICTIONS = (
    prediction("set/0/a.png", "0"),
    prediction("set/0/b.png", "1"),
    prediction("set/0/deep/c.png", "0", Status.REVIEW),
    prediction("set/1/pages.tif#1", "1"),
    blank("set/1/pages.tif#2"),
    failed("set/1/broken.png", "empty file"),
    prediction("set/not_digit/x.png", "2"),
    prediction("set/not_digit/y.png", "2", Status.REVIEW),
    failed("set/not_digit/z.png", "empty file"),
)


@pytest.fixture
def evaluation() -> Evaluation:
    return evaluate_predictions("set", PREDICTIONS, LABELS)


def test_counts_right_answers(evaluation: Evaluation) -> None:
    assert (evaluation.images, evaluation.right, evaluation.accuracy) == (6, 3, 0.5)
    assert evaluation.confusion.tolist() == [[2, 1, 0, 0, 0], [0, 1, 0, 1, 1], [0, 0, 0, 0, 0]]
    assert evaluation.recall == (2 / 3, 1 / 3, None)


def test_counts_outliers_apart_and_by_status(evaluation: Evaluation) -> None:
    assert evaluation.statuses == {"ok": 3, "review": 1, "blank": 1, "error": 1}
    assert evaluation.outliers == {"ok": 1, "review": 1, "error": 1}
    assert evaluation.unreadable == 2


def test_an_image_for_review_without_a_label_is_not_right() -> None:
    page = Prediction("set/1/page.png", "", None, Status.REVIEW, "several digits, or none")
    evaluation = evaluate_predictions("set", [page], LABELS)
    assert (evaluation.images, evaluation.right, evaluation.statuses) == (1, 0, {"review": 1})
    assert evaluation.confusion.tolist()[1] == [0, 0, 0, 1, 0]  # with the blank ones


def test_not_digit_is_a_class_where_the_model_has_that_label() -> None:
    evaluation = evaluate_predictions("set", [prediction("set/not_digit/x.png", "not_digit")], ("0", "not_digit"))
    assert (evaluation.accuracy, evaluation.outliers) == (1, {})


@pytest.mark.parametrize("path", ["a", "a/", "a//", "./a", ".", "/a b/c#1"])
def test_the_class_is_the_folder_below_the_path(path: str) -> None:
    source = f"{path}{'' if path.endswith('/') else '/'}2/1/0.png"  # as `find` joins them
    assert evaluate_predictions(path, [prediction(source, "2")], LABELS).accuracy == 1


def test_a_class_folder_that_cannot_be_read_is_an_error_of_its_class() -> None:
    evaluation = evaluate_predictions("set", [failed("set/1", "permission denied")], LABELS)
    assert evaluation.confusion[1].tolist() == [0, 0, 0, 0, 1]


@pytest.mark.parametrize("predictions", [[], [prediction("set/not_digit/x.png", "1")]])
def test_no_labelled_image_is_an_error(predictions: list[Prediction]) -> None:
    with pytest.raises(NoImagesError, match="no images in the class folders of set"):
        evaluate_predictions("set", predictions, LABELS)


def test_the_mean_accuracy_is_unweighted() -> None:
    large = evaluate_predictions("large", [prediction(f"large/0/{i}.png", "0") for i in range(100)], LABELS)
    small = evaluate_predictions("small", [prediction("small/0/a.png", "1")], LABELS)
    assert mean_accuracy([large, small]) == 0.5


@pytest.mark.parametrize(  # https://epitools.ausvet.com.au/ciproportion and the like
    ("right", "images", "low", "high"),
    [(95, 100, 0.8882, 0.9785), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (1, 1, 0.2065, 1.0)],
)
def test_wilson_interval(right: int, images: int, low: float, high: float) -> None:
    assert wilson_interval(right, images) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 10**6).flatmap(lambda images: st.tuples(st.integers(0, images), st.just(images))))
def test_wilson_interval_contains_the_share_and_is_symmetric(counts: tuple[int, int]) -> None:
    right, images = counts
    low, high = wilson_interval(right, images)
    assert 0 <= low <= right / images + 1e-12
    assert right / images - 1e-12 <= high <= 1
    mirrored = wilson_interval(images - right, images)
    assert (1 - high, 1 - low) == pytest.approx(mirrored, abs=1e-9)


def test_class_folders_are_in_natural_order_without_files_and_hidden_folders(tmp_path: Path) -> None:
    for name in ("10", "2", "not_digit", ".hidden"):
        (tmp_path / name).mkdir()
    (tmp_path / "1").write_text("a file")
    labels = [str(label) for label in range(11)]
    assert class_folders(str(tmp_path), labels) == [str(tmp_path / name) for name in ("2", "10", "not_digit")]


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        ([], r"no folder in it is named like a label \(0, 1, 2\)"),
        (["not_digit"], "no folder in it is named like a label"),
        (["three"], "no folder in it is named like a label"),
        (["0", "three", "9"], "the model has no label 9, three; its labels are 0, 1, 2"),
        (["0", *"abcdefg"], "the model has no label a, b, c, d, e and 2 more"),
    ],
)
def test_folders_that_are_not_labels_are_named(tmp_path: Path, folders: list[str], message: str) -> None:
    for name in folders:
        (tmp_path / name).mkdir()
    with pytest.raises(DataError, match=message):
        class_folders(str(tmp_path), LABELS)


@pytest.mark.parametrize(("name", "reason"), [("missing", "No such file"), ("file", "Not a directory")])
def test_a_path_that_is_not_a_folder_is_an_error(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=f"{name}: {reason}.*one sub-folder for each class"):
        class_folders(str(tmp_path / name), LABELS)


def test_json_holds_everything(evaluation: Evaluation) -> None:
    document = json.loads(json.dumps(as_json(evaluation)))
    assert document["accuracy"] == 0.5
    assert document["interval"] == pytest.approx(wilson_interval(3, 6))
    assert document["recall"] == {"0": 2 / 3, "1": 1 / 3, "2": None}
    assert document["confusion"]["columns"] == ["0", "1", "2", "blank", "error"]
    assert document["confusion"]["rows"]["1"] == [0, 1, 0, 1, 1]
    assert document["statuses"] == {"ok": 3, "review": 1, "blank": 1, "error": 1}
    assert document["not_digit"] == {"ok": 1, "review": 1, "blank": 0, "error": 1}


def test_json_of_a_path_that_is_not_utf8_has_replacement_characters() -> None:
    document = as_json(evaluate_predictions("a\udcff", [prediction("a\udcff/0/x.png", "0")], LABELS))
    assert document["path"] == "a\ufffd"


def test_summary_has_a_line_for_each_set_and_the_mean_of_several(evaluation: Evaluation) -> None:
    header, line = summary([evaluation]).splitlines()
    assert header.endswith("not_digit ok")
    assert line.split() == ["set", "6", "3", "50.00%", "18.8%", "-", "81.2%", "15.00%", "1", "1", "1", "1", "of", "3"]
    assert summary([evaluation] * 2).splitlines()[-1].split() == ["mean", "50.00%"]


def test_details_show_the_confusion_matrix_and_the_recall(evaluation: Evaluation) -> None:
    _, header, zero, one, two = details(evaluation).splitlines()
    assert header.split() == ["0", "1", "2", "blank", "error", "recall"]
    assert zero.split() == ["0", "2", "1", ".", ".", ".", "66.7%"]
    assert one.split() == ["1", ".", "1", ".", "1", "1", "33.3%"]
    assert two.split() == ["2", ".", ".", ".", ".", ".", "-"]


def test_tables_escape_control_characters() -> None:
    label, path = "\x1b[2J", "\x1b]0;x\a"
    evaluation = evaluate_predictions(path, [prediction(f"{path}/{label}/x.png", label)], (label, "1"))
    assert "\x1b" not in summary([evaluation]) + details(evaluation)
