"""Networks with weights of 4 bits: their C sources are exact, and small enough for a small microcontroller."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from batchdigits.datasets import load
from batchdigits.device import arithmetic
from batchdigits.device.layers import Layer, Window, read_layers
from batchdigits.device.packed import LEVELS, is_packable, packed_layers
from batchdigits.device.write import TEMPLATES, c_sources, write_sources
from batchdigits.errors import BatchdigitsError
from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.model_file import ModelFile, read_model_file
from batchdigits.inference.tensorflow_runtime import load_network
from batchdigits.learning.recipes import NANO
from batchdigits.learning.training import Training
from batchdigits.learning.weight_levels import on_levels
from tests.conftest import Arrays, Run, needs_micro
from tests.device.boards import has_library
from tests.device.test_c_sources import STRICT, check, micro_logits, needs_cc

ARM = "arm-none-eabi-gcc"
BUILT_IN = PRETRAINED / "nano.tflite"
MODEL_HEADER = "#define DIGITS_PIXELS 784\n#define DIGITS_CLASSES 10\n"


@pytest.fixture(scope="module")
def trained_nano(run_once: Run, npz_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of the recipe after a very short training."""
    output = tmp_path_factory.mktemp("nano") / "nano.keras"
    quick = ("--iterations", "8", "--batch-size", "32", "--data", npz_file)
    result = run_once("train", "--recipe", "nano", *quick, "-o", output)
    assert result.exit_code == 0, result.output
    return output


@pytest.fixture(scope="module")
def nano(run_once: Run, trained_nano: Path, npz_file: Path) -> ModelFile:
    """The same network, exported."""
    output = trained_nano.with_suffix(".tflite")
    options = ("--data", npz_file, "--min-agreement", "0", "-o", output)
    result = run_once("export", "--tflite", "--model", trained_nano, *options)
    assert result.exit_code == 0, result.output
    return read_model_file(output)


def test_training_leaves_the_weights_on_their_levels(trained_nano: Path) -> None:
    model = read_model_file(trained_nano)
    assert model.card.network == {
        "hidden": [32],
        "activation": "relu",
        "filters": [12, 24, 32],
        "kernels": [5, 3, 3],
        "strides": [2, 2, 2],
        "weight_bits": 4,
    }
    *hidden, kernel, _bias = load_network(model).get_weights()
    for array in hidden:
        assert np.array_equal(array, on_levels(array, 4))
    last = kernel / np.abs(kernel).max(axis=0) * 15  # divided by the temperature
    assert np.allclose(last, np.rint(last), atol=1e-4)


def test_a_restored_training_has_the_same_network(npz_file: Path) -> None:
    splits, recipe = load(npz_file), replace(NANO, batch_size=16, iterations=3)
    first, second = Training(recipe, splits, 1), Training(recipe, splits, 2)
    list(first.run())
    second.restore(first.state())
    for one, other in zip(first.network.get_weights(), second.network.get_weights(), strict=True):
        assert np.array_equal(one, other)
    average = second.state()["network_0"].astype(np.float32)
    assert not np.array_equal(average, on_levels(average, 4))  # it is moved in `network` alone


@pytest.mark.slow
def test_fine_tuning_keeps_the_levels(run: Run, trained_nano: Path, npz_file: Path, tmp_path: Path) -> None:
    quick = ("--iterations", "2", "--batch-size", "16", "--data", npz_file)
    result = run("train", "--init", trained_nano, *quick, "-o", tmp_path / "m.keras")
    assert result.exit_code == 0, result.output
    model = read_model_file(tmp_path / "m.keras")
    assert model.card.network == read_model_file(trained_nano).card.network
    first = load_network(model).get_weights()[0]
    assert np.array_equal(first, on_levels(first, 4))


def test_the_export_is_packable_and_every_command_takes_it(run: Run, nano: ModelFile) -> None:
    assert is_packable(read_layers(nano.payload))
    assert run("classify", "samples/digits/3", "--model", nano.path).exit_code == 0
    assert run("benchmark", nano.path, "--seconds", "0").exit_code == 0
    shown = run("inspect", nano.path)
    assert "784-*12-*24-*32-32-10 relu, weights of 4 bits" in shown.stdout
    assert re.search(r"CONV_2D +3", shown.stdout)


@needs_micro
def test_python_computes_the_logits_of_tflite_micro(nano: ModelFile, npz_file: Path) -> None:
    glyphs = load(npz_file).train.glyphs[:100]
    assert np.array_equal(arithmetic.run(read_layers(nano.payload), glyphs), micro_logits(nano, glyphs))


@needs_cc
def test_the_c_sources_give_the_golden_vectors(nano: ModelFile, tmp_path: Path) -> None:
    sources = c_sources(nano)
    write_sources(sources, tmp_path)
    assert check(tmp_path).stdout.splitlines()[-1] == "20 of 20 golden vectors hold"
    assert "digits_nano.c" not in sources
    assert sources["digits_network.c"] == (TEMPLATES / "digits_nano.c").read_text()


@needs_cc
def test_the_model_of_the_package_gives_the_golden_vectors(tmp_path: Path) -> None:
    write_sources(c_sources(read_model_file(BUILT_IN)), tmp_path)
    assert check(tmp_path).stdout.splitlines()[-1] == "20 of 20 golden vectors hold"


@needs_micro
def test_python_computes_the_logits_of_the_model_of_the_package(small_mnist: Arrays) -> None:
    model, glyphs = read_model_file(BUILT_IN), small_mnist["x_test"]
    assert np.array_equal(arithmetic.run(read_layers(model.payload), glyphs), micro_logits(model, glyphs))


