import numpy as np
import pytest

from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.litert_runtime import LiteRTRuntime
from batchdigits.inference.load import MAX_SECOND_BATCH, MAX_TFLITE_BATCH, load_runtime
from batchdigits.inference.model_file import ModelFile

MODEL = PRETRAINED / "digits.tflite"


@pytest.fixture
def batch_sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The batch sizes of the LiteRT runtimes that a test loads."""
    sizes = []

    def watched(model: ModelFile, batch_size: int) -> LiteRTRuntime:
        sizes.append(batch_size)
        return LiteRTRuntime(model, batch_size)

    monkeypatch.setattr("batchdigits.inference.litert_runtime.LiteRTRuntime", watched)
    return sizes


def test_litert_gets_no_larger_batches_than_it_needs(batch_sizes: list[int]) -> None:
    """A batch that is not full takes as long as a full one."""
    glyphs = np.arange(70 * 28 * 28, dtype=np.uint8).reshape(70, 28, 28)
    few, many = (load_runtime(MODEL, size, second_look=False).logits(glyphs) for size in (7, 256))
    assert batch_sizes == [7, MAX_TFLITE_BATCH]
    assert np.array_equal(few, many)


def test_a_second_look_is_at_few_glyphs_at_a_time(batch_sizes: list[int]) -> None:
    for size in (1, 256):
        load_runtime(MODEL, size)
    assert batch_sizes == [1, 1, MAX_TFLITE_BATCH, MAX_SECOND_BATCH]
