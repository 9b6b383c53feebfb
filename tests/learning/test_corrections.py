"""Corrections: the answers of reviews as labelled glyphs."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from batchdigits.errors import BatchdigitsError, DataError
from batchdigits.inference.model_file import read_card
from batchdigits.learning.corrections import CORRECTED_WEIGHT, load_corrections
from batchdigits.output.review_answers import Answer, Kind
from batchdigits.output.review_log import ReviewLog
from batchdigits.output.source_pages import digest_of
from tests.conftest import Arrays, Run

pytestmark = pytest.mark.usefixtures("small_mnist_mixed_in")

QUICK = ("--iterations", "3", "--batch-size", "16")


def write_scan(path: str, mnist: Arrays, number: int) -> str:
    """The training image of this number, dark on white and mirrored, so that it is no copy of MNIST's."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(255 - mnist["x_train"][number, :, ::-1]).save(path)
    return str(mnist["y_train"][number])


def review(answers: dict[str, tuple[Kind, str, str]], name: str = "rows.csv.review") -> Path:
    """A log with an answer for each path: its kind, label, and the label that was predicted."""
    log = ReviewLog(Path(name), "rows.csv")
    for path, (kind, label, predicted) in answers.items():
        log.add("anna", "tab", "grid", "first", [Answer(path, kind, label, predicted, "review")])
    log.close()
    return Path(name)


def many(mnist: Arrays, count: int = 60, folders: int = 1) -> dict[str, tuple[Kind, str, str]]:
    """Answers about so many scans in so many folders; every fourth is corrected."""
    answers: dict[str, tuple[Kind, str, str]] = {}
    for number in range(count):
        path = f"scans/writer{number % folders}/{number}.png"
        label = write_scan(path, mnist, number)
        answers[path] = ("label", label, "8" if number % 4 == 0 and label != "8" else label)
    return answers


def test_answers_are_labels_and_corrected_ones_weigh_more(in_empty_folder: Path, small_mnist: Arrays) -> None:
    answers = many(small_mnist)
    splits = load_corrections([review(answers)], seed=1)
    assert splits.classes == tuple("0123456789")
    assert len(splits.train) + len(splits.validation) == 60
    assert 6 <= len(splits.validation) <= 20  # about a fifth of each class
    assert not len(splits.test)
    assert splits.mixture
    levels = np.unique(splits.mixture.chances.round(9))
    assert len(levels) == 2
    assert levels[1] / levels[0] == pytest.approx(CORRECTED_WEIGHT, rel=1e-4)
    corrected = sum(label != predicted for _, label, predicted in answers.values())
    assert splits.notes[0] == (
        f"rows.csv.review: {corrected} corrected, {60 - corrected} accepted, 0 not_digit; "
        "a corrected image counts 3 times as much as an accepted one"
    )


def test_a_copy_that_was_accepted_takes_no_weight_away(in_empty_folder: Path, small_mnist: Arrays) -> None:
    answers = many(small_mnist, 40)
    for path, (kind, label, _) in list(answers.items()):
        copy = path.replace(".png", "-copy.png")
        Path(copy).write_bytes(Path(path).read_bytes())
        answers[copy] = (kind, label, label)
    splits = load_corrections([review(answers)], seed=1)
    assert splits.mixture
    assert len(np.unique(splits.mixture.chances.round(9))) == 2


def test_what_is_no_digit_is_an_outlier_and_what_is_open_or_blank_is_left_out(
    in_empty_folder: Path, small_mnist: Arrays
) -> None:
    answers = many(small_mnist)
    for number, path in enumerate(list(answers)[:8]):
        kind: Kind = "not_digit" if number < 5 else "blank" if number == 5 else "unsure"
        answers[path] = (kind, "", "4")
    splits = load_corrections([review(answers)], seed=1)
    assert splits.outliers
    assert [len(part) for part in splits.outliers[:3]] == [4, 1, 0]
    assert len(splits.train) + len(splits.validation) == 52
    assert splits.notes[0].endswith("; left out 1 blank and 2 unsure")
    as_class = load_corrections([review(answers, "again.review")], 1, as_class="not_digit")
    assert as_class.classes == (*"0123456789", "not_digit")


def test_images_that_cannot_be_read_any_more_are_counted_and_named(in_empty_folder: Path, small_mnist: Arrays) -> None:
    answers = many(small_mnist)
    Path("scans/writer0/7.png").unlink()
    Path("scans/writer0/8.png").write_bytes(b"")
    splits = load_corrections([review(answers)], seed=1)
    assert len(splits.train) + len(splits.validation) == 58
    assert splits.notes[1] == (
        "rows.csv.review: left out 2 images that cannot be read any more, have changed or are blank: "
        "scans/writer0/7.png (no such file), scans/writer0/8.png (empty file)"
    )
    for path in Path("scans/writer0").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="no image with an answer can be read; its paths are seen from the current"):
        load_corrections([Path("rows.csv.review")], seed=1)


