"""Sources at URLs, in any storage that fsspec supports. Credentials are left to fsspec and its configuration."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from batchdigits.errors import MissingExtraError
from batchdigits.files.image_formats import IMAGE_SUFFIXES
from batchdigits.files.source_error import SourceError, one_line
from batchdigits.text import without_secrets

if TYPE_CHECKING:
    from concurrent.futures import Future

MAX_REQUESTS = 64  # at once; at 20 ms each these are 3,200 a second, more than a client on one core can send
MAX_URL_BYTES = 1 << 28  # of one file: 100 million 16-bit grey pixels fit; MAX_REQUESTS files may be in memory
PROTOCOLS_WITHOUT_FOLDERS = ("http", "https")

_match_url = re.compile("[A-Za-z][A-Za-z0-9+.-]*(://|::)").match

# The requests that read_ahead has sent, by URL; read_url takes their results.
_requests: dict[str, Future[bytes]] = {}


def is_url(path: str) -> bool:
    """Whether a path is for fsspec to open."""
    return "://" in path and _match_url(path) is not None


def with_one_slash(url: str) -> str:
    """A typed URL without the further slashes at its end; keys with two slashes in a row are only found in listings."""
    while _is_unlisted(url):
        url = url[:-1]
    return url


def storage_of(url: str) -> tuple[Any, str]:
    """The fsspec filesystem of a URL, and the URL's path in it.

    Raises:
        MissingExtraError: the package for that kind of storage is not installed.
        SourceError: it cannot be opened, or there is no such kind. Some kinds connect to a server for that.
    """
    try:
        from fsspec.core import url_to_fs

        return url_to_fs(url, use_listings_cache=False, **_more_connections(url))  # type: ignore[no-any-return]
    except ImportError:
        raise MissingExtraError(f"{url.partition(':')[0]}://", "remote") from None
    except Exception as error:  # each kind of storage raises its own errors
        raise SourceError(_describe(error)) from None


def _more_connections(url: str) -> dict[str, Any]:
    """Options for MAX_REQUESTS connections to S3, where botocore opens 10; the user's own configuration wins."""
    from fsspec.config import conf

    if not url.startswith(("s3:", "s3a:")) or "config_kwargs" in conf.get("s3", {}):
        return {}
    return {"config_kwargs": {"max_pool_connections": MAX_REQUESTS}}


def read_ahead(paths: Sequence[str]) -> Iterator[str]:
    """Yield the same paths, while threads fetch the files at the next URLs for `read_url`."""
    if not any(map(is_url, paths)):
        yield from paths
        return
    from concurrent.futures import ThreadPoolExecutor

    waiting = deque(paths)
    with ThreadPoolExecutor(MAX_REQUESTS) as pool:
        try:
            for path in paths:
                while waiting and len(_requests) < MAX_REQUESTS:
                    url = waiting.popleft()
                    if is_url(url) and url not in _requests:
                        with suppress(MissingExtraError, SourceError):  # read_url raises it again
                            _requests[url] = pool.submit(_fetch, *storage_of(url))
                yield path
        finally:
            for future in _requests.values():
                future.cancel()
            _requests.clear()


def read_url(url: str) -> bytes:
    """The content of the file at a URL.

    Raises:
        SourceError: it does not exist, is empty or too large, or cannot be read.
    """
    request = _requests.pop(url, None)
    if _is_unlisted(url):
        raise SourceError("names with two slashes in a row cannot be listed: name them in a list, --files-from")
    try:
        data = request.result() if request else _fetch(*storage_of(url))
    except Exception as error:  # each storage's client raises its own errors
        raise SourceError(_describe(error)) from None
    if not data:
        raise SourceError("empty file")
    if len(data) > MAX_URL_BYTES:
        raise SourceError(f"too large: over {MAX_URL_BYTES / 1e9:.1f} GB, the limit for a URL")
    return data


def fault_of_url(url: str) -> str:
    """Why there is no file or folder at a URL, or why it cannot be reached; empty if it can.

    Raises:
        MissingExtraError: see `storage_of`.
    """
    try:
        storage, path = storage_of(url)
        storage.info(path)
    except MissingExtraError:
        raise
    except Exception as error:  # each storage's client raises its own errors
        # fsspec's HTTP client says the same of a server that cannot be reached, or refuses, and gives the cause.
        cause = error.__cause__
        if isinstance(cause, OSError) or (cause and getattr(cause, "status", 404) != 404):
            error = cast("Exception", cause)
        return "no such file or folder" if isinstance(error, FileNotFoundError) else _describe(error)
    return ""


