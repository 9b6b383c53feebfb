"""Expressions over the digits of a number, such as `(d1 + 2*d2 + 3*d3) % 11 == d4`.

Python parses an expression, and this module evaluates it node by node, so that it can do nothing but arithmetic on
integers.
"""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

MAX_TEXT = 400  # characters: neither the parser nor the evaluation can then run out of stack
MAX_CONSTANT = 10**18
NAME = re.compile(r"d[1-9][0-9]?|value|length")
EXAMPLE = "write one such as '(d1 + 2*d2) % 10 == d3'"

# Powers and shifts are missing, since their results can fill the memory.
ARITHMETIC: Mapping[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
COMPARISONS: Mapping[type[ast.cmpop], Callable[[int, int], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


@dataclass(frozen=True)
class Expression:
    """A condition on the digits of a number, made by `parse_expression`.

    Attributes:
        text: as the user wrote it.
    """

    text: str
    _root: ast.expr

    def __call__(self, digits: str) -> bool:
        """Whether digits, text of 0 to 9, fulfil it; they do not where it divides by 0, or names a digit too many."""
        names = {f"d{place}": int(digit) for place, digit in enumerate(digits, 1)}
        names |= {"value": int(digits or 0), "length": len(digits)}
        try:
            return bool(_evaluate(self._root, names))
        except (KeyError, ZeroDivisionError):
            return False

    @property
    def needed(self) -> int:
        """How many digits it takes at least to fulfil it; 0 where it has `and` or `or`, which may not look at all."""
        nodes = list(ast.walk(self._root))
        digits = [int(node.id[1:]) for node in nodes if isinstance(node, ast.Name) and node.id.startswith("d")]
        return 0 if any(isinstance(node, ast.BoolOp) for node in nodes) else max(digits, default=0)

    def __reduce__(self) -> tuple[Callable[[str], Expression], tuple[str]]:
        """Pickle the text: a tree as deep as a text can make it is too deep for pickle."""
        return parse_expression, (self.text,)


def parse_expression(text: str) -> Expression:
    """Parse a condition on digits.

    It is made of `d1`, `d2` … (the digits from the left), `value` (the digits as one number), `length` (how many they
    are), integers, `+ - * // %`, comparisons, `and`, `or`, `not` and parentheses.

    Raises:
        ValueError: it is no such condition. The message is one line.
    """
    if len(text) > MAX_TEXT:
        raise ValueError(f"the expression is longer than {MAX_TEXT:,} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            root = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ValueError(f"{text!r} is no check and no expression; {EXAMPLE}") from None
    if not _is_condition(root):
        raise ValueError(f"{text!r} is no condition; {EXAMPLE}")
    for node in ast.walk(root):
        if not _is_allowed(node):
            raise ValueError(f"{_source(text, node)} cannot be used in an expression; {EXAMPLE}")
    return Expression(text.strip(), root)


def _is_condition(node: ast.expr) -> bool:
    return isinstance(node, ast.Compare | ast.BoolOp) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    )


def _is_allowed(node: ast.AST) -> bool:
    match node:
        case ast.Constant(value=constant):
            return type(constant) is int and constant <= MAX_CONSTANT
        case ast.Name(id=name):
            return bool(NAME.fullmatch(name))
        case ast.BinOp(op=operation):
            return type(operation) in ARITHMETIC
        case ast.Compare(ops=comparisons):
            return all(type(comparison) in COMPARISONS for comparison in comparisons)
        case ast.UnaryOp(op=operation):
            return isinstance(operation, ast.Not | ast.USub)
        case ast.expr():
            return isinstance(node, ast.BoolOp)
    return True  # operators, which belong to a node above, and the context of a name


def _source(text: str, node: ast.AST) -> str:
    return repr(ast.get_source_segment(text.strip(), node) or text)


def _evaluate(node: ast.expr, names: Mapping[str, int]) -> int:
    match node:
        case ast.Constant(value=int(constant)):
            return constant
        case ast.Name(id=name):
            return names[name]
        case ast.BinOp(left=left, op=operation, right=right):
            return ARITHMETIC[type(operation)](_evaluate(left, names), _evaluate(right, names))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _evaluate(operand, names)
        case ast.UnaryOp(operand=operand):
            return -_evaluate(operand, names)
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(_evaluate(part, names) for part in parts)
        case ast.BoolOp(values=parts):
            return any(_evaluate(part, names) for part in parts)
        case ast.Compare(left=left, ops=comparisons, comparators=rest):
            numbers = [_evaluate(part, names) for part in (left, *rest)]
            pairs = zip(comparisons, numbers, numbers[1:], strict=False)
            return all(COMPARISONS[type(comparison)](one, other) for comparison, one, other in pairs)
    raise AssertionError(f"{node!r} was not refused when it was parsed")
