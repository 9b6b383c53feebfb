"""The fast path for small images: PNG files and scans of up to 39x39 pixels, many at once.

`FastBatch` is its one entry, and does what `vision.normalise_batch.NormaliseBatch` does: the same candidates, byte for
byte. It unpacks small PNG files together (`png.py`) and normalises small scans of one shape together
(`normalise_stack.py`), since for so few pixels a call of libpng or OpenCV is nearly all overhead. Larger scans wait for
each other, too. What it cannot treat it hands to the plain path, which remains the reference.

Without the fast path a 28x28 PNG file takes a worker about twice as long (`benchmarks/normaliser_speed.py`). To delete
it, replace `FastBatch` with `NormaliseBatch` in `engines/classify_files.py`: only the speed changes.
"""

from batchdigits.vision.small_images.fast_batch import FastBatch

__all__ = ["FastBatch"]
