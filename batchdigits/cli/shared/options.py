"""Options and option types that several commands share."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from batchdigits.cli.shared.console import print_json_lines, set_verbosity

F = TypeVar("F", bound=Callable[..., Any])


class GivenPath(click.Path):
    """The path of a file or folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path; an empty text, of which `Path` would make the current folder, is refused."""
        if value == "":
            self.fail("an empty text names no file.", param, ctx)
        return super().convert(value, param, ctx)


FILE = GivenPath(path_type=Path)


class DataPath(GivenPath):
    """Labelled data, or `mnist` for that of the package."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path; `./mnist` and `mnist/`, which `Path` makes `mnist`, are refused where there is no such folder."""
        from batchdigits.datasets import BUNDLED

        path = super().convert(value, param, ctx)
        if path == BUNDLED and str(value) != str(BUNDLED) and not path.exists():
            self.fail(f"there is no {value}; the bundled data is called mnist.", param, ctx)
        return path


class OutputFile(click.Path):
    """The path of a file to write."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path; a name that only a folder can have is refused."""
        refuse_folder_name(str(value), param, ctx)
        return super().convert(value, param, ctx)


def refuse_folder_name(name: str, param: click.Parameter | None, ctx: click.Context | None) -> None:
    """Refuse the name of a file that ends in a slash, which `Path` would drop. A folder that is there is told later.

    Raises:
        click.BadParameter: it is such a name.
    """
    if name.endswith(("/", os.sep)) and not os.path.isdir(name):  # noqa: PTH112 - `Path` drops the slash
        raise click.BadParameter(f"{name} is a folder's name, by its slash; give that of a file.", ctx, param)


OUTPUT_FILE = OutputFile(path_type=Path)


class ModelPath(click.Path):
    """A model file, or the name of one in the package, such as `built-in`. A file of that name is `./built-in`."""

    def __init__(self, suffix: str) -> None:
        """A type that takes the names of the package's models with this suffix, .tflite or .keras."""
        super().__init__(path_type=Path)
        self._suffix = suffix

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path of a model file."""
        from batchdigits.inference.choose import packaged_model

        file = packaged_model(value, self._suffix)
        if file and not file.exists():
            self.fail(f"the package has {value} as a .tflite file only.", param, ctx)
        return super().convert(file or value, param, ctx)


KERAS_MODEL, TFLITE_MODEL = ModelPath(".keras"), ModelPath(".tflite")


class Count(click.IntRange):
    """A whole number in a range."""

    name = "N"


class Number(click.FloatRange):
    """A number in a range, which has two ends."""

    name = "X"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Parse a number. Click's own type lets NaN through, and says of a word that it is no range."""
        try:
            number = float(super().convert(self._plain(value), param, ctx))
        except click.BadParameter:
            number = math.nan
        if math.isnan(number):
            self.fail(f"{value!r} is not {self._expected()}.", param, ctx)
        return number

    def _plain(self, value: Any) -> Any:
        """The value as Click takes it."""
        return value

    def _expected(self) -> str:
        """What the value is to be, for messages."""
        low, high = "over" if self.min_open else "from", "and under" if self.max_open else "to"
        return f"a number {low} {self.min:g} {high} {self.max:g}"


class Share(Number):
    """A share from 0 to 1, also in percent: 0.05 or 5%."""

    name = "P%"

    def __init__(self, min_open: bool = False, max_open: bool = False) -> None:
        """A share; `min_open` excludes 0, and `max_open` 1."""
        super().__init__(0, 1, min_open, max_open)

    def _plain(self, value: Any) -> Any:
        number, percent, rest = str(value).strip().partition("%")
        try:
            return float(number) / 100 if percent and not rest else value
        except ValueError:
            return value

    def _expected(self) -> str:
        return "a share such as 5% or 0.05"


def verbosity_options(command: F) -> F:
    """`-q` and `-v`."""
    for flags, change, text in (
        (("-v", "--verbose"), 1, "Print more; of an error also where in the program it arose."),
        (("-q", "--quiet"), -1, "Print nothing but errors."),
    ):
        command = click.option(
            *flags, is_flag=True, expose_value=False, help=text, callback=_change_verbosity(change), is_eager=True
        )(command)
    return command


def log_format_option(command: F) -> F:
    """`--log-format text|json`."""
    return click.option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        expose_value=False,
        is_eager=True,  # so that errors of other options are JSON, too
        callback=lambda context, parameter, value: print_json_lines() if value == "json" else None,
        help="Print messages, progress and errors as text, or as one JSON object a line.",
    )(command)


def model_option(text: str) -> Callable[[F], F]:
    """`--model FILE`, a model file to read."""
    return click.option("--model", type=TFLITE_MODEL, metavar="FILE", help=text)


def output_option(text: str, **options: Any) -> Callable[[F], F]:
    """`-o/--output FILE`, the file to write."""
    return click.option("-o", "--output", type=OUTPUT_FILE, metavar="FILE", help=text, **options)


def data_option(text: str) -> Callable[[F], F]:
    """`--data PATH`, labelled data, as often as one likes."""
    help_text = (
        f"{text} A folder with one sub-folder for each class, or with splits (train, val, test) of such, a folder of "
        "IDX files, or an .npz in Keras's layout. "
        "Given several times, all are joined; mnist is the bundled MNIST, where there is no file of that name."
    )
    return click.option(
        "--data", type=DataPath(path_type=Path), metavar="PATH", multiple=True, help=f"{help_text} [default: mnist]"
    )


def corrections_option(text: str) -> Callable[[F], F]:
    """`--corrections LOG`, a log of a review, as often as one likes."""
    return click.option("--corrections", type=FILE, metavar="LOG", multiple=True, help=text)


def class_option(command: F) -> F:
    """`--class not_digit`."""
    return click.option(
        "--class",
        "as_class",
        type=click.Choice(["not_digit"]),
        help="Take the folder not_digit for a class of this name. Otherwise its images are outliers, which the network "
        "learns to reject, unless the model has a label of this name.",
    )(command)


def ink_option(command: F) -> F:
    """`--ink auto|dark|light`."""
    return click.option(
        "--ink",
        type=click.Choice(["auto", "dark", "light"]),
        default="auto",
        show_default=True,
        help="Whether the writing is dark on light or light on dark; auto decides for each image.",
    )(command)


def second_look_option(command: F) -> F:
    """`--second-look/--no-second-look`."""
    return click.option(
        "--second-look/--no-second-look",
        default=None,
        help="Classify doubtful images again by a second network, and take the mean. [default: as the model's card "
        "says; the built-in model has a second look]",
    )(command)


def batch_size_option(command: F) -> F:
    """`--batch-size N`."""
    return click.option(
        "--batch-size",
        type=Count(1, 65_536),
        default=256,
        show_default=True,
        help="Images that the network gets at once: fewer take less memory. A TFLite network gets at most 64.",
    )(command)


def seed_option(command: F) -> F:
    """`--seed N`."""
    return click.option(
        "--seed",
        type=Count(0, 2**31 - 1),
        default=1,
        show_default=True,
        help="Decides what is drawn at random: the same number, the same result.",
    )(command)


def _change_verbosity(change: int) -> Callable[[click.Context, click.Parameter, bool], None]:
    def callback(context: click.Context, parameter: click.Parameter, given: bool) -> None:
        if given:
            set_verbosity(change)

    return callback
