"""`batchdigits template`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from batchdigits.cli.shared.console import print_message, quoted
from batchdigits.cli.shared.options import OUTPUT_FILE, Count, output_option, verbosity_options
from batchdigits.cli.shared.output_file import prepare_output, prepare_picture
from batchdigits.errors import BatchdigitsError
from batchdigits.text import counted, is_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchdigits.forms.find_fields import Found
    from batchdigits.forms.template import Alignment, Box, Point
    from batchdigits.vision.grey import Scan

MM_PER_INCH = 25.4
MIN_FEATURES = 200  # of each page, to line scans up by them


class _Page(NamedTuple):
    """A page of the form, with what was found on it."""

    scan: Scan
    fields: Sequence[Found]
    marks: Sequence[Point]
    features: int


@click.command()
@click.argument("form", type=click.Path(exists=True, dir_okay=False))
@output_option("The template to write.", default="form.toml", show_default=True)
@click.option(
    "--picture",
    type=OUTPUT_FILE,
    metavar="FILE",
    help="The picture with the numbers of the fields. [default: NAME-preview.png]",
)
@click.option(
    "--filled",
    is_flag=True,
    help="The form is filled in: a box with writing in it is a field, too, and not a printed label.",
)
@click.option(
    "--dpi",
    type=Count(10, 4800),
    help="Give the places of fields in mm, not in pixels; the form has N dots an inch. A PDF has 300, or those of its "
    "scan.",
)
@click.option("--overwrite", is_flag=True, help="Replace the file of -o, with all that was edited in it.")
@verbosity_options
def template(form: str, output: Path, picture: Path | None, filled: bool, dpi: int | None, overwrite: bool) -> None:
    """Find the fields of a form, boxes and rows of boxes, and begin its template for read.

    FORM is the blank form: a picture, or a PDF or TIFF of several pages; or a scan of a filled one, with --filled.
    Two files are written: a picture of the form with its fields and their numbers, and a template in TOML. Rename the
    fields there, delete those that you do not need, and say what you know of the numbers in them.

    \b
    Example:
        batchdigits template blank.pdf -o form.toml
        batchdigits read scans --template form.toml -o forms.csv
    """
    from batchdigits.forms.template_picture import draw_fields
    from batchdigits.output.atomic import write_atomically

    prepare_output(output, ".toml")
    if output.exists() and not overwrite:
        raise BatchdigitsError(f"{output} exists, and may have been edited; give another name, or --overwrite")
    pages = _pages(form, filled)
    drawn = picture or output.with_name(f"{output.stem}-preview.png")
    pictures = [drawn.with_stem(f"{drawn.stem}-{number + 1}") for number in range(len(pages))]
    pictures = [drawn] if len(pages) == 1 else pictures
    for path in pictures:
        prepare_picture(path, "--picture", "picture of a template")
    text = _text(form, output, pictures, pages, dpi)
    number = 0
    for path, page in zip(pictures, pages, strict=True):
        named = [(_label(number + place, field), field.box) for place, field in enumerate(page.fields, 1)]
        number += len(page.fields)
        write_atomically(path, draw_fields(page.scan, named, page.marks))
    write_atomically(output, text.encode())
    print_message(f"wrote {output} with {counted(number, 'field')}, and {', '.join(map(str, pictures))}")
    print_message(f"next: edit {output}; batchdigits read SCANS --template {quoted(output)} -o forms.csv")


def _pages(form: str, filled: bool) -> list[_Page]:
    """The pages of the form.

    Raises:
        BatchdigitsError: one cannot be read, there are too many of them or of boxes, or there is no field.
    """
    from batchdigits.forms.find_fields import find_fields
    from batchdigits.forms.marks import find_corner_marks
    from batchdigits.forms.reference import features_of
    from batchdigits.forms.template_file import MAX_FIELDS, MAX_PAGES
    from batchdigits.quiet import silent_stderr
    from batchdigits.vision.decode import decode

    pages: list[_Page] = []
    with silent_stderr():
        for page in decode(form):
            if page.scan is None:
                raise BatchdigitsError(f"cannot read {page.source}: {page.fault}")
            if len(pages) == MAX_PAGES:
                raise BatchdigitsError(f"{form} has more than {MAX_PAGES} pages")
            marks = find_corner_marks(page.scan) or ()
            features = len(features_of(page.scan).points)
            try:
                found = find_fields(page.scan, filled)
            except BatchdigitsError as error:
                raise BatchdigitsError(f"{page.source}: {error}") from None
            pages.append(_Page(page.scan, found, marks, features))
    fields = sum(len(page.fields) for page in pages)
    if not fields:
        hint = "" if filled else "; if it is filled in, add --filled"
        raise BatchdigitsError(f"no combs or boxes found on {form}{hint}")
    if fields > MAX_FIELDS:
        raise BatchdigitsError(f"{fields:,} combs and boxes found on {form}, and a template has {MAX_FIELDS:,} at most")
    return pages


def _text(form: str, output: Path, pictures: Sequence[Path], pages: Sequence[_Page], dpi: int | None) -> str:
    """The template.

    Raises:
        BatchdigitsError: the name of the form cannot stand in it.
    """
    from batchdigits.forms.template import TemplatePage
    from batchdigits.forms.template_text import template_text

    place = _from_folder(form, output.parent)
    if not is_line(place):
        raise BatchdigitsError(f"cannot name {form} in a template: rename it")
    unit = MM_PER_INCH / dpi if dpi else 1.0
    written: list[TemplatePage] = []
    fields: list[tuple[str, int, Box, int]] = []
    for number, page in enumerate(pages, 1):
        height, width = page.scan.shape
        marks = tuple((x * unit, y * unit) for x, y in page.marks)
        written.append(TemplatePage((width * unit, height * unit), marks))
        for field in page.fields:
            left, top, wide, high = (side * unit for side in field.box)
            fields.append((f"field_{len(fields) + 1}", number, (left, top, wide, high), field.comb))
    names = ", ".join(path.name for path in pictures)
    return template_text(place, names, "mm" if dpi else "px", _alignment(pages), written, fields)


def _alignment(pages: Sequence[_Page]) -> Alignment:
    """How scans can be lined up with all pages."""
    if all(page.features >= MIN_FEATURES for page in pages):
        return "features"
    return "marks" if all(page.marks for page in pages) else "none"


def _from_folder(form: str, folder: Path) -> str:
    """The path of the form from the folder of the template."""
    try:
        return os.path.relpath(Path(form).absolute(), os.path.realpath(folder)).replace(os.sep, "/")
    except ValueError:  # another drive of Windows
        return str(Path(form).resolve())


def _label(number: int, field: Found) -> str:
    """The number of a field, and of the boxes of its comb."""
    return f"{number}: {field.comb}" if field.comb > 1 else str(number)
