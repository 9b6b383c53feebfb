"""Every command that the README shows works as it stands there, one after the other, in one folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, SAMPLES

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"^```sh\n(.*?)^```", README, re.M | re.S) for line in block.splitlines()]
INSTALLS = dict(re.findall(r"^<!-- install: (\w+) -->\n```sh\n(.+?)\n```$", README, re.M | re.S))
ON_THE_ROAD = [line for line in COMMANDS if line.startswith("batchdigits ")]


def test_the_readme_shows_two_installs_and_the_road() -> None:
    assert list(INSTALLS) == ["classify", "test"]
    assert INSTALLS["classify"].endswith("batchdigits classify samples/digits")
    assert INSTALLS["test"].endswith("-m pytest")
    assert ON_THE_ROAD[:2] == ["batchdigits train", "batchdigits export --tflite"]
    assert len(INSTALLS) + len(ON_THE_ROAD) == len(COMMANDS)


def test_the_road_works_as_it_stands_there(tmp_path: Path) -> None:
    shutil.copytree(SAMPLES, tmp_path / "samples")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for command in ON_THE_ROAD:
        result = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, f"{command}\n{result.stderr}"
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 41


MARKED = {name: f"<!-- install: {name} -->\n```sh\n{{}}\n```\n" for name in ("classify", "test")}
README_OF_TWO = f"```sh\nfalse\n```\n{MARKED['classify']}\ntext\n{MARKED['test']}"


def run_ci(checkout: Path, readme: str, docs: str = "echo documentation") -> subprocess.CompletedProcess[str]:
    """Run what CI runs, in a repository with that README, whose `make docs` runs that command."""
    (checkout / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", checkout / ".ci")
    (checkout / "README.md").write_text(readme, encoding="utf-8")
    (checkout / "Makefile").write_text(f"docs:\n\t@{docs}\n", encoding="utf-8")
    nobody = ["-c", "user.name=nobody", "-c", "user.email=nobody@localhost", "-c", "commit.gpgsign=false"]
    for line in (["init", "--quiet"], ["add", "."], [*nobody, "commit", "--quiet", "-m", "all"]):
        subprocess.run(["git", *line], cwd=checkout, check=True)
    return subprocess.run(["bash", checkout / ".ci" / "run"], capture_output=True, text=True, check=False)


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
