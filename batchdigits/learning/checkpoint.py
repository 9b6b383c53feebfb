"""Checkpoints: files from which an interrupted training continues to the same weights."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from batchdigits.errors import DataError
from batchdigits.learning.training import Training
from batchdigits.output.atomic import replace_atomically


def checkpoint_path(output: Path) -> Path:
    """The path of the checkpoint of a training that writes to `output`: beside it."""
    return output.with_name(f"{output.name}.checkpoint.npz")


def write_checkpoint(training: Training, path: Path) -> None:
    """Write the state of a training to a file, whole or not at all.

    Raises:
        BatchdigitsError: the file cannot be written there.
    """
    with replace_atomically(path) as temporary:
        np.savez(temporary, identity=np.array(_identity(training)), **training.state())  # type: ignore[arg-type]


def resume(training: Training, path: Path) -> None:
    """Give a new training the state that was written to `path`.

    Raises:
        DataError: there is no checkpoint, it is incomplete, or it is of another recipe, seed, teacher, data or initial
            weights.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            state = {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise DataError(f"{path}: nothing to resume; no training was interrupted there") from None
    except Exception:  # numpy, zipfile and zlib raise many types for a broken file
        raise DataError(f"{path}: incomplete checkpoint; train without --resume") from None
    if str(state.pop("identity", "")) != _identity(training):
        raise DataError(
            f"{path}: the checkpoint is of another recipe, seed, teacher or data; "
            "give the same options, or train without --resume"
        )
    training.restore(state)


def _identity(training: Training) -> str:
    """A digest of everything that decides how a training continues."""
    teachers = [dict(model.card.sha256) for model in training.teachers]
    initial = hashlib.sha256(b"".join(array.tobytes() for array in training.initial_weights or ())).hexdigest()
    splits = training.splits
    document = [asdict(training.recipe), training.seed, splits.classes, splits.fingerprint(), teachers, initial]
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
