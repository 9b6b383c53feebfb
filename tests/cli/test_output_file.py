"""Every option that names a file to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Run


@pytest.mark.parametrize(
    "arguments",
    [
        ["audit", "rows.csv", "--json"],
        ["audit", "rows.csv", "--html"],
        ["classify", "scans", "--summary"],
        ["read", "scans", "--summary"],
        ["evaluate", "scans", "--plot"],
        ["evaluate", "scans", "--wrong"],
        ["evaluate", "scans", "--suspects"],
        ["export", "--web"],
        ["train", "--plot"],
        ["template", "form.png", "-o", "form.toml", "--picture"],
    ],
    ids=" ".join,
)
def test_a_name_that_only_a_folder_can_have_is_refused(
    arguments: list[str], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments, "nosuch/")
    assert result.exit_code == 2
    assert "nosuch/ is a folder's name, by its slash; give that of a file" in result.stderr
    assert not any(tmp_path.iterdir())
