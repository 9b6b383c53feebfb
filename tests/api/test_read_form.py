"""Classifier.read_form: the fields of forms, in this process."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import batchdigits
from tests.forms.drawn import VALUES, blank_form, filled, save, scanned, template


@pytest.fixture(scope="module")
def classifier() -> batchdigits.Classifier:
    return batchdigits.Classifier()


@pytest.fixture(autouse=True)
def _template(in_empty_folder: Path) -> None:
    Path("form.toml").write_text(template("marks", form=None, room='range = "0-9"'))


def values_of(page: batchdigits.FormPrediction) -> dict[str, str]:
    return {name: field.value for name, field in page.fields.items()}


@pytest.mark.parametrize("kind", ["path", "bytes", "file", "pillow", "array"])
def test_a_page_gives_its_fields_by_name(classifier: batchdigits.Classifier, kind: str) -> None:
    path = save(scanned(filled(blank_form())), "scan.png")
    makers: dict[str, Callable[[], Any]] = {
        "path": lambda: path,
        "bytes": path.read_bytes,
        "file": lambda: io.BytesIO(path.read_bytes()),
        "pillow": lambda: Image.open(path),
        "array": lambda: np.asarray(Image.open(path)),
    }
    (page,) = classifier.read_form(makers[kind](), Path("form.toml"))
    assert (page.page, page.status) == (1, "review")
    assert page.detail.startswith("room: fails the range")
    assert values_of(page) == VALUES
    assert page.score is not None and 0 < page.score < 1
    student = page.fields["student"]
    assert (student.status, student.path) == ("ok", page.path)
    ink = np.asarray(Image.open(path))
    for digit in student.digits:  # in pixels of the page
        left, top, right, bottom = map(round, digit.box)
        assert ink[top:bottom, left:right].min() < 130


def test_a_page_is_a_dict_in_types_that_json_has(classifier: batchdigits.Classifier) -> None:
    (page,) = classifier.read_form(filled(blank_form()), "form.toml")
    document = json.loads(json.dumps(page.as_dict()))
    assert (document["page"], document["status"], document["score"]) == (1, "review", page.score)
    field, student = document["fields"]["student"], page.fields["student"]
    assert list(document) == list(page._fields) and list(field) == list(student._fields)
    assert (field["value"], field["status"]) == (VALUES["student"], "ok")
    assert [(one["label"], tuple(one["box"])) for one in field["digits"]] == [
        (one.label, one.box) for one in student.digits
    ]
    assert field["alternatives"] == dict(student.alternatives)
    (other,) = classifier.read_form(b"text", "form.toml")
    assert json.loads(json.dumps(other.as_dict()))["fields"] == {
        name: one.as_dict() for name, one in other.fields.items()
    }


def test_a_file_of_several_pages_gives_each(classifier: batchdigits.Classifier) -> None:
    form = blank_form()
    pages = filled(form), np.full_like(form, 245), filled(form, copy=1)
    first, *others = map(Image.fromarray, pages)
    first.save("scans.tif", save_all=True, append_images=others)
    found = classifier.read_form("scans.tif", "form.toml")
    assert [page.path for page in found] == ["scans.tif#1", "scans.tif#2", "scans.tif#3"]
    assert [page.page for page in found] == [1, 0, 1]
    assert found[1].detail == "an empty page"
    assert (found[1].fields, found[1].score) == ({}, None)
    assert classifier.read_form(Path("scans.tif").read_bytes(), "form.toml")[2].fields["date"].value == VALUES["date"]


def test_what_is_no_page_of_the_form_has_an_error(classifier: batchdigits.Classifier) -> None:
    (page,) = classifier.read_form(b"text", "form.toml")
    assert (page.status, page.detail) == ("error", "not an image")


def test_values_need_not_be_unique(classifier: batchdigits.Classifier) -> None:
    Path("unique.toml").write_text(template("marks", form=None, student="unique = true"))
    (page,) = classifier.read_form(filled(blank_form()), "unique.toml")
    assert (page.fields["student"].value, page.fields["student"].status) == (VALUES["student"], "ok")
    assert page.fields["student"].score is not None


def test_a_template_is_read_once_and_a_wrong_one_is_refused(classifier: batchdigits.Classifier) -> None:
    form = blank_form()
    Path("wrong.toml").write_text("")
    with pytest.raises(batchdigits.BatchdigitsError, match=r"wrong\.toml"):
        classifier.read_form(form, "wrong.toml")
    with pytest.raises(TypeError, match="template is a path"):
        classifier.read_form(form, 7)  # type: ignore[arg-type]
    Path("wrong.toml").write_text(template("marks", form=None))
    assert classifier.read_form(form, "wrong.toml")[0].status == "blank"
    Path("wrong.toml").unlink()
    assert classifier.read_form(form, "wrong.toml")[0].status == "blank"
