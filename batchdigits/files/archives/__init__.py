"""Images in archives, read without unpacking them to disk: zip, tar, and the arrays of NumPy and of IDX.

A member's source is the archive's path, a slash and the member's name, as if the archive were a folder:
`scans.zip/7/a.png`; `scans.zip/7` is a folder in it. An image of an array has its index, from 0: `digits.npz/x_test/0`,
`images.npy/17`.
"""

from batchdigits.files.archives.open import (
    archive_fault,
    before_member,
    has_archive_suffix,
    is_archive,
    is_array,
    member_status,
    open_archive,
    read_member,
    split_folder,
    split_member,
)

__all__ = [
    "archive_fault",
    "before_member",
    "has_archive_suffix",
    "is_archive",
    "is_array",
    "member_status",
    "open_archive",
    "read_member",
    "split_folder",
    "split_member",
]
