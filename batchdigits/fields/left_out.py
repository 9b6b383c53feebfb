"""Marks that are left out of values, as nobody told of them, and what a row says of each."""

from __future__ import annotations

from typing import Literal

LeftOut = Literal["minus", "boxed minus", "point"]

LEFT_OUT: dict[LeftOut, str] = {
    "minus": "a minus is left out, which --signed reads",
    "boxed minus": "a minus in a box is left out, which --signed marks for review",
    "point": "a point or comma is left out, which --separators ., reads",
}
