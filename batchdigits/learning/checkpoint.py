"""Checkpoints: what a training needs to go on from where it stopped to the very same weights."""

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
    """Where the checkpoint of a training that writes to `output` lies: beside it."""
    return output.with_name(f"{output.name}.checkpoint.npz")


def write_checkpoint(training: Training, path: Path) -> None:
    """Write the whole state of a training down, whole or not at all.

    Raises:
        BatchdigitsError: the file cannot be written there.
    """
    with replace_atomically(path) as beside:
        np.savez(beside, identity=np.array(_identity(training)), **training.state())  # type: ignore[arg-type]


def resume(training: Training, path: Path) -> None:
    """Bring a fresh training to where the checkpoint at `path` was written.

    Raises:
        DataError: there is none, it is not whole, or it is of another recipe, seed, teacher or data.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            state = {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise DataError(f"{path}: nothing to resume; no training was interrupted there") from None
    except Exception:  # numpy, zipfile and zlib each raise their own on a file that is not as it should be
        raise DataError(f"{path}: not a whole checkpoint; train without --resume") from None
    if str(state.pop("identity", "")) != _identity(training):
        others = "another recipe, seed, teacher or data"
        raise DataError(f"{path}: is of {others}; give the same options, or train without --resume")
    training.restore(state)


def _identity(training: Training) -> str:
    """A digest of everything that decides how a training goes on."""
    teacher = training.teacher.card.sha256 if training.teacher else None
    start = hashlib.sha256(b"".join(weights.tobytes() for weights in training.start or ())).hexdigest()
    splits = training.splits
    document = [asdict(training.recipe), training.seed, splits.classes, splits.fingerprint(), teacher, start]
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
