"""Charts by matplotlib, as PNG or SVG files that are the same on every machine."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from batchdigits.errors import BatchdigitsError, needs_extra
from batchdigits.quiet import silent_stderr
from batchdigits.text import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUFFIXES = (".png", ".svg")
MAX_NAME = 30  # characters of a name in a legend
MAX_ENTRIES = 16  # of a legend: more would be higher than the figure
DPI = 110
STYLE = {
    "text.parse_math": False,  # a folder may be called $x$
    "svg.hashsalt": "batchdigits",  # the ids in an SVG file are random without it
    "axes.grid": True,
    "grid.color": "0.9",
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
MARK = "batchdigits --plot"  # in the first `MARKED_BYTES` of each file
MARKED_BYTES = 2_048
METADATA = {"png": {"Software": MARK}, "svg": {"Creator": MARK, "Date": None}}  # neither version nor time


def import_matplotlib() -> tuple[Any, Any]:
    """The modules `matplotlib` and `matplotlib.figure`.

    Raises:
        MissingExtraError: they are not installed.
        BatchdigitsError: the environment variable MPLBACKEND stops them from loading.
    """
    with silent_stderr():  # matplotlib warns of a read-only home folder, and of a faulty matplotlibrc
        try:
            with needs_extra("--plot", "plot"):
                import matplotlib
                import matplotlib.figure
        except ValueError as error:
            raise BatchdigitsError(f"matplotlib cannot be loaded: {' '.join(str(error).split())}") from None
    return matplotlib, matplotlib.figure


def draw(panels: Sequence[Callable[[Axes], None]], title: str, size: tuple[float, float], suffix: str) -> bytes:
    """A figure with the panels side by side.

    It needs no display and ignores the user's matplotlibrc. The same panels give the same bytes with the same version
    of matplotlib.

    Args:
        panels: functions that each draw on the axes they are given.
        title: of the figure; printable text.
        size: width and height in inches; a PNG file has `DPI` pixels to the inch.
        suffix: one of `SUFFIXES`.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    matplotlib, figures = import_matplotlib()
    file_format = suffix.removeprefix(".")
    file = BytesIO()
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, **STYLE}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # a box stands for a character that the font lacks
        figure = figures.Figure(size, DPI, layout="constrained")
        figure.suptitle(title)
        for panel, axes in zip(panels, figure.subplots(1, len(panels), squeeze=False)[0], strict=True):
            panel(axes)
        figure.savefig(file, format=file_format, metadata=METADATA[file_format])
    return file.getvalue()


def add_legend(axes: Axes, handles: Sequence[Any], names: Sequence[str], **options: Any) -> None:
    """Add a legend. Its names may be any text; of more than `MAX_ENTRIES`, the last entry counts those left out."""
    handles, names = list(handles), [legend_name(name) for name in names]
    if len(names) > MAX_ENTRIES:
        names[MAX_ENTRIES - 1 :] = [f"and {len(names) - MAX_ENTRIES + 1} more"]
        handles = handles[:MAX_ENTRIES]
        handles[-1] = axes.plot([], [], " ")[0]
    axes.legend(handles, names, **options)


def legend_name(name: str) -> str:
    """The name as printable text; of a long name only the end."""
    name = printable(name)
    return name if len(name) <= MAX_NAME else f"…{name[1 - MAX_NAME :]}"
