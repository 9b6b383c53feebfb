"""Checks of a number by its digits: the usual check digits, or an expression of the user's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from batchdigits.fields.values.expression import EXAMPLE, Expression, parse_expression

Check = Callable[[str], bool]  # whether some digits, text of 0 to 9, pass

MOD11_WEIGHTS = (2, 3, 4, 5, 6, 7)  # from the right, again and again; the check digit itself has the weight 1


def luhn(digits: str) -> bool:
    """Cards and many IDs: every second digit from the right is doubled, and counts by its own digits."""
    doubled = (sum(divmod(2 * digit, 10)) for digit in _numbers(digits[-2::-2]))
    return len(digits) > 1 and (sum(_numbers(digits[::-2])) + sum(doubled)) % 10 == 0


def mod11(digits: str) -> bool:
    """Invoices and accounts: weights of 2 to 7 from the right; the sum is a multiple of 11."""
    weights = (MOD11_WEIGHTS[place % len(MOD11_WEIGHTS)] for place in range(len(digits) - 1))
    return len(digits) > 1 and (_weighted(digits[-2::-1], weights) + int(digits[-1])) % 11 == 0


def mod97(digits: str) -> bool:
    """ISO 7064 MOD 97-10: the number leaves the remainder 1 when divided by 97."""
    return len(digits) > 2 and int(digits) % 97 == 1


def isbn10(digits: str) -> bool:
    """Books before 2007: ten digits with weights of 10 to 1. A check digit X cannot be read."""
    return len(digits) == 10 and _weighted(digits, range(10, 0, -1)) % 11 == 0


def ean13(digits: str) -> bool:
    """Products and today's books: thirteen digits with weights of 1 and 3 in turn."""
    return len(digits) == 13 and _weighted(digits, (1, 3) * 6 + (1,)) % 10 == 0


_LENGTHS: Mapping[Check, int] = {isbn10: 10, ean13: 13}
CHECKS: Mapping[str, Check] = {"luhn": luhn, "mod11": mod11, "mod97": mod97, "isbn10": isbn10, "ean13": ean13}


def parse_check(text: str) -> Check:
    """The check of a name in `CHECKS`, or an expression; either can be pickled.

    Raises:
        ValueError: it is neither. The message is one line.
    """
    name = text.strip().lower()
    if name.isalnum() and name not in CHECKS:
        raise ValueError(f"{text!r} is no check: there are {', '.join(CHECKS)}, and expressions; {EXAMPLE}")
    return CHECKS.get(name) or parse_expression(text)


def may_pass(check: Check, lengths: Sequence[int]) -> bool:
    """Whether some digits may pass a check, as far as that can be told.

    Args:
        check: see `parse_check`.
        lengths: how many digits there may be, rising.
    """
    if isinstance(check, Expression):
        return check.needed <= lengths[-1]
    return check not in _LENGTHS or _LENGTHS[check] in lengths


def _numbers(digits: str) -> Iterable[int]:
    return map(int, digits)


def _weighted(digits: str, weights: Iterable[int]) -> int:
    return sum(digit * weight for digit, weight in zip(_numbers(digits), weights, strict=True))
