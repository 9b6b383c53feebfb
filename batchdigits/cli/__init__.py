"""The command line: options, messages, progress and exit codes. Each command's work is imported in its body."""

from __future__ import annotations

from batchdigits.cli.group import main

__all__ = ["main"]
