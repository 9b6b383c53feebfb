"""`batchdigits preview`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batchdigits.cli.console import inform
from batchdigits.cli.model_choice import chosen_model, model_choice_options
from batchdigits.cli.options import batch_size_option, ink_option, output_option, verbosity_options
from batchdigits.cli.output_file import is_same, prepare
from batchdigits.errors import BatchdigitsError, NoImagesError

if TYPE_CHECKING:
    from batchdigits.inference.choose import RuntimeName
    from batchdigits.reports.preview import Seen
    from batchdigits.vision.normalise import Ink

SOME_FAILED = 3
MOST = 1_000  # sources: a picture of 42,500 pixels' height; beyond 65,535 most viewers give up


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…", type=click.Path())
@model_choice_options
@ink_option
@batch_size_option
@click.option(
    "--limit", type=click.IntRange(1, MOST), default=60, show_default=True, help="Images to show, from the first on."
)
@output_option("The picture to write, or a page: .png or .html.", default="preview.png", show_default=True)
@verbosity_options
def preview(
    paths: tuple[str, ...],
    runtime: RuntimeName | None,
    model: Path | None,
    ink: Ink,
    batch_size: int,
    limit: int,
    output: Path,
) -> None:
    """Show each image beside what the network saw of it, its label and its confidence.

    The first thing to look at when labels are wrong: whether the ink was found, and whether it was the ink.

    \b
    Example:
        batchdigits preview ./scans
        batchdigits preview ./scans --limit 200 -o preview.html
    """
    from batchdigits.engines.classify_files import Settings
    from batchdigits.files.sources import Tally, find
    from batchdigits.inference.load import load_runtime
    from batchdigits.reports.preview import look

    prepare(output, ".png", ".html")
    network = load_runtime(chosen_model(runtime, model), batch_size)
    tally = Tally()
    files = _all_but(output, find(paths, tally))
    seen = look(files, network, Settings(ink, network.card.thresholds["review"]), limit + 1)
    for _ in files:  # not shown, but not to be written over either
        pass
    if not seen:
        raise NoImagesError(f"no images in {', '.join(tally.empty_folders)}")
    _write(seen[:limit], output)
    if len(seen) > limit:
        inform(f"only the first {limit:,} images are shown; --limit shows more")
    inform(f"wrote {output}")
    if tally.empty_folders:
        raise NoImagesError(f"no images in {', '.join(tally.empty_folders)}")
    if any(one.prediction.status == "error" for one in seen[:limit]):
        raise click.exceptions.Exit(SOME_FAILED)


def _all_but(output: Path, files: Iterable[str]) -> Iterator[str]:
    """The same files without the preview of a former run, which lies among them when it was made in their folder.

    Raises:
        BatchdigitsError: the output is one of the images.
    """
    from batchdigits.reports.preview_picture import is_preview

    there = output.is_file()
    for file in files:
        if not (there and is_same(file, output)):
            yield file
        elif not is_preview(output):
            raise BatchdigitsError(f"{output} is one of the images; name another file to write (-o)")


def _write(seen: list[Seen], output: Path) -> None:
    from batchdigits.output.atomic import open_atomically

    with open_atomically(output) as stream:
        if output.suffix == ".html":
            from batchdigits.reports.preview_html import page

            stream.write(page(seen).encode())
        else:
            from batchdigits.reports.preview_picture import png

            stream.write(png(seen))
