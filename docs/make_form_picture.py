"""Draw the form of docs/how-to/read-forms.md with the numbers of its fields, as `batchdigits template` does.

Run it from the root of the repository: `PYTHONPATH=. python docs/make_form_picture.py`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import click
from PIL import Image

from tests.forms.drawn import blank_form, save

HERE = Path(__file__).parent
SIDE = 700  # pixels of the longer side
TOP = 0.5  # of the page, which is shown


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), default=HERE / "images/form-template.png")
def main(output: Path) -> None:
    """Write one PNG."""
    with tempfile.TemporaryDirectory() as folder:
        save(blank_form(), Path(folder) / "blank.png")
        subprocess.run([sys.executable, "-m", "batchdigits", "template", "-q", "blank.png"], cwd=folder, check=True)
        with Image.open(Path(folder) / "form-preview.png") as picture:
            picture.thumbnail((2 * SIDE, SIDE / TOP))
            picture.crop((0, 0, picture.width, round(picture.height * TOP))).quantize(32).save(output, optimize=True)


if __name__ == "__main__":
    main()
