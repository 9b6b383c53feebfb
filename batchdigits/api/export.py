"""Convert a network to TFLite, as the command `export` does."""

from __future__ import annotations

from numbers import Real
from pathlib import Path
from typing import Literal, get_args

from batchdigits.api.argument_names import names_arguments
from batchdigits.api.arguments import (
    AnyPath,
    Paths,
    as_path,
    check_class,
    check_flags,
    check_range,
    check_types,
    named_model,
    path_or_paths,
)
from batchdigits.device.write import c_sources, require_own, write_sources
from batchdigits.learning.export import Export, prepare_export, write_export
from batchdigits.learning.export_options import Batch, Head, InputType, OutputType, Quantize, export_options
from batchdigits.learning.parity_check import default_min_agreement, require_agreement


@names_arguments
def export(
    model: AnyPath = "exports/digits.keras",
    output: AnyPath = "exports/digits.tflite",
    *,
    quantize: Quantize = "int8",
    input_type: InputType | None = None,
    output_type: OutputType | None = None,
    head: Head = "logits",
    batch: Batch = "1",
    per_tensor: bool = False,
    data: Paths = (),
    corrections: Paths = (),
    as_class: Literal["not_digit"] | None = None,
    calibrate: AnyPath | None = None,
    check: AnyPath | None = None,
    min_agreement: float | None = None,
    c_array: AnyPath | None = None,
) -> Export:
    """Convert a .keras model file to TFLite, and check that both give the same labels. Needs the extra `tensorflow`.

    Args:
        model: the .keras model file, or `built-in`.
        output: the .tflite file to write. Its folder is made.
        quantize: `int8`, `int16x8`, `dynamic`, `float16` or `none`.
        input_type: of the network, `uint8`, `int8` or `float32`; None for int8 if `quantize` is `int8`, else float32.
        output_type: of the network, `int8` or `float32`; None for int8 if `quantize` is `int8`, else float32.
        head: what the network gives, `logits`, or `probabilities` by a softmax at its end.
        batch: `1`, or `dynamic` for any number of glyphs at once.
        per_tensor: whether all weights of a layer have one scale, in place of one for each unit.
        data: the labelled data that the model was trained on, one or several; none for the MNIST of the package.
        corrections: logs of reviews that the model was trained on, one or several.
        as_class: `not_digit` if the folder of this name in the data is a class.
        calibrate: a folder of scans that set the ranges of int8 and int16x8; None for the training split.
        check: a folder of scans on which the labels must agree, too.
        min_agreement: least share of images with the same label, 0-1; None for 0.998, or 0.99 for a network without
            activation.
        c_array: a folder for the model as C99 sources; None for none. Files of an earlier export are replaced, and no
            others.

    Returns:
        An object with the exported model (`model`) and the rows of the parity check (`parity`).

    Raises:
        TypeError: a path is neither text nor `os.PathLike`, `min_agreement` no number, or `per_tensor` neither True nor
            False.
        ValueError: another argument has none of its values, or the package has no .keras file of that name.
        BatchdigitsError: the model or data cannot be used, arguments exclude each other, the parity check fails, or a
            file cannot be written. If the parity check fails, nothing is written.
        OSError: the folder of `output` cannot be made.
    """
    target = as_path(output, "output", ".tflite")
    for name, value, values in (
        ("quantize", quantize, Quantize),
        ("input_type", input_type, InputType),
        ("output_type", output_type, OutputType),
        ("head", head, Head),
        ("batch", batch, Batch),
    ):
        if value is not None and value not in get_args(values):
            raise ValueError(f"{name} is one of {', '.join(get_args(values))}, not {value!r}")
    check_class(as_class)
    check_flags(per_tensor=per_tensor)
    check_types(Real, min_agreement=min_agreement)
    check_range(min_agreement, "min_agreement", 0, 1)
    options = export_options(
        quantize,
        input_type,
        output_type,
        head,
        batch,
        per_tensor,
        calibrate=calibrate is not None,
        c_array=c_array is not None,
    )
    calibrate_path, check_path, folder = (
        None if value is None else as_path(value, name)
        for name, value in (("calibrate", calibrate), ("check", check), ("c_array", c_array))
    )
    if folder is not None:
        require_own(folder)
    exported = prepare_export(
        named_model(model, "model", ".keras"),
        target,
        options,
        path_or_paths(data, "data"),
        calibrate_path,
        check_path,
        path_or_paths(corrections, "corrections"),
        as_class,
    )
    share = default_min_agreement(exported.keras.card) if min_agreement is None else min_agreement
    require_agreement(exported.parity, share)
    _write(exported, folder)
    return exported


def _write(exported: Export, c_array: Path | None) -> None:
    """Write the model and the C sources. The sources are made first: if that fails, nothing is written."""
    sources = c_sources(exported.model) if c_array else {}
    exported.model.path.parent.mkdir(parents=True, exist_ok=True)
    write_export(exported.model, exported.parity)
    if c_array:
        write_sources(sources, c_array)
