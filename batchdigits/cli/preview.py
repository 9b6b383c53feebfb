"""`batchdigits preview`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batchdigits.cli.console import print_message
from batchdigits.cli.model_choice import chosen_model, model_choice_options
from batchdigits.cli.options import batch_size_option, ink_option, output_option, verbosity_options
from batchdigits.cli.output_file import is_same_file, prepare_output
from batchdigits.errors import BatchdigitsError, ExitCode, NoImagesError

if TYPE_CHECKING:
    from batchdigits.inference.choose import RuntimeName
    from batchdigits.reports.preview import PreviewItem
    from batchdigits.vision.normalise import Ink

MAX_LIMIT = 1_000  # images: the picture is 42,500 pixels high then; many viewers refuse more than 65,535


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…", type=click.Path())
@model_choice_options
@ink_option
@batch_size_option
@click.option(
    "--limit", type=click.IntRange(1, MAX_LIMIT), default=60, show_default=True, help="Show at most this many images."
)
@output_option("Write a picture (.png) or a web page (.html).", default="preview.png", show_default=True)
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
    """Show images beside their glyphs and predictions.

    A glyph is the network's input, made from the image. Start here when labels are wrong: the glyph shows whether the
    digit was found, and everything else was removed.

    \b
    Example:
        batchdigits preview ./scans
        batchdigits preview ./scans --limit 200 -o preview.html
    """
    from batchdigits.engines.classify_files import Settings
    from batchdigits.files.sources import Tally, find
    from batchdigits.inference.load import load_runtime
    from batchdigits.reports.preview import preview_items

    prepare_output(output, ".png", ".html")
    network = load_runtime(chosen_model(runtime, model), batch_size)
    tally = Tally()
    files = _without_old_preview(find(paths, tally), output)
    items = preview_items(files, network, Settings(ink, network.card.thresholds["review"]), limit + 1)
    for _ in files:  # images that are not shown must not be overwritten either
        pass
    if not items:
        raise NoImagesError(f"no images in {', '.join(tally.empty_folders)}")
    _write(items[:limit], output)
    if len(items) > limit:
        print_message(f"only the first {limit:,} images are shown; --limit shows more")
    print_message(f"wrote {output}")
    if tally.empty_folders:
        raise NoImagesError(f"no images in {', '.join(tally.empty_folders)}")
    if any(item.prediction.status == "error" for item in items[:limit]):
        raise click.exceptions.Exit(ExitCode.SOME_FAILED)


def _without_old_preview(files: Iterable[str], output: Path) -> Iterator[str]:
    """The same files without the `output` of an earlier run, which may lie in the same folder.

    Raises:
        BatchdigitsError: the output is one of the images.
    """
    from batchdigits.files.preview_mark import MARKED_BYTES, is_preview
    from batchdigits.files.sources import LOCAL_DISK

    output_exists = output.is_file()
    for file in files:
        if not (output_exists and is_same_file(file, output)):
            yield file
        elif not is_preview(LOCAL_DISK.head(str(output), MARKED_BYTES)):
            raise BatchdigitsError(f"{output} is one of the images; choose another output (-o)")


def _write(items: list[PreviewItem], output: Path) -> None:
    from batchdigits.output.atomic import open_atomically

    with open_atomically(output) as stream:
        if output.suffix == ".html":
            from batchdigits.reports.preview_html import page

            stream.write(page(items).encode())
        else:
            from batchdigits.reports.preview_picture import png

            stream.write(png(items))
