from pathlib import Path

import numpy as np
import pytest

from batchdigits.inference import load
from batchdigits.inference.choose import PRETRAINED, choose_model
from batchdigits.inference.litert_runtime import LiteRTRuntime
from batchdigits.inference.model_file import ModelFile


def test_litert_gets_no_larger_batches_than_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch that is not full takes as long as a full one."""
    sizes = []

    def watched(model: ModelFile, batch_size: int) -> LiteRTRuntime:
        sizes.append(batch_size)
        return LiteRTRuntime(model, batch_size)

    monkeypatch.setattr("batchdigits.inference.litert_runtime.LiteRTRuntime", watched)
    glyphs = np.arange(70 * 28 * 28, dtype=np.uint8).reshape(70, 28, 28)
    path: Path = choose_model("tflite")
    few, many = (load.load_runtime(path, size, second_look=False).logits(glyphs) for size in (7, 256))
    assert sizes == [7, load.MAX_TFLITE_BATCH]
    assert np.array_equal(few, many)


def test_a_second_look_is_at_few_glyphs_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def watched(model: ModelFile, batch_size: int) -> LiteRTRuntime:
        sizes.append(batch_size)
        return LiteRTRuntime(model, batch_size)

    monkeypatch.setattr("batchdigits.inference.litert_runtime.LiteRTRuntime", watched)
    for batch_size in (1, 256):
        load.load_runtime(PRETRAINED / "digits.tflite", batch_size)
    assert sizes == [1, 1, load.MAX_TFLITE_BATCH, load.MAX_SECOND_BATCH]
