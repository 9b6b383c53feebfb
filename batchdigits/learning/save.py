"""Writing a trained network down as a model file with its card."""

from __future__ import annotations

from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from batchdigits.datasets.labelled import Splits
from batchdigits.inference.card import Card
from batchdigits.inference.model_file import ModelFile, add_card
from batchdigits.inference.tensorflow_runtime import load_network
from batchdigits.learning.fine_tuning import KEPT, FineTuning, accuracy_of
from batchdigits.learning.temperature_scaling import calibrate
from batchdigits.learning.training import Training, network_of
from batchdigits.output.atomic import replace_atomically
from batchdigits.version import __version__


def save(training: Training, path: Path, tuning: FineTuning | None = None) -> Card:
    """Calibrate `training`'s network, write it to `path`, a .keras file, whole or not at all, and return its card.

    Args:
        training: however far it got.
        path: what is written.
        tuning: what the training went on from, where it did not start afresh.

    Raises:
        BatchdigitsError: the file cannot be written there.
    """
    calibration = calibrate(training.network, training.splits.validation, training.splits.classes, training.rejects)
    card = replace(
        describe(training, tuning),
        temperature=calibration.temperature,
        risk=calibration.risk,
        thresholds={"review": calibration.review},
    )
    with replace_atomically(path) as beside:
        training.network.save(beside)
        return add_card(beside, card)


def describe(training: Training, tuning: FineTuning | None = None) -> Card:
    """The card of a trained network; this is where the test images are looked at."""
    recipe, splits = training.recipe, training.splits
    parts = tuning.held_back() if tuning else {"validation": splits.validation, "test": splits.test}
    return Card(
        labels=splits.classes,
        network=network_of(recipe),
        rejects=training.rejects,
        accuracy={name: training.accuracy(part) for name, part in parts.items() if len(part)},
        recipe=asdict(recipe),
        seed=training.seed,
        data=provenance(tuning) if tuning else _origin(splits),
        sha256={name: model.card.sha256["payload"] for name, model in _sources(training)},
        libraries=library_versions("tensorflow", "keras", "numpy", "opencv-python-headless"),
    )


def _sources(training: Training) -> list[tuple[str, ModelFile]]:
    """The models that a network learned from, or went on from, by the names of the card."""
    teacher = [("teacher", training.teacher)] if training.teacher else []
    return [*teacher, *((f"init_{number}", model) for number, model in enumerate(training.init, 1))]


def provenance(tuning: FineTuning) -> dict[str, Any]:
    """What a fine-tuned network comes from, and how good the model before was on what is held back."""
    own, held_back = tuning.own, tuning.held_back()
    init, model = tuning.model.card, load_network(tuning.model)
    data: dict[str, Any] = {
        **_origin(own),
        "images_by_class": {
            name: sum(int((part.labels == label).sum()) for part in (own.train, own.validation, own.test))
            for label, name in enumerate(own.classes)
        },
        "init": {
            "name": tuning.model.path.name,
            "sha256": init.sha256["payload"],
            "data": init.data.get("name", ""),
            "accuracy": {name: accuracy_of(model, init.labels, part, own.classes) for name, part in held_back.items()},
        },
    }
    if tuning.kept:
        data["mnist"] = {**_origin(tuning.kept), "share": KEPT}
    return data


def _origin(splits: Splits) -> dict[str, Any]:
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    return {
        "name": splits.name,
        "images": {name: len(part) for name, part in parts.items()},
        "sha256": splits.fingerprint(),
    }


def library_versions(*packages: str) -> dict[str, str]:
    """Versions of batchdigits and of the packages that had a hand in a model file."""
    return {"batchdigits": __version__, **{package: version(package) for package in packages}}
