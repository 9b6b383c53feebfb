"""The benchmark of pages, on a form made here."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.scripts import run_script
from tests.forms import drawn


def test_pages_are_read_as_well_as_crops(tmp_path: Path) -> None:
    source = tmp_path / "forms"
    source.mkdir()
    page = drawn.filled(drawn.blank_form())
    drawn.save(page, source / "page.png")
    crops, fields = ["file,truth"], ["file,field,x,y,w,h,truth"]
    for name in ("date", "room"):
        left, top, boxes = drawn.FIELDS[name]
        width, height = boxes * drawn.BOX + 12, drawn.BOX + 12
        drawn.save(page[top - 6 : top - 6 + height, left - 6 : left - 6 + width].copy(), source / f"{name}.png")
        crops.append(f"{name}.png,{drawn.VALUES[name]}")
        fields.append(f"page.png,{name},{left - 6},{top - 6},{width},{height},{drawn.VALUES[name]}")
    (source / "truth.csv").write_text("\n".join(crops))
    (source / "fields.csv").write_text("\n".join(fields))
    result = run_script("read_pages.py", "--fields", tmp_path, "--tell-length")
    header, row = result.stdout.splitlines()
    assert header.split()[:3] == ["exact", "fields", "crops"]
    assert row.split()[:6] == ["forms", "2", "100.0%", "100.0%", "100.0%", "100.0%"]
