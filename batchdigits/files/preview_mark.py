"""The mark of a picture that `batchdigits preview` wrote, by which it is told from a scan."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

SOFTWARE = "batchdigits preview"  # the PNG's `Software` entry

_MARK = f"tEXtSoftware\0{SOFTWARE}".encode()
_MARK_AT = 37  # behind the signature (8 bytes), IHDR (25) and the length of the entry (4); Pillow writes it there
MARKED_BYTES = _MARK_AT + len(_MARK)


def as_png(picture: Image.Image) -> bytes:
    """A picture as a PNG file that `is_preview` recognises, so that nobody reads it as a scan."""
    from PIL.PngImagePlugin import PngInfo

    metadata = PngInfo()
    metadata.add_text("Software", SOFTWARE)
    file = BytesIO()
    picture.save(file, "PNG", pnginfo=metadata)
    return file.getvalue()


def is_preview(head: bytes) -> bool:
    """Whether a file is such a picture, by its first `MARKED_BYTES` or more."""
    return head.startswith(_MARK, _MARK_AT)


def may_be_preview(name: str) -> bool:
    """Whether a file's name is like that of a preview, so that it is worth opening the file."""
    return "preview" in name.lower()
