"""Refuses options that are wrong, or that would change nothing."""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import contextmanager

import click
from click.core import ParameterSource

from batchdigits.errors import OptionError


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn an `OptionError` in the block into Click's usage error, whose exit code is 2."""
    try:
        yield
    except OptionError as error:
        raise click.UsageError(f"{error}.") from None


def refuse_given(context: click.Context, names: Container[str | None], reason: str) -> None:
    """Refuse options that would change nothing.

    Args:
        context: of the command.
        names: of the parameters.
        reason: why, behind the name of the option.

    Raises:
        click.UsageError: one of them was given.
    """
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.name in names and source is not ParameterSource.DEFAULT:
            raise click.UsageError(f"{max(parameter.opts, key=len)} {reason}.")
