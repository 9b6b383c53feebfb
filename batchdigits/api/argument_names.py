"""Words errors as Python has it: the library's messages name the options of the command line."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from batchdigits.errors import BatchdigitsError

P = ParamSpec("P")
R = TypeVar("R")

OTHER_NAMES = {"as_class": "class", "tflite": "export"}  # what the command line calls arguments


def names_arguments(function: Callable[P, R]) -> Callable[P, R]:
    """Have the errors of a public function name its arguments, `only_classes` in place of `--only-classes`."""
    names = {OTHER_NAMES.get(name, name).replace("_", "-"): name for name in inspect.signature(function).parameters}
    option = re.compile(rf"(?<![\w./-])--({'|'.join(names)})(?![\w-])")

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except BatchdigitsError as error:
            error.args = tuple(option.sub(lambda match: names[match[1]], text) for text in error.args)
            raise

    return call
