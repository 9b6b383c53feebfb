"""The roads that `classify_speed.py` compares, one a process: `python benchmarks/contenders.py ROAD FOLDER CSV`.

Each classifies every image right in a folder, whose images all have one size, and all use networks of one shape.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from batchdigits.inference.choose import PRETRAINED

KERAS, TFLITE = PRETRAINED / "digits.keras", PRETRAINED / "digits.tflite"
SIDE = 28


def keras_idiom(folder: str, output: str) -> None:
    """What Keras's own guides do: a dataset from a directory, `predict`, a CSV."""
    import keras

    images = keras.utils.image_dataset_from_directory(
        folder, labels=None, color_mode="grayscale", image_size=(SIDE, SIDE), shuffle=False, verbose=False
    )
    model = keras.models.load_model(KERAS)
    logits = model.predict(images.map(lambda batch: _flat(batch, 255.0)), verbose=0)
    _write(output, images.file_paths, logits.argmax(axis=1), logits.max(axis=1))


def tf_data(folder: str, output: str) -> None:
    """A pipeline by hand: read and `decode_png` in parallel, large batches, prefetch."""
    import keras
    import tensorflow as tf

    def read(path: Any) -> Any:
        image = tf.io.decode_png(tf.io.read_file(path), channels=1)  # JPEG, too
        return tf.image.resize(image, (SIDE, SIDE))

    paths = sorted(entry.path for entry in os.scandir(folder))
    images = tf.data.Dataset.from_tensor_slices(paths).map(read, num_parallel_calls=tf.data.AUTOTUNE)
    batches = images.batch(256).map(lambda batch: _flat(batch, 255.0)).prefetch(tf.data.AUTOTUNE)
    logits = keras.models.load_model(KERAS).predict(batches, verbose=0)
    _write(output, paths, logits.argmax(axis=1), logits.max(axis=1))


def pi_loop(folder: str, output: str) -> None:
    """What a Pi user copies today: Pillow, resize, the interpreter on one image, the next row."""
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter
    from PIL import Image

    interpreter = Interpreter(str(TFLITE))
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    with Path(output).open("w", newline="") as file:
        writer = csv.writer(file)
        for path in sorted(Path(folder).iterdir()):
            pixels = np.asarray(Image.open(path).convert("L").resize((SIDE, SIDE)))
            interpreter.set_tensor(source, (pixels.reshape(1, -1) ^ 0x80).view(np.int8))
            interpreter.invoke()
            logits = interpreter.get_tensor(target)[0]
            writer.writerow([path, logits.argmax(), logits.max()])


def limit(folder: str, output: str) -> None:
    """As fast as these libraries go: a process a core that reads, decodes in C, and runs full batches; no rows."""
    import cv2
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    cv2.setNumThreads(1)
    paths = [entry.path for entry in os.scandir(folder)]
    cores = len(os.sched_getaffinity(0))
    mine = next((number for number in range(1, cores) if os.fork() == 0), 0)
    size = 256
    interpreter = Interpreter(str(TFLITE), num_threads=1)
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    interpreter.resize_tensor_input(source, (size, SIDE * SIDE))
    interpreter.allocate_tensors()
    batch = np.zeros((size, SIDE, SIDE), np.uint8)
    for start in range(mine * size, len(paths), cores * size):
        for place, path in enumerate(paths[start : start + size]):
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - the limit
                pixels = np.asarray(cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_GRAYSCALE))
            batch[place] = pixels if pixels.shape == (SIDE, SIDE) else cv2.resize(pixels, (SIDE, SIDE))
        interpreter.set_tensor(source, (batch.reshape(size, -1) ^ 0x80).view(np.int8))
        interpreter.invoke()
        interpreter.get_tensor(target).argmax(axis=1)
    if mine:
        os._exit(0)
    for _ in range(1, cores):
        os.wait()


def _flat(batch: Any, scale: float) -> Any:
    import tensorflow as tf

    return tf.reshape(batch, (-1, SIDE * SIDE)) / scale


def _write(output: str, paths: Sequence[str], labels: Any, scores: Any) -> None:
    with Path(output).open("w", newline="") as file:
        csv.writer(file).writerows(zip(paths, labels, scores, strict=True))


ROADS = {"keras": keras_idiom, "tf.data": tf_data, "pi": pi_loop, "limit": limit}

if __name__ == "__main__":
    ROADS[sys.argv[1]](*sys.argv[2:])
