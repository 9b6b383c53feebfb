"""Write the page of a model, as `export --web` does."""

from __future__ import annotations

from batchdigits.api.argument_names import names_arguments
from batchdigits.api.arguments import AnyPath, as_path, model_path
from batchdigits.inference.model_file import read_model_file
from batchdigits.web.page import web_page, write_page


@names_arguments
def export_web(file: AnyPath, model: AnyPath | None = None) -> None:
    """Write the page of an int8 .tflite: one HTML file that classifies in a browser. Needs no TensorFlow.

    Args:
        file: the .html file to write; one that is there is replaced.
        model: the .tflite model file, or `tiny` or `nano`; None for the built-in one.

    Raises:
        TypeError: a path is neither text nor `os.PathLike`.
        ValueError: `file` does not end in .html, or `model` in .tflite.
        BatchdigitsError: the model cannot be read, it is not a chain of int8 layers with relu or no activation, or the
            file cannot be written.
    """
    target = as_path(file, "file", ".html")
    write_page(web_page(read_model_file(as_path(model_path(model), "model", ".tflite"))), target)
