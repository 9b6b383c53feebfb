"""Read pages of TIFFs: Pillow reads most kinds right; OpenCV reads many of those that Pillow misreads or refuses."""

from __future__ import annotations

import io
import mmap
import struct
from collections.abc import Iterable
from typing import IO, Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import TiffImagePlugin

from batchdigits.files.source_error import SourceError
from batchdigits.vision.grey import Scan, to_grey

UNSIGNED, SIGNED, FLOAT = 1, 2, 3
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = 0, 1, 2
UNSPECIFIED, STRAIGHT_ALPHA = 0, 2  # extra samples
UNCOMPRESSED = 1
WEBP = 50001
OFFSETS = {TiffImagePlugin.STRIPOFFSETS, TiffImagePlugin.TILEOFFSETS}
OPENCV_COMPRESSIONS = {UNCOMPRESSED, 5, 8, 32773, 32946}  # LZW, both numbers of Deflate, PackBits

_FORMATS = {UNSIGNED: "", SIGNED: " signed", FLOAT: " floating-point"}
_COLOURS = {0: "grey", 1: "grey", 2: "RGB", 3: "palette", 5: "CMYK", 6: "YCbCr", 8: "Lab"}
_COMPRESSIONS = {
    UNCOMPRESSED: "uncompressed",
    2: "fax",
    3: "fax",
    4: "fax",
    5: "LZW",
    6: "old JPEG",
    7: "JPEG",
    8: "Deflate",
    32773: "PackBits",
    32946: "Deflate",
    34712: "JPEG 2000",
    34887: "LERC",
    34925: "LZMA",
    50000: "Zstandard",
    WEBP: "WebP",
    50002: "JPEG XL",
}


class Layout(NamedTuple):
    """How a page stores its pixels, in the numbers of the TIFF specification.

    Attributes:
        bits: of a sample; 0 where samples differ.
        sample_format: UNSIGNED, SIGNED, FLOAT, or another; 0 where samples differ.
        samples: of a pixel.
        photometric: WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, or another.
        extra: the meaning of each sample beyond those of the colour.
        is_planar: whether each sample has a plane of its own.
        compression: UNCOMPRESSED, or another.
        is_reversed: whether the bits of each byte are in reverse order.
    """

    bits: int
    sample_format: int
    samples: int
    photometric: int
    extra: tuple[int, ...]
    is_planar: bool
    compression: int
    is_reversed: bool

    def __str__(self) -> str:
        """As the detail of a row names it."""
        colour = _COLOURS.get(self.photometric, f"photometric {self.photometric}")
        compression = _COMPRESSIONS.get(self.compression, f"compression {self.compression}")
        sample_format = _FORMATS.get(self.sample_format, " of another format")
        planes = ", in planes" if self.is_planar else ""
        return f"{colour}, {self.samples} x {self.bits or 'unequal'} bits{sample_format}{planes}, {compression}"


class TiffFile(TiffImagePlugin.TiffImageFile):
    """A TIFF whose pages can all be reached, those that Pillow cannot decode, too.

    Attributes:
        is_refused: whether Pillow cannot decode the page.
    """

    is_refused = False

    def _open(self) -> None:
        assert self.fp is not None
        if self.fp.read(4) == b"MM\0+":
            raise SourceError("unsupported kind of TIFF: BigTIFF in big-endian order")  # Pillow misreads its header
        self.fp.seek(0)
        super()._open()

    def _setup(self) -> None:
        """Do what Pillow does at each page; where that fails, only the size is known."""
        assert self.fp is not None
        _require_directory(self.fp, self.tag_v2.offset)
        self.is_refused = False
        try:
            super()._setup()  # type: ignore[no-untyped-call,unused-ignore]
        except Exception:
            width, height = self.tag_v2[TiffImagePlugin.IMAGEWIDTH], self.tag_v2[TiffImagePlugin.IMAGELENGTH]
            self.is_refused, self._mode, self.tile = True, "L", []
            self._size = self._tile_size = int(width), int(height)


def _require_directory(file: IO[bytes], offset: int) -> None:
    """Refuse a page whose directory the file cuts short.

    Pillow takes such a page for the last one, and libtiff may decode the page before it in its place.

    Raises:
        SourceError: it is cut short.
    """
    file.seek(0)
    number, first, entry = _directory_format(file.read(4))
    file.seek(offset)
    (count,) = struct.unpack(number, file.read(first))
    following = 8 if first == 8 else 4  # bytes of the offset of the next directory
    if offset + first + entry * count + following > file.seek(0, io.SEEK_END):
        raise SourceError("truncated or corrupt TIFF: the data ends too early")


def _directory_format(head: bytes) -> tuple[str, int, int]:
    """The format and the bytes of a directory's count, and the bytes of an entry, by the first bytes of the file."""
    order = "<" if head[:2] == b"II" else ">"
    is_big = struct.unpack_from(f"{order}H", head, 2)[0] == 43
    return (f"{order}Q", 8, 20) if is_big else (f"{order}H", 2, 12)


