from __future__ import annotations

import re
from itertools import product

import pytest

from batchdigits.inference.micro_runtime import UNSUPPORTED_MODES
from batchdigits.learning.export_options import CombinationError, InputType, OutputType, Quantize, choose_target
from tests.conftest import ROOT

TABLE = re.findall(r"^\| `(\w+)`(?: \(default\))? \|(.*)\|$", (ROOT / "docs/export.md").read_text(), re.M)
FLOATS = ("none", "float16", "dynamic", "int16x8")


@pytest.mark.parametrize("quantize", FLOATS)
def test_other_modes_than_int8_take_and_give_float32(quantize: Quantize) -> None:
    target = choose_target(quantize)
    assert (target.input_type, target.output_type) == ("float32", "float32")
    assert choose_target(quantize, "float32", "float32") == target


def test_int8_takes_and_gives_int8_unless_told_otherwise() -> None:
    target = choose_target()
    assert (target.quantize, target.input_type, target.output_type) == ("int8", "int8", "int8")
    assert (target.head, target.batch, target.per_tensor) == ("logits", "1", False)
    inputs: tuple[InputType, ...] = ("uint8", "int8", "float32")
    outputs: tuple[OutputType, ...] = ("int8", "float32")
    for entry, exit_ in product(inputs, outputs):
        target = choose_target("int8", entry, exit_)
        assert (target.input_type, target.output_type) == (entry, exit_)


@pytest.mark.parametrize("quantize", FLOATS)
def test_whole_numbers_at_the_ends_need_int8(quantize: Quantize) -> None:
    with pytest.raises(CombinationError, match=f"--input-type uint8 needs --quantize int8; {quantize} takes"):
        choose_target(quantize, "uint8")
    with pytest.raises(CombinationError, match=f"--input-type int8 needs --quantize int8; {quantize} takes"):
        choose_target(quantize, "int8")
    with pytest.raises(CombinationError, match=f"--output-type int8 needs --quantize int8; {quantize} takes"):
        choose_target(quantize, None, "int8")


def test_per_tensor_needs_scales() -> None:
    for quantize in ("int8", "int16x8", "dynamic"):
        assert choose_target(quantize, per_tensor=True).per_tensor  # type: ignore[arg-type]
    for quantize in ("none", "float16"):
        with pytest.raises(CombinationError, match=f"--per-tensor needs .*{quantize} has no scales"):
            choose_target(quantize, per_tensor=True)  # type: ignore[arg-type]


def test_the_documented_table_is_what_combines() -> None:
    assert [mode for mode, _ in TABLE] == ["none", "float16", "dynamic", "int8", "int16x8"]
    for mode, cells in TABLE:
        _, _, inputs, outputs, per_tensor, calibrate, micro = (cell.strip() for cell in cells.split("|"))
        assert {kind for kind in ("uint8", "int8", "float32") if _combines(mode, input_type=kind)} == _kinds(inputs)
        assert {kind for kind in ("int8", "float32") if _combines(mode, output_type=kind)} == _kinds(outputs)
        assert _combines(mode, per_tensor=True) == (per_tensor == "yes")
        assert choose_target(mode).is_calibrated == (calibrate == "yes")  # type: ignore[arg-type]
        assert (mode not in UNSUPPORTED_MODES) == (micro == "yes")
        assert f"**{choose_target(mode).input_type}**" in inputs or "," not in inputs  # type: ignore[arg-type]


def _combines(mode: str, **options: object) -> bool:
    try:
        choose_target(mode, **options)  # type: ignore[arg-type]
    except CombinationError:
        return False
    return True


def _kinds(cell: str) -> set[str]:
    return set(cell.replace("*", "").split(", "))
