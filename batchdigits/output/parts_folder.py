"""The folder that a run writes its parts to, on this machine or at a URL. Every file in it is complete."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Protocol

from batchdigits.errors import BatchdigitsError
from batchdigits.files.remote import is_url, storage_of
from batchdigits.files.source_error import SourceError
from batchdigits.output.atomic import explain_os_errors, write_atomically
from batchdigits.text import without_secrets


class Folder(Protocol):
    """Files by name. Each method raises `BatchdigitsError` where the storage refuses."""

    def names(self) -> set[str]:
        """The names of all files; none where the folder does not exist yet."""

    def read(self, name: str) -> bytes:
        """The content of a file."""

    def write(self, name: str, content: bytes) -> None:
        """Write or replace a file atomically; make the folder, if there is none."""

    def remove(self, name: str) -> None:
        """Remove a file; and a folder of this machine that was made for it, with the last one."""


def open_folder(place: str) -> Folder:
    """The folder at a path or a URL."""
    return RemoteFolder(place) if is_url(place) else LocalFolder(Path(place))


class LocalFolder:
    """A folder of this machine."""

    def __init__(self, path: Path) -> None:
        """The folder at `path`."""
        self._path = path
        self._is_new = not path.exists()

    def names(self) -> set[str]:
        """The names of all files; none where the folder does not exist yet."""
        with explain_os_errors(self._path):
            if not self._path.exists():
                return set()
            return {entry.name for entry in self._path.iterdir()}

    def read(self, name: str) -> bytes:
        """The content of a file."""
        try:
            return (self._path / name).read_bytes()
        except OSError as error:
            raise BatchdigitsError(f"cannot read {self._path / name}: {error.strerror}") from None

    def write(self, name: str, content: bytes) -> None:
        """Write or replace a file atomically; make the folder, if there is none."""
        with explain_os_errors(self._path):
            self._path.mkdir(parents=True, exist_ok=True)
        write_atomically(self._path / name, content)

    def remove(self, name: str) -> None:
        """Remove a file; and the folder, if it was made for it, with the last one."""
        with explain_os_errors(self._path / name):
            (self._path / name).unlink(missing_ok=True)
        if self._is_new:  # a run that came to nothing leaves none
            with contextlib.suppress(OSError):  # there is more in it
                self._path.rmdir()


class RemoteFolder:
    """A folder at a URL, in a storage that writes files atomically, as S3, GCS and Azure do."""

    def __init__(self, url: str) -> None:
        """The folder at `url`.

        Raises:
            BatchdigitsError: it cannot be opened, or needs a package that is not installed.
        """
        self._url = url
        try:
            self._storage, path = storage_of(url)
        except SourceError as error:
            raise self._explain("open", error) from None
        self._path = path.rstrip("/")

    def names(self) -> set[str]:
        """The names of all files; none where the folder does not exist yet."""
        try:
            names = set()
            for entry in self._storage.ls(self._path, detail=True):
                path = entry["name"].rstrip("/")
                is_placeholder = entry["type"] != "directory" and path.lstrip("/") == self._path.lstrip("/")
                if not is_placeholder:  # of an empty folder
                    names.add(path.rpartition("/")[2])
            return names
        except FileNotFoundError:
            return set()
        except Exception as error:
            raise self._explain("list", error) from None

    def read(self, name: str) -> bytes:
        """The content of a file."""
        return bytes(self._try("read", self._storage.cat_file, name))

    def write(self, name: str, content: bytes) -> None:
        """Write or replace a file."""
        self._try("write", self._storage.pipe_file, name, content)

    def remove(self, name: str) -> None:
        """Remove a file."""
        self._try("remove", self._storage.rm_file, name)

    def _try(self, verb: str, action: Any, name: str, *arguments: Any) -> Any:
        try:
            return action(f"{self._path}/{name}", *arguments)
        except Exception as error:  # each storage's client raises its own errors
            raise self._explain(verb, error) from None

    def _explain(self, verb: str, error: Exception) -> BatchdigitsError:
        text = " ".join(without_secrets(str(error)).split()) or type(error).__name__
        return BatchdigitsError(f"cannot {verb} {without_secrets(self._url)}: {text}")
