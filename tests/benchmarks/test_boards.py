from __future__ import annotations

import re
from pathlib import Path

import pytest

from batchdigits.inference.choose import PRETRAINED
from tests.benchmarks.scripts import run_script
from tests.device.boards import BOARDS


@pytest.mark.slow
def test_the_table_of_boards_has_a_row_for_a_core(tmp_path: Path) -> None:
    board = BOARDS[1]
    if not board.is_here:
        pytest.skip(f"no {board.tools}gcc or no {board.emulator[0]} here")
    result = run_script("boards.py", "--model", PRETRAINED / "digits.tflite", "--core", board.name)
    assert result.returncode == 0, result.stderr
    rows = [line for line in result.stdout.splitlines() if line.startswith("| `")]
    assert len(rows) == 1
    cells = r"\| `digits` \| Cortex-M4F \| 6\d\d KB \| \d+\.\d KB \| \d+\.\d KB \| 0\.\d\d \| 3\.\d\d \|"
    assert re.fullmatch(cells, rows[0])
