"""Folders of handwritten digits in, a CSV you can trust out.

import batchdigits

for prediction in batchdigits.classify("scans"):
    print(prediction.source, prediction.label, prediction.confidence)
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from batchdigits.inference.decide import Prediction as Prediction
    from batchdigits.inference.decide import Status as Status
    from batchdigits.vision.normalise import Ink

__version__ = "0.1.0"
__all__ = ["Prediction", "Status", "__version__", "classify"]


def classify(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    model: str | os.PathLike[str] | None = None,
    ink: Ink = "auto",
    probabilities: bool = False,
    timeout: float = 60.0,
    jobs: int | None = None,
) -> Iterator[Prediction]:
    """Classify images of handwritten digits, and folders of them, in worker processes that end with the iteration.

    Args:
        paths: a file or folder, or several; more are taken as they are needed.
        model: the model file. None for exports/digits.tflite here if there is one, else the built-in model.
        ink: whether ink is dark, light, or to be found out for each image.
        probabilities: whether predictions carry the probabilities of all classes.
        timeout: seconds that one image may take, 0-86,400; 0 for no limit.
        jobs: worker processes at most. None for one a core, or a single one for a .keras model.

    Yields:
        One prediction for each source, lazily: in the order of the paths, and natural order inside a folder.

    Raises:
        ValueError: `ink` or `timeout` is none of these.
        batchdigits.errors.BatchdigitsError: the model file is not in order, or the workers cannot start.
    """
    from pathlib import Path
    from typing import get_args

    from batchdigits.engines.local import predict
    from batchdigits.files.sources import find
    from batchdigits.inference.choose import choose_model
    from batchdigits.vision.normalise import Ink

    if ink not in get_args(Ink):
        raise ValueError(f"ink is one of {', '.join(get_args(Ink))}, not {ink!r}")
    if not 0 <= timeout <= 86_400:
        raise ValueError(f"timeout is from 0 to 86400 seconds, not {timeout!r}")

    named = [paths] if isinstance(paths, str | os.PathLike) else paths
    chosen = Path(model) if model else choose_model("tflite")
    files = find(os.fspath(path) for path in named)
    return predict(files, chosen, ink, probabilities=probabilities, timeout=timeout, jobs=jobs)


def __getattr__(name: str) -> Any:
    if name in ("Prediction", "Status"):
        from batchdigits.inference import decide

        return getattr(decide, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
