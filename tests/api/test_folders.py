"""batchdigits.classify: folders and files, from Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import GeneratorType
from typing import Any

import pytest

import batchdigits
from batchdigits.errors import ModelFileError
from batchdigits.inference.choose import PRETRAINED
from tests.conftest import SAMPLES
from tests.engines.helpers import environment
from tests.engines.test_supervisor import children


def test_typed_predictions_lazily_and_in_order() -> None:
    predictions = batchdigits.classify(SAMPLES / "digits" / "7")
    assert isinstance(predictions, GeneratorType)
    assert not children()
    first = next(predictions)
    assert isinstance(first, batchdigits.Prediction)
    assert (first.label, first.status) == ("7", batchdigits.Status.OK)
    assert first.confidence is not None and 0.5 < first.confidence <= 1
    rest = list(predictions)
    assert [one.path for one in (first, *rest)] == [str(SAMPLES / f"digits/7/{name}") for name in names("7")]
    assert not children()


def names(digit: str) -> list[str]:
    return sorted(path.name for path in (SAMPLES / "digits" / digit).iterdir())


def test_several_paths_a_string_among_them_and_options() -> None:
    paths: list[str | Path] = [str(SAMPLES / "digits" / "7" / "as-is.png"), SAMPLES / "broken" / "empty.png"]
    model = PRETRAINED / "digits.tflite"
    seven, empty = batchdigits.classify(paths, model=model, ink="light", probabilities=True, timeout=0, jobs=1)
    assert seven.label == "7"
    assert sum(seven.probabilities.values()) == pytest.approx(1)
    assert max(seven.probabilities.values()) == seven.probabilities["7"] == seven.confidence
    assert (empty.status, empty.probabilities) == (batchdigits.Status.ERROR, {})


@pytest.mark.parametrize(
    "option",
    [
        {"ink": "red"},
        {"timeout": -1.0},
        {"timeout": float("nan")},
        {"timeout": float("inf")},
        {"jobs": 0},
        {"batch_size": 0},
        {"min_confidence": 1.5},
        {"min_confidence": float("nan")},
        {"target_risk": 0.0},
        {"target_risk": 1.0},
        {"min_confidence": 0.5, "target_risk": 0.01},
    ],
)
def test_an_argument_out_of_range_is_refused_at_once(option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(option))):
        batchdigits.classify(SAMPLES, **option)


@pytest.mark.parametrize(("paths", "model"), [(7, None), (b"x", None), (None, None), ("x", 7)])
def test_wrong_types_are_refused_at_once(paths: Any, model: Any) -> None:
    with pytest.raises(TypeError, match="path"):
        batchdigits.classify(paths, model=model)


@pytest.mark.parametrize(
    "option",
    [
        {"include": "*.png"},  # whose * would match every file
        {"exclude": "*.png"},
        {"include": 7},
        {"exclude": None},
        {"jobs": "2"},
        {"batch_size": 2.5},
        {"batch_size": None},
        {"timeout": "3"},
        {"timeout": None},
        {"recursive": "no"},
        {"min_confidence": "0.5"},
        {"target_risk": "1%"},
        {"target_risk": 0.1, "outlier_share": "0"},
    ],
)
def test_an_option_of_another_type_is_named_at_once(option: dict[str, Any]) -> None:
    kinds = "an iterable of texts|a whole number|a number|True or False"
    with pytest.raises(TypeError, match=f"{list(option)[-1]} is ({kinds}), not"):
        batchdigits.classify(SAMPLES, **option)


def test_a_wrong_path_among_several_is_refused_when_it_is_reached() -> None:
    with pytest.raises(TypeError, match=r"a path is a str or os\.PathLike, not int"):
        list(batchdigits.classify([SAMPLES / "digits" / "3", 7]))  # type: ignore[list-item]


def test_a_bad_model_is_refused_at_once() -> None:
    with pytest.raises(ModelFileError, match="no such model file"):
        batchdigits.classify(SAMPLES, model="none.tflite")


def test_the_model_does_not_depend_on_the_current_folder(in_empty_folder: Path) -> None:
    exports = in_empty_folder / "exports"
    exports.mkdir()
    (exports / "digits.tflite").write_bytes(b"broken")
    assert next(batchdigits.classify(SAMPLES / "digits" / "3")).label == "3"
    with pytest.raises(ModelFileError):
        batchdigits.classify(SAMPLES / "digits" / "3", model="exports/digits.tflite")


def test_a_threshold_decides_what_is_for_review() -> None:
    (sure,) = batchdigits.classify(SAMPLES / "digits/3/as-is.png", min_confidence=0.0)
    (unsure,) = batchdigits.classify(SAMPLES / "digits/3/as-is.png", min_confidence=1.0)
    assert (sure.status, unsure.status) == ("ok", "review")
    with pytest.raises(batchdigits.BatchdigitsError, match="supports no risk under"):
        batchdigits.classify(SAMPLES, target_risk=1e-9)


def test_a_filter_decides_which_files_are_classified() -> None:
    labels = [one.label for one in batchdigits.classify(SAMPLES / "digits", include=["as-is*"], exclude=["[1-9]"])]
    assert labels == ["0"]
    assert list(batchdigits.classify(SAMPLES / "digits", recursive=False)) == []


def test_a_script_needs_no_main_guard_and_importing_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        "import sys, batchdigits\n"
        "assert 'numpy' not in sys.modules\n"
        f"for p in batchdigits.classify({str(SAMPLES / 'digits' / '1')!r}):\n"
        "    print(p.label)\n"
    )
    line = [sys.executable, "script.py"]
    result = subprocess.run(line, cwd=tmp_path, capture_output=True, check=False, text=True, env=environment())
    assert result.stdout.split() == ["1"] * len(names("1"))
    assert result.stderr == ""


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        batchdigits.clasify  # noqa: B018
