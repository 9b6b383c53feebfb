"""The version of batchdigits."""

__version__ = "0.1.0"
