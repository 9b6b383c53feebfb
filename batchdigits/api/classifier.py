"""A model that is loaded once, and classifies or reads single images in this process."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from numbers import Integral, Real
from threading import Lock
from typing import Any

from batchdigits.api.argument_names import names_arguments
from batchdigits.api.arguments import as_path, check_flags, check_given, check_ink, check_types, model_path, text_list
from batchdigits.api.images import Image, is_single, page_of, pages_of
from batchdigits.fields.cut_batch import cut_page
from batchdigits.fields.decide_fields import FieldPrediction, decide_fields, field_threshold
from batchdigits.fields.field_options import field_options
from batchdigits.fields.values.rules import VALUE
from batchdigits.forms.cut_pages import FormBatch
from batchdigits.forms.decide_forms import FormPrediction, read_forms
from batchdigits.forms.template import Template
from batchdigits.forms.template_file import read_template
from batchdigits.inference.card import Card
from batchdigits.inference.choose import packaged_model
from batchdigits.inference.decide import Prediction, decide
from batchdigits.inference.load import load_runtime
from batchdigits.inference.runtime import BATCH_SIZE
from batchdigits.inference.second_look import without_second_look
from batchdigits.inference.threshold import review_threshold
from batchdigits.vision.normalise import Ink
from batchdigits.vision.normalise_batch import normalise_page


class Classifier:
    """A loaded model. It starts no workers, and may be used from any thread.

    It can be pickled: another process loads the model file again.

    Attributes:
        card: the model card; if glyphs in doubt are looked at again, the threshold is that of its `second_look`.
    """

    card: Card

    @names_arguments
    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        ink: Ink = "auto",
        min_confidence: float | None = None,
        target_risk: float | None = None,
        outlier_share: float | None = None,
        probabilities: bool = False,
        second_look: bool | None = None,
    ) -> None:
        """Load a model.

        Args:
            model: the model file, or `tiny` or `nano`; None for the built-in one.
            ink: whether ink is `dark`, `light`, or to be found out for each image (`auto`).
            min_confidence: score, 0-1, below which a prediction is `review`; None for the model's own threshold.
            target_risk: in its place, the share of wrong predictions, over 0 and under 1, that is accepted among `ok`
                ones, from which the model's validation data gives the threshold.
            outlier_share: the share of images that are no digit, from 0 and under 1, which `target_risk` counts on;
                None for the model's own.
            probabilities: whether predictions carry the probabilities of all classes.
            second_look: whether an image in doubt is classified again by a second network, and the mean of both
                counts; None if the model's card decides.

        Raises:
            TypeError: `model` is no path, or another argument has another type.
            ValueError: another argument is out of its range.
            BatchdigitsError: the model file cannot be used, or the risk is not supported by its data.
        """
        check_ink(ink)
        check_flags(probabilities=probabilities, second_look=second_look)
        check_types(Real, min_confidence=min_confidence, target_risk=target_risk, outlier_share=outlier_share)
        # A process that it is sent to may have the package in another place, and another current folder.
        is_packaged = model is None or packaged_model(model, ".tflite")
        self._model = model if is_packaged else model_path(model).absolute()
        self._min_confidence = min_confidence
        self._target_risk = target_risk
        self._outlier_share = outlier_share
        self._ink = ink
        self._probabilities = probabilities
        self._second_look = second_look
        self._load()

    def _load(self) -> None:
        path = model_path(self._model)
        # One glyph at a time is fast in LiteRT, and pads nothing; TensorFlow takes as long for one as for a full batch.
        self._runtime = load_runtime(path, BATCH_SIZE if path.suffix == ".keras" else 1, self._second_look)
        self.card = without_second_look(self._runtime).card
        self._threshold = review_threshold(
            self._runtime.card, self._min_confidence, self._target_risk, self._outlier_share
        )
        self._templates: dict[str, Template] = {}
        self._lock = Lock()  # an interpreter runs one inference at a time

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: an interpreter and a lock cannot be, and templates are read again where they are used."""
        return {name: value for name, value in vars(self).items() if name not in ("_runtime", "_templates", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Load the model again, with the same arguments."""
        vars(self).update(state)
        self._load()

    def classify(self, image: Image) -> Prediction:
        """The prediction for one image.

        Args:
            image: a path or URL; the bytes of an image file; a binary file object with them; a Pillow image; or a NumPy
                array, grey (H, W), RGB (H, W, 3) or RGBA (H, W, 4), of uint8, uint16, bool, or floats from 0 to 1.

        Returns:
            The prediction. An image that cannot be read has the status `error` and its reason as `detail`. The path is
            empty for an image without a file name.

        Raises:
            TypeError: the image has none of these types.
        """
        (prediction,) = self.classify_many([image])
        return prediction

    def classify_many(self, images: Iterable[Image]) -> list[Prediction]:
        """The predictions for several images, in order; each may have any type that `classify` accepts.

        Raises:
            TypeError: `images` is a single one, or one of them is no image.
        """
        if is_single(images):
            raise TypeError("images is an iterable of images; classify takes a single one")
        if not isinstance(images, Iterable):
            raise TypeError(f"images is an iterable of images, not {type(images).__name__}")
        sources = [normalise_page(page_of(image, reduced=True), self._ink) for image in images]
        with self._lock:
            predictions, _ = decide(sources, self._runtime, self._threshold, self._probabilities)
        return predictions

    def read(
        self,
        image: Image,
        *,
        length: int | str | None = None,
        comb: int | None = None,
        separators: str = "",
        digits_only: bool = False,
        signed: bool = False,
        decimals: int | None = None,
        bounds: str | None = None,
        pattern: str | None = None,
        checks: Iterable[str] = (),
        values: Iterable[str] | None = None,
    ) -> FieldPrediction:
        """The number in the image of one field, as `batchdigits read` reads it.

        Args:
            image: as for `classify`.
            length: how many digits the number has, as `9` or `"5-8"`; None for any number.
            comb: the number of boxes in a row that the field has; None if it has none, or if it is not known.
            separators: characters of `/.-,` that may stand between digits, and become part of the value.
            digits_only: whether they are left out of the value.
            signed: whether a minus may stand before the number.
            decimals: of the number, which is written as `1234.50`; None for a number of any form.
            bounds: the least and the greatest number, as `"0-300"`; None for any.
            pattern: a regular expression for the whole value; None for any value.
            checks: that the value passes: names such as `luhn`, or expressions such as `"(d1 + 2*d2) % 10 == d3"`.
            values: those of which the field holds one; None for any.

        Returns:
            The likeliest value that keeps all rules, with its digits; `review` if it is not likely enough. Of the
            classifier's arguments, `target_risk`, `probabilities` and `second_look` are for single digits only.

        Raises:
            TypeError: the image has none of the types that `classify` accepts, or another argument has another type; a
                value is a text, with its leading zeros.
            ValueError: another argument is out of its range.
            BatchdigitsError: none of the `values` keeps the rules, or a digit is no label of the model.
        """
        texts = text_list("checks", checks)
        listed = None if values is None else text_list("values", values)
        for value in listed or ():
            if not VALUE.fullmatch(value):
                raise ValueError(f"values are numbers, not {value!r}")
        check_types(Integral, comb=comb, decimals=decimals)
        check_given(str, separators=separators)
        check_types(str, bounds=bounds, pattern=pattern)
        check_flags(digits_only=digits_only, signed=signed)
        options = field_options(
            ink=self._ink,
            length=None if length is None else str(length),
            comb=comb,
            separators=separators,
            digits_only=digits_only,
            signed=signed,
            decimals=decimals,
            bounds=bounds,
            pattern=pattern,
            checks=texts,
            values=listed and tuple(dict.fromkeys(listed)),
        )
        threshold = field_threshold(self.card, self._min_confidence)
        page = cut_page(page_of(image), options)
        with self._lock:
            (prediction,) = decide_fields([page], without_second_look(self._runtime), options, threshold)
        return prediction

    def read_form(self, image: Image, template: str | os.PathLike[str]) -> list[FormPrediction]:
        """The numbers in the fields of a form, as `batchdigits read --template` reads them.

        Args:
            image: as for `classify`; TIFF and PDF may have several pages, which are those of the form in turn.
            template: the file of the template. It is read once, with its blank form and its lists.

        Returns:
            One prediction for each page. Its digits have their boxes in pixels of the page. Two pages may have the
            same value in a field, also where the template has `unique = true`.

        Raises:
            TypeError: the image has none of the types that `classify` accepts, or the template is no path.
            BatchdigitsError: the template cannot be used, or a digit is no label of the model.
        """
        threshold = field_threshold(self.card, self._min_confidence)
        batch = FormBatch(self._template(os.fspath(as_path(template, "template"))), by_field=False)
        for _ in batch.add_pages(pages_of(image)):
            pass
        with self._lock:
            return read_forms(batch.finish(), without_second_look(self._runtime), threshold)

    def _template(self, path: str) -> Template:
        with self._lock:
            if path not in self._templates:
                form = read_template(path, self._ink)
                fields = [field._replace(options=replace(field.options, unique=False)) for field in form.fields]
                self._templates[path] = form._replace(fields=tuple(fields))
            return self._templates[path]
