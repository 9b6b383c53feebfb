"""The model card: the description of a network, stored as `batchdigits.json` inside the model file."""

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
DIGIT_NAMES = tuple("0123456789")  # the labels of the ten digits
MAX_CLASSES = 1_000
MAX_RISK_IMAGES, MAX_RISK_ROWS = 1 << 24, 1_000  # a bound for a row takes time in proportion to the root of its images
DICT_FIELDS = [
    "network",
    "normaliser",
    "thresholds",
    "accuracy",
    "recall",
    "recipe",
    "data",
    "quantization",
    "second_look",
    "sha256",
    "libraries",
]


@dataclass(frozen=True)
class Card:
    """Everything needed to use a network, to check it, and to train it again.

    Attributes:
        labels: the classes' names, in the order of the logits.
        network: `hidden` (units of each hidden layer) and `activation` ("" for none). With convolutions before the
            hidden layers also `filters`, and `kernels` (sides, 3 or 5) and `strides` (1 or 2) unless they are a
            teacher's; and `weight_bits` (2-4) if the weights have few levels. The input has 784 values.
        normaliser: `version` of the normaliser that made the training glyphs.
        thresholds: `review`, the score (0-1, see `decide.Prediction`) below which a row has the status `review`.
        rejects: whether the network rejects outliers: it has one more class, for outliers, whose logit is always 0.
        second_look: if glyphs in doubt are looked at again unless the user says otherwise, `thresholds` and `risk` with
            that, and the sha256 of the second `network`; else empty. The labels are the ten digits then.
        risk: rows of rising `threshold` (0-1), measured on degraded validation digits: `coverage`, the share (0-1) of
            them whose score is at or over the threshold; `images`, their number; `errors`, how many of these have a
            wrong label; and `outliers`, how many outliers have such a score, where the network rejects any.
        outlier_share: share of outliers (0-1) among scans that `--target-risk` expects, unless it is told another.
        temperature: the number that the logits are divided by (temperature scaling); the last layer includes it.
        accuracy: the .keras network's share of right labels (0-1), by split.
        recall: for each label with validation glyphs, the share of them (0-1) to which the .keras network gives it.
        recipe: every setting of the training.
        seed: the seed of the training's random numbers.
        data: `name`, `images` by split, and `sha256` of the labelled glyphs; after fine-tuning also `images_by_class`,
            the model that it started from (`init`), and MNIST's part (`mnist`).
        quantization: of a .tflite, its export options (`mode`, `input`, `output`, `head`, `batch`, `per_tensor`), the
            number of `calibration_glyphs` in its representative dataset, and its `agreement` with the .keras; empty for
            a .keras.
        sha256: of the `payload` of this file; in a .tflite also of the payload of the `keras` file that it was
            exported from. For a network that was trained from other model files, also of the payloads of its
            teachers, `teacher_1`…, and of the files that it started from, `init_1`…
        libraries: versions of the libraries that made the file.
        schema: version of the card's fields.
    """

    labels: tuple[str, ...]
    network: Mapping[str, Any]
    normaliser: Mapping[str, Any] = field(default_factory=lambda: {"version": NORMALISER_VERSION})
    thresholds: Mapping[str, float] = field(default_factory=lambda: {"review": 0.0})
    rejects: bool = False
    risk: Sequence[Mapping[str, float]] = ()
    outlier_share: float = 0.0
    temperature: float = 1.0
    accuracy: Mapping[str, float] = field(default_factory=dict)
    recall: Mapping[str, float] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)
    quantization: Mapping[str, Any] = field(default_factory=dict)
    sha256: Mapping[str, str] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=dict)
    second_look: Mapping[str, Any] = field(default_factory=dict)
    schema: int = SCHEMA_VERSION

    def looks_again(self, second_look: bool | None = None) -> bool:
        """Whether glyphs in doubt are looked at again: as the user says, or as the model has it (None).

        Raises:
            ModelFileError: the user says so, and the labels are not the ten digits.
        """
        if second_look and self.labels != DIGIT_NAMES:
            raise ModelFileError("a second look needs a model whose labels are 0 to 9, in this order")
        return bool(self.second_look) if second_look is None else second_look

    def with_second_look(self, second_look: bool | None = None) -> Card:
        """The card with the thresholds and the risk of a second look, if it has any, and glyphs are looked at again.

        A model that looks again only because the user says so keeps the threshold of one look, and has no known risk.

        Raises:
            ModelFileError: see `looks_again`.
        """
        if not self.looks_again(second_look):
            return self
        if not self.second_look:
            return replace(self, risk=())
        return replace(self, thresholds=self.second_look["thresholds"], risk=self.second_look["risk"])

    def to_json(self) -> bytes:
        """The card as indented JSON in UTF-8."""
        return (json.dumps(asdict(self), indent=2, ensure_ascii=False, sort_keys=True) + "\n").encode()

    @classmethod
    def from_json(cls, text: bytes) -> Card:
        """Parse and check a card, which may be malformed or hostile.

        Raises:
            ModelFileError: it is not JSON, has another schema, or a field has a wrong type or value.
        """
        try:
            document = json.loads(text, parse_float=_finite_number, parse_constant=_finite_number)
        except (ValueError, RecursionError):
            raise ModelFileError("its card is not JSON") from None
        if not isinstance(document, dict) or document.get("schema") != SCHEMA_VERSION:
            raise ModelFileError(f"its card is not of schema {SCHEMA_VERSION}; another version of batchdigits made it")
        known = {f.name for f in fields(cls)}
        card = cls(**{"labels": (), "network": {}, **{k: v for k, v in document.items() if k in known}})
        return _checked(card)


