"""batchdigits.Classifier: single images of every kind, in this process, from any thread."""

from __future__ import annotations

import copy
import io
import json
import pickle
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

import batchdigits
from batchdigits.api import arguments
from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TEST_IMAGES, read_idx
from batchdigits.inference.choose import PRETRAINED
from tests.conftest import SAMPLES
from tests.engines.helpers import environment

DTYPES: list[np.dtype[Any]] = [np.dtype(kind) for kind in (np.uint8, np.uint16, np.bool_, np.float32)]
AS_IS = SAMPLES / "digits" / "7" / "as-is.png"
IN_DOUBT = SAMPLES / "digits" / "3" / "as-is.png"


@pytest.fixture(scope="module")
def classifier() -> batchdigits.Classifier:
    return batchdigits.Classifier()


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return read_idx(MNIST / f"{TEST_IMAGES}.gz")[:64]


@pytest.mark.parametrize("folder", ["digits", "broken"])
def test_predictions_are_those_of_the_command(classifier: batchdigits.Classifier, folder: str) -> None:
    expected = list(batchdigits.classify(SAMPLES / folder))
    assert [classifier.classify(one.path) for one in expected] == expected
    assert classifier.classify_many(Path(one.path) for one in expected) == expected


KINDS: dict[str, Any] = {
    "text": str,
    "path": lambda path: path,
    "bytes": Path.read_bytes,
    "bytearray": lambda path: bytearray(path.read_bytes()),
    "memoryview": lambda path: memoryview(path.read_bytes()),
    "file": lambda path: path.open("rb"),
    "stream": lambda path: io.BytesIO(path.read_bytes()),
    "pillow": Image.open,
    "grey": lambda path: grey_of(path),
    "strided": lambda path: np.repeat(grey_of(path), 2, axis=1)[:, ::2],
    "rgb": lambda path: np.repeat(grey_of(path)[:, :, None], 3, axis=2),
    "rgba": lambda path: np.dstack([*[grey_of(path)] * 3, np.full_like(grey_of(path), 255)]),
    "uint16": lambda path: grey_of(path).astype(np.uint16) * 257,
    "bool": lambda path: grey_of(path) > 127,
    "float32": lambda path: grey_of(path).astype(np.float32) / 255,
    "float64": lambda path: grey_of(path) / 255,
    "float16": lambda path: (grey_of(path) / 255).astype(np.float16),
}