def _is_unlisted(url: str) -> bool:
    """Whether keys of a bucket with two slashes in a row are below a URL; fsspec lists the folder above instead."""
    kind, _, path = url.partition("://")
    return kind not in PROTOCOLS_WITHOUT_FOLDERS and path.endswith("//")


def _fetch(storage: Any, path: str, size: int | None = None) -> bytes:
    """The content of a file, or its first bytes: `size` of them, or if it is too large; in one request."""
    try:
        data: bytes
        if path.partition("://")[0] in PROTOCOLS_WITHOUT_FOLDERS:
            data = _fetch_http(storage, path)
        else:
            data = storage.cat_file(path, start=0, end=size or MAX_URL_BYTES + 1)
    except FileNotFoundError:
        raise
    except Exception:
        with suppress(Exception):  # the first error says more
            if storage.size(path) == 0:  # most servers refuse a range of an empty file
                return b""
        raise
    return data


def _fetch_http(storage: Any, url: str) -> bytes:
    """The same by HTTP, where a server may ignore the range, and send without end; fsspec would read on."""
    from fsspec.asyn import sync

    async def fetch() -> bytes:
        session = await storage.set_session()
        headers = {**storage.kwargs.get("headers", {}), "Range": f"bytes=0-{MAX_URL_BYTES}"}
        data = bytearray()
        async with session.get(storage.encode_url(url), **{**storage.kwargs, "headers": headers}) as response:
            storage._raise_not_found_for_status(response, url)
            async for piece in response.content.iter_any():
                data += piece
                if len(data) > MAX_URL_BYTES:
                    break
        return bytes(data)

    return cast("bytes", sync(storage.loop, fetch))


def _describe(error: Exception) -> str:
    if isinstance(error, SourceError):
        return str(error)
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, PermissionError):
        return "permission denied"
    if isinstance(error, IsADirectoryError):
        return "is a directory"
    return one_line(f"cannot be read: {without_secrets(str(error)) or type(error).__name__}")


class RemoteDisk:
    """The folders of one remote storage, with the methods of `disk.Disk`."""

    def __init__(self, url: str) -> None:
        """Open the storage of `url`. One that cannot be opened has no folders.

        Raises:
            MissingExtraError: see `storage_of`.
        """
        self._storage: Any = None
        with suppress(SourceError):  # the error row of the URL says why
            self._storage, _ = storage_of(url)
        self._has_folders = url.partition(":")[0] not in PROTOCOLS_WITHOUT_FOLDERS

    def is_folder(self, url: str) -> bool:
        """Whether a URL is a folder that can be listed; no request is made for one that is named like an image."""
        if self._storage is None or not self._has_folders or os.path.splitext(url)[1].lower() in IMAGE_SUFFIXES:  # noqa: PTH122
            return False
        try:
            return bool(self._storage.isdir(self._path(url)))
        except Exception:  # then it counts as a file, and its error row says why it cannot be read
            return False

    def list_folder(self, url: str) -> tuple[object, list[str], set[str]] | None:
        """The folder's identity, its names, and which are folders; None if it cannot be read."""
        if _is_unlisted(url):
            return None
        path = self._path(url).rstrip("/")
        names: set[str] = set()
        folders: set[str] = set()
        try:
            for entry in self._storage.ls(path, detail=True):
                below = entry["name"].rstrip("/")
                is_folder = entry["type"] == "directory"
                name = below.rpartition("/")[2]
                if below.lstrip("/") == path.lstrip("/"):
                    if not is_folder:
                        continue  # the placeholder of an empty folder
                    name = ""  # of keys with two slashes in a row: see `_is_unlisted`
                names.add(name)
                if is_folder:
                    folders.add(name)
        except Exception:
            return None
        return path, list(names), folders

    def head(self, url: str, size: int) -> bytes | None:
        """The first `size` bytes of a file; None if they cannot be read."""
        try:
            return _fetch(self._storage, self._path(url), size)
        except Exception:
            return None

    def _path(self, url: str) -> str:
        return str(self._storage._strip_protocol(url))
