"""Render scans of form cells, empty or with a digit, as scanners and phones give them.

A cell is a `Sheet`: paper, print and light, each a picture of its own, and the numbers of its camera. A kind is a
function that changes a sheet in one respect: it draws the lines of a box, darkens a corner, or blurs the picture. KINDS
has all of them by name. `render_cell` makes a sheet, lets a kind change it, writes the digit, and takes the scan.

Dotted lines, coloured boxes and rounded corners are left out on purpose: `benchmarks/form_cells.py` draws them, to show
how a model does on cells unlike any that it was trained with.
"""

from rendered_cells.kinds import KINDS
from rendered_cells.render import render_cell
from rendered_cells.sheet import MAX_SIDE, MIN_SIDE, Kind, Points, Scan, Sheet, sides_of

__all__ = ["KINDS", "MAX_SIDE", "MIN_SIDE", "Kind", "Points", "Scan", "Sheet", "render_cell", "sides_of"]
