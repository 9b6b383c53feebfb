"""A fixture for the tests of charts."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The matplotlib figures that have been written since the test began."""
    figure = pytest.importorskip("matplotlib.figure")
    written: list[Any] = []
    write = figure.Figure.savefig

    def remember(self: Any, *arguments: Any, **options: Any) -> None:
        written.append(self)
        write(self, *arguments, **options)

    monkeypatch.setattr(figure.Figure, "savefig", remember)
    return written
