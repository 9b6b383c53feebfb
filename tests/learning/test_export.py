"""The converter makes the file that the options ask for, and the parity check finds labels that changed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from batchdigits.datasets import load
from batchdigits.errors import BatchdigitsError, ModelFileError
from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.decide import softmax
from batchdigits.inference.flatbuffer import read_graph
from batchdigits.inference.litert_runtime import LiteRTRuntime
from batchdigits.inference.load import load_runtime
from batchdigits.inference.micro_runtime import MicroError, MicroRuntime, needed_arena
from batchdigits.inference.model_file import ModelFile, read_model_file
from batchdigits.learning import convert as convert_module
from batchdigits.learning.export import convert_model, prepare_export, write_export
from batchdigits.learning.export_options import ExportOptions, export_options
from batchdigits.learning.parity_check import (
    MIN_AGREEMENT,
    MIN_LINEAR_AGREEMENT,
    ParityError,
    check_parity,
    default_min_agreement,
    require_agreement,
)
from batchdigits.learning.representative_dataset import GLYPHS_PER_CLASS, representative_glyphs
from tests.conftest import ROOT, Arrays, needs_micro

NO_GLYPHS = np.empty((0, 28, 28), np.uint8)  # enough for modes whose ranges no glyphs set
OPTIONS = {
    "none": export_options("none"),
    "none-dynamic-probabilities": export_options("none", head="probabilities", batch="dynamic"),
    "float16": export_options("float16"),
    "dynamic": export_options("dynamic", batch="dynamic"),
    "dynamic-per-tensor": export_options("dynamic", per_tensor=True),
    "int8": export_options("int8"),
    "int8-dynamic-batch": export_options("int8", batch="dynamic"),
    "int8-per-tensor": export_options("int8", per_tensor=True),
    "int8-uint8-float32": export_options("int8", "uint8", "float32"),
    "int8-float32-int8": export_options("int8", "float32", "int8"),
    "int8-probabilities": export_options("int8", head="probabilities"),
    "int8-uint8-probabilities": export_options("int8", "uint8", "float32", head="probabilities", batch="dynamic"),
    "int16x8": export_options("int16x8"),
    "int16x8-per-tensor-probabilities": export_options("int16x8", head="probabilities", per_tensor=True),
}


@pytest.fixture(scope="module")
def glyphs(npz_file: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return load(npz_file).test.glyphs


@pytest.fixture(scope="module")
def keras(trained: Path) -> ModelFile:
    return read_model_file(trained)


@pytest.fixture(scope="module", params=OPTIONS, ids=str)
def exported(request: pytest.FixtureRequest, keras: ModelFile, npz_file: Path) -> tuple[ExportOptions, ModelFile]:
    options = OPTIONS[request.param]
    return options, convert_model(keras, options, representative_glyphs(load(npz_file).train, 20), Path("m.tflite"))


def test_the_file_is_what_the_options_ask_for(exported: tuple[ExportOptions, ModelFile]) -> None:
    options, model = exported
    graph = read_graph(model.payload)
    entry, exit_ = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    batch = 1 if options.batch == "1" else -1
    assert (entry.name, entry.type, entry.shape) == ("glyph", options.input_type, (batch, 784))
    assert (exit_.name, exit_.type, exit_.shape) == (options.head, options.output_type, (batch, 10))
    assert graph.signatures == {"serving_default": (("glyph",), (options.head,))}
    assert ("SOFTMAX" in {operator.name for operator in graph.operators}) == (options.head == "probabilities")
    scales = {len(tensor.scales) for tensor in graph.tensors if len(tensor.shape) == 2 and tensor.data.size}
    if options.quantize == "dynamic":  # leaves matrices of under 1,024 weights in float32
        scales -= {0}
    widths = {32} if options.quantize == "dynamic" else {32, 16, 10}
    assert scales == ({0} if options.quantize in ("none", "float16") else {1} if options.per_tensor else widths)
    assert model.card.rejects == (options.head == "logits")  # as the .keras does; probabilities cannot say it
    assert model.card.quantization == {
        **options.as_quantization(),
        "calibration_glyphs": 400 if options.has_activation_ranges else 0,
    }


def test_the_oldest_runtime_is_the_one_in_the_documentation(exported: tuple[ExportOptions, ModelFile]) -> None:
    options, model = exported
    page = (ROOT / "docs/explanation/export.md").read_text()
    (stated,) = re.findall(rf"^\| `{options.quantize}` .*\| (\d+\.\d+\.\d+) \|$", page, re.MULTILINE)
    wanted = "2.3.0" if options.quantize == "dynamic" and options.per_tensor else stated
    assert read_graph(model.payload).min_runtime == wanted


def test_every_runtime_gives_the_float_models_labels(
    exported: tuple[ExportOptions, ModelFile], trained: Path, glyphs: Any
) -> None:
    options, model = exported
    expected = softmax(load_runtime(trained).logits(glyphs))
    runtimes: list[Any] = [LiteRTRuntime(model, 64), LiteRTRuntime(model, 64, kernels="reference")]
    if options.quantize not in ("float16", "dynamic"):
        try:
            runtimes.append(MicroRuntime(model))
        except MicroError as error:
            assert "not installed" in str(error)
    for runtime in runtimes:
        found = softmax(runtime.logits(glyphs))
        assert np.abs(found - expected).max() < 0.1
        assert np.mean(found.argmax(1) == expected.argmax(1)) >= 0.98


def test_a_signature_runner_knows_the_names_of_input_and_output(exported: tuple[ExportOptions, ModelFile]) -> None:
    from ai_edge_litert.interpreter import Interpreter

    options, model = exported
    runner = Interpreter(model_content=model.payload).get_signature_runner()
    dtype = np.dtype(options.input_type)
    assert set(runner(glyph=np.zeros((1, 784), dtype))) == {options.head}


def test_batch_1_and_dynamic_give_the_same_bits(keras: ModelFile, npz_file: Path, glyphs: Any) -> None:
    representative = representative_glyphs(load(npz_file).train, 20)
    models = [
        convert_model(keras, export_options(batch=batch), representative, Path("m.tflite"))
        for batch in ("1", "dynamic")
    ]
    one, many = (LiteRTRuntime(model, 64).logits(glyphs) for model in models)
    assert np.array_equal(one, many)


def test_int8_probabilities_come_in_steps_of_1_256(keras: ModelFile, npz_file: Path) -> None:
    model = convert_model(
        keras, export_options(head="probabilities"), representative_glyphs(load(npz_file).train, 20), Path("m.tflite")
    )
    graph = read_graph(model.payload)
    exit_ = graph.tensors[graph.outputs[0]]
    assert (exit_.scales.tolist(), exit_.zero_points.tolist()) == ([1 / 256], [-128])


def test_a_converter_that_ignores_per_tensor_is_noticed(
    keras: ModelFile, npz_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure = convert_module._configure

    def ignore_per_tensor(tf: Any, converter: Any, options: ExportOptions, representative: Any) -> None:
        configure(tf, converter, replace(options, per_tensor=False), representative)

    monkeypatch.setattr(convert_module, "_configure", ignore_per_tensor)
    with pytest.raises(BatchdigitsError, match="ignores --per-tensor"):
        convert_model(
            keras, export_options(per_tensor=True), representative_glyphs(load(npz_file).train, 20), Path("m.tflite")
        )


def test_a_tensor_name_that_cannot_be_replaced_in_place_is_refused() -> None:
    with pytest.raises(BatchdigitsError, match="export cannot change"):
        convert_module._renamed(b"....", "serving_default_glyph:0", "glyph")


def test_a_blank_representative_dataset_is_refused(keras: ModelFile) -> None:
    with pytest.raises(BatchdigitsError, match=r"blank\?"):
        convert_model(keras, export_options(), np.zeros((20, 28, 28), np.uint8), Path("m.tflite"))


@pytest.mark.parametrize("quantize", ["int8", "int16x8"])
def test_a_useless_representative_dataset_fails_the_parity_check(
    keras: ModelFile, npz_file: Path, quantize: Any
) -> None:
    dots = np.zeros((20, 28, 28), np.uint8)
    dots[:, 0, 0] = 255  # blank but for one pixel, which gives the input its range
    exported = convert_model(keras, export_options(quantize), dots, Path("m.tflite"))
    rows = check_parity(keras, exported, load(npz_file), None)
    with pytest.raises(
        ParityError, match=r"parity check failed.*validation images get another label.*nothing was written"
    ):
        require_agreement(rows, 0.9)


def test_the_test_images_do_not_decide(keras: ModelFile, npz_file: Path) -> None:
    rows = check_parity(
        keras, convert_model(keras, export_options("none"), NO_GLYPHS, Path("m.tflite")), load(npz_file), None
    )
    assert [(row.images.name, row.decides) for row in rows][-1] == ("test", False)
    assert {row.images.name for row in rows if row.decides} == {"validation"}


def test_a_network_without_activation_needs_less_agreement_by_default(keras: ModelFile) -> None:
    assert default_min_agreement(keras.card) == MIN_AGREEMENT
    linear = replace(keras.card, network={**keras.card.network, "activation": ""})
    assert default_min_agreement(linear) == MIN_LINEAR_AGREEMENT < MIN_AGREEMENT


def test_representative_glyphs_are_balanced_and_augmented(npz_file: Path, small_mnist: Arrays) -> None:
    data = load(npz_file).train
    glyphs = representative_glyphs(data)
    count = min(GLYPHS_PER_CLASS, *np.bincount(data.labels))
    assert glyphs.shape == (2 * 10 * count, 28, 28)
    plain, deformed = glyphs[: 10 * count], glyphs[10 * count :]
    for digit in range(10):
        assert np.array_equal(plain[digit::10], data.glyphs[data.labels == digit][:count])
    assert not np.array_equal(plain, deformed)
    assert np.array_equal(glyphs, representative_glyphs(data))


@needs_micro
def test_micro_says_what_it_does_not_support(keras: ModelFile, npz_file: Path) -> None:
    for quantize in ("float16", "dynamic"):
        model = convert_model(keras, export_options(quantize), NO_GLYPHS, Path("m.tflite"))
        for use in (MicroRuntime, needed_arena):
            with pytest.raises(MicroError, match=f"does not support {quantize}"):
                use(model)


@needs_micro
def test_micro_refuses_a_network_other_than_its_card_says(keras: ModelFile) -> None:
    model = convert_model(keras, export_options("dynamic"), NO_GLYPHS, Path("m.tflite"))
    wrong = replace(model, card=replace(model.card, quantization={"mode": "int8"}))
    with pytest.raises(MicroError, match="cannot run it"):
        MicroRuntime(wrong)


@needs_micro
def test_the_arena_is_counted(keras: ModelFile, npz_file: Path) -> None:
    representative = representative_glyphs(load(npz_file).train, 20)
    arenas = [
        needed_arena(convert_model(keras, export_options(per_tensor=per_tensor), representative, Path("m")))
        for per_tensor in (False, True)
    ]
    # The arena holds the glyph and, unless per tensor, a multiplier for each unit.
    assert 784 < arenas[1] < arenas[0] < 12_000


def test_without_micro_its_row_says_so(keras: ModelFile, npz_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchdigits.inference.micro_runtime.find_spec", lambda name: None)
    rows = check_parity(
        keras, convert_model(keras, export_options("none"), NO_GLYPHS, Path("m.tflite")), load(npz_file), None
    )
    (row,) = [row for row in rows if row.agreement is None]
    assert row.runtime == "TFLite Micro"
    assert row.note.startswith("not installed (pip install tflite-micro")
    require_agreement(rows, 0.9)


def test_python_callers_prepare_check_and_write_an_export(trained: Path, npz_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "m.tflite"
    prepared = prepare_export(trained, output, export_options(), [npz_file])
    assert not output.exists()
    require_agreement(prepared.parity, 0.9)
    write_export(prepared.model, prepared.parity)
    assert read_model_file(output).card.quantization["agreement"]["test"]["images"] == 200


def test_only_a_keras_file_can_be_exported(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"only a \.keras file can be exported"):
        prepare_export(PRETRAINED / "digits.tflite", tmp_path / "m.tflite", export_options())
