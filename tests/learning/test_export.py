"""What the converter makes of a target, looked at in the file and on the runtimes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from batchdigits.datasets import load
from batchdigits.errors import BatchdigitsError
from batchdigits.inference.decide import softmax
from batchdigits.inference.flatbuffer import read_graph
from batchdigits.inference.litert_runtime import LiteRTRuntime
from batchdigits.inference.load import load_runtime
from batchdigits.inference.micro_runtime import MicroError, MicroRuntime, needed_arena
from batchdigits.inference.model_file import ModelFile, read_model_file
from batchdigits.learning import convert as convert_module
from batchdigits.learning.export import make
from batchdigits.learning.export_options import Target, choose_target
from batchdigits.learning.parity_check import (
    AGREEMENT,
    LINEAR_AGREEMENT,
    AgreementError,
    check_agreement,
    least_agreement,
    prove,
)
from batchdigits.learning.representative_dataset import PER_CLASS, varied
from tests.conftest import Arrays, needs_micro

TARGETS = {
    "none": choose_target("none"),
    "none-dynamic-probabilities": choose_target("none", head="probabilities", batch="dynamic"),
    "float16": choose_target("float16"),
    "dynamic": choose_target("dynamic", batch="dynamic"),
    "dynamic-per-tensor": choose_target("dynamic", per_tensor=True),
    "int8": choose_target("int8"),
    "int8-dynamic-batch": choose_target("int8", batch="dynamic"),
    "int8-per-tensor": choose_target("int8", per_tensor=True),
    "int8-uint8-float32": choose_target("int8", "uint8", "float32"),
    "int8-float32-int8": choose_target("int8", "float32", "int8"),
    "int8-probabilities": choose_target("int8", head="probabilities"),
    "int8-uint8-probabilities": choose_target("int8", "uint8", "float32", head="probabilities", batch="dynamic"),
    "int16x8": choose_target("int16x8"),
    "int16x8-per-tensor-probabilities": choose_target("int16x8", head="probabilities", per_tensor=True),
}


@pytest.fixture(scope="module")
def glyphs(npz_file: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return load(npz_file).test.glyphs


@pytest.fixture(scope="module")
def keras(trained: Path) -> ModelFile:
    return read_model_file(trained)


@pytest.fixture(scope="module", params=TARGETS, ids=str)
def exported(request: pytest.FixtureRequest, keras: ModelFile, npz_file: Path) -> tuple[Target, ModelFile]:
    target = TARGETS[request.param]
    return target, make(keras, target, varied(load(npz_file).train, 20), Path("m.tflite"))


def test_the_file_is_what_the_target_says(exported: tuple[Target, ModelFile]) -> None:
    target, model = exported
    graph = read_graph(model.payload)
    entry, exit_ = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    batch = 1 if target.batch == "1" else -1
    assert (entry.name, entry.type, entry.shape) == ("glyph", target.input_type, (batch, 784))
    assert (exit_.name, exit_.type, exit_.shape) == (target.head, target.output_type, (batch, 10))
    assert graph.signatures == {"serving_default": (("glyph",), (target.head,))}
    assert ("SOFTMAX" in {operator.name for operator in graph.operators}) == (target.head == "probabilities")
    scales = {len(tensor.scales) for tensor in graph.tensors if len(tensor.shape) == 2 and tensor.data.size}
    if target.quantize == "dynamic":  # leaves matrices of under 1,024 weights in float32
        scales -= {0}
    widths = {32} if target.quantize == "dynamic" else {32, 16, 10}
    assert scales == ({0} if target.quantize in ("none", "float16") else {1} if target.per_tensor else widths)
    assert model.card.rejects == (target.head == "logits")  # as the .keras does; probabilities cannot say it
    assert model.card.quantization == {**target.described(), "calibration_glyphs": 400 if target.is_calibrated else 0}


def test_every_runtime_gives_the_float_models_labels(
    exported: tuple[Target, ModelFile], trained: Path, glyphs: Any
) -> None:
    target, model = exported
    expected = softmax(load_runtime(trained).logits(glyphs))
    runtimes: list[Any] = [LiteRTRuntime(model, 64), LiteRTRuntime(model, 64, kernels="reference")]
    if target.quantize not in ("float16", "dynamic"):
        try:
            runtimes.append(MicroRuntime(model))
        except MicroError as error:
            assert "not installed" in str(error)
    for runtime in runtimes:
        found = softmax(runtime.logits(glyphs))
        assert np.abs(found - expected).max() < 0.1
        assert np.mean(found.argmax(1) == expected.argmax(1)) >= 0.98


def test_a_signature_runner_finds_its_way(exported: tuple[Target, ModelFile]) -> None:
    from ai_edge_litert.interpreter import Interpreter

    target, model = exported
    runner = Interpreter(model_content=model.payload).get_signature_runner()
    dtype = np.dtype(target.input_type)
    assert set(runner(glyph=np.zeros((1, 784), dtype))) == {target.head}


def test_batch_1_and_dynamic_give_the_same_bits(keras: ModelFile, npz_file: Path, glyphs: Any) -> None:
    calibration = varied(load(npz_file).train, 20)
    models = [make(keras, choose_target(batch=batch), calibration, Path("m.tflite")) for batch in ("1", "dynamic")]  # type: ignore[arg-type]
    one, many = (LiteRTRuntime(model, 64).logits(glyphs) for model in models)
    assert np.array_equal(one, many)


def test_int8_probabilities_come_in_steps_of_1_256(keras: ModelFile, npz_file: Path) -> None:
    model = make(keras, choose_target(head="probabilities"), varied(load(npz_file).train, 20), Path("m.tflite"))
    graph = read_graph(model.payload)
    exit_ = graph.tensors[graph.outputs[0]]
    assert (exit_.scales.tolist(), exit_.zero_points.tolist()) == ([1 / 256], [-128])


def test_a_converter_that_ignores_per_tensor_is_found_out(
    keras: ModelFile, npz_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure = convert_module._configure

    def deaf(tf: Any, converter: Any, target: Target, calibration: Any) -> None:
        configure(tf, converter, replace(target, per_tensor=False), calibration)

    monkeypatch.setattr(convert_module, "_configure", deaf)
    with pytest.raises(BatchdigitsError, match="ignores --per-tensor"):
        make(keras, choose_target(per_tensor=True), varied(load(npz_file).train, 20), Path("m.tflite"))


def test_a_name_that_cannot_be_written_in_place_is_refused() -> None:
    with pytest.raises(BatchdigitsError, match="cannot be mended"):
        convert_module._renamed(b"....", "serving_default_glyph:0", "glyph")


def test_blank_calibration_is_refused_by_the_range_of_its_input(keras: ModelFile) -> None:
    with pytest.raises(BatchdigitsError, match="are they blank"):
        make(keras, choose_target(), np.zeros((20, 28, 28), np.uint8), Path("m.tflite"))


@pytest.mark.parametrize("quantize", ["int8", "int16x8"])
def test_spoiled_calibration_does_not_pass_the_gate(keras: ModelFile, npz_file: Path, quantize: Any) -> None:
    dots = np.zeros((20, 28, 28), np.uint8)
    dots[:, 0, 0] = 255  # blank, but for the one pixel that opens the input's range
    spoiled = make(keras, choose_target(quantize), dots, Path("m.tflite"))
    proof = prove(keras, spoiled, load(npz_file), None)
    with pytest.raises(AgreementError, match=r"validation images get another label.*nothing was written"):
        check_agreement(proof, 0.9)


def test_the_test_images_decide_nothing(keras: ModelFile, npz_file: Path) -> None:
    proof = prove(keras, make(keras, choose_target("none"), np.empty(0), Path("m.tflite")), load(npz_file), None)
    assert [(row.images.name, row.counts) for row in proof][-1] == ("test", False)
    assert {row.images.name for row in proof if row.counts} == {"validation"}


def test_a_network_without_activation_has_a_default_of_its_own(keras: ModelFile) -> None:
    assert least_agreement(keras.card) == AGREEMENT
    linear = replace(keras.card, network={**keras.card.network, "activation": ""})
    assert least_agreement(linear) == LINEAR_AGREEMENT < AGREEMENT


def test_calibration_glyphs_are_balanced_and_varied(npz_file: Path, small_mnist: Arrays) -> None:
    data = load(npz_file).train
    glyphs = varied(data)
    count = min(PER_CLASS, *np.bincount(data.labels))
    assert glyphs.shape == (2 * 10 * count, 28, 28)
    plain, deformed = glyphs[: 10 * count], glyphs[10 * count :]
    for digit in range(10):
        assert np.array_equal(plain[digit::10], data.glyphs[data.labels == digit][:count])
    assert not np.array_equal(plain, deformed)
    assert np.array_equal(glyphs, varied(data))


@needs_micro
def test_micro_says_what_it_does_not_support(keras: ModelFile, npz_file: Path) -> None:
    for quantize in ("float16", "dynamic"):
        model = make(keras, choose_target(quantize), np.empty(0), Path("m.tflite"))  # type: ignore[arg-type]
        for use in (MicroRuntime, needed_arena):
            with pytest.raises(MicroError, match=f"does not support {quantize}"):
                use(model)


@needs_micro
def test_micro_says_when_it_cannot_run_what_a_card_promises(keras: ModelFile) -> None:
    model = make(keras, choose_target("dynamic"), np.empty(0), Path("m.tflite"))
    lying = replace(model, card=replace(model.card, quantization={"mode": "int8"}))
    with pytest.raises(MicroError, match="cannot run it"):
        MicroRuntime(lying)


@needs_micro
def test_the_arena_is_counted(keras: ModelFile, npz_file: Path) -> None:
    calibration = varied(load(npz_file).train, 20)
    arenas = [
        needed_arena(make(keras, choose_target(per_tensor=flat), calibration, Path("m"))) for flat in (False, True)
    ]
    assert 784 < arenas[1] < arenas[0] < 12_000  # the glyph lies in it, and a multiplier for each unit


def test_without_micro_its_row_says_so(keras: ModelFile, npz_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchdigits.inference.micro_runtime.find_spec", lambda name: None)
    proof = prove(keras, make(keras, choose_target("none"), np.empty(0), Path("m.tflite")), load(npz_file), None)
    (row,) = [row for row in proof if row.agreement is None]
    assert row.runtime == "TFLite Micro"
    assert row.note.startswith("not installed (pip install tflite-micro")
    check_agreement(proof, 0.9)
