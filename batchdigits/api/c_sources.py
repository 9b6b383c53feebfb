"""Write a model as C for a microcontroller, as `export --c-array` and `export --package` do."""

from __future__ import annotations

from typing import Literal, get_args

from batchdigits.api.argument_names import names_arguments
from batchdigits.api.arguments import AnyPath, as_path, model_path
from batchdigits.device.package import package_sources, require_free
from batchdigits.device.write import c_sources, require_own, write_sources
from batchdigits.inference.model_file import read_model_file

Package = Literal["arduino", "platformio", "esp-idf", "zephyr", "cmake"]


@names_arguments
def export_c(folder: AnyPath, model: AnyPath | None = None, *, package: Package | None = None) -> None:
    """Write an int8 .tflite as C99 sources, or as a library for a build system. Needs no TensorFlow.

    Args:
        folder: the folder to write. With `package`, it must be new or empty; otherwise files of an earlier export are
            replaced, and no others.
        model: the .tflite model file, or `tiny` or `nano`; None for the built-in one.
        package: the build system that the library is for; None for the sources alone.

    Raises:
        TypeError: a path is neither text nor `os.PathLike`.
        ValueError: `package` has none of its values, or `model` does not end in .tflite.
        BatchdigitsError: the model cannot be read, it is not a chain of int8 layers with relu or no activation, or the
            folder cannot be written.
    """
    if package not in (None, *get_args(Package)):
        raise ValueError(f"package is one of {', '.join(get_args(Package))}, not {package!r}")
    target = as_path(folder, "folder")
    file = read_model_file(as_path(model_path(model), "model", ".tflite"))
    if package is None:
        require_own(target)
        write_sources(c_sources(file), target)
    else:
        require_free(target)
        write_sources(package_sources(package, file), target)
