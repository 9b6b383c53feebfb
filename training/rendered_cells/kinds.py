"""All kinds by name, with those that mix others."""

from __future__ import annotations

from rendered_cells.conditions import (
    CAMERAS,
    LIGHTS,
    PAPERS,
    gradient,
    out_of_focus,
    soft_shadow,
    textured,
    vignette,
)
from rendered_cells.lines import LINES, uneven_widths
from rendered_cells.sheet import (
    Kind,
    Rng,
    Sheet,
    bent,
    draw_box,
    inset,
    sides_of,
    turned,
)


def _phone(sheet: Sheet, rng: Rng) -> None:
    """A phone's photograph of a printed table: uneven lines in perspective, more or less sharp, in uneven light."""
    insets = rng.uniform(-0.01, 0.12, 4)
    sheet.box = turned(inset(sheet.size, insets), rng.uniform(-2.0, 2.0)) + rng.uniform(-0.015, 0.015, (4, 2)) * (
        sheet.side
    )
    widths = uneven_widths(sheet, rng)
    sheet.width = max(widths)
    draw_box(sheet, [bent(line, rng.uniform(-0.01, 0.01), rng) for line in sides_of(sheet.box, 0.3)], widths)
    if rng.random() < 0.4:
        sheet.line = max(sheet.line, 0.4)
        out_of_focus(sheet, rng)
    textured(sheet, rng)
    (gradient, soft_shadow, vignette)[int(rng.integers(3))](sheet, rng)
    sheet.jpeg = int(rng.integers(50, 95))


def _mixed(sheet: Sheet, rng: Rng) -> None:
    """One kind of lines, and others of paper, light and camera, each in some cells."""
    for kinds, share in ((LINES, 0.9), (PAPERS, 0.35), (LIGHTS, 0.4), (CAMERAS, 0.4)):
        if rng.random() < share:
            kinds[list(kinds)[int(rng.integers(len(kinds)))]](sheet, rng)


KINDS: dict[str, Kind] = {**LINES, **PAPERS, **LIGHTS, **CAMERAS, "phone": _phone, "mixed": _mixed}