def grey_of(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("L"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_image_is_classified(classifier: batchdigits.Classifier, kind: str) -> None:
    expected = classifier.classify(AS_IS)
    image = KINDS[kind](AS_IS)
    prediction = classifier.classify(image)
    if kind == "file":
        image.close()
    assert (prediction.label, prediction.status) == ("7", batchdigits.Status.OK)
    if kind not in ("bool", "float16"):  # which have fewer grey levels
        assert prediction._replace(path="") == expected._replace(path="")
    assert prediction.path == (str(AS_IS) if kind in ("text", "path", "file", "pillow") else "")


def test_colour_arrays_are_rgb(classifier: batchdigits.Classifier) -> None:
    colour = Image.open(SAMPLES / "digits" / "6" / "colour.jpg").convert("RGB")
    blue_ink = np.full((28, 28, 3), 255, np.uint8)
    blue_ink[:, :, :2] = 255 - (255 - grey_of(AS_IS))[:, :, None]  # red and green absorb where the ink is
    assert classifier.classify(np.asarray(colour)).label == "6"
    assert classifier.classify(blue_ink).label == "7"
    assert classifier.classify(np.asarray(colour)) == classifier.classify(colour)._replace(path="")


@pytest.mark.parametrize(
    ("image", "detail"),
    [
        (b"", "empty file"),
        (io.BytesIO(), "empty file"),
        (b"hello, world", "not an image"),
        (AS_IS.read_bytes()[:60], "truncated or corrupt"),
        ("missing.png", "no such file"),
        ("a\0b", "no such file"),
        (SAMPLES, "is a directory"),
        (np.zeros((0, 28), np.uint8), "an image without pixels"),
        (Image.new("L", (0, 28)), "an image without pixels"),
        (Image.open(io.BytesIO(AS_IS.read_bytes()[:120])), "cannot be decoded: image file is truncated"),
        (Image.open(AS_IS).convert("LA").convert("La"), "cannot be decoded: conversion from La to"),
        (np.full((28, 28), np.nan), "floats that are not from 0 to 1"),
        (np.full((28, 28), 255.0), "floats that are not from 0 to 1"),
    ],
)
def test_an_image_that_cannot_be_read_has_an_error(classifier: batchdigits.Classifier, image: Any, detail: str) -> None:
    prediction = classifier.classify(image)
    assert prediction.status is batchdigits.Status.ERROR
    assert prediction.detail.startswith(detail)
    assert (prediction.label, prediction.confidence, prediction.score) == ("", None, None)


def test_a_closed_file_has_an_error(classifier: batchdigits.Classifier) -> None:
    file, image = AS_IS.open("rb"), Image.open(AS_IS)
    file.close()
    image.close()
    assert classifier.classify(file).detail == "a closed file"
    assert classifier.classify(image).detail == "cannot be decoded: Operation on closed image"


@pytest.mark.parametrize("kind", ["u2", "f4", "f8"])
def test_the_byte_order_of_an_array_does_not_matter(classifier: batchdigits.Classifier, kind: str) -> None:
    array = grey_of(AS_IS) / 255 if kind[0] == "f" else grey_of(AS_IS).astype(np.uint16) * 257
    one, other = (classifier.classify(array.astype(order + kind)) for order in "<>")
    assert one == other
    assert one.label == "7"


def test_a_file_object_that_fails_has_an_error(classifier: batchdigits.Classifier) -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError(5, "Input/output error")

    assert classifier.classify(Broken()).detail == "cannot be read: Input/output error"


def test_a_file_object_may_give_less_than_is_asked_for(classifier: batchdigits.Classifier) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self, data: bytes) -> None:
            self._left = io.BytesIO(data)

        def read(self, size: int = -1) -> bytes:
            return self._left.read(min(size, 50))

    data = AS_IS.read_bytes()
    assert classifier.classify(Pipe(data)) == classifier.classify(data)
    assert classifier.classify(Pipe(data)).label == "7"


def test_a_file_object_is_read_to_the_limit_only(
    classifier: batchdigits.Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batchdigits.api.images.MAX_FILE_BYTES", 100)
    monkeypatch.setattr("batchdigits.api.images.READ_BYTES", 40)
    endless = io.BytesIO(bytes(1000))
    assert classifier.classify(endless).status is batchdigits.Status.ERROR
    assert endless.tell() == 120


def test_a_file_of_several_pages_is_no_single_image(classifier: batchdigits.Classifier, tmp_path: Path) -> None:
    page = Image.open(AS_IS)
    page.save(tmp_path / "two.tif", save_all=True, append_images=[page])
    page.save(tmp_path / "one.tif")
    assert classifier.classify(tmp_path / "one.tif").label == "7"
    prediction = classifier.classify(tmp_path / "two.tif")
    assert (prediction.path, prediction.status) == (str(tmp_path / "two.tif"), "error")
    assert prediction.detail.startswith("several pages")
    assert classifier.classify((tmp_path / "two.tif").read_bytes()).detail == prediction.detail


@pytest.mark.parametrize(
    "image",
    [None, 7, ["a.png"], object(), io.StringIO("text"), np.zeros(28, np.uint8), np.zeros((2, 28, 28), np.uint8)]
    + [np.zeros((28, 28), dtype) for dtype in (np.int64, np.int8, np.complex64, object)],
)
def test_a_wrong_type_is_one_error_that_says_what_is_accepted(classifier: batchdigits.Classifier, image: Any) -> None:
    with pytest.raises(TypeError, match=r"an image is a path|an array is \(H, W\)|opened in binary mode"):
        classifier.classify(image)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    arrays(
        st.sampled_from(DTYPES),
        st.tuples(st.integers(0, 40), st.integers(0, 40)) | st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(4)),
    )
)
def test_any_array_has_one_prediction_and_stays_as_it_was(
    classifier: batchdigits.Classifier, array: np.ndarray
) -> None:
    before = array.tobytes()
    prediction = classifier.classify(array)
    assert isinstance(prediction, batchdigits.Prediction)
    assert array.tobytes() == before


