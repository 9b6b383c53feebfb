from __future__ import annotations

import re
from itertools import product

import pytest

from batchdigits.errors import OptionError
from batchdigits.inference.micro_runtime import UNSUPPORTED_MODES
from batchdigits.learning.export_options import InputType, OutputType, Quantize, export_options
from tests.conftest import ROOT

PAGE = (ROOT / "docs/explanation/export.md").read_text()
COMBINATIONS = PAGE.partition("## What combines")[2].partition("\n## ")[0]
TABLE = re.findall(r"^\| `(\w+)`(?: \(default\))? \|(.*)\|$", COMBINATIONS, re.M)
FLOATS = ("none", "float16", "dynamic", "int16x8")


@pytest.mark.parametrize("quantize", FLOATS)
def test_modes_other_than_int8_have_float32_inputs_and_outputs(quantize: Quantize) -> None:
    options = export_options(quantize)
    assert (options.input_type, options.output_type) == ("float32", "float32")
    assert export_options(quantize, "float32", "float32") == options


def test_int8_has_int8_inputs_and_outputs_by_default() -> None:
    options = export_options()
    assert (options.quantize, options.input_type, options.output_type) == ("int8", "int8", "int8")
    assert (options.head, options.batch, options.per_tensor) == ("logits", "1", False)
    inputs: tuple[InputType, ...] = ("uint8", "int8", "float32")
    outputs: tuple[OutputType, ...] = ("int8", "float32")
    for entry, exit_ in product(inputs, outputs):
        options = export_options("int8", entry, exit_)
        assert (options.input_type, options.output_type) == (entry, exit_)


@pytest.mark.parametrize("quantize", FLOATS)
def test_integer_inputs_and_outputs_need_int8(quantize: Quantize) -> None:
    with pytest.raises(OptionError, match=f"--input-type uint8 needs --quantize int8; {quantize} takes"):
        export_options(quantize, "uint8")
    with pytest.raises(OptionError, match=f"--input-type int8 needs --quantize int8; {quantize} takes"):
        export_options(quantize, "int8")
    with pytest.raises(OptionError, match=f"--output-type int8 needs --quantize int8; {quantize} takes"):
        export_options(quantize, None, "int8")


def test_per_tensor_needs_scales() -> None:
    for quantize in ("int8", "int16x8", "dynamic"):
        assert export_options(quantize, per_tensor=True).per_tensor
    for quantize in ("none", "float16"):
        with pytest.raises(OptionError, match=f"--per-tensor needs .*{quantize} has no scales"):
            export_options(quantize, per_tensor=True)  # type: ignore[arg-type]


def test_the_documented_table_lists_the_options_that_go_together() -> None:
    assert [mode for mode, _ in TABLE] == ["none", "float16", "dynamic", "int8", "int16x8"]
    for mode, cells in TABLE:
        _, _, inputs, outputs, per_tensor, calibrate, micro, _ = (cell.strip() for cell in cells.split("|"))
        assert {kind for kind in ("uint8", "int8", "float32") if _combines(mode, input_type=kind)} == _kinds(inputs)
        assert {kind for kind in ("int8", "float32") if _combines(mode, output_type=kind)} == _kinds(outputs)
        assert _combines(mode, per_tensor=True) == (per_tensor == "yes")
        assert export_options(mode).has_activation_ranges == (calibrate == "yes")
        assert (mode not in UNSUPPORTED_MODES) == (micro == "yes")
        assert f"**{export_options(mode).input_type}**" in inputs or "," not in inputs


def _combines(mode: str, **given: object) -> bool:
    try:
        export_options(mode, **given)  # type: ignore[arg-type]
    except OptionError:
        return False
    return True


def _kinds(cell: str) -> set[str]:
    return set(cell.replace("*", "").split(", "))
