"""The table of docs/how-to/microcontroller.md: flash, RAM and instructions of the library on emulated boards.

    python benchmarks/boards.py [--model FILE.tflite]…

A package of `batchdigits export --package cmake` is compiled with -O2 and run in QEMU on the golden vectors. Flash and
static RAM are those of the smallest program that classifies (`tests/device/board/smallest.c`); the stack is the part of
it that was used. `tests/device/boards.py` says how instructions are counted.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import click

from batchdigits.device.package import package_sources
from batchdigits.device.write import write_sources
from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.model_file import read_model_file

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.device.boards import BOARDS, Board, build, figure, run, size

VIEWS = (28, 160)  # DIGITS_VIEW: for images of 28x28, and the default


def rows(board: Board, package: Path, folder: Path) -> Iterator[str]:
    """The cells of a board's row in the table."""
    ram = []
    for view in VIEWS:
        build(board, package, "smallest.c", folder / "smallest.elf", view)
        flash, static = size(board, folder / "smallest.elf")
        build(board, package, "main.c", folder / "main.elf", view)
        lines = run(board, folder / "main.elf")
        ram.append(static + max(figure(line, "stack") for line in lines))
        if view == VIEWS[0]:
            yield f"{flash / 1000:,.0f} KB"
            counts = [f"{median(figure(line, part) for line in lines) / 1e6:.2f}" for part in ("normaliser", "network")]
    yield from (f"{one / 1000:,.1f} KB" for one in ram)
    yield from counts


@click.command()
@click.option(
    "--model",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    default=tuple(PRETRAINED / f"{name}.tflite" for name in ("digits", "tiny", "nano")),
    help="An int8 .tflite; may be given several times. [default: those of the package]",
)
@click.option("--core", type=click.Choice([board.name for board in BOARDS]), help="Only this one.")
def main(model: tuple[Path, ...], core: str | None) -> None:
    """Print the table."""
    print(f"{datetime.now(UTC):%Y-%m-%d}; millions of instructions for a glyph, the median of 20\n")
    print("| model | core | flash | RAM, 28x28 | RAM, view 160 | normaliser | network |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in model:
            package = folder / file.stem
            write_sources(package_sources("cmake", read_model_file(file)), package)
            for board in BOARDS:
                if board.is_here and core in (None, board.name):
                    print(
                        "|", " | ".join((f"`{file.stem}`", board.name, *rows(board, package, folder))), "|", flush=True
                    )


if __name__ == "__main__":
    main()
