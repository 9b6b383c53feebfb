"""Images in an array: .npy and .npz of NumPy, and IDX, the format of MNIST."""

from __future__ import annotations

import gzip
import os
import re
import struct
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from batchdigits.files.archives.archive import (
    check_count,
    check_ratio,
    check_size,
    faults_of,
)
from batchdigits.files.archives.zip_archive import ZipArchive
from batchdigits.files.source_error import MissingMemberError, SourceError
from batchdigits.quiet import no_warnings

_IDX_HEADER = struct.Struct(">4s3I")
_IDX_MAGIC = b"\0\0\x08\x03"  # unsigned bytes in three dimensions
_names_emnist = re.compile("emnist", re.IGNORECASE).match  # its images are transposed
CORRUPT = "truncated or corrupt array"


class _Images(NamedTuple):
    """Where the images of an array are: N of `stride` bytes each, from `start` on, and the .npy header for each."""

    open: Callable[[], IO[bytes]]
    start: int
    number: int
    stride: int
    header: bytes

    @property
    def end(self) -> int:
        return self.start + self.number * self.stride


class ArrayArchive:
    """An `Archive` of the images of one array or several; a member is read as the .npy file of one image."""

    def __init__(self, path: str) -> None:
        """Open a file, and read the headers of its arrays.

        Raises:
            SourceError: it is damaged, or beyond a limit.
            OSError: it cannot be read.
        """
        self._stream: tuple[str, IO[bytes]] | None = None  # of the array that was read last
        self._zip: ZipArchive | None = None
        self._others: dict[str, None] = {}  # the names of what is no array of images in an .npz, in order
        try:
            if path.lower().endswith(".npz"):
                self._zip = ZipArchive(path)
                self._arrays = self._arrays_of_npz(self._zip)
            else:
                read_header = _read_npy if path.lower().endswith(".npy") else _read_idx
                images = read_header(path)
                self._arrays = {"": images} if images else {}
            check_count(sum(images.number for images in self._arrays.values()))
        except BaseException:
            self.close()
            raise

    def names(self) -> Iterator[str]:
        """The names of all images, array by array."""
        yield from self._others
        for array, images in self._arrays.items():
            prefix = f"{array}/" if array else ""
            yield from (f"{prefix}{index}" for index in range(images.number))

    def head(self, name: str, size: int) -> bytes | None:
        """None for an image; empty for an array that is none."""
        return b"" if name in self._others else None

    def read(self, name: str) -> bytes:
        """An image as an .npy file."""
        array, _, index = name.rpartition("/")
        images = self._arrays.get(array)
        if images is None or not re.fullmatch("0|[1-9][0-9]{0,8}", index) or int(index) >= images.number:
            raise MissingMemberError("no such image in the array")
        with faults_of("array"):
            stream = self._stream_of(array, images)
            stream.seek(images.start + int(index) * images.stride)
            data = stream.read(images.stride)
        if len(data) < images.stride:
            raise SourceError(CORRUPT)
        return images.header + data

    def close(self) -> None:
        """Close the file."""
        if self._stream:
            self._stream[1].close()
            self._stream = None
        if self._zip:
            self._zip.close()

    def _stream_of(self, array: str, images: _Images) -> IO[bytes]:
        if self._stream is None or self._stream[0] != array:
            if self._stream:
                self._stream[1].close()
            self._stream = array, images.open()
        return self._stream[1]

    def _arrays_of_npz(self, archive: ZipArchive) -> dict[str, _Images]:
        arrays = {}
        for name in archive.names():
            array = name.removesuffix(".npy")
            with archive.open(name) as stream, faults_of("array"):
                images = _read_npy_header(stream, partial(archive.open, name)) if array != name else None
            if images is None:
                self._others[array] = None
                continue
            if images.end != archive.member(name).file_size:
                raise SourceError(CORRUPT)
            arrays[array] = images
        return arrays


def _read_npy(path: str) -> _Images | None:
    reopen = _opener(path)
    with reopen() as file, faults_of("array"):
        images = _read_npy_header(file, reopen)
        if images and images.end != file.seek(0, os.SEEK_END):
            raise SourceError(CORRUPT)
    return images


def _read_npy_header(stream: IO[bytes], reopen: Callable[[], IO[bytes]]) -> _Images | None:
    """The images of an .npy file, (N, H, W) or (N, H, W, 1, 3 or 4); None if the array is none of these."""
    from numpy.lib import format as npy

    version = npy.read_magic(stream)
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    with no_warnings():  # about headers by Python 2, and about literals
        shape, is_fortran, dtype = read_header(stream)
    is_image = len(shape) == 3 or (len(shape) == 4 and shape[3] in (1, 3, 4))
    if not is_image or dtype.kind not in "buif" or 0 in shape:
        return None
    if is_fortran:
        raise SourceError("an array in Fortran order; save numpy.ascontiguousarray of it")
    return _images(reopen, stream.tell(), shape, dtype)


def _read_idx(path: str) -> _Images:
    reopen = _opener(path)
    with reopen() as file, faults_of("array"):
        magic, *shape = _IDX_HEADER.unpack(file.read(_IDX_HEADER.size))
    if magic != _IDX_MAGIC or 0 in shape[1:]:
        raise SourceError("not an IDX file of images")
    is_transposed = _names_emnist(os.path.basename(path)) is not None  # noqa: PTH119 - no Path is needed
    images = _images(reopen, _IDX_HEADER.size, tuple(shape), "u1", is_transposed)
    _check_idx_size(path, images)
    return images


def _opener(path: str) -> Callable[[], IO[bytes]]:
    return cast("Callable[[], IO[bytes]]", partial(gzip.open if path.lower().endswith(".gz") else open, path, "rb"))


def _check_idx_size(path: str, images: _Images) -> None:
    """Compare the size that the header gives with the file's, or with that at the end of a .gz, modulo 2^32."""
    with Path(path).open("rb") as file:
        packed = size = file.seek(0, os.SEEK_END)
        end = images.end
        if path.lower().endswith(".gz"):
            check_ratio(end, packed)
            file.seek(-4, os.SEEK_END)
            size, end = int.from_bytes(file.read(), "little"), end % (1 << 32)
    if size != end:
        raise SourceError(CORRUPT)


def _images(
    reopen: Callable[[], IO[bytes]], start: int, shape: tuple[int, ...], dtype: Any, is_transposed: bool = False
) -> _Images:
    """The images of an array that begins at `start`.

    Raises:
        SourceError: they are too large.
    """
    import numpy as np
    from numpy.lib import format as npy

    number, *size = shape
    stride = np.dtype(dtype).itemsize
    for side in size:
        stride *= side
    check_size(stride)
    header = BytesIO()
    shape_of_one = tuple(size[:2] if size[2:] == [1] else size)
    descr = npy.dtype_to_descr(np.dtype(dtype))
    npy.write_array_header_1_0(header, {"descr": descr, "fortran_order": is_transposed, "shape": shape_of_one})
    return _Images(reopen, start, number, stride, header.getvalue())
