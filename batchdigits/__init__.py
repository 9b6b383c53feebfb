"""Classify images of handwritten digits, and train, export and evaluate the model that does it.

import batchdigits

classifier = batchdigits.Classifier()
print(classifier.classify("scan.png").label)

for prediction in batchdigits.classify("scans"):
    print(prediction.path, prediction.label, prediction.confidence)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from batchdigits.version import __version__

if TYPE_CHECKING:
    from batchdigits.api.c_sources import export_c
    from batchdigits.api.classifier import Classifier
    from batchdigits.api.evaluate import evaluate
    from batchdigits.api.export import export
    from batchdigits.api.folders import classify
    from batchdigits.api.train import train
    from batchdigits.api.web_page import export_web
    from batchdigits.errors import (
        BatchdigitsError,
        DataError,
        MissingExtraError,
        ModelFileError,
        NoImagesError,
    )
    from batchdigits.fields.decide_fields import FieldPrediction
    from batchdigits.forms.decide_forms import FormPrediction
    from batchdigits.inference.decide import Prediction, Status
    from batchdigits.vision.normalise import Ink

__all__ = [
    "BatchdigitsError",
    "Classifier",
    "DataError",
    "FieldPrediction",
    "FormPrediction",
    "Ink",
    "MissingExtraError",
    "ModelFileError",
    "NoImagesError",
    "Prediction",
    "Status",
    "__version__",
    "classify",
    "evaluate",
    "export",
    "export_c",
    "export_web",
    "train",
]

# The module of each name. It is imported when the name is first used, so that the command line's --help does not wait
# for NumPy and OpenCV.
_MODULES = {
    "BatchdigitsError": "batchdigits.errors",
    "Classifier": "batchdigits.api.classifier",
    "DataError": "batchdigits.errors",
    "FieldPrediction": "batchdigits.fields.decide_fields",
    "FormPrediction": "batchdigits.forms.decide_forms",
    "Ink": "batchdigits.vision.normalise",
    "MissingExtraError": "batchdigits.errors",
    "ModelFileError": "batchdigits.errors",
    "NoImagesError": "batchdigits.errors",
    "Prediction": "batchdigits.inference.decide",
    "Status": "batchdigits.inference.decide",
    "classify": "batchdigits.api.folders",
    "evaluate": "batchdigits.api.evaluate",
    "export": "batchdigits.api.export",
    "export_c": "batchdigits.api.c_sources",
    "export_web": "batchdigits.api.web_page",
    "train": "batchdigits.api.train",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
