"""The compiled training step: it trains a network on minibatches, and updates the moving average of its weights."""

from __future__ import annotations

from typing import Any

from batchdigits.inference.tensorflow_runtime import import_tensorflow
from batchdigits.learning.recipes import Recipe
from batchdigits.learning.weight_levels import levels_of


def compile_step(
    learner: Any, average: Any, recipe: Recipe, seed: int, temperature: float, rejects: bool
) -> tuple[Any, Any]:
    """Compile the training step, and return it with its optimiser.

    Args:
        learner: the Keras network that follows the gradient.
        average: a Keras network of the same shape, whose weights become the moving average of the learner's.
        recipe: learning rate, schedule, dropout, weight decay and ema_decay.
        seed: of dropout.
        temperature: divides the logits before they are compared with the targets.
        rejects: whether the network also learns to reject outliers.

    Returns:
        A compiled function of glyphs, uint8 (I, B, 784), targets, float32 (I, B, C), and the first iteration, int32 (),
        which learns from I minibatches without returning to Python; and its Keras optimiser.
    """
    tf = import_tensorflow("training")
    optimizer = _optimizer(tf, recipe)
    optimizer.build(learner.trainable_variables)

    @tf.function(  # type: ignore[untyped-decorator]
        input_signature=[
            tf.TensorSpec((None, None, None), tf.uint8),
            tf.TensorSpec((None, None, None), tf.float32),
            tf.TensorSpec((), tf.int32),
        ]
    )
    def step(glyphs: Any, targets: Any, first: Any) -> None:
        for i in tf.range(tf.shape(targets)[0]):
            iteration = first + i
            with tf.GradientTape() as tape:
                logits = _forward(tf, learner, recipe, glyphs[i], tf.stack([seed, iteration]))
                loss = tf.reduce_mean(loss_of(tf, logits, targets[i], temperature, rejects))
            variables = learner.trainable_variables
            optimizer.apply(tape.gradient(loss, variables), variables)
            _update_average(tf, average.weights, learner.weights, recipe.ema_decay, iteration)

    return step, optimizer


def _optimizer(tf: Any, recipe: Recipe) -> Any:
    """Adam (Kingma and Ba 2015), with decoupled weight decay (Loshchilov and Hutter 2019) if the recipe has any."""
    rate: Any = recipe.learning_rate
    if recipe.schedule == "cosine":
        warmup = min(recipe.warmup, recipe.iterations // 2)
        rate = tf.keras.optimizers.schedules.CosineDecay(
            0.0 if warmup else rate,
            max(1, recipe.iterations - warmup),
            warmup_target=rate if warmup else None,
            warmup_steps=warmup,
        )
    if not recipe.weight_decay:
        return tf.keras.optimizers.Adam(rate)
    optimizer = tf.keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def _forward(tf: Any, learner: Any, recipe: Recipe, glyphs: Any, seed: Any) -> Any:
    """Logits (B, C) of glyphs uint8 (B, 784), with dropout on the last hidden layer."""
    dropout, weight_bits = recipe.dropout, recipe.weight_bits
    activations = tf.cast(glyphs, tf.float32) / 255.0
    *hidden, last = learner.layers
    for layer in hidden:
        activations = _apply(tf, layer, activations, weight_bits)
    if dropout:
        activations = tf.nn.experimental.stateless_dropout(activations, dropout, seed=seed)
    return _apply(tf, last, activations, weight_bits)


def _apply(tf: Any, layer: Any, activations: Any, weight_bits: int) -> Any:
    """The layer's output, computed with weights on their levels if they have any.

    The gradient passes as if the weights were not moved to their levels (straight-through estimator, Bengio et al.
    2013).
    """
    if not (weight_bits and layer.trainable_variables):
        return layer(activations, training=True)
    kernel, bias = (variable.value for variable in layer.trainable_variables)
    moved = tf.stop_gradient(levels_of(tf, kernel, weight_bits) - kernel)
    return layer.stateless_call([kernel + moved, bias], [], activations)[0]


def loss_of(tf: Any, logits: Any, targets: Any, temperature: float, rejects: bool) -> Any:
    """Losses, float32 (B,), of logits (B, C) with targets (B, C), which are all zeros for outliers.

    A network that `rejects` learns two things: the class of a digit, and whether a glyph is a digit. For the second,
    outliers are one more class, whose logit is 0.
    """
    class_loss = -tf.reduce_sum(targets * tf.nn.log_softmax(logits / temperature), axis=1)
    loss = class_loss * temperature**2  # makes up for the gradients, which shrink by this factor (Hinton et al. 2015)
    if rejects:
        is_digit = tf.reduce_sum(targets, axis=1)
        digit_logit = tf.reduce_logsumexp(logits, axis=1)
        loss += temperature * tf.nn.sigmoid_cross_entropy_with_logits(is_digit, digit_logit)
    return loss


def _update_average(tf: Any, averages: Any, variables: Any, decay: float, iteration: Any) -> None:
    """Move the averages towards the variables, faster at the start, since the first weights are still random."""
    done = tf.cast(iteration, tf.float32)
    keep = tf.minimum(decay, (1.0 + done) / (10.0 + done)) if decay else 0.0
    for average, variable in zip(averages, variables, strict=True):
        average.assign(keep * average + (1.0 - keep) * variable)
