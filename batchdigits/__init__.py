"""Folders of handwritten digits in, a CSV you can trust out."""

__version__ = "0.1.0"
