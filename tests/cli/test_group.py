from __future__ import annotations

import ast
import re
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

import batchdigits
from batchdigits.cli import main
from batchdigits.cli.group import COMMANDS
from batchdigits.quiet import is_library_output_shown
from batchdigits.version import __version__
from tests.conftest import SAMPLES, Run


def test_a_command_leaves_the_process_as_it_was(run: Run, in_empty_folder: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert run("classify", SAMPLES / "digits" / "3", "-v").exit_code == 0
    assert signal.getsignal(signal.SIGTERM) is before
    assert run("classify", SAMPLES / "digits" / "3").exit_code == 0
    assert not is_library_output_shown()


def test_what_is_said_of_wrong_options_ends_with_a_period_as_clicks_own_messages_do() -> None:
    raising = re.compile(r"click\.UsageError|click\.BadParameter|self\.fail")
    found = [
        node
        for path in (Path(batchdigits.__file__).parent / "cli").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and raising.fullmatch(ast.unparse(node.func))
    ]
    assert len(found) > 50
    assert [text for node in found if not (text := ast.unparse(node.args[0])).endswith((".'", '."'))] == []


@pytest.mark.parametrize("name", ["-dash 1.png", "-v.png", "--model.png"])
def test_a_file_that_is_taken_for_options_is_named(run: Run, in_empty_folder: Path, name: str) -> None:
    Path(name).touch()
    result = run("classify", "a.png", name)
    assert result.exit_code == 2
    assert f" The file is typed ./{name}." in result.stderr


@pytest.mark.parametrize(
    ("mistyped", "message"),
    [
        (("clasify", "scans"), "No such command 'clasify'. Did you mean 'classify'?"),
        (("inspct",), "No such command 'inspct'. Did you mean 'inspect'?"),
        (("frobnicate",), "No such command 'frobnicate'.\n"),
        (("train", "--lerning-rate", "3"), "No such option '--lerning-rate'. Did you mean '--learning-rate'?"),
        (("read", "ids", "--target-risk", "1%"), "No such option '--target-risk'.\n"),  # --start-over is alike
        (("classify", "scans", "--overwrit"), "No such option '--overwrit'.\n"),
    ],
)
def test_a_mistyped_name_is_wrong_usage_and_gets_a_suggestion(
    run: Run, mistyped: tuple[str, ...], message: str
) -> None:
    result = run(*mistyped)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize(("name", "text"), COMMANDS.items())
def test_the_list_of_commands_says_what_each_says_itself(name: str, text: str) -> None:
    context = click.Context(main)
    command = main.get_command(context, name)
    assert command
    assert command.get_short_help_str(limit=200) == text


def test_help_imports_no_command() -> None:
    shown = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "batchdigits", "--help"], capture_output=True, text=True, check=True
    )
    assert all(f"  {name} " in shown.stdout for name in COMMANDS)
    assert not [name for name in COMMANDS if f"batchdigits.cli.{name}\n" in shown.stderr]


def test_version(run: Run) -> None:
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout.split()[-1] == __version__
