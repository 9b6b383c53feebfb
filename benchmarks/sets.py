"""The labelled sets of a folder, which several benchmarks measure one by one."""

from __future__ import annotations

import os

import click

from batchdigits.files.natural_order import natural_key


def names_of_sets(folder: str | os.PathLike[str]) -> list[str]:
    """The names of the sets in a folder, in natural order: those of its folders.

    Raises:
        click.ClickException: there is none.
    """
    names = sorted((entry.name for entry in os.scandir(folder) if entry.is_dir()), key=natural_key)
    if not names:
        raise click.ClickException(f"{os.fspath(folder)}: no sets in it")
    return names
