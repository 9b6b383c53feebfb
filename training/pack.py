"""Pack the data that the built-in model is trained on, next to MNIST, into the .npz files of this folder.

    python training/pack.py SOURCES --judge judge.tflite

SOURCES is a folder with the archives that PACKED names, as their publishers have them. A packed file keeps scans in 16
grey levels, or pen strokes on a square of 256 points; `batchdigits/datasets/packed.py` describes the layout. All digits
of a writer go to one split. README.md names the publishers and licences, and which model judged.
"""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.labelled import OUTLIER
from batchdigits.datasets.packed import GREY_STEP, TEST, TRAIN, VALIDATION, drawn
from batchdigits.datasets.pen import MAX_POINT
from batchdigits.inference.choose import BUILT_IN_MODEL
from batchdigits.inference.decide import scores
from batchdigits.inference.load import load_runtime
from batchdigits.inference.runtime import Runtime

HELD_OUT_DIVISOR = 8  # an eighth of a source's writers is for validation, and an eighth for test
MIN_WRITERS = 8  # of a source: those of a smaller one are all for training
SEED = 0  # chooses the writers that are held out
FOLDER = Path(__file__).parent

# Letters and signs that a person may take for a digit; the names are as in the sources.
LIKE_A_DIGIT = 0.9  # score of a model that was not trained on these: such an outlier looks like a digit, too
LIKE_DIGITS = {*"OoIlSsZzbqgB/", "quickdraw:circle", "quickdraw:line", "quickdraw:zigzag"}


class Drawing(NamedTuple):
    """A digit or outlier in pen strokes, arrays (n, 2) of points, x before y."""

    label: int
    writer: str
    strokes: list[NDArray[np.float64]]


class Scan(NamedTuple):
    """A scan of a digit or outlier, uint8 (H, W)."""

    label: int
    writer: str
    picture: NDArray[np.uint8]


@click.command()
@click.argument("sources", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--judge", type=click.Path(path_type=Path), default=BUILT_IN_MODEL, help="The model for LIKE_A_DIGIT.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=FOLDER, help="Folder of the packed files.")
def main(sources: Path, judge: Path, output: Path) -> None:
    """Write the packed files."""
    runtime = load_runtime(judge, second_look=False)
    for name, archives in PACKED.items():
        items = [item for archive in archives for item in _read(sources / archive)]
        if name == "pen_outliers":
            items = _without_digits(items, runtime)
        arrays = _common(items) | (_strokes(items) if isinstance(items[0], Drawing) else _scans(items))
        np.savez_compressed(output / f"{name}.npz", **arrays)  # type: ignore[arg-type]
        counts = {split: int((arrays["splits"] == split).sum()) for split in (TRAIN, VALIDATION, TEST)}
        click.echo(f"{name}: {len(items):,} items; training, validation, test: {', '.join(map(str, counts.values()))}")


# Names of the packed files, and the archives of each.
PACKED = {
    "pendigits": ["pendigits.jsonl.gz"],
    "uji2": ["uji2.jsonl.gz"],
    "pen_small": ["lipitk.jsonl.gz", "bridger.jsonl.gz"],
    "swiss_forms": ["swiss_forms.zip"],
    "swiss_crops": ["swiss_crops.zip"],
    "crossed_out": ["not_digit/crossed_out_cells.zip"],
    "pen_outliers": [
        f"not_digit/{name}.jsonl.gz" for name in ("uji_letters", "omniglot", "quickdraw", "bridger_symbols")
    ],
}


def _read(archive: Path) -> list[Any]:
    return list(_drawings(archive) if archive.suffix == ".gz" else _pictures(archive))


def _drawings(archive: Path) -> Iterable[Drawing]:
    """The drawings of a file with one in JSON a line; those that look like a digit but are none are left out."""
    with gzip.open(archive, "rt", encoding="utf-8") as lines:
        for line in lines:
            item = json.loads(line)
            label = int(item["label"]) if item["label"].isdigit() else OUTLIER
            if label != OUTLIER or item["label"] not in LIKE_DIGITS:
                yield Drawing(label, item["writer"], [np.array(stroke, float) for stroke in item["strokes"] if stroke])


def _pictures(archive: Path) -> Iterable[Scan]:
    """The pictures of a ZIP file; a digit's name is LABEL/WRITER_….png, an outlier is in no folder."""
    with zipfile.ZipFile(archive) as file:
        for name in sorted(name for name in file.namelist() if name.endswith(".png")):
            picture = cv2.imdecode(np.frombuffer(file.read(name), np.uint8), cv2.IMREAD_GRAYSCALE)
            folder, _, stem = name.rpartition("/")
            writer = stem.partition("_")[0] if "_" in stem else ""
            yield Scan(int(folder) if folder else OUTLIER, writer, np.asarray(picture, np.uint8))


def _without_digits(items: list[Drawing], runtime: Runtime) -> list[Drawing]:
    glyphs, _ = drawn(_strokes(items))
    score = scores(runtime.logits(glyphs), runtime.card.rejects)
    return [item for item, one in zip(items, score, strict=True) if one < LIKE_A_DIGIT]


def _common(items: list[Any]) -> dict[str, NDArray[Any]]:
    """The arrays `labels` and `splits`."""
    writers = sorted({item.writer for item in items} - {""})
    held_out = len(writers) // HELD_OUT_DIVISOR if len(writers) >= MIN_WRITERS else 0
    shuffled = np.random.default_rng(SEED).permutation(writers).tolist()
    split_of = dict.fromkeys(shuffled[:held_out], VALIDATION) | dict.fromkeys(shuffled[held_out : 2 * held_out], TEST)
    return {
        "labels": np.array([item.label for item in items], np.int8),
        "splits": np.array([split_of.get(item.writer, TRAIN) for item in items], np.uint8),
    }


def _strokes(items: list[Drawing]) -> dict[str, NDArray[Any]]:
    scaled = [_scaled(item.strokes) for item in items]
    return {
        "points": np.concatenate([stroke for strokes in scaled for stroke in strokes]),
        "stroke_sizes": np.array([len(stroke) for strokes in scaled for stroke in strokes], np.uint16),
        "stroke_counts": np.array([len(strokes) for strokes in scaled], np.uint16),
    }


def _scaled(strokes: list[NDArray[np.float64]]) -> list[NDArray[np.uint8]]:
    """Strokes from 0 to MAX_POINT along the longer side, without points that repeat."""
    points = np.concatenate(strokes)
    low, side = points.min(axis=0), max(float(np.ptp(points, axis=0).max()), 1e-9)
    whole = [np.rint((stroke - low) * (MAX_POINT / side)).astype(np.uint8) for stroke in strokes]
    return [stroke[np.r_[True, (np.diff(stroke.astype(int), axis=0) != 0).any(axis=1)]] for stroke in whole]


def _scans(items: list[Scan]) -> dict[str, NDArray[Any]]:
    levels = [np.rint(item.picture / GREY_STEP).astype(np.uint8).ravel() for item in items]
    return {
        "levels": np.concatenate(levels),
        "sizes": np.array([item.picture.shape for item in items], np.uint16),
    }


if __name__ == "__main__":
    main()
