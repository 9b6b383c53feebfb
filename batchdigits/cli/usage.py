"""Turns wrong options into usage errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn an `OptionError` in the block into Click's usage error, whose exit code is 2."""
    from batchdigits.learning.errors import OptionError

    try:
        yield
    except OptionError as error:
        raise click.UsageError(str(error)) from None