def test_an_empty_list_has_no_predictions(classifier: batchdigits.Classifier) -> None:
    assert classifier.classify_many([]) == []


@pytest.mark.parametrize(
    "kind",
    [str, Path, Path.read_bytes, lambda path: io.BytesIO(path.read_bytes()), lambda path: Image.new("L", (28, 28))],
)
def test_a_single_image_is_no_list_of_images(classifier: batchdigits.Classifier, kind: Callable[[Path], Any]) -> None:
    """A text would be a path for each of its characters, and a file an image for each of its lines."""
    with pytest.raises(TypeError, match="classify takes a single one"):
        classifier.classify_many(kind(AS_IS))
    with pytest.raises(TypeError, match="images is an iterable of images, not NoneType"):
        classifier.classify_many(None)  # type: ignore[arg-type]


def test_a_pickled_classifier_loads_its_model_again_and_classifies_alike() -> None:
    model = PRETRAINED / "tiny.tflite"
    classifier = batchdigits.Classifier(model, ink="dark", min_confidence=1.0, probabilities=True, second_look=True)
    other = pickle.loads(pickle.dumps(classifier))
    assert other.card == classifier.card
    assert other.classify(AS_IS) == classifier.classify(AS_IS)
    looks_once = batchdigits.Classifier(second_look=False)
    assert pickle.loads(pickle.dumps(looks_once)).classify(IN_DOUBT) == looks_once.classify(IN_DOUBT)
    assert batchdigits.Classifier().classify(IN_DOUBT) != looks_once.classify(IN_DOUBT)
    assert pickle.loads(pickle.dumps(batchdigits.Classifier(target_risk=0.2, outlier_share=0.3)))


class Named(batchdigits.Classifier):
    """A subclass with arguments of its own."""

    def __init__(self, name: str) -> None:
        super().__init__("mine.tflite", min_confidence=1.0)
        self.name = name


