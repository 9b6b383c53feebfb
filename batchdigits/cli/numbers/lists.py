"""What `batchdigits read` says of its lists of values before it begins."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from batchdigits.cli.shared.console import print_message
from batchdigits.text import counted, first_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from batchdigits.fields.field_options import FieldOptions
    from batchdigits.fields.values.roster import Roster

LOST_ZEROS = "; some keep them with zeros in front, which spreadsheets drop"


def print_faults(lists: Iterable[tuple[str, Roster | None, FieldOptions]]) -> None:
    """Name the values of lists that are there twice, that break the rules, and that cannot be read; each once."""
    faults = chain.from_iterable(_faults(name, roster, options) for name, roster, options in lists if roster)
    for text, event in dict.fromkeys(faults):
        print_message(text, event)


def _faults(name: str, roster: Roster, options: FieldOptions) -> Iterator[tuple[str, str]]:
    """What is wrong with a list, with the event that it is."""
    left_out = options.expected.left_out if options.expected else ()
    untold = [value for value in roster.values if value not in left_out and options.cannot_have(value)]
    if roster.doubled:
        yield f"{name} has {first_names(roster.doubled)} more than once", "doubled"
    if left_out:
        text = f"left out of {name}, by the rules: {first_names(left_out)}"
        yield text + (LOST_ZEROS if _may_have_lost_zeros(left_out, options) else ""), "left out"
    if untold:
        what = f"{counted(len(untold), 'value')} of {name} with a separator or sign that no option tells of"
        yield f"{what}: {first_names(untold)}", "untold"


def _may_have_lost_zeros(left_out: Sequence[str], options: FieldOptions) -> bool:
    """Whether a value that breaks the rules keeps them with zeros in front, which are fewer than its digits."""
    if options.length is None or options.expected is None:
        return False
    rules, length = options.expected.rules, options.length[-1]
    return any(2 * len(value) > length and not rules.broken(value.zfill(length)) for value in left_out)
