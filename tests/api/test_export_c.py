from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest

import batchdigits
from batchdigits.api.c_sources import Package
from batchdigits.device.package import KINDS
from batchdigits.inference.choose import PRETRAINED
from tests.conftest import Run


def content(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize(("package", "options"), [(None, ("--c-array",)), ("zephyr", ("--package", "zephyr"))])
def test_it_writes_what_the_command_writes(run: Run, tmp_path: Path, package: Any, options: tuple[str, ...]) -> None:
    batchdigits.export_c(tmp_path / "ours", package=package)
    assert run("export", "--model", "built-in", *options, tmp_path / "theirs").exit_code == 0
    assert content(tmp_path / "ours") == content(tmp_path / "theirs")


def test_its_packages_are_those_of_the_command() -> None:
    assert get_args(Package) == tuple(KINDS)


def test_wrong_arguments_write_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="package is one of arduino, platformio, esp-idf, zephyr, cmake, not 'yocto'"):
        batchdigits.export_c(tmp_path / "c", package="yocto")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"model must end in \.tflite"):
        batchdigits.export_c(tmp_path / "c", PRETRAINED / "digits.keras")
    with pytest.raises(TypeError):
        batchdigits.export_c(3)  # type: ignore[arg-type]
    (tmp_path / "mine").write_text("")
    with pytest.raises(batchdigits.BatchdigitsError, match="is not empty"):
        batchdigits.export_c(tmp_path, package="arduino")
    with pytest.raises(batchdigits.BatchdigitsError, match="mine is not a folder"):
        batchdigits.export_c(tmp_path / "mine")
    assert [file.name for file in tmp_path.iterdir()] == ["mine"]
