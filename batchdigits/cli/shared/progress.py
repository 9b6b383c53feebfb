"""Progress of a run: a bar on a terminal, elsewhere a line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable

from batchdigits.cli.shared.console import Bar, is_quiet, print_message
from batchdigits.text import counted

LINE_SECONDS = 30.0  # between two lines, so that a short run prints none


class Progress:
    """The progress of one run, which begins now."""

    def __init__(self, bar: Bar, on_shown: Callable[[Bar], object]) -> None:
        """Show progress by a bar if it is not disabled, else by lines.

        Args:
            bar: counts the files that are done; its `total` may be set during the run.
            on_shown: called with the bar once, when progress is first shown.
        """
        self._bar = bar
        self._on_shown: Callable[[Bar], object] | None = on_shown
        self._initial = bar.n
        self._began = self._last_line = time.monotonic()

    def update(self, files: int, errors: int) -> None:
        """Add files that are done, and show progress if it is time to.

        Args:
            files: number of files done since the last call.
            errors: number of rows that are errors so far.
        """
        self._bar.update(files)
        now = time.monotonic()
        if self._bar.disable and (is_quiet() or now - self._last_line < LINE_SECONDS):
            return
        if self._on_shown:
            self._on_shown(self._bar)
            self._on_shown = None
        if self._bar.disable:
            self._last_line = now
            self._print_line(now - self._began, errors)

    def _print_line(self, seconds: float, errors: int) -> None:
        done, total = int(self._bar.n), self._bar.total
        if total and total < done:  # files came during the run, or some that were done before are gone
            total = None
        rate = (self._bar.n - self._initial) / seconds
        of_about = f"{done:,} of about {counted(int(total), 'file')}" if total else counted(done, "file")
        print_message(
            f"{of_about} done, {rate:,.0f} a second, {counted(errors, 'error')}",
            "progress",
            files=done,
            total=total,
            files_per_second=round(rate, 1),
            errors=errors,
        )
