"""Write a trained network as a model file with its card, and the history of its training beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

from batchdigits.inference.card import Card
from batchdigits.inference.model_file import add_card
from batchdigits.learning.history import history_path, write_history
from batchdigits.learning.initial_weights import network_of
from batchdigits.learning.older_model import keep_older
from batchdigits.learning.risk_table import OUTLIER_SHARE
from batchdigits.learning.temperature_scaling import scale_confidence
from batchdigits.learning.training import Training
from batchdigits.output.atomic import replace_atomically
from batchdigits.version import __version__


def save(training: Training, path: Path, on_kept: Callable[[Path], object] = lambda kept: None) -> Card:
    """Scale the confidence of a training's network, write it to `path`, and return its card.

    The model file is written whole or not at all, and then the history at `history_path(path)`. What is there already
    gets another name, see `keep_older`.

    Args:
        training: finished or interrupted; its network is changed.
        path: the .keras file to write.
        on_kept: called with the other name of what was there.

    Raises:
        BatchdigitsError: a file cannot be written there.
    """
    scale = scale_confidence(training.network, training.splits, training.rejects, training.looks_again)
    card = replace(
        describe(training),
        temperature=scale.temperature,
        risk=scale.risk,
        outlier_share=OUTLIER_SHARE if training.rejects else 0.0,
        thresholds={"review": scale.review},
        second_look=scale.second_look,
    )
    if outliers := training.ok_outliers(scale.review):
        card = replace(card, data={**card.data, "ok_outliers": outliers})
    with replace_atomically(path) as temporary:
        training.network.save(temporary)
        card = add_card(temporary, card)
        if kept := keep_older(path, card):
            on_kept(kept)
    write_history(training.history, history_path(path))
    return card


def describe(training: Training) -> Card:
    """The card of a training's network, without the figures of `scale_confidence`. Measures accuracy for it."""
    sources = {f"init_{number}": model for number, model in enumerate(training.init, 1)}
    sources |= {f"teacher_{number}": model for number, model in enumerate(training.teachers, 1)}
    held_back = {name: part for name, part in training.held_back().items() if len(part)}
    return Card(
        labels=training.splits.classes,
        network=network_of(training.recipe),
        rejects=training.rejects,
        accuracy={name: training.accuracy(part) for name, part in held_back.items()},
        recall=training.recall(held_back["validation"]) if "validation" in held_back else {},
        recipe=asdict(training.recipe),
        seed=training.seed,
        data=training.provenance(),
        sha256={name: model.card.sha256["payload"] for name, model in sources.items()},
        libraries=library_versions("tensorflow", "keras", "numpy", "opencv-python-headless"),
    )


def library_versions(*packages: str) -> dict[str, str]:
    """Versions of batchdigits and of the packages that a model file depends on."""
    return {"batchdigits": __version__, **{package: version(package) for package in packages}}
