"""Preparing a training from files and options, as a caller in Python does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batchdigits.errors import BatchdigitsError, ModelFileError, OptionError
from batchdigits.learning.train import prepare_training


def test_values_replace_those_of_the_recipe(npz_file: Path) -> None:
    values = {"hidden": (8,), "activation": "none", "dropout": None}
    recipe = prepare_training("lesson", [npz_file], values=values).recipe
    assert (recipe.name, recipe.hidden, recipe.activation, recipe.dropout) == ("lesson", (8,), "", 0.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"recipe": "secret"}, "there is no recipe 'secret'; choose one of lesson, default"),
        ({"values": {"momentum": 0.9}}, "a recipe has no value 'momentum'"),
        ({"values": {"iterations": 0}}, "--iterations 0, which trains nothing, needs --init"),
        ({"init": [Path("a.keras"), Path("b.keras")], "data": Path("crops")}, "--data needs a single --init"),
        ({"values": {"activation": ""}}, "--activation is one of none, relu"),
        ({"init": [Path("a.keras")], "values": {"hidden": (8,)}}, "--hidden does not go with --init"),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        prepare_training(**arguments)
    assert issubclass(OptionError, BatchdigitsError)


@pytest.mark.parametrize("role", ["teacher", "init"])
def test_a_model_that_is_no_keras_file_is_refused(role: str) -> None:
    path = Path("m.tflite")
    with pytest.raises(ModelFileError, match=r"m\.tflite: .*\.keras file"):
        prepare_training(teacher=[path] if role == "teacher" else [], init=[path] if role == "init" else [])
