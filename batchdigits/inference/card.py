"""The card: what a model file says about itself, as `batchdigits.json` inside the file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from batchdigits.errors import ModelFileError
from batchdigits.text import is_line
from batchdigits.vision.normalise import NORMALISER_VERSION

SCHEMA_VERSION = 1
MAX_CLASSES = 1_000
MAX_IMAGES = 1 << 40  # behind a row of a risk table
MAPPINGS = ["network", "normaliser", "thresholds", "accuracy", "recipe", "data", "quantization", "sha256", "libraries"]


@dataclass(frozen=True)
class Card:
    """Everything needed to use a model, to check it, and to make it again.

    Attributes:
        labels: the classes' names, in the order of the logits.
        network: `hidden` (units of each hidden layer) and `activation` ("" for none), and of a teacher `filters` (of
            each convolution before them); the input is always 784 wide.
        normaliser: `version` and settings of the normaliser that made the training glyphs.
        thresholds: `review`, the score (0-1, see `decide.Prediction`) below which a row is for a person to look at.
        rejects: whether the logits tell, too, how likely a glyph is no digit: as if one class more had the logit 0.
        risk: for rising thresholds, the share of degraded validation digits at or over each, and how many of those
            were read wrong.
        temperature: what the logits were divided by after training; already folded into the last layer.
        accuracy: share of right labels (0-1), by split and by form of the network.
        recipe: every value that training used.
        seed: the seed of everything random in training.
        data: `name`, `images` by split, and `sha256` of the labelled glyphs.
        quantization: of a .tflite its form (`mode`, `input`, `output`, `head`, `batch`, `per_tensor`), how many
            `calibration_glyphs` set its ranges, and its `agreement` with the .keras; empty for a .keras.
        sha256: `payload` of this file; in a .tflite also `keras`, the payload of the .keras that it came from; of a
            network that had them, `teacher` and `init_1`…, the payloads of its teacher and of what it went on from.
        libraries: versions that made the file.
    """

    labels: tuple[str, ...]
    network: Mapping[str, Any]
    normaliser: Mapping[str, Any] = field(default_factory=lambda: {"version": NORMALISER_VERSION})
    thresholds: Mapping[str, float] = field(default_factory=lambda: {"review": 0.0})
    rejects: bool = False
    risk: Sequence[Mapping[str, float]] = ()
    temperature: float = 1.0
    accuracy: Mapping[str, float] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)
    quantization: Mapping[str, Any] = field(default_factory=dict)
    sha256: Mapping[str, str] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)
    schema: int = SCHEMA_VERSION

    def to_json(self) -> bytes:
        """UTF-8 JSON that a person can read."""
        return (json.dumps(asdict(self), indent=2, ensure_ascii=False, sort_keys=True) + "\n").encode()

    @classmethod
    def from_json(cls, text: bytes) -> Card:
        """Read a card that may come from a stranger.

        Raises:
            ModelFileError: naming the first thing that is wrong with it.
        """
        try:
            document = json.loads(text, parse_float=_finite, parse_constant=_finite)
        except (ValueError, RecursionError):
            raise ModelFileError("its card is not JSON") from None
        if not isinstance(document, dict) or document.get("schema") != SCHEMA_VERSION:
            raise ModelFileError(f"its card is not of schema {SCHEMA_VERSION}; made by another batchdigits?")
        known = {f.name for f in fields(cls)}
        card = cls(**{"labels": (), "network": {}, **{k: v for k, v in document.items() if k in known}})
        return _checked(card)


def _checked(card: Card) -> Card:
    """The card with `labels` as a tuple, once everything that the program relies on has the right type."""
    labels = card.labels
    if not (isinstance(labels, list) and 1 < len(labels) <= MAX_CLASSES and all(isinstance(x, str) for x in labels)):
        raise ModelFileError("its card has no list of labels")
    if len(set(labels)) < len(labels) or not all(map(is_line, labels)):
        raise ModelFileError("its card has labels that are the same, or no text")
    for name in MAPPINGS:
        if not isinstance(getattr(card, name), dict):
            raise ModelFileError(f"its card has no valid {name!r}")
    if not all(_are_widths(card.network.get(name, default)) for name, default in (("hidden", None), ("filters", []))):
        raise ModelFileError("its card has no valid network shape")
    if not isinstance(card.network.get("activation"), str):
        raise ModelFileError("its card names no activation")
    review = card.thresholds.get("review")
    if not isinstance(review, int | float) or not 0 <= review <= 1:
        raise ModelFileError("its card has no valid review threshold")
    if not isinstance(card.rejects, bool):
        raise ModelFileError("its card does not say whether it rejects")
    if not _is_risk_table(card.risk):
        raise ModelFileError("its card has no valid risk table")
    return replace(card, labels=tuple(labels), risk=tuple(card.risk))


def _are_widths(widths: object) -> bool:
    return isinstance(widths, list) and len(widths) < 100 and all(type(n) is int and 0 < n <= 1 << 16 for n in widths)


def _is_risk_table(table: object) -> bool:
    return isinstance(table, list | tuple) and all(isinstance(row, dict) and _is_risk(**row) for row in table)


def _is_risk(
    threshold: object = None, coverage: object = None, images: object = None, errors: object = None, **_: object
) -> bool:
    shares = all(isinstance(share, int | float) and 0 <= share <= 1 for share in (threshold, coverage))
    return shares and type(images) is int and type(errors) is int and 0 <= errors <= images <= MAX_IMAGES


def _finite(text: str) -> float:
    """A number of a card. JSON has no NaN and no infinity; Python reads both, and 1e999 as well."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
