"""Count how often a scan and its inverse (255 minus the scan) get the same label.

    python benchmarks/polarity.py --sets SETS [--model FILE]

SETS has one folder for each set of images, and a set one sub-folder for each class. Sub-folders `not_digit` are
skipped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click
from sets import names_of_sets

from batchdigits.datasets.layout import NOT_DIGIT
from batchdigits.errors import BatchdigitsError
from batchdigits.files.sources import find
from batchdigits.inference.choose import choose_model
from batchdigits.inference.decide import decide
from batchdigits.inference.load import load_runtime
from batchdigits.inference.runtime import Runtime
from batchdigits.quiet import silent_stderr
from batchdigits.reports.evaluation import class_folders
from batchdigits.vision.decode import Page, decode
from batchdigits.vision.normalise_batch import Normalised, normalise_page


@click.command()
@click.option("--sets", type=click.Path(exists=True, file_okay=False), required=True, help="Folder of sets.")
@click.option("--model", type=click.Path(path_type=Path), help="The model file. [default: as in classify]")
def main(sets: str, model: Path | None) -> None:
    """Print the share, and each source whose label differs."""
    try:
        runtime = load_runtime(model or choose_model("tflite"))
        folders = _folders(sets, runtime)
    except BatchdigitsError as error:
        raise click.ClickException(str(error)) from None
    both = [one for page in _pages(folders) for one in _both_ways(page)]
    predictions, _ = decide(both, runtime, threshold=0.0)
    if not predictions:
        raise click.ClickException(f"{sets}: no images in it")
    pairs = list(zip(predictions[::2], predictions[1::2], strict=True))
    same = sum(original.label == inverted.label for original, inverted in pairs)
    for original, inverted in pairs:
        if original.label != inverted.label:
            click.echo(f"{original.path}: {original.label or 'blank'}, inverted {inverted.label or 'blank'}")
    click.echo(f"{same:,} of {len(pairs):,} scans ({same / len(pairs):.2%}) keep their label when inverted")


def _folders(sets: str, runtime: Runtime) -> list[str]:
    """The class folders of every set."""
    paths = [os.path.join(sets, name) for name in names_of_sets(sets)]  # noqa: PTH118 - sources are strings
    folders = [folder for path in paths for folder in class_folders(path, runtime.card.labels)]
    return [folder for folder in folders if Path(folder).name != NOT_DIGIT]


def _pages(folders: list[str]) -> Iterator[Page]:
    """All pages that can be decoded."""
    for path in find(folders):
        with silent_stderr():
            pages = [page for page in decode(path) if page.scan is not None]
        yield from pages


def _both_ways(page: Page) -> tuple[Normalised, Normalised]:
    """The candidates of a page as it is, and inverted."""
    assert page.scan is not None
    return normalise_page(page, "auto"), normalise_page(page._replace(scan=255 - page.scan), "auto")


if __name__ == "__main__":
    main()