def scan_with_opencv(page: TiffFile) -> Scan | None:
    """The scan of a page of a kind that OpenCV reads and Pillow misreads or refuses.

    Returns:
        uint8 (H, W), upright; None for a page that is left to Pillow.

    Raises:
        SourceError: the page is corrupt, or of a kind that neither of them reads.
    """
    layout = _layout_of(page.tag_v2)
    pixels = _decode_with_opencv(page) if _opencv_reads(layout) else None
    if pixels is None:
        if page.is_refused or _pillow_misreads(page, layout):
            is_corrupt = _opencv_reads(layout) or not OFFSETS & set(page.tag_v2)
            raise SourceError(f"{'truncated or corrupt' if is_corrupt else 'unsupported kind of'} TIFF: {layout}")
        return None
    if UNSPECIFIED in layout.extra:
        pixels = np.ascontiguousarray(pixels[:, :, :3])
    scan = to_grey(pixels)
    return 255 - scan if layout.photometric == WHITE_IS_ZERO else scan


def _layout_of(tags: TiffImagePlugin.ImageFileDirectory_v2) -> Layout:
    bits, sample_formats = set(_numbers(tags, 258, 1)), set(_numbers(tags, 339, UNSIGNED))
    return Layout(
        bits=bits.pop() if len(bits) == 1 else 0,
        sample_format=sample_formats.pop() if len(sample_formats) == 1 else 0,
        samples=_numbers(tags, 277, 1)[0],
        photometric=_numbers(tags, 262, WHITE_IS_ZERO)[0],
        extra=_numbers(tags, 338),
        is_planar=_numbers(tags, 284, 1)[0] == 2 and _numbers(tags, 277, 1)[0] > 1,
        compression=_numbers(tags, 259, UNCOMPRESSED)[0],
        is_reversed=_numbers(tags, 266, 1)[0] == 2,
    )


def _numbers(tags: TiffImagePlugin.ImageFileDirectory_v2, tag: int, default: int | None = None) -> tuple[int, ...]:
    """The values of a tag, or its default."""
    value: Any = tags.get(tag, () if default is None else default)
    return tuple(int(number) for number in value) if isinstance(value, Iterable) else (int(value),)


def _opencv_reads(layout: Layout) -> bool:
    """Whether OpenCV reads such a page, and reads it right, if it has more than 8 bits."""
    depth, colours = (layout.bits, layout.sample_format), layout.samples - len(layout.extra)
    is_grey = layout.photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO) and (colours, layout.extra) == (1, ())
    is_rgb = layout.photometric == RGB and colours == 3 and layout.extra in ((), (UNSPECIFIED,), (STRAIGHT_ALPHA,))
    is_deep = (depth in _DEEP and (is_grey or is_rgb)) or (depth in _PACKED and is_grey)
    return is_deep and not layout.is_planar and layout.compression in OPENCV_COMPRESSIONS


_DEEP = {(bits, sample_format) for bits in (16, 32, 64) for sample_format in (UNSIGNED, SIGNED, FLOAT)} - {(16, FLOAT)}
_PACKED = {(bits, UNSIGNED) for bits in (10, 12, 14)}


def _pillow_misreads(page: TiffFile, layout: Layout) -> bool:
    """Whether Pillow decodes such a page to another picture, or does not say that it cannot."""
    if layout.compression == WEBP or (layout.is_planar and page.mode in ("LA", "La", "PA")):
        return True
    if layout.is_planar and layout.compression == UNCOMPRESSED and (layout.bits == 16 or layout.is_reversed):
        return True
    if page.mode in ("I", "F"):  # compressed samples are taken for big-endian, and 32 bits for signed
        return page.tag_v2.prefix == b"MM" or layout.sample_format == UNSIGNED
    return layout.sample_format != UNSIGNED


def _decode_with_opencv(page: TiffFile) -> NDArray[Any] | None:
    assert page.fp is not None
    data = _with_first_page(page.fp, page.tag_v2.offset)
    try:
        return cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None


def _with_first_page(file: IO[bytes], offset: int) -> NDArray[np.uint8]:
    """The bytes of a TIFF, in which the page whose directory is at `offset` is the first."""
    data: Any
    try:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)  # what is changed is not written to the file
    except OSError:  # it is in memory
        file.seek(0)
        data = bytearray(file.read())
    number, first, entry = _directory_format(data[:4])
    order, is_big = number[0], first == 8
    (count,) = struct.unpack_from(number, data, offset)
    tags = [struct.unpack_from(f"{order}H", data, offset + first + entry * index)[0] for index in range(count)]
    if len(set(tags)) < len(tags):  # the size that was checked could be another one than OpenCV takes
        raise SourceError("truncated or corrupt TIFF: a tag is there twice")
    struct.pack_into(f"{order}Q" if is_big else f"{order}I", data, 8 if is_big else 4, offset)
    return np.frombuffer(data, np.uint8)
