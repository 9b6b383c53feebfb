"""The fast path for small images: PNG files and scans of up to 39x39 pixels, many at once.

`FastBatch` is its one entry, and does what `vision.normalise_batch.NormaliseBatch` does: the same candidates, byte for
byte. It unpacks small PNG files together (`png.py`) and normalises small scans of one shape together
(`normalise_stack.py`), since for so few pixels a call of libpng or OpenCV is nearly all overhead. What it cannot treat
it hands to the plain path, which stays the definition of what is right.

Without it a 28x28 PNG file takes a worker about twice as long (`benchmarks/normaliser_speed.py`). To delete it, put
`NormaliseBatch` in the place of `FastBatch` in `engines/classify_files.py`: nothing but the speed changes.
"""

from batchdigits.vision.small_images.fast_batch import FastBatch

__all__ = ["FastBatch"]
