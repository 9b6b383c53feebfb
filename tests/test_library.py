"""import batchdigits: classify() for programs."""

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
    predictions = batchdigits.classify(SAMPLES / "digits" / "3")
    assert isinstance(predictions, GeneratorType)
    assert not children()
    first = next(predictions)
    assert isinstance(first, batchdigits.Prediction)
    assert (first.label, first.status) == ("3", batchdigits.Status.OK)
    assert first.confidence is not None and 0.5 < first.confidence <= 1
    rest = list(predictions)
    assert [one.path for one in (first, *rest)] == [str(SAMPLES / f"digits/3/{name}") for name in names("3")]
    assert not children()


def names(digit: str) -> list[str]:
    return sorted(path.name for path in (SAMPLES / "digits" / digit).iterdir())


def test_several_paths_a_string_among_them_and_options() -> None:
    paths = [str(SAMPLES / "digits" / "7" / "as-is.png"), SAMPLES / "broken" / "empty.png"]
    model = PRETRAINED / "digits.tflite"
    seven, empty = batchdigits.classify(paths, model=model, ink="light", probabilities=True, timeout=0, jobs=1)
    assert seven.label == "7"
    assert sum(seven.probabilities.values()) == pytest.approx(1)
    assert max(seven.probabilities.values()) == seven.probabilities["7"] == seven.confidence
    assert (empty.status, empty.probabilities) == (batchdigits.Status.ERROR, {})


@pytest.mark.parametrize(
    "option",
    [{"ink": "red"}, {"timeout": -1.0}, {"timeout": float("nan")}, {"timeout": float("inf")}],
)
def test_an_option_that_there_is_not(option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(option))):
        batchdigits.classify(SAMPLES, **option)


def test_a_bad_model_is_told_at_the_first_step() -> None:
    predictions = batchdigits.classify(SAMPLES, model="none.tflite")
    with pytest.raises(ModelFileError, match="no such model file"):
        next(predictions)


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


def test_there_is_nothing_else() -> None:
    with pytest.raises(AttributeError):
        batchdigits.clasify  # noqa: B018