def test_an_image_that_is_another_one_now_teaches_nothing(in_empty_folder: Path, small_mnist: Arrays) -> None:
    answers = many(small_mnist)
    with closing(ReviewLog(Path("rows.csv.review"), "rows.csv")) as log:
        given = [Answer(path, *answer, "ok", digest_of(path)) for path, answer in answers.items()]
        log.add("anna", "tab", "grid", "first", given)
    write_scan("scans/writer0/3.png", small_mnist, 100)
    splits = load_corrections([Path("rows.csv.review")], seed=1)
    assert len(splits.train) + len(splits.validation) == 59
    assert splits.notes[1].endswith("scans/writer0/3.png (has changed since)")


def test_whole_folders_are_held_back(in_empty_folder: Path, small_mnist: Arrays) -> None:
    answers = many(small_mnist, folders=6)
    splits = load_corrections([review(answers)], seed=1)
    assert len(splits.validation) == 10
    one_folder = [
        {load_glyph(f"scans/writer{folder}/{number}.png") for number in range(folder, 60, 6)} for folder in range(6)
    ]
    assert {glyph.tobytes() for glyph in splits.validation.glyphs} in one_folder
    assert load_corrections([Path("rows.csv.review")], seed=2).fingerprint() != splits.fingerprint()


def load_glyph(path: str) -> bytes:
    from batchdigits.vision.decode import decode
    from batchdigits.vision.normalise import normalise

    (page,) = decode(path)
    assert page.scan is not None
    return normalise(page.scan)[0].tobytes()


def test_the_smaller_of_two_folders_is_held_back(in_empty_folder: Path, small_mnist: Arrays) -> None:
    answers = many(small_mnist, 40)
    for number in range(40, 70):
        path = f"scans/other/{number}.png"
        label = write_scan(path, small_mnist, number)
        answers[path] = ("label", label, label)
    assert len(load_corrections([review(answers)], seed=1).validation) == 30


def test_folders_of_classes_are_no_writers(in_empty_folder: Path, small_mnist: Arrays) -> None:
    answers: dict[str, tuple[Kind, str, str]] = {}
    for number in range(100):
        path = f"sorted/{small_mnist['y_train'][number]}/{number}.png"
        answers[path] = ("label", write_scan(path, small_mnist, number), "1")
    splits = load_corrections([review(answers)], seed=1)
    assert set(splits.train.labels) == set(splits.validation.labels) == set(range(10))


def test_pages_of_a_file_are_on_one_side(in_empty_folder: Path, small_mnist: Arrays) -> None:
    answers: dict[str, tuple[Kind, str, str]] = {}
    for file in range(5):
        pages = [Image.fromarray(255 - small_mnist["x_train"][10 * file + page]) for page in range(10)]
        pages[0].save(f"{file}.tif", save_all=True, append_images=pages[1:])
        for page in range(10):
            answers[f"{file}.tif#{page + 1}"] = ("label", str(small_mnist["y_train"][10 * file + page]), "")
    splits = load_corrections([review(answers)], seed=1)
    assert (len(splits.train), len(splits.validation)) == (40, 10)
    held_back = {glyph.tobytes() for glyph in splits.validation.glyphs}
    from batchdigits.datasets.labelled import likeliest_glyph

    files = [
        {likeliest_glyph(255 - small_mnist["x_train"][10 * file + page], "auto").tobytes() for page in range(10)}
        for file in range(5)
    ]
    assert held_back in files


def test_of_two_logs_the_later_one_counts(in_empty_folder: Path, small_mnist: Arrays) -> None:
    answers = many(small_mnist, 40)
    first = review(answers)
    ticks: dict[str, tuple[Kind, str, str]] = dict.fromkeys(list(answers)[:6], ("label", "tick", ""))
    second = review(ticks, "b.review")
    splits = load_corrections([first, second], seed=1)
    assert splits.classes == (*"0123456789", "tick")
    assert [(part.labels == 10).sum() for part in (splits.train, splits.validation)] == [5, 1]
    assert splits.name == "rows.csv.review, b.review"


def test_an_image_that_was_corrected_in_one_log_is_corrected_in_all(in_empty_folder: Path, small_mnist: Arrays) -> None:
    answers = many(small_mnist)
    first = review(answers)
    second = review({path: (kind, label, label) for path, (kind, label, _) in answers.items()}, "final.csv.review")
    both, alone = load_corrections([first, second], seed=1), load_corrections([first], seed=1)
    assert both.mixture
    assert alone.mixture
    assert np.array_equal(both.mixture.chances, alone.mixture.chances)
    assert both.notes[0].split(": ")[1] == alone.notes[0].split(": ")[1]


