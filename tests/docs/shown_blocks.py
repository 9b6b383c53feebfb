"""The blocks of commands and code that a page of the documentation shows, and the marks on them.

- A `sh` block: each line is a command, which must end with exit code 0.
- A `console` block: lines that begin with `$ ` are commands; what follows is what they print. A line `...` stands for
  any lines, and `…` within a line for any text.
- A `python` block is a script. A `text` block directly behind it is what it prints, with `...` and `…` as above.
- A comment directly before a block marks it: `<!-- test: slow -->`, `<!-- test: exit 3 -->`, both with a comma between
  them, or `<!-- test: none, REASON -->`. A block marked `<!-- install: NAME -->` is run by `.ci/run`, not here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from textwrap import dedent
from typing import TypedDict

_BLOCK = re.compile(
    r"^(?P<indent> *)(?:<!-- (?P<about>test|install): (?P<mark>[^\n]*?) -->\n(?P=indent))?"
    r"```(?P<kind>sh|console|python)\n(?P<text>.*?)^(?P=indent)```$"
    r"(?:\n\n(?P=indent)```text\n(?P<shown>.*?)^(?P=indent)```$)?",
    re.M | re.S,
)
# What looks like code to run and is none of those: it would go untested.
_OTHER = re.compile(r"^[ \t]*(?:```|~~~)(?:bash|shell|zsh|pycon|py|python3)\b|^[ \t]*~~~(?:sh|console|python)\b", re.M)
_ANY_MARK = re.compile(r"<!--\s*(?:test|install)\b")


@dataclass(frozen=True)
class Block:
    """A block of a page.

    Attributes:
        page: the page.
        line: of the page, from 1, where the block begins.
        kind: `sh`, `console` or `python`.
        text: its lines.
        exit_code: what its last command must end with; the commands before it must end with 0.
        slow: whether it takes minutes.
        why_not: why it cannot be run; empty where it can.
        shown: what a script prints; None where that is not shown.
    """

    page: Path
    line: int
    kind: str
    text: str
    exit_code: int = 0
    slow: bool = False
    why_not: str = ""
    shown: str | None = None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks_of(page: Path, text: str | None = None) -> list[Block]:
    """All blocks of a page, in order.

    Raises:
        ValueError: a mark is none of those above, or stands before no block; or a block is of a kind that is like those
            above, or is not closed.
    """
    content = page.read_text() if text is None else text
    found = []
    for match in _BLOCK.finditer(content):
        line = content.count("\n", 0, match.start("kind")) + 1
        try:
            mark = _read_mark(match["about"], match["mark"])
            shown = match["shown"] if match["kind"] == "python" else None
            found.append(Block(page, line, match["kind"], dedent(match["text"]), shown=shown, **mark))
        except ValueError as error:
            raise ValueError(f"{page}:{line}: {error}") from None
    if other := _OTHER.search(content):
        line = content.count("\n", 0, other.start()) + 1
        raise ValueError(f"{page}:{line}: a block to run is between three backticks, and sh, console or python")
    if len(found) != len(re.findall(r"^[ \t]*```(?:sh|console|python)$", content, re.M)):
        raise ValueError(f"{page}: a block is not closed, or not where it begins")
    marks = len(_ANY_MARK.findall(content))
    read = sum(bool(match["mark"]) for match in _BLOCK.finditer(content))
    if marks != read:
        raise ValueError(f"{page}: {marks - read} marks stand before no block")
    return found


class _Mark(TypedDict, total=False):
    exit_code: int
    slow: bool
    why_not: str


def _read_mark(about: str | None, mark: str | None) -> _Mark:
    if about is None or mark is None:
        return {}
    if about == "install":
        return {"why_not": "`.ci/run` runs it"}
    if mark.startswith("none"):
        reason = mark.removeprefix("none").removeprefix(",").strip()
        if not reason:
            raise ValueError("a mark `none` gives a reason")
        return {"why_not": reason}
    read: _Mark = {}
    for word in filter(None, mark.split(", ")):
        if word == "slow":
            read["slow"] = True
        elif re.fullmatch(r"exit \d+", word):
            read["exit_code"] = int(word.split()[1])
        else:
            raise ValueError(f"no such mark: {word}")
    return read


def commands_of(block: Block) -> list[tuple[str, list[str] | None]]:
    """The commands of a `sh` or `console` block, each with the lines that it prints; None where these are not shown.

    A command that ends with a backslash, or a here-document, goes on in the next lines.
    """
    lines = block.text.splitlines()
    if block.kind == "sh":
        return [(command, None) for command in _joined(lines)]
    if lines and not lines[0].startswith("$ "):
        raise ValueError(f"{block}: a console block begins with a command")
    found: list[tuple[str, list[str] | None]] = []
    for is_command, group in groupby(_with_continuations(lines), key=lambda line: line.startswith("$ ")):
        if is_command:
            found += [(line.removeprefix("$ "), []) for line in group]
        else:
            found[-1] = (found[-1][0], list(group))
    return found


def _with_continuations(lines: list[str]) -> list[str]:
    """Lines, with each command in one of them."""
    found: list[str] = []
    for line in lines:
        if found and found[-1].startswith("$ ") and found[-1].endswith("\\"):
            found[-1] += "\n" + line.removeprefix("> ")
        else:
            found.append(line)
    return found


def _joined(lines: list[str]) -> list[str]:
    """Commands that go on in the next line (backslash, here-document), in one; without comments and empty lines."""
    found: list[str] = []
    until = ""  # the word that ends a here-document
    going_on = False
    for line in lines:
        if until or going_on:
            found[-1] += "\n" + line
        elif line.strip() and not line.startswith("#"):
            found.append(line)
        else:
            continue
        if until:
            until = "" if line.strip() == until else until
        elif begun := re.search(r"<<-?\s*['\"]?(\w+)", line):
            until = begun[1]
        going_on = not until and line.endswith("\\")
    return found


def matches(shown: list[str], stdout: str, stderr: str) -> bool:
    """Whether what a command printed is what is shown, without empty lines and the spaces around lines.

    How the two streams' lines mingle is left open, as it is on a terminal.
    """
    out, err = ([line.strip() for line in stream.splitlines() if line.strip()] for stream in (stdout, stderr))
    states = {(0, 0)}  # how many lines of each stream may have been shown so far
    for line in filter(None, map(str.strip, shown)):
        if line == "...":
            states = {(i, j) for a, b in states for i in range(a, len(out) + 1) for j in range(b, len(err) + 1)}
        else:
            fits = re.compile(".*?".join(map(re.escape, line.split("…")))).fullmatch
            states = {(i + 1, j) for i, j in states if i < len(out) and fits(out[i])} | {
                (i, j + 1) for i, j in states if j < len(err) and fits(err[j])
            }
    return (len(out), len(err)) in states
