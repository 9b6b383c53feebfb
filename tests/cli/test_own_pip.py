from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from batchdigits.cli.shared.own_pip import with_own_pip
from tests.conftest import Run


def put_pip_into(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "pip").touch(mode=0o755)


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Python with a pip of its own, in an environment that is not activated."""
    put_pip_into(tmp_path / "my env" / "bin")
    put_pip_into(tmp_path / "elsewhere")
    monkeypatch.setenv("PATH", str(tmp_path / "elsewhere"))
    python = tmp_path / "my env" / "bin" / "python"
    monkeypatch.setattr(sys, "executable", str(python))
    return python


@pytest.mark.skipif(sys.platform == "win32", reason="an executable has a suffix there")
@pytest.mark.parametrize("path", ["elsewhere", "nowhere"])
def test_a_pip_of_another_python_is_not_named(
    python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / path))
    own = f"{shlex.quote(str(python))} -m pip"
    assert with_own_pip("cure it: pip uninstall x; pip install 'y'") == f"cure it: {own} uninstall x; {own} install 'y'"
    assert with_own_pip(with_own_pip("pip install 'y'")) == f"{own} install 'y'"
    monkeypatch.setenv("PATH", str(python.parent))
    assert with_own_pip("pip install 'y'") == "pip install 'y'"


def test_a_missing_extra_is_installed_into_the_python_that_runs(
    python: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    result = run("classify", ".", "-o", "rows.xlsx")
    assert f"install it with: {shlex.quote(str(python))} -m pip install 'batchdigits[xlsx]'\n" in result.stderr
