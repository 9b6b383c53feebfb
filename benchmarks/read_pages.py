"""Measure how well the fields of whole pages are read by a template, beside crops of the same fields.

    python benchmarks/read_pages.py --fields DIR

DIR has one folder for each source, with crops of fields, a `truth.csv` with the columns `file` and `truth`, and a
`fields.csv` with the columns `file` (a page), `field`, `x`, `y`, `w`, `h` (its box in pixels) and `truth`. A template
is made of each page's boxes. Each page is read as it is, without being lined up; lined up with itself by features; and
as another scan, which is turned, in perspective and noisy. Only digits are compared, without separators and
signs. `--comb cdigital=3` says that all fields of a source are combs of so many boxes, for crops and pages alike.
"""

from __future__ import annotations

import csv
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click
import cv2
import numpy as np
from numpy.typing import NDArray
from read_fields import digits_of

from batchdigits.fields.cut_batch import CutPage, cut_page
from batchdigits.fields.decide_fields import REVIEW_THRESHOLD, decide_each
from batchdigits.fields.field_options import FieldOptions, field_options
from batchdigits.forms.cut_pages import cut_form
from batchdigits.forms.decide_forms import decide_forms
from batchdigits.forms.template import Alignment, TemplatePage
from batchdigits.forms.template_file import read_template
from batchdigits.forms.template_text import template_text
from batchdigits.inference.choose import choose_model
from batchdigits.inference.load import load_runtime
from batchdigits.inference.runtime import Runtime
from batchdigits.vision.decode import Page, decode

TURN, PERSPECTIVE, NOISE = 2.0, 2e-2, 3.0  # degrees; how much smaller the right side is; grey levels
TABLE, MARGIN = 160, 0.05  # grey level of what lies around the page, and how much of it there is, of the page's side
AS_IT_IS, ITSELF, ANOTHER = "as it is", "lined up", "other scan"


class Answer(NamedTuple):
    """What was read in a field.

    Attributes:
        truth: the digits in it.
        value: the digits that were read.
        is_ok: whether the row is `ok`.
    """

    truth: str
    value: str
    is_ok: bool


@click.command()
@click.option("--fields", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--tell-length", is_flag=True, help="Say in the template how many digits each field has.")
@click.option("--comb", "combs", multiple=True, metavar="SOURCE=N", help="Boxes of a source's combs; repeatable.")
@click.option("--model", type=click.Path(path_type=Path), help="The model file. [default: as in classify]")
def main(fields: Path, tell_length: bool, combs: tuple[str, ...], model: Path | None) -> None:
    """Measure how well the fields of whole pages are read."""
    cv2.setNumThreads(1)
    runtime = load_runtime(model or choose_model(None), second_look=False)
    boxes = {name: int(count) for name, _, count in (comb.partition("=") for comb in combs)}
    names = ("crops", AS_IT_IS, ITSELF, ANOTHER)
    click.echo(f"{'exact':12}  fields  {'  '.join(f'{name:>10}' for name in names)}   ok of other scan  exact of ok")
    for source in sorted(path.parent for path in fields.glob("*/fields.csv")):
        comb = boxes.get(source.name, 1)
        answers = {"crops": _read_crops(source, tell_length, comb, runtime)}
        for how in (AS_IT_IS, ITSELF, ANOTHER):
            answers[how] = _read_pages(source, how, tell_length, comb, runtime)
        exact = "  ".join(f"{_share([one.value == one.truth for one in answers[name]]):>10}" for name in names)
        ok = [one for one in answers[ANOTHER] if one.is_ok]
        click.echo(
            f"{source.name:12}  {len(answers[ANOTHER]):6}  {exact}  {len(ok) / len(answers[ANOTHER]):17.1%}  "
            f"{_share([one.value == one.truth for one in ok]):>11}"
        )


def _read_crops(source: Path, tell_length: bool, comb: int, runtime: Runtime) -> list[Answer]:
    pages: list[CutPage] = []
    options: list[FieldOptions] = []
    truths: list[str] = []
    for row in _rows(source / "truth.csv"):
        truths.append(digits_of(row["truth"]))
        length = str(len(truths[-1])) if tell_length and truths[-1] else None
        options.append(field_options(length=length, comb=comb if comb > 1 else None))
        pages += [cut_page(page, options[-1]) for page in decode(str(source / row["file"]))]
    found = decide_each(pages, runtime, options, REVIEW_THRESHOLD)
    return [Answer(truth, digits_of(one.value), one.status == "ok") for truth, one in zip(truths, found, strict=True)]


def _read_pages(source: Path, how: str, tell_length: bool, comb: int, runtime: Runtime) -> list[Answer]:
    by_page: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in _rows(source / "fields.csv"):
        by_page[row["file"]].append(row)
    answers = []
    for file, rows in by_page.items():
        page = source / file
        (decoded,) = decode(str(page))
        assert decoded.scan is not None
        scan = _scanned_again(decoded.scan) if how == ANOTHER else decoded.scan
        alignment: Alignment = "none" if how == AS_IT_IS else "features"
        read = _read_page(page, scan, rows, alignment, tell_length, comb, runtime)
        answers += [Answer(digits_of(row["truth"]), *read[row["field"]]) for row in rows]
    return answers


def _read_page(
    page: Path,
    scan: NDArray[np.uint8],
    rows: Sequence[dict[str, str]],
    alignment: Alignment,
    tell_length: bool,
    comb: int,
    runtime: Runtime,
) -> dict[str, tuple[str, bool]]:
    """The digits of each field of a page, and whether it is `ok`."""
    (blank,) = decode(str(page))
    assert blank.scan is not None
    height, width = blank.scan.shape
    fields = []
    for row in rows:
        left, top, wide, high = (float(row[side]) for side in "xywh")
        fields.append((row["field"], 1, (left, top, min(wide, width - left), min(high, height - top)), comb))
    text = template_text(str(page.absolute()), "", "px", alignment, [TemplatePage((width, height))], fields)
    if tell_length:
        for row in rows:
            if digits := digits_of(row["truth"]):
                text = text.replace(f'name = "{row["field"]}"\n', f'name = "{row["field"]}"\nlength = {len(digits)}\n')
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "form.toml"
        path.write_text(text, encoding="utf-8")
        template = read_template(str(path))
    form = cut_form(Page(str(page), scan), template, 1)
    if not form.fields:
        click.echo(f"{page}: {form.detail}", err=True)
        return {row["field"]: ("", False) for row in rows}
    (row_of_page,) = decide_forms([form], runtime, REVIEW_THRESHOLD, by_field=False)
    assert row_of_page.form is not None
    return {name: (digits_of(one.label), one.status == "ok") for name, one in row_of_page.form.fields.items()}


def _scanned_again(scan: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Another scan of a page: on a table, turned, in perspective and noisy."""
    height, width = scan.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), TURN, 1.0)
    turn[:, 2] += MARGIN * width, MARGIN * height
    matrix = np.vstack([turn, [PERSPECTIVE / width, 0.0, 1.0]])
    size = round((1 + 2 * MARGIN) * width), round((1 + 2 * MARGIN) * height)
    seen = cv2.warpPerspective(scan, matrix, size, flags=cv2.INTER_CUBIC, borderValue=(TABLE,))
    noise = np.random.default_rng(0).normal(0.0, NOISE, seen.shape)
    return np.clip(np.asarray(seen, np.float64) + noise, 0, 255).astype(np.uint8)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _share(flags: Sequence[bool]) -> str:
    return f"{100 * sum(flags) / len(flags):.1f}%" if flags else "-"


if __name__ == "__main__":
    main()
