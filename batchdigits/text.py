"""Text from outside (file names, labels, URLs), made safe to print, to store and to log."""

from __future__ import annotations

import codecs
import os
import re
import sys
import unicodedata
from collections.abc import Sequence

# A URL as a person types it may have spaces and @, and pathlib makes `http:/` of `http://`. Rather too much is cut out.
_USER = re.compile(r"(\w://|\w\w:/)(?:[^/?#\s:]*:[^/?#\s][^/?#\n]*|[^/?#\s]*)@")
_ESCAPED = re.compile("[\udc80-\udcff]")  # bytes that are not UTF-8, as `surrogateescape` decodes them
_QUERY = re.compile(r"((?:\w://|\w\w:/)[^?\n]*)\?(?:(?:(?!\w://)[^#\n])*[=&][^\s#]*|[^\s#]+)")

SEP_LINE = r"sep=[,;\t]"  # the first line of a CSV that tells Excel the delimiter, as a pattern for any case
_FIRST_SEP_LINE = re.compile(rb"\A(\xef\xbb\xbf)?%b\r?\n" % SEP_LINE.encode(), re.IGNORECASE)
SAVE_AS_UTF8 = "save it as UTF-8, which Excel calls CSV UTF-8"  # what to do with a table in another encoding


def counted(number: int, noun: str) -> str:
    """A number with its noun, whose plural ends in s: `1 image`, `2,000 images`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def first_names(names: Sequence[str], limit: int = 5, total: int = 0) -> str:
    """Names for a message: the first few, and how many more there are, of a `total` if not all names are given."""
    shown = names[:limit]
    more = max(total, len(names)) - len(shown)
    return f"{', '.join(shown)} and {more:,} more" if more else ", ".join(shown)


def first_line(error: BaseException) -> str:
    """The first line of an exception's text, which is its type if it has none."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def printable(text: str) -> str:
    """Escape every character that could control a terminal or reverse the direction of a line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def as_unicode(path: str | os.PathLike[str]) -> str:
    """The path as text that UTF-8 can hold: U+FFFD replaces bytes that are not UTF-8."""
    return os.fspath(path).encode(errors="surrogateescape").decode(errors="replace")


def path_bytes(path: str) -> bytes:
    """The bytes of a path in UTF-8, whatever the locale; what is not UTF-8 in it stays as it is."""
    return path.encode("utf-8", sys.getfilesystemencodeerrors())


def is_utf8(text: str) -> bool:
    """Whether the text has no bytes that are not UTF-8, as a file name may have, or a table in another encoding."""
    return not _ESCAPED.search(text)


def is_utf16(head: bytes) -> bool:
    """Whether a text begins with the mark of UTF-16, as that of PowerShell, or Excel's Unicode text, may do."""
    return head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


def likeliest_delimiter(header: str) -> str:
    """The delimiter of a CSV file by its first line: of those that spreadsheets write, the one that it has most of."""
    return max(",;\t", key=header.count)


def without_sep_line(head: bytes) -> bytes:
    """The first bytes of a CSV without a line `sep=;`, which tells Excel the delimiter; a byte order mark stays."""
    return _FIRST_SEP_LINE.sub(rb"\1", head)


def is_line(text: str) -> bool:
    """Whether the text is one line of valid Unicode without control characters. A file name need not be."""
    return not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in text)


def without_secrets(text: str) -> str:
    """The text, its URLs without user, password and query: signatures and tokens are in a URL's query."""
    return _QUERY.sub(r"\1?...", _USER.sub(r"\1...@", text)) if ":/" in text else text
