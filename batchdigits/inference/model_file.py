"""The model file: a network and its card in one file.

A .keras file is a zip already, so the card is one more member. A .tflite file gets the card as a zip tail, which is the
TFLite metadata convention: interpreters read the flatbuffer at the front, `unzip -p digits.tflite batchdigits.json` the
tail.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

from batchdigits.errors import ModelFileError
from batchdigits.inference.card import Card
from batchdigits.vision.normalise import NORMALISER_VERSION

CARD_NAME = "batchdigits.json"
KERAS_WEIGHTS = "model.weights.h5"  # the member of a .keras file that holds the weights
MAX_CARD_BYTES = 1 << 20  # a card is a few KB; more is an attack
MAX_PAYLOAD_BYTES = 1 << 30  # our network is 2.3 MB
_EPOCH = (1980, 1, 1, 0, 0, 0)  # zip's earliest date: the same model gives the same bytes


@dataclass(frozen=True)
class ModelFile:
    """A model file that was read and found whole.

    Attributes:
        path: where it was read from.
        card: what it says about itself.
        payload: the flatbuffer of a .tflite, or the HDF5 weights of a .keras.
    """

    path: Path
    card: Card
    payload: bytes

    @property
    def is_keras(self) -> bool:
        """Whether the tensorflow runtime is the one that reads it."""
        return self.path.suffix == ".keras"


def read_model_file(path: Path) -> ModelFile:
    """Read and check a model file.

    Raises:
        ModelFileError: the file is missing, truncated, edited, foreign, or made for another normaliser.
    """
    card, payload = _open(path)
    if hashlib.sha256(payload).hexdigest() != card.sha256.get("payload"):
        raise ModelFileError(f"{path}: the network is not the one that its card describes; the file was edited")
    version = card.normaliser.get("version")
    if version != NORMALISER_VERSION:
        raise ModelFileError(
            f"{path}: trained with normaliser version {version}, but this batchdigits has version "
            f"{NORMALISER_VERSION}; train and export it again"
        )
    return ModelFile(path, card, payload)


def read_card(path: Path) -> Card:
    """Only the card of a model file, unchecked against its network.

    Raises:
        ModelFileError: there is no file, or no card in it.
    """
    return _open(path)[0]


def add_card(path: Path, card: Card) -> Card:
    """Put `card` into the model file at `path` that has none yet, and return it with the payload's sha256."""
    payload = _keras_weights(path) if path.suffix == ".keras" else path.read_bytes()
    card = replace(card, sha256={**card.sha256, "payload": hashlib.sha256(payload).hexdigest()})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_member(CARD_NAME), card.to_json())
        if path.suffix == ".tflite":
            archive.writestr(_member("labels.txt"), "".join(f"{label}\n" for label in card.labels))
    return card


def _open(path: Path) -> tuple[Card, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            card = _read_card_member(archive)
            payload = _keras_weights(path) if path.suffix == ".keras" else _before_zip(path, archive)
    except FileNotFoundError:
        raise ModelFileError(f"{path}: no such model file") from None
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from None
    except OSError as error:
        raise ModelFileError(f"{path}: {error.strerror or error}") from None
    except Exception:  # zipfile raises BadZipFile, zlib.error, struct.error, NotImplementedError… on hostile archives
        raise ModelFileError(f"{path}: no card inside; truncated, or not made by batchdigits") from None
    return card, payload


def _read_card_member(archive: zipfile.ZipFile) -> Card:
    try:
        member = archive.getinfo(CARD_NAME)
    except KeyError:
        raise ModelFileError("no card inside; not made by batchdigits") from None
    if member.file_size > MAX_CARD_BYTES:
        raise ModelFileError("its card is too large to be one")
    with archive.open(member) as stream:
        return Card.from_json(stream.read(MAX_CARD_BYTES))


def _keras_weights(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        try:
            member = archive.getinfo(KERAS_WEIGHTS)
        except KeyError:
            raise ModelFileError(f"no {KERAS_WEIGHTS} inside; not a .keras file") from None
        if member.file_size > MAX_PAYLOAD_BYTES:
            raise ModelFileError("its weights are too large to be ours")
        with archive.open(member) as stream:
            return stream.read(MAX_PAYLOAD_BYTES)


def _before_zip(path: Path, archive: zipfile.ZipFile) -> bytes:
    start = min(member.header_offset for member in archive.infolist())
    if start > MAX_PAYLOAD_BYTES:
        raise ModelFileError("its network is too large to be ours")
    with path.open("rb") as stream:
        return stream.read(start)


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _EPOCH)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o644 << 16
    return member
