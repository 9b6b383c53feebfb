"""Classify folders and files, in worker processes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from numbers import Integral, Real

from batchdigits.api.argument_names import names_arguments
from batchdigits.api.arguments import (
    Paths,
    check_counts,
    check_flags,
    check_given,
    check_ink,
    check_range,
    check_types,
    model_path,
    path_list,
    text_list,
)
from batchdigits.engines.local import predict
from batchdigits.files.filter import Filter
from batchdigits.files.sources import find
from batchdigits.inference.decide import Prediction
from batchdigits.inference.model_file import read_model_file
from batchdigits.inference.runtime import BATCH_SIZE
from batchdigits.inference.threshold import review_threshold
from batchdigits.vision.normalise import Ink

MAX_TIMEOUT = 86_400  # seconds


@names_arguments
def classify(
    paths: Paths,
    *,
    model: str | os.PathLike[str] | None = None,
    ink: Ink = "auto",
    min_confidence: float | None = None,
    target_risk: float | None = None,
    outlier_share: float | None = None,
    probabilities: bool = False,
    second_look: bool | None = None,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    recursive: bool = True,
    timeout: float = 60.0,
    jobs: int | None = None,
    batch_size: int = BATCH_SIZE,
) -> Iterator[Prediction]:
    """Classify images of handwritten digits, and folders of them, in worker processes that end with the iteration.

    Args:
        paths: a file, folder, archive or URL, or an iterable of them, which is consumed as it is needed.
        model: the model file, or `tiny` or `nano`; None for the built-in one.
        ink: whether ink is `dark`, `light`, or to be found out for each image (`auto`).
        min_confidence: score, 0-1, below which a prediction is `review`; None for the model's own threshold.
        target_risk: in its place, the share of wrong predictions, over 0 and under 1, that is accepted among `ok`
            ones, from which the model's validation data gives the threshold.
        outlier_share: the share of images that are no digit, from 0 and under 1, which `target_risk` counts on; None
            for the model's own.
        probabilities: whether predictions carry the probabilities of all classes.
        second_look: whether an image in doubt is classified again by a second network, and the mean of both counts;
            None if the model's card decides.
        include: shell patterns; inside folders, only files that match one of them are classified. Empty for all.
        exclude: shell patterns; inside folders, files and folders that match one of them are skipped.
        recursive: whether folders inside folders are visited.
        timeout: seconds that one image may take, 0-86,400; 0 for no limit.
        jobs: worker processes at most; None for one for each core, or one in all for a .keras model.
        batch_size: glyphs that the network gets at once, at least 1.

    Yields:
        One prediction for each image, lazily, in the order of the paths, and inside a folder in natural order
        (2.png before 10.png).

    Raises:
        TypeError: `paths` or `model` is no path, `include` or `exclude` is a single text, or another argument has
            another type.
        ValueError: another argument is out of its range.
        BatchdigitsError: the model file cannot be used, the risk is not supported by its data, or no worker can start.
    """
    check_ink(ink)
    check_types(Real, min_confidence=min_confidence, target_risk=target_risk, outlier_share=outlier_share)
    check_flags(probabilities=probabilities, second_look=second_look, recursive=recursive)
    check_given(Real, timeout=timeout)
    check_given(Integral, batch_size=batch_size)
    check_counts(jobs=jobs, batch_size=batch_size)
    check_range(timeout, "timeout", 0, MAX_TIMEOUT)
    rules = Filter(text_list("include", include), text_list("exclude", exclude), recursive)
    chosen = read_model_file(model_path(model))
    return predict(
        find(path_list(paths), rules=rules),
        chosen,
        ink,
        threshold=review_threshold(
            chosen.card.with_second_look(second_look), min_confidence, target_risk, outlier_share
        ),
        probabilities=probabilities,
        timeout=timeout,
        jobs=jobs,
        batch_size=batch_size,
        second_look=second_look,
    )
