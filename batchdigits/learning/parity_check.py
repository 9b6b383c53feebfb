"""The proof that an exported network is the one that was trained: the same labels, on every runtime at hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.labelled import Splits
from batchdigits.datasets.scans import Scans
from batchdigits.errors import BatchdigitsError
from batchdigits.inference.card import Card
from batchdigits.inference.litert_runtime import LiteRTRuntime
from batchdigits.inference.micro_runtime import MicroError, MicroRuntime
from batchdigits.inference.model_file import ModelFile
from batchdigits.inference.runtime import BATCH_SIZE, Runtime
from batchdigits.inference.tensorflow_runtime import TensorFlowRuntime
from batchdigits.learning.agreement import Agreement, compare

AGREEMENT = 0.998  # share of validation images with the same label: int8 of the default network has 0.999
# A network without activation is one linear map in four factors: its margins are thin where the classes overlap, and
# the rounding of each factor adds up. int8 of the lesson's has 0.997 to 0.998 over three seeds; a spoilt calibration
# brings it to 0.66, and the default network to 0.94.
LINEAR_AGREEMENT = 0.99

LITERT, REFERENCE, MICRO = "LiteRT", "LiteRT reference", "TFLite Micro"


class AgreementError(BatchdigitsError):
    """An exported network does not say what the trained one says."""


class Images(NamedTuple):
    """Glyphs to compare on: uint8 (N, 28, 28), int64 (N,) labels (-1 where unknown), and how to name one."""

    name: str
    names: Sequence[str]
    glyphs: NDArray[np.uint8]
    labels: NDArray[np.int64]


class Row(NamedTuple):
    """One line of the proof.

    Attributes:
        images: what was compared on.
        runtime: LITERT, REFERENCE or MICRO.
        agreement: with the trained network; None where the runtime could not be had.
        note: why it could not.
        counts: whether the export stands or falls with it.
    """

    images: Images
    runtime: str
    agreement: Agreement | None
    note: str = ""
    counts: bool = True


def least_agreement(card: Card) -> float:
    """The share of images (0-1) on which an export must agree if nobody says otherwise."""
    return AGREEMENT if card.network["activation"] else LINEAR_AGREEMENT


def prove(keras: ModelFile, exported: ModelFile, splits: Splits, check: Scans | None) -> list[Row]:
    """Compare an export with what it was made from.

    The validation split goes through every runtime, the user's own scans and the test images through LiteRT alone; the
    test images are for the report and decide nothing.

    Raises:
        BatchdigitsError: one of the two cannot be loaded.
    """
    trained, litert = TensorFlowRuntime(keras, BATCH_SIZE), LiteRTRuntime(exported, BATCH_SIZE)
    validation = _split("validation", splits.validation.glyphs, splits.validation.labels)
    test = _split("test", splits.test.glyphs, splits.test.labels)
    expected = trained.logits(validation.glyphs)
    rows = [_row(validation, name, expected, runtime) for name, runtime in _runtimes(exported, litert)]
    if check is not None:
        own = Images("own scans", check.names, check.glyphs, check.labels)
        rows.append(_row(own, LITERT, trained.logits(own.glyphs), litert))
    if len(test.labels):  # a few crops of one's own leave none
        rows.append(_row(test, LITERT, trained.logits(test.glyphs), litert)._replace(counts=False))
    return rows


def check_agreement(rows: Sequence[Row], least: float) -> None:
    """See that every row that counts has at least this share of the same labels, 0-1.

    Raises:
        AgreementError: naming the first row that has not.
    """
    for images, runtime, agreement, _, counts in rows:
        if counts and agreement is not None and agreement.same < least:
            raise AgreementError(
                f"{len(agreement.disagreements):,} of {agreement.images:,} {images.name} images get another label than "
                f"from the .keras under {runtime}: {agreement.same:.2%} the same, where {least:.2%} is the least "
                "(--min-agreement); nothing was written"
            )


def _runtimes(exported: ModelFile, litert: Runtime) -> Iterator[tuple[str, Runtime | MicroError]]:
    yield LITERT, litert
    yield REFERENCE, LiteRTRuntime(exported, BATCH_SIZE, kernels="reference")
    try:
        yield MICRO, MicroRuntime(exported)
    except MicroError as reason:
        yield MICRO, reason


def _row(images: Images, name: str, expected: NDArray[np.float32], runtime: Runtime | MicroError) -> Row:
    if isinstance(runtime, MicroError):
        return Row(images, name, None, str(runtime))
    return Row(images, name, compare(expected, runtime.logits(images.glyphs), images.labels))


def _split(name: str, glyphs: NDArray[np.uint8], labels: NDArray[np.int64]) -> Images:
    return Images(name, [f"{name} {number}" for number in range(len(labels))], glyphs, labels)
