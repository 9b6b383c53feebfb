"""The model that a command uses: `--runtime` and `--model`, and the defaults."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from batchdigits.cli.console import print_message
from batchdigits.cli.options import model_option

if TYPE_CHECKING:
    from batchdigits.inference.choose import RuntimeName

F = TypeVar("F", bound=Callable[..., Any])


def model_choice_options(command: F) -> F:
    """`--runtime` and `--model`, for `chosen_model`."""
    model = model_option("The model file. [default: exports/digits.tflite or .keras, else the built-in model]")
    runtime = click.option(
        "--runtime",
        type=click.Choice(["tflite", "tensorflow"]),
        help="The runtime of the network. [default: by the model file's suffix, else tflite]",
    )
    return runtime(model(command))


def chosen_model(runtime: RuntimeName | None, model: Path | None) -> Path:
    """The model file to use, which is also named on stderr.

    Raises:
        click.BadParameter: `runtime` does not read files like `model`.
        ModelFileError: the file cannot be read, and has a .keras file beside it to compare it with.
    """
    from batchdigits.inference.choose import SUFFIXES, choose_model, is_stale

    if model and runtime and model.suffix != SUFFIXES[runtime]:
        raise click.BadParameter(
            f"{model} is not for --runtime {runtime}, which reads {SUFFIXES[runtime]} files", param_hint="--model"
        )
    chosen = model or choose_model(runtime or "tflite")
    print_message(f"using {chosen}", "model")
    if is_stale(chosen):
        print_message(f"warning: {chosen} was not made from the .keras file beside it; run batchdigits export --tflite")
    return chosen
