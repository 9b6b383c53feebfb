"""Predictions as CSV: RFC 4180 quoting, LF line ends, UTF-8."""

from __future__ import annotations

import csv
import io
from types import TracebackType
from typing import BinaryIO

from batchdigits.inference.decide import Prediction

HEADER = ("path", "label", "confidence", "status", "detail")


class CsvWriter:
    """Writes one row a prediction to a binary stream that the caller owns.

    A file name that is not UTF-8 goes out as its own bytes, so that the column always names the file.
    """

    def __init__(self, stream: BinaryIO) -> None:
        """Start on `stream`; the header is written at once."""
        self._text = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="")
        self._csv = csv.writer(self._text, lineterminator="\n")
        self._csv.writerow(HEADER)

    def write(self, prediction: Prediction) -> None:
        """Append the row of a prediction."""
        confidence = "" if prediction.confidence is None else f"{prediction.confidence:.6f}"
        self._csv.writerow((prediction.source, prediction.label, confidence, prediction.status, prediction.detail))

    def __enter__(self) -> CsvWriter:
        """The writer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Flush, and let go of the stream without closing it."""
        self._text.detach()
