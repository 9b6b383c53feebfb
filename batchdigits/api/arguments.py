"""Checks of the arguments that the public functions share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from math import inf
from numbers import Integral, Real
from pathlib import Path
from typing import Any, get_args

import numpy as np

from batchdigits.datasets.layout import NOT_DIGIT
from batchdigits.inference.choose import BUILT_IN_MODEL, packaged_model
from batchdigits.vision.normalise import Ink

KINDS: dict[type, str] = {
    str: "a text",
    Integral: "a whole number",
    Real: "a number",
    Sequence: "a sequence of whole numbers",
}
AnyPath = str | os.PathLike[str]
Paths = AnyPath | Iterable[AnyPath]


def check_ink(ink: str) -> None:
    """Check the argument `ink`.

    Raises:
        ValueError: it is none of the values of `Ink`.
    """
    if ink not in get_args(Ink):
        raise ValueError(f"ink is one of {', '.join(get_args(Ink))}, not {ink!r}")


def check_class(as_class: str | None) -> None:
    """Check the argument `as_class`.

    Raises:
        ValueError: it is neither None nor `not_digit`.
    """
    if as_class not in (None, NOT_DIGIT):
        raise ValueError(f"as_class is {NOT_DIGIT} or None, not {as_class!r}")


def model_path(model: object) -> Path:
    """The path of the model file to use; that of the built-in one for None, and one of the package by its name.

    Raises:
        TypeError: `model` is no path.
    """
    return BUILT_IN_MODEL if model is None else named_model(model, "model", ".tflite")


def named_model(model: object, name: str, suffix: str) -> Path:
    """The path of the model file that the argument `name` holds, or the name of one in the package.

    Raises:
        TypeError: it is no path.
        ValueError: the package has no file with `suffix` of that name.
    """
    file = packaged_model(model, suffix)
    if file is None:
        return as_path(model, name)
    if not file.exists():
        raise ValueError(f"{name} needs a {suffix} file, and the package has {model} as a .tflite only")
    return file


def as_path(path: object, name: str, suffix: str = "") -> Path:
    """The path that the argument `name` holds, checked.

    Raises:
        TypeError: it is no path.
        ValueError: it has another suffix than `suffix`.
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"{name} is a path, not {type(path).__name__}")
    if suffix and Path(path).suffix != suffix:
        raise ValueError(f"{name} must end in {suffix}, not {os.fspath(path)!r}")
    return Path(path)


def path_or_paths(value: Paths, name: str) -> list[Path]:
    """The paths of the argument `name`, which holds one path or several.

    Raises:
        TypeError: one is no path.
    """
    return [as_path(one, name) for one in _several(value)]


def keras_models(value: Paths, name: str) -> list[Path]:
    """The paths of the .keras files of the argument `name`, which holds one or several; see `named_model`."""
    return [named_model(one, name, ".keras") for one in _several(value)]


def _several(value: Paths) -> Iterable[object]:
    if isinstance(value, str | bytes | os.PathLike) or not isinstance(value, Iterable):
        return [value]
    return value


def path_list(paths: Paths) -> Iterable[str]:
    """The paths as text; those of an iterable are taken when they are needed.

    Raises:
        TypeError: `paths` is no path and no iterable, or an item is no path, which is found when it is reached.
    """
    if isinstance(paths, str | os.PathLike):
        return [_as_text(paths)]
    if isinstance(paths, bytes) or not isinstance(paths, Iterable):
        raise TypeError(f"paths is a path or an iterable of paths, not {type(paths).__name__}")
    return map(_as_text, paths)


def _as_text(path: object) -> str:
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"a path is a str or os.PathLike, not {type(path).__name__}")
    return os.fsdecode(path)


def text_list(name: str, texts: Iterable[str]) -> tuple[str, ...]:
    """The texts of an argument.

    Raises:
        TypeError: it is one text, which would be taken for one of each of its characters, or has something else in it.
    """
    if isinstance(texts, str) or not isinstance(texts, Iterable):
        raise TypeError(f"{name} is an iterable of texts, not {texts!r}")
    given = tuple(texts)
    for text in given:
        if not isinstance(text, str):
            raise TypeError(f"{name} is an iterable of texts, not of {text!r}")
    return given


def check_types(kind: type, **values: object) -> None:
    """Check that arguments have a type, or are None.

    Args:
        kind: a key of KINDS.
        values: the arguments by their names.

    Raises:
        TypeError: one has another type.
    """
    check_given(kind, **{name: value for name, value in values.items() if value is not None})


def check_given(kind: type, **values: object) -> None:
    """Check that arguments have a type, which None has not; see `check_types`."""
    for name, value in values.items():
        if not isinstance(value, kind) or isinstance(value, bool):
            raise TypeError(f"{name} is {KINDS[kind]}, not {value!r}")


def check_flags(**values: object) -> None:
    """Check that arguments are True, False or None; a text such as "no" would be taken for True.

    Raises:
        TypeError: one is something else.
    """
    for name, value in values.items():
        if value is not None and not isinstance(value, bool | np.bool_):
            raise TypeError(f"{name} is True or False, not {value!r}")


def check_counts(**values: Any) -> None:
    """Check that arguments are whole numbers of at least 1, or None.

    Raises:
        TypeError: one is no whole number.
        ValueError: one is less.
    """
    check_types(Integral, **values)
    for name, value in values.items():
        check_range(value, name, 1)


def check_range(
    value: float | None, name: str, low: float, high: float = inf, *, over: bool = False, under: bool = False
) -> None:
    """Check that the argument `name` is None, or a number from `low` to `high`.

    Args:
        value: the argument.
        name: its name.
        low: the least number.
        high: the greatest one.
        over: whether `low` itself is excluded.
        under: whether `high` is.

    Raises:
        ValueError: it is another number.
    """
    if value is None:
        return
    if not low <= value <= high or (over and value == low) or (under and value == high):
        least = f"over {low:,}" if over else f"from {low:,}"
        most = f" and under {high:,}" if under else f" and up to {high:,}" if over else f" to {high:,}"
        allowed = f"at least {low:,}" if high == inf else least + most
        raise ValueError(f"{name} is {allowed}, not {value!r}")
