"""The documentation builds without a warning, and says everything that there is to say."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from html import unescape
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

import batchdigits
from batchdigits.cli import main
from batchdigits.inference.card import Card
from batchdigits.inference.choose import BUILT_IN_MODEL
from batchdigits.inference.model_file import read_model_file
from batchdigits.web.page import web_page
from tests.conftest import ROOT

DOCS = ROOT / "docs"
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")

needs_sphinx = pytest.mark.skipif(
    not all(map(find_spec, ("sphinx", "myst_parser", "furo", "sphinx_click"))), reason="the extra docs is not installed"
)


def commands() -> dict[str, click.Command]:
    """Every command under its name."""
    with click.Context(main) as context:
        return {name: command for name in main.list_commands(context) if (command := main.get_command(context, name))}


@needs_sphinx
def test_the_pages_build_and_the_reference_has_every_option_and_name(tmp_path: Path) -> None:
    """One test, as each process of pytest that has a share of several would build the pages again."""
    site = tmp_path / "html"
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-b",
        "html",
        "-d",
        str(tmp_path / "doctrees"),
    ]
    result = subprocess.run([*command, str(DOCS), str(site)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    require_commands(unescape((site / "reference/command-line.html").read_text()))
    page = (site / "reference/python.html").read_text()
    for name in batchdigits.__all__:
        assert name.startswith("__") or f'id="batchdigits.{name}"' in page, name
    assert 'src="../digits.html"' in (site / "how-to/web-page.html").read_text()
    assert (site / "digits.html").read_text(encoding="utf-8") == web_page(read_model_file(BUILT_IN_MODEL))


def require_commands(page: str) -> None:
    """Assert that the page of the command line has every command and every option."""
    anchors = set(re.findall(r'id="cmdoption-([^"]+)"', page))
    assert {"batchdigits-version", "batchdigits-h", "batchdigits-classify-h"} <= anchors
    assert "is continued with --resume" in re.sub(r"<[^>]+>", "", page)  # not with a dash
    for name, command in commands().items():
        assert f'id="batchdigits-{name}"' in page, name
        with click.Context(command) as context:
            for option in command.get_params(context):
                if isinstance(option, click.Option):
                    for flag in (*option.opts, *option.secondary_opts):
                        assert f"batchdigits-{name}-{flag.lstrip('-')}" in anchors, f"{name} {flag}"


@needs_sphinx
def test_a_broken_link_ends_the_build(tmp_path: Path) -> None:
    (tmp_path / "conf.py").write_text((DOCS / "conf.py").read_text().replace('["_static"]', "[]"))
    (tmp_path / "index.md").write_text("# A page\n\n[nowhere](nowhere.md)\n")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", str(tmp_path), str(tmp_path / "html")]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode
    assert "nowhere.md" in result.stderr


def test_every_command_is_in_a_tutorial_or_a_guide() -> None:
    pages = [page for folder in ("tutorial", "how-to") for page in (DOCS / folder).glob("*.md")]
    text = "\n".join(page.read_text() for page in pages)
    if all(page.name == "index.md" for page in pages):
        pytest.skip("there are no tutorials and guides yet")
    for name in commands():
        assert re.search(rf"\bbatchdigits {name}\b", text), name


def test_every_key_of_a_card_is_described() -> None:
    page = (DOCS / "reference/model-card.md").read_text()
    for field in fields(Card):
        assert f"| `{field.name}` |" in page, field.name


@pytest.mark.parametrize("page", ["README.md", "DESIGN.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_of_the_pages_beside_the_documentation_lead_somewhere(page: str) -> None:
    for link in LINK.findall((ROOT / page).read_text()):
        if "://" not in link:
            path, _, anchor = link.partition("#")
            target = ROOT / path
            assert target.exists(), link
            assert not anchor or anchor in anchors_of(target), link


def anchors_of(page: Path) -> set[str]:
    """The anchors of a page's headings, as a repository's web page and MyST make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
