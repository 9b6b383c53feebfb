"""Checks of the output file, made before the work starts."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryFile

import click

from batchdigits.errors import BatchdigitsError
from batchdigits.output.atomic import explain_os_errors, resolve_link


def prepare_output(output: Path, *suffixes: str, option: str = "--output") -> None:
    """Make the folder of `output`, the value of `option`, and check that a file can be written there.

    Raises:
        click.BadParameter: the name ends in none of `suffixes`.
        BatchdigitsError: `output` is a folder, or its own folder cannot be made or written to.
    """
    if output.suffix not in suffixes:
        raise click.BadParameter(f"{output} must end in {' or '.join(suffixes)}.", param_hint=option)
    if output.is_dir():
        raise BatchdigitsError(f"cannot write {output}: it is a folder")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BatchdigitsError(f"cannot make the folder {output.parent}: {error.strerror or error}") from None
    with explain_os_errors(output), TemporaryFile(dir=resolve_link(output).parent):
        pass


def prepare_document(path: Path, suffix: str | tuple[str, ...], begin: str, option: str, kind: str) -> None:
    """Check before the work that a document can be written. Only another one of its kind is written over.

    Args:
        path: the file.
        suffix: what its name must end in, or one of several.
        begin: the text that each document of its kind begins with.
        option: the option that has the path for its value.
        kind: what the document is, for the message.

    Raises:
        click.BadParameter: the name does not end in `suffix`.
        BatchdigitsError: it cannot be written, or something else is there.
    """
    prepare_output(path, *((suffix,) if isinstance(suffix, str) else suffix), option=option)
    _refuse_other(path, len(begin.encode()), begin.encode().__eq__, option, kind)


def prepare_picture(path: Path, option: str, kind: str) -> None:
    """Do what `prepare_document` does, for a .png that `batchdigits preview` or `template` draws."""
    from batchdigits.files.preview_mark import MARKED_BYTES, is_preview

    prepare_output(path, ".png", option=option)
    _refuse_other(path, MARKED_BYTES, is_preview, option, kind)


def first_entry(mark: Mapping[str, str]) -> str:
    """The text that a JSON document, indented by two, begins with if the entry in `mark` is its first."""
    return json.dumps(mark, indent=2).removesuffix("\n}")


def prepare_plot(plot: Path) -> None:
    """Check before the work that the picture of `--plot` can be drawn and written.

    Raises:
        click.BadParameter: the name ends neither in .png nor in .svg.
        BatchdigitsError: the file cannot be written, or something else than such a picture is there.
        MissingExtraError: matplotlib is not installed.
    """
    from batchdigits.reports.figure import MARK, MARKED_BYTES, SUFFIXES, import_matplotlib

    prepare_output(plot, *SUFFIXES, option="--plot")
    _refuse_other(plot, MARKED_BYTES, lambda head: MARK.encode() in head, "--plot", "plot of batchdigits")
    import_matplotlib()


def _refuse_other(path: Path, size: int, is_own: Callable[[bytes], bool], option: str, kind: str) -> None:
    """Check that nothing is written over but a file whose first `size` bytes are `is_own`, or an empty one."""
    if not path.is_file():  # reading from a pipe would wait for a writer
        return
    try:
        with path.open("rb") as file:
            head = file.read(size)
    except OSError:
        head = None
    if head is None or (head and not is_own(head)):
        raise BatchdigitsError(f"{path} exists and is no {kind}; give {option} another name")


def is_at_or_below(path: Path, place: Path) -> bool:
    """Whether two names, of files that need not exist, are the same, or the first is in the folder of the second."""
    real, real_place = Path(os.path.realpath(path)), Path(os.path.realpath(place))
    return real == real_place or real_place in real.parents


def is_same_file(path: str | Path, output: Path) -> bool:
    """Whether an input is the output file; False if one of them does not exist or cannot be accessed."""
    try:
        return output.samefile(path)
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return False
