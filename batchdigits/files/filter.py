"""Which files and folders inside folders are visited, by shell patterns."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Iterable


class Filter:
    """Which files and folders inside folders are visited."""

    def __init__(self, include: Iterable[str] = (), exclude: Iterable[str] = (), recursive: bool = True) -> None:
        """A filter of shell patterns.

        A pattern with a slash is matched with the path below the typed folder, one without a slash with the name. The
        slash is `/` on Windows, too.

        Args:
            include: only files that match one of these; empty for all.
            exclude: no file and no folder that matches one of these.
            recursive: whether folders in folders are walked.
        """
        self.recursive = recursive
        self._included = _matcher(include)
        self._excluded = _matcher(exclude)
        self._include = list(include)
        self._used: set[str] = set()

    @property
    def unused(self) -> list[str]:
        """The patterns of `include` that no file has matched so far."""
        return [pattern for pattern in self._include if pattern not in self._used]

    def wants_file(self, path: str, name: str) -> bool:
        """Whether a file is visited; `path` begins below the typed folder."""
        if self._included:
            matching = self._included(path, name)
            self._used.update(matching)
            if not matching:
                return False
        return not (self._excluded and self._excluded(path, name))

    def wants_folder(self, path: str, name: str) -> bool:
        """Whether a folder is visited; `path` begins below the typed folder."""
        return self.recursive and not (self._excluded and self._excluded(path, name))


def _matcher(patterns: Iterable[str]) -> Callable[[str, str], list[str]] | None:
    """A function that gives the patterns that a path, with its last name, matches; None without patterns."""
    whole = {pattern: re.compile(fnmatch.translate(pattern)).match for pattern in patterns}
    if not whole:
        return None
    return lambda path, name: [
        pattern for pattern, match in whole.items() if match(path.replace(os.sep, "/") if "/" in pattern else name)
    ]
