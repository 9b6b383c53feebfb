"""Recipes: named sets of all values that training uses."""

from __future__ import annotations

from dataclasses import dataclass, replace

ACTIVATIONS = ("none", "relu", "tanh", "sigmoid", "elu", "gelu")  # of hidden layers, as options have them


@dataclass(frozen=True)
class Recipe:
    """How to train a network.

    Attributes:
        name: the value of `--recipe`.
        filters: number of filters of each convolution (see `build_network`).
        kernels: side of each convolution's kernel in pixels; empty for `build_network`'s own.
        strides: step of each convolution in pixels; empty for `build_network`'s own.
        weight_bits: bits of each weight, 2-4, if it is trained to have few levels (see `weight_levels`); 0 if not.
        hidden: units of each hidden layer.
        activation: Keras's name of the hidden layers' activation; "" for none.
        initialiser: `lesson` (truncated normal, standard deviation 0.1, biases 0.1) or `he` (He et al. 2015, biases 0).
        learning_rate: Adam's, at the start.
        schedule: `constant`, or `cosine` down to zero at the last iteration.
        iterations: minibatches to learn from.
        batch_size: glyphs in a minibatch.
        batch_normalisation: whether hidden layers are normalised while they learn (see `batch_normalisation`).
        dropout: share of the last hidden layer's units dropped while training, 0-1.
        warmup: iterations in which a `cosine` schedule first climbs to the learning rate.
        weight_decay: AdamW's; 0 is plain Adam.
        label_smoothing: probability spread over all classes, 0-1.
        distillation_temperature: divides the logits of student and teacher before they are compared; unused without a
            teacher.
        ema_decay: decay of the exponential moving average of the weights, which becomes the network; 0 is no average.
        initial_weight_share: share of the initial weights in the result, 0-1; the rest are trained weights (WiSE-FT,
            Wortsman et al. 2022). An interrupted training has trained weights alone.
        augment: whether minibatches are augmented (see `augment`).
        unchanged: share of the glyphs in an augmented minibatch that are as the data has them, 0-1; outliers are not.
        reuse: how often the same augmented glyphs are used; reduced to its greatest common divisor with `batch_size`.
        outliers: share of outliers in an augmented minibatch, 0-1, which the network learns to reject.
        check_every: iterations between two measurements of accuracy on the validation split; 0 for none.
        patience: number of measurements in a row without a new best, after which training stops and returns to the
            best weights; 0 trains to the end and keeps the last weights.
    """

    name: str
    filters: tuple[int, ...] = ()
    kernels: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    weight_bits: int = 0
    hidden: tuple[int, ...] = (512, 256, 128)
    activation: str = "relu"
    initialiser: str = "he"
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    iterations: int = 8_000
    batch_size: int = 128
    batch_normalisation: bool = False
    dropout: float = 0.0
    warmup: int = 0
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    distillation_temperature: float = 1.0
    ema_decay: float = 0.0
    initial_weight_share: float = 0.0
    augment: bool = False
    unchanged: float = 0.0
    reuse: int = 1
    outliers: float = 0.0
    check_every: int = 430  # an epoch of 55,000 glyphs in minibatches of 128, two in minibatches of 256
    patience: int = 8

    @property
    def is_for_teaching(self) -> bool:
        """Whether the network is a teacher, whose convolutions are not exported."""
        return bool(self.filters and not self.kernels)


LESSON = Recipe(
    name="lesson",
    activation="",
    initialiser="lesson",
    learning_rate=1e-4,
    schedule="constant",
    iterations=1_000,
    dropout=0.5,
    check_every=0,
    patience=0,
)
BEST = Recipe(
    name="best",
    learning_rate=2e-3,
    iterations=100_000,
    batch_size=256,
    warmup=300,
    weight_decay=0.01,
    label_smoothing=0.05,
    distillation_temperature=3.0,
    ema_decay=0.9995,
    augment=True,
    reuse=4,
    outliers=0.15,
    patience=0,
)
DEFAULT = replace(BEST, name="default", iterations=8_000, ema_decay=0.998, patience=8)
TINY = replace(BEST, name="tiny", hidden=(128, 64), iterations=30_000)
# 16 KB of flash and 2 KB of memory hold more of what convolutions know than of what matrices of that size do.
NANO = replace(
    BEST,
    name="nano",
    filters=(12, 24, 32),
    kernels=(5, 3, 3),
    strides=(2, 2, 2),
    hidden=(32,),
    weight_bits=4,
    distillation_temperature=2.0,
    reuse=16,
    iterations=16_000,
    ema_decay=0.999,
)
# No label smoothing: it would hide how alike two classes are, which a student learns from (Mueller et al. 2019).
TEACHER = replace(
    BEST,
    name="teacher",
    filters=(32, 64, 64, 128),
    hidden=(256,),
    learning_rate=1e-3,
    label_smoothing=0.0,
    dropout=0.3,
    iterations=14_000,
    ema_decay=0.999,
)

RECIPES = {recipe.name: recipe for recipe in (LESSON, DEFAULT, BEST, TINY, NANO, TEACHER)}
