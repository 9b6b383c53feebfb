"""The public functions for Python programs; `import batchdigits` offers them. Nothing here prints or exits."""
