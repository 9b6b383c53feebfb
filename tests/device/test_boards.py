"""The library of a package, cross-compiled and run on emulated boards; each logit of the golden vectors to the bit."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from batchdigits.device import arithmetic
from batchdigits.device.layers import read_layers
from batchdigits.device.package import package_sources
from batchdigits.device.write import golden_images, write_sources
from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.decide import scores, softmax
from batchdigits.inference.flatbuffer import read_graph
from batchdigits.inference.model_file import ModelFile, read_model_file
from batchdigits.inference.tensors import from_output
from batchdigits.vision.normalise import normalise
from tests.device.boards import BOARDS, MICROBIT, Board, build, figure, run, size

REVIEW, OK = 1, 2  # of digits_status_t
MAX_DIFFERENCE = 2e-6  # of a confidence or score in single precision, printed with six decimals


def check(lines: Sequence[Sequence[str]], model: ModelFile) -> None:
    """Compare what `board/main.c` printed for each golden vector with Python."""
    glyphs = np.stack([normalise(image)[0] for image in golden_images()[0]])
    quantized = arithmetic.run(read_layers(model.payload), glyphs)
    graph = read_graph(model.payload)
    output = graph.tensors[graph.outputs[0]]
    logits = from_output(quantized, float(output.scales[0]), int(output.zero_points[0]), "logits")
    assert len(lines) == len(logits) == 20
    for line, row, probabilities, score in zip(
        lines, quantized.tolist(), softmax(logits), scores(logits, model.card.rejects), strict=True
    ):
        assert figure(line, "difference") <= 1
        assert [int(line[i + 1]) for i, word in enumerate(line) if word == "logit"] == row
        assert line[-1] == model.card.labels[probabilities.argmax()]
        assert figure(line, "confidence") / 1e6 == pytest.approx(probabilities.max(), abs=MAX_DIFFERENCE)
        assert figure(line, "score") / 1e6 == pytest.approx(score, abs=MAX_DIFFERENCE)
        assert figure(line, "status") == (OK if score >= model.card.thresholds["review"] else REVIEW)


def package(folder: Path, name: str) -> tuple[Path, ModelFile]:
    model = read_model_file(PRETRAINED / name)
    write_sources(package_sources("cmake", model), folder)
    return folder, model


def skip_without(board: Board) -> None:
    if not board.is_here:
        pytest.skip(f"no {board.tools}gcc or no {board.emulator[0]} here")


# Of the large and the small model, three boards run one by default; `-m slow` runs the others, and the Cortex-M7.
RUNS = [
    pytest.param(board, f"{name}.tflite", id=f"{board.name}-{name}", marks=() if name == usual else pytest.mark.slow)
    for board, usual in zip(BOARDS, ("digits", "tiny", "", "digits"), strict=True)
    for name in ("digits", "tiny")
]


@pytest.mark.parametrize(("board", "name"), RUNS)
def test_a_board_gives_the_golden_vectors(board: Board, name: str, tmp_path: Path) -> None:
    skip_without(board)
    folder, model = package(tmp_path / "digits", name)
    build(board, folder, "main.c", tmp_path / "main.elf")
    lines = run(board, tmp_path / "main.elf")
    check(lines, model)
    weights = sum(layer.weights.size for layer in read_layers(model.payload))
    assert all(figure(line, "network") > weights for line in lines)  # at least one instruction for each


def test_a_board_with_16_kb_of_ram_runs_the_small_model(tmp_path: Path) -> None:
    skip_without(MICROBIT)
    folder, model = package(tmp_path / "tiny", "tiny.tflite")
    build(MICROBIT, folder, "main.c", tmp_path / "main.elf")
    check(run(MICROBIT, tmp_path / "main.elf"), model)
    assert size(MICROBIT, tmp_path / "main.elf")[0] < 256 * 1024


def test_nothing_on_the_path_is_in_double_precision_or_allocates(tmp_path: Path) -> None:
    board = BOARDS[0]
    skip_without(board)
    folder, _ = package(tmp_path / "tiny", "tiny.tflite")
    build(board, folder, "smallest.c", tmp_path / "smallest.elf")
    command = ["arm-none-eabi-nm", "--format=just-symbols", str(tmp_path / "smallest.elf")]
    symbols = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert "digits_classify" in symbols
    assert "__aeabi_fmul" in symbols
    wrong = ("__aeabi_d", "__aeabi_cd", "malloc", "_sbrk", "free")
    assert [name for name in symbols if name.startswith(wrong) and not name.startswith("__aeabi_div")] == []
