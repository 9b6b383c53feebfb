"""Recipes: every value that training uses, under a name."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Recipe:
    """How to train a network.

    Attributes:
        name: what `--recipe` calls it.
        filters: of each convolution before the hidden layers, in pairs (see `build_network`); for teachers only.
        hidden: units of each hidden layer.
        activation: Keras's name of the hidden layers' activation; "" for none.
        initialiser: `lesson` (truncated normal of stddev 0.1, biases 0.1) or `he` (He et al. 2015, biases 0).
        learning_rate: Adam's, at the start.
        schedule: `constant`, or `cosine` down to zero at the last iteration.
        warmup: iterations in which `cosine` first climbs to the learning rate.
        weight_decay: AdamW's; 0 is plain Adam.
        label_smoothing: probability spread over all classes, 0-1.
        heat: temperature at which a network with a teacher compares its logits with the teacher's.
        ema_decay: decay of the exponential average of the weights that becomes the network; 0 is no average.
        anchor: share of the weights that training began with in the network that comes out of it whole, 0-1.
        augment: whether minibatches are deformed and redrawn (`augment.py`).
        iterations: minibatches to learn from.
        batch_size: glyphs in a minibatch.
        dropout: share of the last hidden layer's units dropped while training, 0-1.
        reuse: how often augmented glyphs are seen; as often as divides `batch_size`, too.
        check_every: iterations between two looks at the validation split; 0 for none.
        outliers: share of an augmented minibatch that is no digit, 0-1, which the network learns to reject.
        patience: looks at the validation split without a better one before training stops and goes back to the best;
            0 keeps the last weights.
    """

    name: str
    filters: tuple[int, ...] = ()
    hidden: tuple[int, ...] = (512, 256, 128)
    activation: str = "relu"
    initialiser: str = "he"
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    iterations: int = 8_000
    batch_size: int = 128
    dropout: float = 0.0
    warmup: int = 0
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    heat: float = 1.0
    ema_decay: float = 0.0
    anchor: float = 0.0
    augment: bool = False
    reuse: int = 1
    outliers: float = 0.0
    check_every: int = 430  # once an epoch of 55,000 at batch 128
    patience: int = 8


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
    heat=3.0,
    ema_decay=0.9995,
    augment=True,
    reuse=4,
    outliers=0.15,
    patience=0,
)
DEFAULT = replace(BEST, name="default", iterations=6_500, ema_decay=0.998, patience=8)
TINY = replace(BEST, name="tiny", hidden=(128, 64), iterations=30_000)
# Label smoothing takes from a teacher what it has to teach: how alike two classes are (Mueller et al. 2019).
TEACHER = replace(
    BEST,
    name="teacher",
    filters=(24, 48, 48, 96),
    hidden=(256,),
    learning_rate=1e-3,
    label_smoothing=0.0,
    dropout=0.3,
    iterations=12_000,
    ema_decay=0.999,
    reuse=2,
)

RECIPES = {recipe.name: recipe for recipe in (LESSON, DEFAULT, BEST, TINY, TEACHER)}