def test_a_pickled_classifier_is_what_it_was_in_another_folder(
    in_empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(PRETRAINED / "tiny.tflite", "mine.tflite")
    classifier = Named("a")
    pickled = pickle.dumps(classifier)
    (in_empty_folder / "other").mkdir()
    monkeypatch.chdir("other")
    other = pickle.loads(pickled)
    assert (type(other), other.name, other.card) == (Named, "a", classifier.card)
    assert other.classify(AS_IS) == classifier.classify(AS_IS)
    assert copy.copy(classifier).name == "a"


@pytest.mark.parametrize("model", [None, "tiny"])
def test_a_pickled_classifier_finds_the_models_of_the_package_where_it_is(
    in_empty_folder: Path, monkeypatch: pytest.MonkeyPatch, model: str | None
) -> None:
    shutil.copytree(PRETRAINED, "sender")
    with monkeypatch.context() as patch:
        patch.setattr("batchdigits.inference.choose.PRETRAINED", in_empty_folder / "sender")
        patch.setattr(arguments, "BUILT_IN_MODEL", in_empty_folder / "sender" / "digits.tflite")
        pickled = pickle.dumps(batchdigits.Classifier(model))
    shutil.rmtree("sender")
    assert pickle.loads(pickled).card == batchdigits.Classifier(model).card


def test_sixteen_threads_get_the_predictions_of_one(classifier: batchdigits.Classifier, digits: np.ndarray) -> None:
    images = [cv2.imencode(".png", digit)[1].tobytes() for digit in digits]
    expected = [classifier.classify(image) for image in images]
    assert len({one.label for one in expected}) == 10
    with ThreadPoolExecutor(16) as pool:
        for _ in range(3):
            assert list(pool.map(classifier.classify, images)) == expected


def test_threads_do_not_restore_each_others_warning_filters(
    classifier: batchdigits.Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside: list[int] = []
    most: list[int] = []

    @contextmanager
    def slow() -> Iterator[None]:
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.01)
        yield
        inside.pop()

    monkeypatch.setattr(warnings, "catch_warnings", slow)
    palette = io.BytesIO()
    Image.open(AS_IS).convert("P").save(palette, "GIF")
    with ThreadPoolExecutor(8) as pool:
        predictions = list(pool.map(classifier.classify, [palette.getvalue()] * 16))
    assert [one.label for one in predictions] == ["7"] * 16
    assert len(most) >= 16 and max(most) == 1


def test_probabilities_are_named_and_given_on_demand(classifier: batchdigits.Classifier) -> None:
    assert classifier.classify(AS_IS).probabilities == {}
    prediction = batchdigits.Classifier(probabilities=True).classify(AS_IS)
    assert list(prediction.probabilities) == list(classifier.card.labels)
    assert prediction.probabilities["7"] == prediction.confidence
    document = json.loads(json.dumps(prediction.as_dict()))
    assert document == {
        "path": str(AS_IS),
        "label": "7",
        "confidence": prediction.confidence,
        "status": "ok",
        "detail": "",
        "probabilities": prediction.probabilities,
        "score": prediction.score,
    }


def test_a_threshold_decides_what_is_for_review() -> None:
    assert batchdigits.Classifier(min_confidence=1.0).classify(AS_IS).status == "review"
    assert batchdigits.Classifier(target_risk=0.05).classify(AS_IS).status == "ok"


def test_the_ink_can_be_given(classifier: batchdigits.Classifier) -> None:
    light = batchdigits.Classifier(ink="light")
    dark_on_light = np.full((60, 60), 255, np.uint8)
    cv2.line(dark_on_light, (30, 10), (30, 50), 0, 5)
    assert classifier.classify(dark_on_light).label == "1"
    assert light.classify(255 - dark_on_light).label == "1"
    assert light.classify(dark_on_light) != classifier.classify(dark_on_light)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"ink": "red"}, ValueError),
        ({"min_confidence": 2.0}, ValueError),
        ({"target_risk": 0.0}, ValueError),
        ({"min_confidence": 0.5, "target_risk": 0.1}, ValueError),
        ({"min_confidence": "0.5"}, TypeError),
        ({"model": 7}, TypeError),
        ({"probabilities": "no"}, TypeError),
        ({"second_look": "no"}, TypeError),
        ({"model": "none.tflite"}, batchdigits.ModelFileError),
    ],
)
def test_arguments_are_checked_when_the_model_is_loaded(arguments: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        batchdigits.Classifier(**arguments)


def test_a_risk_that_no_threshold_has_is_named_with_the_argument_for_one() -> None:
    with pytest.raises(batchdigits.BatchdigitsError, match=r"and 1e-07% was asked for; set min_confidence by hand$"):
        batchdigits.Classifier(target_risk=1e-9)


def test_a_model_of_the_package_has_a_name() -> None:
    assert batchdigits.Classifier("nano").card == batchdigits.Classifier(PRETRAINED / "nano.tflite").card
    with pytest.raises(batchdigits.ModelFileError):
        batchdigits.Classifier(Path("nano"))


def test_a_keras_file_gives_the_same_labels(classifier: batchdigits.Classifier, digits: np.ndarray) -> None:
    keras = batchdigits.Classifier(PRETRAINED / "digits.keras")
    labels = [one.label for one in classifier.classify_many(digits)]
    assert [one.label for one in keras.classify_many(digits)] == labels


def test_the_model_does_not_depend_on_the_current_folder(in_empty_folder: Path) -> None:
    (in_empty_folder / "exports").mkdir()
    (in_empty_folder / "exports" / "digits.tflite").write_bytes(b"broken")
    assert batchdigits.Classifier().classify(AS_IS).label == "7"


def test_it_runs_in_this_process_and_prints_nothing(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        "import os, sys, batchdigits\n"
        f"prediction = batchdigits.Classifier().classify({str(AS_IS)!r})\n"
        "assert prediction.label == '7'\n"
        "assert 'tensorflow' not in sys.modules\n"
        "try: os.waitpid(-1, os.WNOHANG)\n"
        "except ChildProcessError: sys.exit(0)\n"  # there is no child process
        "sys.exit(1)\n"
    )
    line = [sys.executable, "script.py"]
    result = subprocess.run(line, cwd=tmp_path, capture_output=True, check=False, text=True, env=environment())
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_every_public_name_is_there() -> None:
    for name in batchdigits.__all__:
        assert getattr(batchdigits, name) is not None
    assert set(batchdigits.__all__) <= set(dir(batchdigits))
