"""Predictions as JSON, one object a line, UTF-8.

JSON is Unicode: a file name that is not UTF-8 has U+FFFD in its `path`, and a field `path_bytes` with its bytes in
base64.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping, Sequence

from batchdigits.inference.decide import Prediction
from batchdigits.output.columns import Columns
from batchdigits.text import as_unicode, path_bytes

DECIMALS = 6  # of a probability, as in the CSV


def encode_jsonl(columns: Columns, predictions: Sequence[Prediction]) -> bytes:
    """One line for each prediction."""
    return "".join([_line(columns, prediction) for prediction in predictions]).encode()


def _line(columns: Columns, prediction: Prediction) -> str:
    row = dict(zip(columns.names, columns.cells(prediction), strict=True))
    for name, cell in row.items():
        if isinstance(cell, float):
            row[name] = round(cell, DECIMALS)
    if not prediction.path.isascii():
        row.update(path_fields(prediction.path))
    return json_line(row)


def path_fields(path: str) -> dict[str, str]:
    """The field `path`, and `path_bytes` where JSON cannot hold it as it is."""
    text, raw = as_unicode(path), path_bytes(path)
    if text.encode() == raw:
        return {"path": text}
    return {"path": text, "path_bytes": base64.b64encode(raw).decode()}


def path_of(fields: Mapping[str, object]) -> str:
    """The path in the fields that `path_fields` makes.

    Raises:
        KeyError: there is none.
        ValueError: see `path_from_bytes`.
    """
    encoded = fields.get("path_bytes")
    return path_from_bytes(encoded) if encoded else str(fields["path"])


def path_from_bytes(encoded: object) -> str:
    """The path of a row that has the field `path_bytes`.

    Raises:
        ValueError: the field is not base64.
    """
    return os.fsdecode(base64.b64decode(str(encoded)))


def json_line(row: Mapping[str, object]) -> str:
    """A row as one line."""
    return json.dumps(row, ensure_ascii=False) + "\n"
