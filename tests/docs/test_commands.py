"""Every command and every script that the README and the documentation show works, and prints what is shown.

The blocks of a page run in order in one folder. `shown_blocks.py` says how a page is read.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TRAIN_IMAGES, TRAIN_LABELS, read_idx
from tests.conftest import ROOT, SAMPLES
from tests.docs.shown_blocks import Block, blocks_of, commands_of, matches
from tests.engines.helpers import make_fields
from tests.forms import drawn

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
BLOCKS = {page: blocks_of(page) for page in PAGES}
CROPS = 24  # in scans/
FIELDS = ["007", "1946", "20260"]  # in fields/, before a blank one
EACH = 6  # of each digit in labelled/
TIMEOUT = 1_800  # seconds for one command


def parameters() -> list[Any]:
    """Pages with the blocks to run: all of them where one is slow, and those that are not slow in a test of their own.

    So a block that is not slow cannot need what a slow one has made.
    """
    found = []
    for page, blocks in BLOCKS.items():
        name = str(page.relative_to(ROOT))
        to_run = [block for block in blocks if not block.why_not]
        fast = [block for block in to_run if not block.slow]
        if fast:
            found.append(pytest.param(page, fast, id=name))
        if len(fast) < len(to_run):
            found.append(pytest.param(page, to_run, id=f"{name}-with-slow-blocks", marks=pytest.mark.slow))
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder that a page's commands begin in: samples/, scans/, fields/, labelled/, blank.png and forms/."""
    shutil.copytree(SAMPLES, tmp_path / "samples", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "scans").mkdir()
    for number, path in enumerate(islice(sorted(SAMPLES.glob("digits/*/*")), CROPS), 1):
        with Image.open(path) as picture:
            Image.fromarray(upright(picture)).save(tmp_path / f"scans/crop-{number:02d}.png")
    make_fields(tmp_path / "fields", FIELDS)
    for number, path in enumerate(sorted((tmp_path / "fields").iterdir()), 1):
        path.rename(path.with_name(f"form-{number}.png"))
    shutil.copy(SAMPLES / "broken" / "blank.png", tmp_path / f"fields/form-{len(FIELDS) + 1}.png")
    make_forms(tmp_path)
    images, labels = read_idx(MNIST / f"{TRAIN_IMAGES}.gz"), read_idx(MNIST / f"{TRAIN_LABELS}.gz")
    for digit in range(10):
        (tmp_path / f"labelled/{digit}").mkdir(parents=True)
        for number, image in enumerate(images[labels == digit][:EACH], 1):
            Image.fromarray(255 - image).save(tmp_path / f"labelled/{digit}/{number}.png")
    return tmp_path


def make_forms(folder: Path) -> None:
    """Make blank.png and forms/ with scans of that form: one that is read, a hard one, and an empty page."""
    (folder / "forms").mkdir()
    form = drawn.blank_form()
    drawn.save(form, folder / "blank.png")
    hard = drawn.filled(drawn.filled(form), {"student": "9"})
    scans = drawn.scanned(drawn.filled(form)), drawn.scanned(hard), np.full_like(form, 240)
    for number, scan in enumerate(scans, 1):
        drawn.save(scan, folder / f"forms/form-{number}.png")


def upright(picture: Image.Image) -> np.ndarray:
    """The pixels of a sample, as its EXIF orientation has them."""
    from PIL import ImageOps

    return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))


@pytest.mark.parametrize(("page", "blocks"), parameters())
def test_what_a_page_shows_works(page: Path, blocks: list[Block], folder: Path) -> None:
    for block in blocks:
        run_block(block, folder)


def run_block(block: Block, folder: Path) -> None:
    """Run what a block shows, and compare what it prints with what is shown."""
    if block.kind == "python":
        (folder / "shown.py").write_text(block.text)
        result = run_in(folder, [sys.executable, "shown.py"])
        (folder / "shown.py").unlink()
        printed = result.stdout + result.stderr
        assert result.returncode == block.exit_code, f"{block}\n{printed}"
        if block.shown is not None:
            assert matches(block.shown.splitlines(), result.stdout, result.stderr), f"{block} prints\n{printed}"
        return
    commands = commands_of(block)
    for place, (command, shown) in enumerate(commands, 1):
        result = run_in(folder, ["bash", "-c", command])
        printed = result.stdout + result.stderr
        expected = block.exit_code if place == len(commands) else 0
        assert result.returncode == expected, f"{block}: {command}\nexit code {result.returncode}\n{printed}"
        if shown is not None:
            assert matches(shown, result.stdout, result.stderr), f"{block}: {command}\nprints\n{printed}"


def run_in(folder: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command as a reader would: `python` and `batchdigits` are this interpreter's."""
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "100",
    }
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT
    )


def test_a_command_that_fails_or_prints_something_else_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    for kind, text in (
        ("sh", "true\nfalse\n"),
        ("sh", "false\ntrue\n"),
        ("console", "$ echo one\ntwo\n"),
        ("console", "$ echo one\n"),
        ("python", "raise ValueError\n"),
        ("python", "print(1)\n```\n\n```text\n2\n"),
    ):
        page.write_text(f"```{kind}\n{text}```\n")
        (block,) = blocks_of(page)
        with pytest.raises(AssertionError, match=r"page\.md:1"):
            run_block(block, tmp_path)
    page.write_text("<!-- test: exit 1 -->\n```console\n$ echo one\none\n$ echo two >&2; false\nt…\n```\n")
    (block,) = blocks_of(page)
    run_block(block, tmp_path)


def test_a_page_that_shows_nothing_to_run_needs_no_test() -> None:
    pages = [parameter.values[0] for parameter in parameters()]
    assert ROOT / "docs/reference/exit-codes.md" in pages
    assert ROOT / "docs/reference/glossary.md" not in pages


def test_the_fast_blocks_of_a_slow_page_have_a_test_of_their_own() -> None:
    page = ROOT / "docs/how-to/from-python.md"
    fast, slow = (parameter for parameter in parameters() if parameter.values[0] == page)
    assert not fast.marks
    assert [mark.name for mark in slow.marks] == ["slow"]
    assert not any(block.slow for block in fast.values[1])
    assert len(fast.values[1]) < len(slow.values[1])
