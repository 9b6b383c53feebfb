"""The review threshold: set by hand, chosen for a target risk, or the card's own."""

from __future__ import annotations

import csv
import io
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import batchdigits
from batchdigits.engines.local import predict
from batchdigits.files.sources import find
from batchdigits.inference.choose import CONTEXT_NETWORK, PRETRAINED
from batchdigits.inference.model_file import read_card, read_model_file
from batchdigits.inference.second_look import DOUBT
from tests.conftest import SAMPLES, Arrays, Run
from tests.inference.test_model_file import with_card_changes

DIGITS = SAMPLES / "digits"
IN_DOUBT = DIGITS / "3" / "as-is.png"
NETWORK = read_card(CONTEXT_NETWORK).sha256["payload"]
RISK = [
    {"threshold": 0.0, "coverage": 1.0, "images": 1000, "errors": 50},
    {"threshold": 0.5, "coverage": 0.9, "images": 900, "errors": 5},
    {"threshold": 1.0, "coverage": 0.1, "images": 100, "errors": 0},
]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The built-in model with the risk table `RISK` and a review threshold of 0.5, which looks once."""
    path = tmp_path / "m.tflite"
    changes = {"risk": RISK, "thresholds": {"review": 0.5}, "outlier_share": 0.0, "second_look": {}}
    return with_card_changes(PRETRAINED / "digits.tflite", changes, path)


def test_a_second_look_has_figures_of_its_own(run: Run, tmp_path: Path) -> None:
    second_look = {"thresholds": {"review": 1.0}, "risk": RISK, "network": NETWORK}
    changes = {"thresholds": {"review": 0.0}, "risk": (), "outlier_share": 0.0, "second_look": second_look}
    model = with_card_changes(PRETRAINED / "digits.tflite", changes, tmp_path / "m.tflite")
    twice, once = (run("classify", DIGITS, "--model", model, *options) for options in ((), ("--no-second-look",)))
    assert statuses(twice.stdout)["review"] > 0
    assert statuses(once.stdout)["review"] == 0
    risk = "classify", DIGITS, "--model", model, "--target-risk", "7%"
    assert run(*risk).exit_code == 0
    assert "no risk table" in run(*risk, "--no-second-look").stderr
    for again, status in ((None, "review"), (True, "review"), (False, "ok")):
        rows = batchdigits.classify(DIGITS, model=model, second_look=again)
        assert (
            Counter(row.status for row in rows) == batchdigits.evaluate(DIGITS, model=model, second_look=again).statuses
        )
        assert next(batchdigits.classify(IN_DOUBT, model=model, second_look=again)).status == status
        assert batchdigits.Classifier(model, second_look=again).classify(IN_DOUBT).status == status


def test_a_second_look_of_another_network_is_refused(run: Run, tmp_path: Path) -> None:
    second_look = {"thresholds": {"review": 0.5}, "risk": RISK, "network": "0" * 64}
    model = with_card_changes(PRETRAINED / "digits.tflite", {"second_look": second_look}, tmp_path / "m.tflite")
    refused = run("classify", DIGITS, "--model", model, "-o", tmp_path / "out.csv")
    assert refused.exit_code == 1
    assert f"{model}: its second look was measured with another network" in refused.stderr
    assert not (tmp_path / "out.csv").exists()
    assert run("classify", DIGITS, "--model", model, "--no-second-look").exit_code == 0


def test_a_second_look_needs_the_ten_digits(run: Run, tmp_path: Path) -> None:
    changes: dict[str, object] = {"labels": [*"123456789", "x"], "second_look": {}}
    model = with_card_changes(PRETRAINED / "digits.tflite", changes, tmp_path / "m.tflite")
    refused = run("classify", DIGITS, "--model", model, "--second-look", "-o", tmp_path / "out.csv")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.endswith("a second look needs a model whose labels are 0 to 9, in this order\n")
    assert not (tmp_path / "out.csv").exists()


def test_no_risk_is_promised_of_a_second_look_that_was_not_measured(run: Run) -> None:
    tiny = "classify", DIGITS, "--model", "tiny", "--target-risk", "2%"
    assert run(*tiny).exit_code == 0
    assert "no risk table" in run(*tiny, "--second-look").stderr


def statuses(output: str) -> Counter[str]:
    return Counter(row["status"] for row in csv.DictReader(io.StringIO(output)))


def test_the_cards_own_threshold_is_the_default(run: Run, tmp_path: Path) -> None:
    changes: dict[str, object] = {"thresholds": {"review": 1.0}, "second_look": {}}
    model = with_card_changes(PRETRAINED / "digits.tflite", changes, tmp_path / "m.tflite")
    result = run("classify", DIGITS, "--model", model)
    assert result.exit_code == 0
    assert statuses(result.stdout)["review"] > 0
    assert "review" in result.stderr


def test_min_confidence_sets_the_threshold(run: Run, model: Path) -> None:
    predictions = predict(find([str(DIGITS)]), read_model_file(model))
    lowest, second, *_ = sorted(p.score for p in predictions if p.score is not None)
    for threshold, reviewed in ((0, 0), ((lowest + second) / 2, 1)):
        result = run("classify", DIGITS, "--model", model, "--min-confidence", str(threshold))
        assert statuses(result.stdout) == Counter(review=reviewed, ok=40 - reviewed)
        assert "" not in [row["label"] for row in csv.DictReader(io.StringIO(result.stdout))]


@pytest.mark.parametrize("runtime", ["tflite", pytest.param("tensorflow", marks=pytest.mark.slow)])
def test_a_letter_is_for_review_even_with_a_high_confidence(run: Run, tmp_path: Path, runtime: str) -> None:
    letter = Image.new("L", (100, 120), 255)
    for ends in ([(25, 20), (25, 100)], [(75, 20), (75, 100)], [(25, 60), (75, 60)]):
        ImageDraw.Draw(letter).line(ends, fill=20, width=7)
    letter.save(tmp_path / "h.png")
    for options, expected in (((), ("review", "may be no digit")), (("--min-confidence", "0"), ("ok", ""))):
        result = run("classify", tmp_path / "h.png", "--runtime", runtime, *options)
        (row,) = csv.DictReader(io.StringIO(result.stdout))
        assert (row["status"], row["detail"]) == expected
        assert float(row["confidence"]) > 0.7


@pytest.mark.parametrize(("risk", "threshold"), [("7%", "0"), ("0.07", "0"), ("2%", "0.5")])
def test_target_risk_takes_the_threshold_from_the_card(run: Run, model: Path, risk: str, threshold: str) -> None:
    result = run("classify", DIGITS, "--model", model, "--target-risk", risk)
    assert result.exit_code == 0
    assert f"review threshold: {threshold}; rows with a lower score get the status review" in result.stderr
    by_hand = run("classify", DIGITS, "--model", model, "--min-confidence", threshold)
    assert by_hand.stdout == result.stdout


def test_a_risk_that_the_data_does_not_support_is_an_error(run: Run, model: Path, tmp_path: Path) -> None:
    result = run("classify", DIGITS, "--model", model, "--target-risk", "0.1%", "-o", tmp_path / "out.csv")
    assert result.exit_code == 1
    assert "supports no risk under" in result.stderr
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("classify . --target-risk 5", "'5' is not a share such as 5% or 0.05"),
        ("classify . --target-risk 0,5%", "'0,5%' is not a share such as 5% or 0.05"),
        ("classify . --target-risk 500%", "'500%' is not a share such as 5% or 0.05"),
        ("classify . --target-risk 0%", "'0%' is not a share such as 5% or 0.05"),
        ("classify . --target-risk 1% --outlier-share 5%%", "'5%%' is not a share such as 5% or 0.05"),
        ("read . --min-confidence 90", "'90' is not a share such as 5% or 0.05"),
        ("train --dropout 100%", "'100%' is not a share such as 5% or 0.05"),
        ("audit rows.csv --show-at-most 2", "'2' is not a ratio such as 2/1000 or a share such as 0.2%"),
        ("audit rows.csv --show-at-most 2/1,000", "'2/1,000' is not a ratio such as 2/1000 or a share such as 0.2%"),
        ("audit rows.csv --show-at-most 2/0", "'2/0' is not a ratio such as 2/1000 or a share such as 0.2%"),
        ("classify . --timeout 60s", "'60s' is not a number from 0 to 86400"),
        ("train --learning-rate 0", "'0' is not a number over 0 to 10"),
        ("export --tflite --min-agreement nan", "'nan' is not a number from 0 to 100"),
    ],
)
def test_a_share_or_number_that_is_none_says_what_to_type(run: Run, command: str, message: str) -> None:
    result = run(*command.split())
    assert result.exit_code == 2
    assert result.stderr.endswith(f": {message}.\n")


@pytest.mark.parametrize("text", ["90%", " 90 % ", "0.9", ".9"])
def test_a_share_may_be_given_in_percent(run: Run, text: str) -> None:
    by_number = run("classify", DIGITS, "--min-confidence", "0.9")
    assert statuses(by_number.stdout)["review"]
    assert run("classify", DIGITS, "--min-confidence", text).stdout == by_number.stdout


@pytest.mark.parametrize(
    "options",
    [
        ("--target-risk", "0"),
        ("--target-risk", "100%"),
        ("--target-risk", "few"),
        ("--min-confidence", "2"),
        ("--min-confidence", "nan"),
        ("--min-confidence", "0.9", "--target-risk", "1%"),
        ("--outlier-share", "1%"),
        ("--target-risk", "1%", "--outlier-share", "100%"),
        ("--target-risk", "1%", "--outlier-share", "-1%"),
    ],
)
def test_a_bad_threshold_destroys_nothing(run: Run, tmp_path: Path, options: tuple[str, ...]) -> None:
    output = tmp_path / "out.csv"
    output.write_text("precious")
    assert run("classify", DIGITS, "-o", output, *options).exit_code == 2
    assert output.read_text() == "precious"


def test_every_new_model_has_a_risk_table_and_a_threshold(trained: Path) -> None:
    card = read_card(trained)
    assert 0 < card.thresholds["review"] < 1
    assert card.risk[0]["coverage"] == 1
    assert card.temperature > 0


def test_with_more_outliers_the_threshold_of_a_target_risk_is_higher(run: Run) -> None:
    thresholds = []
    for options in (("--outlier-share", "0"), (), ("--outlier-share", "5%")):
        result = run("classify", DIGITS, "--target-risk", "0.3%", *options)
        assert result.exit_code == 0
        thresholds.append(float(result.stderr.partition("review threshold: ")[2].partition(";")[0]))
    assert thresholds[0] < thresholds[1] < thresholds[2]


def test_the_status_follows_from_the_score_as_it_is_written(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(run("classify", DIGITS).stdout)))
    middle = sorted(row["score"] for row in rows if row["score"])[len(rows) // 2]
    again = csv.DictReader(io.StringIO(run("classify", DIGITS, "--min-confidence", middle).stdout))
    statuses = [(row["score"], row["status"]) for row in again]
    assert statuses == [(row["score"], "ok" if row["score"] >= middle else "review") for row in rows]
    assert {status for _, status in statuses} == {"ok", "review"}


def test_an_image_in_doubt_is_looked_at_again_unless_told_not_to(run: Run, tmp_path: Path, small_mnist: Arrays) -> None:
    for number, (one, other) in enumerate(pairwise(small_mnist["x_test"][:20])):  # two digits on top of each other
        Image.fromarray(np.maximum(one, other)).save(tmp_path / f"{number}.png")
    twice, once = (
        list(csv.DictReader(io.StringIO(run("classify", tmp_path, *options).stdout)))
        for options in ((), ("--no-second-look",))
    )
    differ = [a["score"] != b["score"] for a, b in zip(twice, once, strict=True)]
    assert any(differ)
    assert differ == [float(row["score"]) < DOUBT for row in once]
    assert [row["label"] for row in batchdigits_rows(tmp_path, True)] == [row["label"] for row in twice]
    assert [row["score"] for row in batchdigits_rows(tmp_path, False)] == [row["score"] for row in once]


def batchdigits_rows(folder: Path, second_look: bool) -> list[dict[str, str]]:
    """The labels and scores that Python's `classify` and `Classifier` both give."""
    rows = list(batchdigits.classify(folder, second_look=second_look))
    classifier = batchdigits.Classifier(second_look=second_look)
    alone = classifier.classify_many([row.path for row in rows])
    assert [(row.label, row.score) for row in alone] == [(row.label, row.score) for row in rows]
    return [{"label": row.label, "score": f"{row.score:.6f}"} for row in rows]
