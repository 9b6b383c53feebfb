"""PNG files by Pillow, with an error where lines are missing: Pillow alone leaves these black, and says nothing.

The format is ISO/IEC 15948; the passes of an interlaced image are its clause 8.2.
"""

from __future__ import annotations

import struct
import zlib

from PIL import PngImagePlugin

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_WHOLE = ((0, 0, 1, 1),)  # first column and line of a pass, and the steps to the next ones
_PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
_read_ihdr = struct.Struct(">16xIIBBxxB").unpack


class PngFile(PngImagePlugin.PngImageFile):
    """A PNG file whose inflated bytes are counted while it is decoded."""

    def _open(self) -> None:
        assert self.fp
        head = self.fp.read(29)
        self.fp.seek(0)
        super()._open()
        width, height, depth, colour_type, is_interlaced = _read_ihdr(head)
        self._missing = 0
        self._inflater = zlib.decompressobj()
        bits = depth * _CHANNELS[colour_type]
        for x, y, step_x, step_y in _PASSES if is_interlaced else _WHOLE:
            columns, lines = -(-(width - x) // step_x), -(-(height - y) // step_y)
            if columns > 0 and lines > 0:
                self._missing += lines * (1 + -(-columns * bits // 8))  # a line begins with the number of its filter

    def load_read(self, read_bytes: int) -> bytes:
        """The next compressed bytes."""
        data = super().load_read(read_bytes)
        if self._missing > 0:
            self._missing -= len(self._inflater.decompress(data, self._missing))
        return data

    def load_end(self) -> None:
        """Finish decoding.

        Raises:
            OSError: lines are missing.
        """
        super().load_end()
        if self._missing > 0 and not self.is_animated:
            raise OSError("not enough image data")