def test_a_file_that_is_no_log_is_refused(in_empty_folder: Path) -> None:
    Path("rows.csv").write_text("path,label\n")
    with pytest.raises(BatchdigitsError, match=r"rows\.csv is no log of batchdigits review"):
        load_corrections([Path("rows.csv")], seed=1)


def test_a_model_is_trained_on_corrections_and_exported(
    run: Run, trained: Path, in_empty_folder: Path, small_mnist: Arrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batchdigits.learning.export.default_min_agreement", lambda card: 0.0)
    answers = {path: answer for path, answer in many(small_mnist).items() if answer[1] in "37"}
    for number in np.flatnonzero(np.isin(small_mnist["y_train"][100:500], (3, 7))):
        path, label = f"scans/writer0/copy-{number}.png", str(small_mnist["y_train"][100 + number])
        Image.fromarray(255 - small_mnist["x_train"][100 + number]).save(path)
        answers[path] = ("label", label, label)
    log = review(answers)
    result = run("train", *QUICK, "--init", trained, "--corrections", log, "-o", "m.keras", "--export")
    assert result.exit_code == 0, result.output
    card = read_card(Path("m.keras"))
    assert card.labels == tuple("0123456789")
    assert card.data["name"] == "rows.csv.review"
    assert "validation images of yours: " in result.stderr
    assert "Accuracy on 200 test images of MNIST: " in result.stderr
    assert "labels without images of yours, which MNIST fills: 0, 1, 2, 4, 5, 6, 8, 9" in result.stderr
    assert "wrote m.tflite; next: batchdigits classify SCANS --model m.tflite\n" in result.stderr
    again = ("--model", "m.keras", "--corrections", log, "--min-agreement", "0", "-o", "again.tflite")
    assert run("export", "--tflite", *again).exit_code == 0
    assert "rows.csv.review and MNIST: left out " in result.stderr
    assert Path("again.tflite").read_bytes() == Path("m.tflite").read_bytes()


def test_corrections_and_data_are_joined(run: Run, trained: Path, in_empty_folder: Path, small_mnist: Arrays) -> None:
    log = review(many(small_mnist))
    for number in range(5):
        write_scan(f"labelled/tick/{number}.png", small_mnist, 100 + number)
        write_scan(f"labelled/not_digit/{number}.png", small_mnist, 200 + number)
        write_scan(f"labelled/3/{number}.png", small_mnist, 300 + number)
    result = run("train", *QUICK, "--init", trained, "--data", "labelled", "--corrections", log, "-o", "m.keras")
    assert result.exit_code == 0, result.output
    card = read_card(Path("m.keras"))
    assert card.labels == (*"0123456789", "tick")
    assert card.data["sources"].keys() == {"labelled", "rows.csv.review"}
    assert card.data["outliers"] == 5
    following = "export --tflite --model m.keras --data labelled --corrections rows.csv.review -o m.tflite, then"
    assert f"next: batchdigits {following} batchdigits classify SCANS --model m.tflite\n" in result.stderr
    assert f"held-back outliers of yours that is ok: {card.data['ok_outliers']['before']:.2%} before" in result.stderr


def test_the_review_of_a_table_of_numbers_teaches_nothing(run: Run, in_empty_folder: Path) -> None:
    with closing(ReviewLog(Path("numbers.csv.review"), "numbers.csv", are_numbers=True)) as log:
        log.add("anna", "t", "single", "first", [Answer("a.png", "label", "1946", "1946", "ok")])
    result = run("train", "--init", "built-in", "--corrections", "numbers.csv.review", "-o", "m.keras")
    assert result.exit_code == 1
    assert "numbers.csv.review is the review of a table of numbers" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "--corrections needs a model to correct, such as --init built-in"),
        (("--init", "built-in", "--recipe", "best"), "--corrections does not go with --recipe"),
        (("--init", "built-in", "--init", "built-in"), "--corrections needs a single --init"),
        (("--init", "built-in", "--epochs", "3"), "--epochs does not go with fine-tuning"),
    ],
)
def test_options_that_do_not_go_with_corrections(
    run: Run, in_empty_folder: Path, options: tuple[str, ...], message: str
) -> None:
    result = run("train", *options, "--corrections", "rows.csv.review")
    assert (result.exit_code, message in result.stderr) == (2, True), result.output
    assert not list(in_empty_folder.iterdir())


def test_only_classes_needs_data_to_fine_tune_on(run: Run, in_empty_folder: Path) -> None:
    result = run("train", "--only-classes")
    assert (result.exit_code, "--only-classes needs --init and --data" in result.stderr) == (2, True)
