"""Natural order: runs of ASCII digits by value, so that img2 comes before img10."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain, pairwise

MIN_NAMES_PER_PATTERN = 4  # on average; with fewer, grouping names by pattern takes longer than sorting them by key


def in_natural_order(names: Sequence[str]) -> list[str]:
    """Sort the names in a folder by `natural_key`, and those with equal keys (img2, img02) as plain text.

    Names of one pattern differ in digits only, so sorting them as plain text, which is faster, puts them in natural
    order. Most folders have few patterns, one after the other (img0 to img9, img10 to img99).
    """
    by_pattern: defaultdict[str, list[str]] = defaultdict(list)
    for name, pattern in zip(names, _patterns(names), strict=True):
        by_pattern[pattern].append(name)
    if MIN_NAMES_PER_PATTERN * len(by_pattern) <= len(names):
        groups = sorted(map(sorted, by_pattern.values()), key=lambda group: _order(group[0]))
        if all(_order(group[-1]) < _order(after[0]) for group, after in pairwise(groups)):
            return list(chain.from_iterable(groups))
    return sorted(sorted(names), key=natural_key)  # stable


def _patterns(names: Sequence[str]) -> list[str]:
    """Each name with 0 for every digit; one call translates all, as a call for each would cost as much as its key."""
    return "/".join(names).translate(_any_digit).split("/") if names else []


_any_digit = str.maketrans("123456789", "0" * 9)


def _order(name: str) -> tuple[str, str]:
    return natural_key(name), name


def natural_key(name: str) -> str:
    """A key that sorts runs of ASCII digits by value: img2 before img10. Equal for img2 and img02."""
    return _with_numbers(_sortable_number, name)


def natural_path_key(path: str) -> str:
    """A key that sorts paths with slashes as a walk does that visits each folder in natural order."""
    return "\0".join(f"{natural_key(name)}\0{name}" for name in path.split("/"))


_with_numbers = re.compile("[0-9]+").sub


def _sortable_number(digits: re.Match[str]) -> str:
    """The digits after their count: of two numbers without leading zeros, the longer is the larger."""
    number = digits[0].lstrip("0")
    return f"0{chr(len(number))}{number}"
