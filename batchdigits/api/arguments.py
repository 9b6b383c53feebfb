"""Checks of the arguments that the public functions share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, get_args

from batchdigits.datasets.layout import NOT_DIGIT
from batchdigits.inference.choose import BUILT_IN_MODEL, PACKAGED_MODELS, PRETRAINED
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


def model_path(model: str | os.PathLike[str] | None) -> Path:
    """The path of the model file to use; that of the built-in one for None, and one of the package by its name.

    Raises:
        TypeError: `model` is no path.
    """
    if model is None:
        return BUILT_IN_MODEL
    if isinstance(model, str) and model in PACKAGED_MODELS:
        return PRETRAINED / f"{PACKAGED_MODELS[model]}.tflite"
    return as_path(model, "model")


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


def path_or_paths(value: AnyPath | Sequence[AnyPath], name: str) -> list[Path]:
    """The paths of the argument `name`, which holds one path or several.

    Raises:
        TypeError: one is no path.
    """
    several = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return [as_path(one, name) for one in several]


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
    for name, value in values.items():
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise TypeError(f"{name} is {KINDS[kind]}, not {value!r}")


def check_counts(**values: Any) -> None:
    """Check that arguments are whole numbers of at least 1, or None.

    Raises:
        TypeError: one is no whole number.
        ValueError: one is less.
    """
    check_types(Integral, **values)
    for name, value in values.items():
        if value is not None and value < 1:
            raise ValueError(f"{name} is at least 1, not {value!r}")


def check_value(name: str, value: object, is_valid: bool) -> None:
    """Check that an argument has one of its values.

    Raises:
        ValueError: it is not valid.
    """
    if not is_valid:
        raise ValueError(f"{name} cannot be {value!r}; see help(batchdigits)")