@pytest.mark.skipif(not has_library(ARM, "-mcpu=cortex-m0plus", "-mthumb"), reason="no cross compiler here")
def test_network_and_weights_fit_16_kb_of_flash_and_2_kb_of_memory(tmp_path: Path) -> None:
    write_sources(c_sources(read_model_file(BUILT_IN)), tmp_path)
    (tmp_path / "main.c").write_text(MAIN)
    options = ["-std=c99", "-Os", "-mcpu=cortex-m0plus", "-mthumb", "-fstack-usage", "-nostartfiles", "-Wl,-e,main"]
    command = [ARM, *options, "main.c", "digits_network.c", "-o", "nano.elf"]
    subprocess.run(command, cwd=tmp_path, check=True)
    size = ["arm-none-eabi-size", "nano.elf"]
    text, data, bss = subprocess.run(size, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split()[6:9]
    assert int(text) + int(data) <= 16 << 10
    frames = [
        int(frame) for file in tmp_path.glob("*.su") for frame in re.findall(r"\t(\d+)\tstatic", file.read_text())
    ]
    assert len(frames) >= 3
    assert int(bss) - 784 + sum(frames) <= 2 << 10  # as if every function called the others; the caller has the glyph


MAIN = """
#include "digits_network.h"
volatile uint8_t glyph[784];
int main(void) {
    int8_t logits[10];
    digits_run((const uint8_t *)glyph, logits);
    return digits_best(logits);
}
"""


def layers_of(windows: list[Window], widths: list[int], seed: int) -> list[Layer]:
    """Random packable layers: convolutions, then fully connected ones of these widths (inputs first)."""
    rng = np.random.default_rng(seed)
    channels = [window.channels for window in windows[1:]]
    filters = [*channels, widths[0] // windows[-1].output_side ** 2] if windows else []
    convolutions = zip(filters, windows, strict=True)
    shapes: list[tuple[int, int, Window | None]] = [(n, one.kernel**2 * one.channels, one) for n, one in convolutions]
    shapes += [(units, inputs, None) for inputs, units in pairwise(widths)]
    return [
        Layer(
            weights=rng.choice(LEVELS, (units, inputs)),
            biases=rng.integers(-9999, 9999, units, dtype=np.int32),
            multipliers=np.full(units, rng.integers(1 << 30, (1 << 31) - 1), np.int32),
            shifts=rng.integers(-10, -7, units, dtype=np.int32),
            input_zero=-128,
            output_zero=-128 if number < len(shapes) - 1 else 3,
            output_min=-128,
            window=window,
        )
        for number, (units, inputs, window) in enumerate(shapes)
    ]


NETWORKS = {
    "no convolution": ([], [784, 33, 17, 10]),
    "one layer": ([], [784, 10]),
    "one convolution": ([Window(28, 1, 5, 2)], [196 * 3, 600, 10]),
    "two strides": ([Window(28, 1, 3, 1), Window(28, 2, 5, 2), Window(14, 3, 3, 1)], [196 * 5, 10]),
    "odd sides": ([Window(28, 1, 5, 2), Window(14, 3, 3, 2), Window(7, 5, 3, 2), Window(4, 4, 5, 2)], [4 * 7, 9, 10]),
}


@needs_cc
@pytest.mark.parametrize("name", NETWORKS)
def test_packed_networks_of_other_shapes_give_the_same_logits(name: str, tmp_path: Path) -> None:
    layers = layers_of(*NETWORKS[name], seed=len(name))
    glyphs = np.random.default_rng(1).integers(0, 256, (20, 28, 28), dtype=np.uint8)
    assert is_packable(layers)
    expected = arithmetic.run(layers, glyphs)
    assert len(np.unique(expected)) > 20
    assert np.array_equal(_run_in_c(layers, glyphs, tmp_path), expected)


def _run_in_c(layers: list[Layer], glyphs: NDArray[np.uint8], folder: Path) -> NDArray[np.int8]:
    write_sources({"digits_layers.h": packed_layers(layers), "digits_model.h": MODEL_HEADER}, folder)
    for name in ("digits_nano.c", "digits_network.h", "digits_scale.h"):
        shutil.copy(TEMPLATES / name, folder)
    subprocess.run([*STRICT, "-shared", "-fPIC", "digits_nano.c", "-o", "nano.so"], cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "nano.so"))
    logits = np.zeros((len(glyphs), 10), np.int8)
    for glyph, row in zip(glyphs, logits, strict=True):
        library.digits_run(ctypes.c_void_p(glyph.ctypes.data), ctypes.c_void_p(row.ctypes.data))
    return logits


@needs_cc
def test_convolutions_with_other_weights_are_written_as_those_of_8_bits(nano: ModelFile, tmp_path: Path) -> None:
    payload = nano.payload
    for layer in read_layers(payload):
        payload = payload.replace(layer.weights.tobytes(), (layer.weights // 2).tobytes())
    layers = read_layers(payload)
    assert layers[0].window
    assert not is_packable(layers)
    write_sources(c_sources(replace(nano, payload=payload)), tmp_path)
    assert check(tmp_path).returncode == 0


def test_a_layer_that_cannot_be_packed() -> None:
    layers = layers_of(*NETWORKS["no convolution"], seed=0)
    first, second, last = layers
    for other in (
        first._replace(weights=first.weights + np.int8(1)),
        first._replace(multipliers=np.arange(1 << 30, (1 << 30) + 33, dtype=np.int32)),
        first._replace(output_zero=0),
        first._replace(output_min=0),
        first._replace(input_zero=0),
    ):
        assert not is_packable([other, second, last])


def test_activations_of_more_than_64_kb_are_refused() -> None:
    layers = layers_of([Window(28, 1, 3, 1)], [784 * 100, 10], seed=0)
    with pytest.raises(BatchdigitsError, match="at most 65,535 bytes of activations"):
        packed_layers(layers)
