"""The parity check: an export gives the same labels as the .keras file, on every runtime that is installed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.labelled import LabelledGlyphs, Splits
from batchdigits.datasets.scans import Scans
from batchdigits.errors import BatchdigitsError
from batchdigits.inference.card import Card
from batchdigits.inference.litert_runtime import LiteRTRuntime
from batchdigits.inference.micro_runtime import MicroError, MicroRuntime
from batchdigits.inference.model_file import ModelFile
from batchdigits.inference.runtime import BATCH_SIZE, Runtime
from batchdigits.inference.tensorflow_runtime import TensorFlowRuntime
from batchdigits.learning.agreement import Agreement, compare

MIN_AGREEMENT = 0.998  # share of the images that must get the same label
# A network without activation is a product of linear maps. The rounding errors of its factors add up, and its margins
# are thin where classes overlap.
MIN_LINEAR_AGREEMENT = 0.99

LITERT, REFERENCE, MICRO = "LiteRT", "LiteRT reference", "TFLite Micro"


class ParityError(BatchdigitsError):
    """An export gives other labels than the .keras file."""


class ComparedImages(NamedTuple):
    """Glyphs to compare labels on.

    Attributes:
        name: the name of the set.
        names: the name of each glyph.
        glyphs: uint8 (N, 28, 28).
        labels: int64 (N,), indices into the classes; -1 where a label is unknown.
    """

    name: str
    names: Sequence[str]
    glyphs: NDArray[np.uint8]
    labels: NDArray[np.int64]


class ParityRow(NamedTuple):
    """The result of the parity check for one set of images on one runtime.

    Attributes:
        images: the images compared.
        runtime: LITERT, REFERENCE or MICRO.
        agreement: with the .keras file; None if the runtime cannot run the export.
        note: why the runtime cannot run the export.
        decides: whether the export fails if this row's agreement is too small.
    """

    images: ComparedImages
    runtime: str
    agreement: Agreement | None
    note: str = ""
    decides: bool = True


def default_min_agreement(card: Card) -> float:
    """The share of images (0-1) that must get the same label, by default."""
    return MIN_AGREEMENT if card.network["activation"] else MIN_LINEAR_AGREEMENT


def check_parity(keras: ModelFile, exported: ModelFile, splits: Splits, scans: Scans | None) -> list[ParityRow]:
    """Compare an export with the .keras file that it was made from.

    Args:
        keras: the .keras model file.
        exported: the .tflite model.
        splits: the validation split runs on every runtime. The test images run on LiteRT alone, and do not decide.
        scans: someone's own scans, which run on LiteRT alone, or None.

    Raises:
        BatchdigitsError: one of the two models cannot be loaded.
    """
    trained, litert = TensorFlowRuntime(keras, BATCH_SIZE), LiteRTRuntime(exported, BATCH_SIZE)
    validation, test = _split("validation", splits.validation), _split("test", splits.test)
    expected = trained.logits(validation.glyphs)
    rows = [_row(validation, name, expected, runtime) for name, runtime in _runtimes(exported, litert)]
    if scans is not None:
        own = ComparedImages("own scans", scans.names, scans.glyphs, scans.labels)
        rows.append(_row(own, LITERT, trained.logits(own.glyphs), litert))
    if len(test.labels):  # few-shot data may have none
        rows.append(_row(test, LITERT, trained.logits(test.glyphs), litert)._replace(decides=False))
    return rows


def require_agreement(rows: Sequence[ParityRow], min_agreement: float) -> None:
    """Check that at least a share (0-1) of the images gets the same label in every row that decides.

    Raises:
        ParityError: naming the first row with a smaller share.
    """
    for row in rows:
        if row.decides and row.agreement is not None and row.agreement.same_label < min_agreement:
            raise ParityError(
                f"parity check failed: under {row.runtime}, {len(row.agreement.disagreements):,} of "
                f"{row.agreement.images:,} {row.images.name} images get another label than from the .keras file; "
                f"{row.agreement.same_label:.2%} agree, and at least {min_agreement:.2%} must (--min-agreement); "
                "nothing was written"
            )


def _runtimes(exported: ModelFile, litert: Runtime) -> Iterator[tuple[str, Runtime | MicroError]]:
    yield LITERT, litert
    yield REFERENCE, LiteRTRuntime(exported, BATCH_SIZE, kernels="reference")
    try:
        yield MICRO, MicroRuntime(exported)
    except MicroError as reason:
        yield MICRO, reason


def _row(images: ComparedImages, name: str, expected: NDArray[np.float32], runtime: Runtime | MicroError) -> ParityRow:
    if isinstance(runtime, MicroError):
        return ParityRow(images, name, None, str(runtime))
    return ParityRow(images, name, compare(expected, runtime.logits(images.glyphs), images.labels))


def _split(name: str, data: LabelledGlyphs) -> ComparedImages:
    return ComparedImages(name, [f"{name} {number}" for number in range(len(data))], data.glyphs, data.labels)
