"""The model that a command uses: `--runtime` and `--model`, and the defaults."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from batchdigits.cli.shared.console import print_message
from batchdigits.cli.shared.options import model_option

if TYPE_CHECKING:
    from batchdigits.inference.choose import RuntimeName

F = TypeVar("F", bound=Callable[..., Any])


def model_choice_options(command: F) -> F:
    """`--runtime` and `--model`, for `chosen_model`."""
    model = model_option(
        "The model file; built-in, tiny and nano are in the package. [default: the newer of exports/digits.tflite and "
        "exports/digits.keras, else built-in]"
    )
    runtime = click.option(
        "--runtime",
        type=click.Choice(["tflite", "tensorflow"]),
        help="What runs the model: LiteRT reads .tflite files, TensorFlow .keras files. [default: by the suffix of "
        "--model]",
    )
    return runtime(model(command))


def chosen_model(runtime: RuntimeName | None, model: Path | None) -> Path:
    """The model file to use, which is also named on stderr.

    Raises:
        click.BadParameter: `runtime` does not read files like `model`.
        ModelFileError: the file cannot be read, and has a .keras file beside it to compare it with.
    """
    from batchdigits.inference.choose import BUILT_IN_MODEL, SUFFIXES, choose_model, is_stale

    if model == BUILT_IN_MODEL and runtime:
        model = model.with_suffix(SUFFIXES[runtime])  # the package has the model for both
    if model and runtime and model.suffix != SUFFIXES[runtime]:
        raise click.BadParameter(
            f"{model} is not for --runtime {runtime}, which reads {SUFFIXES[runtime]} files.", param_hint="--model"
        )
    chosen = model or choose_model(runtime)
    print_message(f"using {chosen}", "model")
    if is_stale(chosen):
        print_message(f"warning: {chosen} was not made from the .keras file beside it; run batchdigits export --tflite")
    if model is None:
        _comment_on_choice(chosen, runtime)
    return chosen


def _comment_on_choice(chosen: Path, runtime: RuntimeName | None) -> None:
    """Say of a default what the user may not expect: a model that is passed over, a slow one, an inaccurate one."""
    from batchdigits.inference.choose import BUILT_IN_MODEL, EXPORTED_KERAS, accuracy_on_test_images
    from batchdigits.inference.model_file import read_card

    if chosen == EXPORTED_KERAS and runtime is None:
        print_message("batchdigits export --tflite makes a .tflite of it, which is faster and needs no TensorFlow")
    if chosen == BUILT_IN_MODEL and EXPORTED_KERAS.exists():
        reason = "--runtime tflite reads no .keras" if runtime else "TensorFlow is not installed"
        print_message(
            f"warning: {EXPORTED_KERAS} is not used: {reason}; make exports/digits.tflite of it, by "
            "batchdigits export --tflite"
        )
    if chosen == BUILT_IN_MODEL:
        return
    card, built_in = read_card(chosen), read_card(BUILT_IN_MODEL)
    own, others = accuracy_on_test_images(card), accuracy_on_test_images(built_in)
    if own is not None and others is not None and own < others and card.labels == built_in.labels:
        print_message(f"by their cards, it labels {own:.2%} of test images right, the built-in model {others:.2%}")