def _checked(card: Card) -> Card:
    """Check the type and range of every field that batchdigits uses, and turn `labels` and `risk` into tuples."""
    labels = card.labels
    if not (isinstance(labels, list) and 1 < len(labels) <= MAX_CLASSES and all(isinstance(x, str) for x in labels)):
        raise ModelFileError("its card has no list of labels")
    if len(set(labels)) < len(labels) or not all(map(is_line, labels)):
        raise ModelFileError("its card has labels that are equal, or are not a line of text")
    for name in DICT_FIELDS:
        if not isinstance(getattr(card, name), dict):
            raise ModelFileError(f"its card has no valid {name!r}")
    if not all(_are_widths(card.network.get(name, default)) for name, default in (("hidden", None), ("filters", []))):
        raise ModelFileError("its card has no valid network shape")
    if not _are_convolutions(**{name: card.network.get(name) for name in ("filters", "kernels", "strides")}):
        raise ModelFileError("its card has no valid convolutions")
    if not _is_one_of(card.network.get("weight_bits", 0), (0, 2, 3, 4)):
        raise ModelFileError("its card has no valid 'weight_bits'")
    if not isinstance(card.network.get("activation"), str):
        raise ModelFileError("its card names no activation")
    if not _are_thresholds(card.thresholds):
        raise ModelFileError("its card has no valid review threshold")
    if not isinstance(card.rejects, bool):
        raise ModelFileError("its card has no valid 'rejects'")
    if not _is_risk_table(card.risk):
        raise ModelFileError("its card has no valid risk table")
    if card.second_look and not (_is_second_look(**card.second_look) and labels == list(DIGIT_NAMES)):
        raise ModelFileError("its card has no valid 'second_look'")
    if not isinstance(card.outlier_share, int | float) or not 0 <= card.outlier_share < 1:
        raise ModelFileError("its card has no valid outlier share")
    return replace(card, labels=tuple(labels), risk=tuple(card.risk))


def _are_widths(widths: object) -> bool:
    return isinstance(widths, list) and len(widths) < 100 and all(type(n) is int and 0 < n <= 1 << 16 for n in widths)


def _are_convolutions(filters: object, kernels: object, strides: object) -> bool:
    if kernels is None and strides is None:
        return True
    if not (isinstance(filters, list) and isinstance(kernels, list) and isinstance(strides, list)):
        return False
    if not len(filters) == len(kernels) == len(strides):
        return False
    return all(_is_one_of(n, (3, 5)) for n in kernels) and all(_is_one_of(n, (1, 2)) for n in strides)


def _is_one_of(number: object, numbers: tuple[int, ...]) -> bool:
    return type(number) is int and number in numbers


def _are_thresholds(thresholds: object) -> bool:
    review = thresholds.get("review") if isinstance(thresholds, dict) else None
    return isinstance(review, int | float) and 0 <= review <= 1


def _is_second_look(thresholds: object = None, risk: object = None, network: object = None, **_: object) -> bool:
    return _are_thresholds(thresholds) and _is_risk_table(risk) and isinstance(network, str)


def _is_risk_table(table: object) -> bool:
    if not isinstance(table, list | tuple) or len(table) > MAX_RISK_ROWS:
        return False
    return all(isinstance(row, dict) and _is_risk_row(**row) for row in table)


def _is_risk_row(
    threshold: object = None,
    coverage: object = None,
    images: object = None,
    errors: object = None,
    outliers: object = 0,
    **_: object,
) -> bool:
    shares = all(isinstance(share, int | float) and 0 <= share <= 1 for share in (threshold, coverage))
    if type(images) is not int or type(errors) is not int or type(outliers) is not int:
        return False
    return shares and 0 <= errors <= images <= MAX_RISK_IMAGES and 0 <= outliers <= MAX_RISK_IMAGES


def _finite_number(text: str) -> float:
    """Parse a number of a card. JSON has no NaN and no infinity; Python's parser accepts both, and 1e999 too."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
