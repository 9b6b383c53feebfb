"""Errors of training and export."""

from __future__ import annotations

from batchdigits.errors import BatchdigitsError


class OptionError(BatchdigitsError):
    """An option is unknown, or options exclude each other; the message names them as the command line does."""
