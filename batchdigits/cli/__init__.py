"""The command line: options, messages, progress and exit codes. Each command's work is imported in its body."""

from __future__ import annotations

import sys

try:
    from batchdigits.cli.group import main
except KeyboardInterrupt:
    print("batchdigits: interrupted", file=sys.stderr)
    sys.exit(130)  # ExitCode.INTERRUPTED

__all__ = ["main"]
