"""The README is short, and CI runs its two marked commands; `tests/docs/test_commands.py` runs the others."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
INSTALLS = dict(re.findall(r"^<!-- install: (\w+) -->\n```sh\n(.+?)\n```$", README, re.M | re.S))
MAX_WORDS = 600  # besides the blocks of commands and code


def test_the_readme_marks_two_installs() -> None:
    assert list(INSTALLS) == ["classify", "test"]
    assert INSTALLS["classify"].endswith("batchdigits classify samples/digits")
    assert INSTALLS["test"].endswith("-m pytest")


def test_the_readme_is_short() -> None:
    prose = re.sub(r"^```.*?^```", "", README, flags=re.M | re.S)
    assert len(prose.split()) <= MAX_WORDS


MARKED = {name: f"<!-- install: {name} -->\n```sh\n{{}}\n```\n" for name in ("classify", "test")}
README_OF_TWO = f"```sh\nfalse\n```\n{MARKED['classify']}\ntext\n{MARKED['test']}"


def run_ci(checkout: Path, readme: str, docs: str = "echo documentation") -> subprocess.CompletedProcess[str]:
    """Run what CI runs, in a repository with that README, whose `make docs` runs that command."""
    (checkout / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", checkout / ".ci")
    (checkout / "README.md").write_text(readme, encoding="utf-8")
    (checkout / "Makefile").write_text(f"docs:\n\t@{docs}\n", encoding="utf-8")
    for name in ("git", "make"):
        if shutil.which(name) is None:
            pytest.skip(f"no {name} here")
    tools = checkout.with_name("tools")
    tools.mkdir()
    (tools / "dpkg-query").write_text("#!/bin/sh\n")  # says that all is installed, so that nothing is
    (tools / "dpkg-query").chmod(0o755)
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(tools), os.environ["PATH"]]),
        "GIT_CONFIG_GLOBAL": os.devnull,  # a person's hooks and keys
    }
    nobody = ["-c", "user.name=nobody", "-c", "user.email=nobody@localhost"]
    for line in (["init", "--quiet"], ["add", "."], [*nobody, "commit", "--quiet", "-m", "all"]):
        subprocess.run(["git", *line], cwd=checkout, env=environment, check=True)
    command = ["bash", str(checkout / ".ci" / "run")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_ci_runs_the_marked_commands_in_a_clone_with_an_awkward_path(tmp_path: Path) -> None:
    checkout = tmp_path / 'it\'s "here"'
    (tmp_path / "shared").mkdir()
    result = run_ci(checkout, README_OF_TWO.format("pwd", "cd ../shared\npwd -P"))
    assert result.returncode == 0, result.stderr
    first, place, *second, shared, docs, built = result.stdout.splitlines()
    assert (first, second) == ("+ pwd", ["+ cd ../shared", "pwd -P"])
    assert (docs, built) == ("+ make docs", "documentation")
    assert place.endswith("/ü batchdigits/batchdigits")
    assert shared == str((tmp_path / "shared").resolve())
    assert not Path(place).parents[1].exists()


def test_ci_builds_the_documentation_with_the_programs_of_the_second_environment(tmp_path: Path) -> None:
    install = "mkdir -p .venv/bin\nprintf 'exit 7' > .venv/bin/sphinx-build\nchmod +x .venv/bin/sphinx-build"
    result = run_ci(tmp_path / "checkout", README_OF_TWO.format("true", install), docs="sphinx-build")
    assert result.returncode == 2  # of make
    assert "Error 7" in result.stderr


@pytest.mark.parametrize("name", MARKED)
@pytest.mark.parametrize("spoil", ["no mark", "another line between", "no command"])
def test_ci_fails_where_a_command_is_missing(tmp_path: Path, name: str, spoil: str) -> None:
    mark = f"<!-- install: {name} -->\n"
    spoilt = {
        "no mark": README_OF_TWO.replace(mark, ""),
        "another line between": README_OF_TWO.replace(mark, f"{mark}\n"),
        "no command": README_OF_TWO.replace(MARKED[name], MARKED[name].format(" ")),
    }
    result = run_ci(tmp_path / "checkout", spoilt[spoil].replace("{}", "true"))
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"README.md has no command behind <!-- install: {name} -->\n"


@pytest.mark.slow
def test_the_first_command_works_in_a_fresh_copy_without_tensorflow(tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, files.split("\0")):
        (fresh / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, fresh / name)
    result = subprocess.run(
        ["bash", "-c", INSTALLS["classify"]], cwd=fresh, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) >= 41
    assert list(fresh.glob(".venv/lib/*/site-packages/batchdigits"))
    assert not list(fresh.glob(".venv/lib/*/site-packages/tensorflow"))
