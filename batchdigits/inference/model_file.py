"""The model file: a network and its card in one file.

A .keras file is a zip archive, and the card is one more member of it. A .tflite file has a zip archive with the card
appended to its flatbuffer, as TFLite metadata does: interpreters read the flatbuffer at the front, and
`unzip -p digits.tflite batchdigits.json` prints the card.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

from batchdigits.errors import ModelFileError
from batchdigits.files.disk import is_irregular
from batchdigits.inference.card import Card
from batchdigits.vision.normalise import NORMALISER_VERSION

CARD_NAME = "batchdigits.json"
KERAS_WEIGHTS = "model.weights.h5"  # the member of a .keras file that holds the weights
MAX_CARD_BYTES = 1 << 20  # a card has a few KB; a hostile file could decompress to any size
MAX_PAYLOAD_BYTES = 1 << 30  # the built-in network has 2.3 MB of float32 weights
# The date of each zip member, constant so that the same model gives the same bytes. A zip has no earlier one.
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class ModelFile:
    """The content of a model file, read and checked or yet to be written.

    Attributes:
        path: the path of the file.
        card: the model card.
        payload: the flatbuffer of a .tflite, or the HDF5 weights of a .keras.
    """

    path: Path
    card: Card
    payload: bytes

    @property
    def is_keras(self) -> bool:
        """Whether it is a .keras file, for the tensorflow runtime; otherwise it is a .tflite file."""
        return self.path.suffix == ".keras"


def read_model_file(path: Path) -> ModelFile:
    """Read and check a model file.

    Raises:
        ModelFileError: the file is missing, truncated, edited, not made by batchdigits, or made for another normaliser.
    """
    card, payload = _read(path)
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
    """Read the card of a model file, without comparing it with the payload.

    Raises:
        ModelFileError: the file is missing, or has no valid card.
    """
    return _read(path)[0]


def add_card(path: Path, card: Card) -> Card:
    """Add `card` to the model file at `path`, which has none yet; return the card with the payload's sha256."""
    payload = _keras_weights(path) if path.suffix == ".keras" else path.read_bytes()
    card = replace(card, sha256={**card.sha256, "payload": hashlib.sha256(payload).hexdigest()})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_member(CARD_NAME), card.to_json())
        if path.suffix == ".tflite":
            archive.writestr(_member("labels.txt"), "".join(f"{label}\n" for label in card.labels))
    return card


def refuse_pipe(path: Path) -> None:
    """Refuse a pipe or a device.

    Raises:
        ModelFileError: the path is one.
    """
    if is_irregular(path):
        raise ModelFileError(f"{path}: not a regular file")


def _read(path: Path) -> tuple[Card, bytes]:
    refuse_pipe(path)
    try:
        with zipfile.ZipFile(path) as archive:
            card = _card_in(archive)
            payload = _keras_weights(path) if path.suffix == ".keras" else _flatbuffer(path, archive)
    except FileNotFoundError:
        raise ModelFileError(f"{path}: no such model file") from None
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from None
    except OSError as error:
        raise ModelFileError(f"{path}: {error.strerror or error}") from None
    except Exception:  # zipfile raises BadZipFile, zlib.error, struct.error… on a malformed archive
        raise ModelFileError(f"{path}: no card inside; truncated, or not made by batchdigits") from None
    return card, payload


def _card_in(archive: zipfile.ZipFile) -> Card:
    try:
        member = archive.getinfo(CARD_NAME)
    except KeyError:
        raise ModelFileError("no card inside; not made by batchdigits") from None
    if member.file_size > MAX_CARD_BYTES:
        raise ModelFileError(f"its card is larger than {MAX_CARD_BYTES:,} bytes")
    with archive.open(member) as stream:
        return Card.from_json(stream.read(MAX_CARD_BYTES))


def _keras_weights(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        try:
            member = archive.getinfo(KERAS_WEIGHTS)
        except KeyError:
            raise ModelFileError(f"no {KERAS_WEIGHTS} inside; not a .keras file") from None
        if member.file_size > MAX_PAYLOAD_BYTES:
            raise ModelFileError(f"its weights are larger than {MAX_PAYLOAD_BYTES:,} bytes")
        with archive.open(member) as stream:
            return stream.read(MAX_PAYLOAD_BYTES)


def _flatbuffer(path: Path, archive: zipfile.ZipFile) -> bytes:
    start_of_zip = min(member.header_offset for member in archive.infolist())
    if start_of_zip > MAX_PAYLOAD_BYTES:
        raise ModelFileError(f"its network is larger than {MAX_PAYLOAD_BYTES:,} bytes")
    with path.open("rb") as stream:
        return stream.read(start_of_zip)


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, _ZIP_EPOCH)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o644 << 16
    return member
