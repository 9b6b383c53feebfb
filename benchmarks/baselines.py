"""The programs that `classify_speed.py` compares batchdigits with: `python benchmarks/baselines.py NAME FOLDER CSV`.

Each classifies the images directly in a folder, none in its sub-folders. All images have one size, and all programs
use the built-in network.
"""

from __future__ import annotations

import csv
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from batchdigits.inference.choose import PRETRAINED

KERAS, TFLITE = PRETRAINED / "digits.keras", PRETRAINED / "digits.tflite"
SIDE = 28  # pixels that the network takes
BATCH = 256  # images


def keras(folder: str, output: str) -> None:
    """As in Keras's guides: a dataset from a directory, `predict`, a CSV."""
    from keras import models, utils

    images = utils.image_dataset_from_directory(
        folder, labels=None, color_mode="grayscale", image_size=(SIDE, SIDE), shuffle=False, verbose=False
    )
    model = models.load_model(KERAS)
    logits = model.predict(images.map(_flat), verbose=0)
    _write(output, images.file_paths, logits.argmax(axis=1), logits.max(axis=1))


def tf_data(folder: str, output: str) -> None:
    """A tf.data pipeline: read and `decode_png` in parallel, large batches, prefetch."""
    import tensorflow as tf
    from keras import models

    def read(path: Any) -> Any:
        image = tf.io.decode_png(tf.io.read_file(path), channels=1)  # decodes JPEG as well
        return tf.image.resize(image, (SIDE, SIDE))

    paths = sorted(entry.path for entry in os.scandir(folder))
    images = tf.data.Dataset.from_tensor_slices(paths).map(read, num_parallel_calls=tf.data.AUTOTUNE)
    batches = images.batch(BATCH).map(_flat).prefetch(tf.data.AUTOTUNE)
    logits = models.load_model(KERAS).predict(batches, verbose=0)
    _write(output, paths, logits.argmax(axis=1), logits.max(axis=1))


def one_by_one(folder: str, output: str) -> None:
    """As in most scripts for a Raspberry Pi: Pillow, resize, LiteRT on one image, its row, the next image."""
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter
    from PIL import Image

    interpreter = Interpreter(str(TFLITE))
    interpreter.allocate_tensors()
    entry, exit_ = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    with Path(output).open("w", newline="") as file:
        writer = csv.writer(file)
        for path in sorted(Path(folder).iterdir()):
            pixels = np.asarray(Image.open(path).convert("L").resize((SIDE, SIDE)))
            interpreter.set_tensor(entry, (pixels.reshape(1, -1) ^ 0x80).view(np.int8))
            interpreter.invoke()
            logits = interpreter.get_tensor(exit_)[0]
            writer.writerow([path, logits.argmax(), logits.max()])


def upper_bound(folder: str, output: str) -> None:
    """The upper bound with these libraries: a process on each core reads, decodes and runs full batches; no CSV."""
    import cv2
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    cv2.setNumThreads(1)
    paths = [entry.path for entry in os.scandir(folder)]
    cores = len(os.sched_getaffinity(0))
    size = min(BATCH, math.ceil(len(paths) / cores))  # few photographs are work for all cores, too
    process = next((number for number in range(1, cores) if os.fork() == 0), 0)  # 0 is the parent process
    interpreter = Interpreter(str(TFLITE), num_threads=1)
    entry, exit_ = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    interpreter.resize_tensor_input(entry, (size, SIDE * SIDE))
    interpreter.allocate_tensors()
    batch = np.zeros((size, SIDE, SIDE), np.uint8)
    for start in range(process * size, len(paths), cores * size):
        for index, path in enumerate(paths[start : start + size]):
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a Path is slower
                pixels = np.asarray(cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_GRAYSCALE))
            batch[index] = pixels if pixels.shape == (SIDE, SIDE) else cv2.resize(pixels, (SIDE, SIDE))
        interpreter.set_tensor(entry, (batch.reshape(size, -1) ^ 0x80).view(np.int8))
        interpreter.invoke()
        interpreter.get_tensor(exit_).argmax(axis=1)
    if process:
        os._exit(0)
    for _ in range(1, cores):
        os.wait()


def _flat(batch: Any) -> Any:
    """Images, 0-255 (N, 28, 28, 1), as the network takes them: 0-1 (N, 784)."""
    import tensorflow as tf

    return tf.reshape(batch, (-1, SIDE * SIDE)) / 255.0


def _write(output: str, paths: Sequence[str], labels: Any, scores: Any) -> None:
    with Path(output).open("w", newline="") as file:
        csv.writer(file).writerows(zip(paths, labels, scores, strict=True))


BASELINES = {"keras": keras, "tf.data": tf_data, "one-by-one": one_by_one, "upper-bound": upper_bound}

if __name__ == "__main__":
    BASELINES[sys.argv[1]](*sys.argv[2:])
