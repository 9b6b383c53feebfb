"""Writing a trained network down as a model file with its card."""

from __future__ import annotations

from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

from batchdigits import __version__
from batchdigits.inference.card import Card
from batchdigits.inference.model_file import add_card
from batchdigits.learning.calibrate import calibrate
from batchdigits.learning.training import Training, network_of
from batchdigits.output.atomic import replacing


def save(training: Training, path: Path) -> Card:
    """Calibrate `training`'s network, write it to `path`, a .keras file, whole or not at all, and return its card.

    Raises:
        BatchdigitsError: the file cannot be written there.
    """
    calibration = calibrate(training.network, training.splits.validation, training.splits.classes)
    card = replace(
        describe(training),
        temperature=calibration.temperature,
        risk=calibration.risk,
        thresholds={"review": calibration.review},
    )
    with replacing(path) as beside:
        training.network.save(beside)
        return add_card(beside, card)


def describe(training: Training) -> Card:
    """The card of a trained network; this is where the test images are looked at."""
    recipe, splits = training.recipe, training.splits
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    return Card(
        labels=splits.classes,
        network=network_of(recipe),
        accuracy={"validation": training.accuracy(splits.validation), "test": training.accuracy(splits.test)},
        recipe=asdict(recipe),
        seed=training.seed,
        data={
            "name": splits.name,
            "images": {name: len(part) for name, part in parts.items()},
            "sha256": splits.fingerprint(),
        },
        sha256={"teacher": training.teacher.card.sha256["payload"]} if training.teacher else {},
        libraries=library_versions("tensorflow", "keras", "numpy", "opencv-python-headless"),
    )


def library_versions(*packages: str) -> dict[str, str]:
    """Versions of batchdigits and of the packages that had a hand in a model file."""
    return {"batchdigits": __version__, **{package: version(package) for package in packages}}
