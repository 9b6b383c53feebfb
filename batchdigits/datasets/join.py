"""Join several data sets for one training."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from batchdigits.datasets.images import keys_of
from batchdigits.datasets.labelled import OUTLIER, LabelledGlyphs, Mixture, Outliers, Source, Splits, concatenate
from batchdigits.datasets.layout import NOT_DIGIT
from batchdigits.datasets.pen import join_drawings
from batchdigits.errors import DataError
from batchdigits.text import counted, first_names

SIZE_EXPONENT = 0.5  # a data set is drawn from in proportion to this power of its size, so that small ones count


def join(parts: Sequence[Splits]) -> Splits:
    """Join data sets with the same classes. Every class is drawn equally often.

    Copies are left out, see `set_apart`.

    Raises:
        DataError: two data sets have different classes.
    """
    for part in parts[1:]:
        if part.classes != parts[0].classes:
            names, others = first_names(part.classes, 10), first_names(parts[0].classes, 10)
            raise DataError(
                f"{part.name}: its classes are not those of {parts[0].name}: {names}, and {others}; "
                "they may differ only with --init and without --recipe"
            )
    name = ", ".join(part.name for part in parts)
    notes = [*(note for part in parts for note in part.notes), *_note_two_labels(name, parts)]
    parts, more = set_apart(name, parts)
    notes += more
    ordered = sorted(parts, key=lambda part: part.drawings is not None)  # those of drawings are the last
    outliers = [part.outliers for part in ordered if part.outliers]
    drawings = [part.drawings for part in ordered if part.drawings]
    return Splits(
        name,
        parts[0].classes,
        concatenate([part.train for part in ordered]),
        concatenate([part.validation for part in ordered]),
        concatenate([part.test for part in ordered]),
        mixture=_mixture(ordered),
        drawings=join_drawings(drawings) if drawings else None,
        outliers=_join_outliers(outliers) if outliers else None,
        sources=_sources(ordered),
        notes=tuple(notes),
    )


def with_all_classes(parts: Sequence[Splits]) -> list[Splits]:
    """Data sets whose classes are those of all of them, so that they can be joined."""
    classes = tuple(dict.fromkeys(name for part in parts for name in part.classes))
    return [part.with_classes(classes) for part in parts]


def set_apart(name: str, parts: Sequence[Splits]) -> tuple[list[Splits], list[str]]:
    """Leave out copies, so that no image is learned from one data set and held back in another.

    Of an image that several data sets have, the copies for test stay, or else those for validation.

    Args:
        name: what the data sets are called together.
        parts: data sets with the same classes.

    Returns:
        The data sets, and a line that counts what is left out; none if nothing is.
    """
    apart = _apart(parts)
    left_out = sum(map(_size, parts)) - sum(map(_size, apart))
    note = (
        f"{name}: left out {counted(left_out, 'image')} of which another of these has a copy; "
        "copies are never both learned and held back"
    )
    return apart, [note] if left_out else []


def _size(part: Splits) -> int:
    outliers = sum(map(len, part.outliers[:3])) if part.outliers else 0
    return len(part.train) + len(part.validation) + len(part.test) + outliers


def _apart(parts: Sequence[Splits]) -> list[Splits]:
    """The data sets without images for validation or training that one of them holds back."""
    outliers = [part.outliers for part in parts if part.outliers]
    test = _keys([part.test for part in parts], [one.test for one in outliers])
    held_back = test | _keys([part.validation for part in parts], [one.validation for one in outliers])
    return [
        replace(
            part if part.drawings else _untrained(held_back, part),  # drawings are drawn anew
            validation=part.validation[_others(test, part.validation)],
            outliers=_outliers_apart(test, held_back, part.outliers) if part.outliers else None,
        )
        for part in parts
    ]


def _keys(digits: Iterable[LabelledGlyphs], outliers: Iterable[NDArray[np.uint8]]) -> set[bytes]:
    return {key for data in (*digits, *map(_unlabelled, outliers)) for key in keys_of(data)}


def _unlabelled(outliers: NDArray[np.uint8]) -> LabelledGlyphs:
    return LabelledGlyphs(outliers, np.full(len(outliers), OUTLIER, np.int64))


def _outliers_apart(test: Collection[bytes], held_back: Collection[bytes], outliers: Outliers) -> Outliers:
    """Outliers without those for validation or training that one of the data sets holds back."""
    train = _others(held_back, _unlabelled(outliers.train))
    chances = outliers.chances[train]
    return Outliers(
        outliers.train[train],
        outliers.validation[_others(test, _unlabelled(outliers.validation))],
        outliers.test,
        chances / max(chances.sum(), 1e-9),
    )


def _untrained(keys: Collection[bytes], part: Splits) -> Splits:
    """A data set that trains on no image with one of the keys."""
    kept = _others(keys, part.train)
    mixture = Mixture(part.mixture.chances[kept], part.mixture.taught[kept]) if part.mixture else None
    return replace(part, train=part.train[kept], mixture=mixture)


def _others(keys: Collection[bytes], data: LabelledGlyphs) -> NDArray[np.int64]:
    return np.flatnonzero([key not in keys for key in keys_of(data)])


def _note_two_labels(name: str, parts: Sequence[Splits]) -> list[str]:
    """A line that names the images with one label in one data set and another in another."""
    first: dict[bytes, dict[int, Splits]] = defaultdict(dict)  # by glyph and label, the first data set with them
    for part in parts:
        outliers = map(_unlabelled, part.outliers[:3] if part.outliers else ())
        for data in (part.train, part.validation, part.test, *outliers):
            for key, label in zip(keys_of(data), data.labels.tolist(), strict=True):
                first[key].setdefault(label, part)
    pairs = [
        " and ".join(f"{_image(key, part)} ({(*part.classes, NOT_DIGIT)[label]})" for label, part in of_label.items())
        for key, of_label in first.items()
        if len({id(part) for part in of_label.values()}) > 1
    ]
    return [f"{name}: {counted(len(pairs), 'image')} with two labels: {first_names(pairs, 3)}"] if pairs else []


def _image(key: bytes, part: Splits) -> str:
    return f"{part.name}/{part.names[key]}" if key in part.names else f"an image of {part.name}"


def _join_outliers(parts: Sequence[Outliers]) -> Outliers:
    """The outliers of several data sets; a data set is drawn from in proportion to the root of its outliers."""
    chances = np.concatenate([part.chances * len(part.train) ** SIZE_EXPONENT for part in parts])
    return Outliers(
        np.concatenate([part.train for part in parts]),
        np.concatenate([part.validation for part in parts]),
        np.concatenate([part.test for part in parts]),
        chances / max(chances.sum(), 1e-9),
    )


def _sources(parts: Sequence[Splits]) -> tuple[Source, ...]:
    """The sizes of data sets; a number tells those of the same name apart."""
    seen: Counter[str] = Counter()
    sources = []
    for part in parts:
        seen[part.name] += 1
        name = part.name if seen[part.name] == 1 else f"{part.name} ({seen[part.name]})"
        outliers = len(part.outliers.train) if part.outliers else 0
        sources.append(Source(name, len(part.train), outliers, len(part.test)))
    return tuple(sources)


def _mixture(parts: Sequence[Splits]) -> Mixture:
    """How to draw from the training glyphs of several data sets; glyphs with a mixture keep their weights in it."""
    labels = np.concatenate([part.train.labels for part in parts])
    weights = np.concatenate([weights_of(part) for part in parts])
    source = np.repeat(np.arange(len(parts)), [len(part.train) for part in parts])
    sizes = np.bincount(source, minlength=len(parts)).astype(float)
    of_class = np.zeros((len(parts), len(parts[0].classes)))  # weights of each source and class
    np.add.at(of_class, (source, labels), weights)
    share = (of_class > 0) * sizes[:, None] ** SIZE_EXPONENT
    share /= np.maximum(share.sum(axis=0), 1e-9)
    chances = weights * (share / np.maximum(of_class, 1e-9))[source, labels]
    return Mixture(chances / max(chances.sum(), 1e-9), np.ones(len(labels), bool))


def weights_of(part: Splits) -> NDArray[np.float64]:
    """How often each glyph for training is drawn, float64 (N,), with a mean of 1."""
    return part.mixture.chances * len(part.train) if part.mixture else np.ones(len(part.train))
