"""Rows below a folder or an archive that a run could not read: nobody knows whether their images are gone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from batchdigits.files.plain_path import folder_of, folders_of
from batchdigits.output.done_file import NO_SOURCE, source_id


class Unread:
    """The folders and archives that a run could not read, or not to their ends: those that it named as sources."""

    def __init__(self, named: NDArray[np.uint64]) -> None:
        """Take the `source_id` of each source that the run named."""
        self._named = np.setdiff1d(named, np.array([NO_SOURCE], np.uint64))
        self._folder: str | None = None  # that the last path was in
        self._is_unread = False

    def holds(self, path: str) -> bool:
        """Whether a path is in one of them."""
        folder = folder_of(path)
        if folder != self._folder:
            ids = np.fromiter(map(source_id, folders_of(path)), np.uint64)
            ends = np.searchsorted(self._named, ids, "right")
            self._folder = folder
            self._is_unread = bool((ends > np.searchsorted(self._named, ids)).any())
        return self._is_unread
