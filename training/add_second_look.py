"""Measure the confidence of a second look, and say in a model's card that glyphs in doubt are looked at again.

    python training/add_second_look.py --data mnist … batchdigits/pretrained/digits.tflite

The data sets are those that the model was trained with. It also prints the temperature and the offset of the second
network for `batchdigits/inference/second_look.py`, on which the figures depend.
"""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import click

from batchdigits.datasets import load
from batchdigits.datasets.labelled import LabelledGlyphs
from batchdigits.inference.load import load_runtime, load_second_network
from batchdigits.inference.model_file import CARD_NAME, ModelFile, add_card, read_model_file
from batchdigits.learning.rejection import rejection_offset
from batchdigits.learning.temperature_scaling import best_temperature, measure_second_look, with_degraded_copies
from batchdigits.output.atomic import replace_atomically


@click.command()
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--data", multiple=True, required=True, type=click.Path(path_type=Path), help="As for train.")
def main(models: tuple[Path, ...], data: tuple[Path, ...]) -> None:
    """Write the card of each model anew; the network stays as it is."""
    splits = load(*data, seed=1)
    digits = with_degraded_copies(splits.validation, splits.classes)
    click.echo("second network: temperature {:.4f}, offset {:.4f}".format(*_scale(digits)))
    for path in models:
        model = read_model_file(path)
        run = load_runtime(path, second_look=False).logits
        second_look = measure_second_look(run, digits, splits, model.card.rejects)
        click.echo(f"{path}: review threshold {second_look['thresholds']['review']}")
        with replace_atomically(path) as temporary:
            _write_without_card(model, temporary)
            add_card(temporary, replace(model.card, second_look=second_look))


def _scale(digits: LabelledGlyphs) -> tuple[float, float]:
    """What the second network's logits are divided by, and then lowered by, to be like those of the first."""
    logits = load_second_network().logits(digits.glyphs)
    relative = logits[:, :-1] - logits[:, -1:]
    temperature = best_temperature(relative, digits.labels)
    return temperature, rejection_offset(relative / temperature)


def _write_without_card(model: ModelFile, output: Path) -> None:
    """Write a copy of a model file, to which a card can be added."""
    if not model.is_keras:
        output.write_bytes(model.payload)
        return
    with zipfile.ZipFile(model.path) as old, zipfile.ZipFile(output, "w") as new:
        for member in old.infolist():
            if member.filename != CARD_NAME:
                new.writestr(member, old.read(member))


if __name__ == "__main__":
    main()
