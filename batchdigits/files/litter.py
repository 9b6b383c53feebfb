"""Files and folders that systems and programs leave beside images, and that nobody means to classify."""

from __future__ import annotations

import re

# Some of these files have an image's suffix, and a Thumbs.db holds images.
_FILES = frozenset({".ds_store", "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini"})
_PREFIXES_OF_FILES = ("._", "~$")  # macOS's on other systems' disks, and the locks of office programs
_SUFFIXES_OF_FILES = ("~", ".crdownload")  # an editor's backup, and a download that was not finished
_WORKING_FILE = re.compile(r"\..+\.(part|whole|journal|done)")  # of batchdigits, beside a table
_FOLDERS = frozenset(
    {
        "$recycle.bin",  # Windows
        "#recycle",  # Synology
        "@eadir",
        ".@__thumb",  # QNAP
        ".thumbnails",
        ".ipynb_checkpoints",
        "__macosx",
        "lost+found",
        ".appledouble",  # Netatalk
        ".dtrash",  # digiKam
    }
)
_TRASH = re.compile(r"\.trash(-\d+|es)?")  # of a Linux user by number, and of macOS


def is_litter_file(name: str) -> bool:
    """Whether a file of this name is never a source."""
    lower = name.lower()
    if lower.startswith(_PREFIXES_OF_FILES) or lower.endswith(_SUFFIXES_OF_FILES):
        return True
    return lower in _FILES or _WORKING_FILE.fullmatch(lower) is not None


def is_litter_folder(name: str) -> bool:
    """Whether a folder of this name, inside another, is not visited."""
    return name.lower() in _FOLDERS or _TRASH.fullmatch(name.lower()) is not None
