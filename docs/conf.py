"""How Sphinx builds this documentation: `make docs`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batchdigits.cli import main
from batchdigits.inference.choose import BUILT_IN_MODEL
from batchdigits.inference.model_file import read_model_file
from batchdigits.version import __version__
from batchdigits.web.page import web_page, write_page

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "batchdigits"
copyright = "the batchdigits founders"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_click"]

html_theme = "furo"
html_title = f"batchdigits {__version__}"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_copy_source = False
html_show_sphinx = False

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3  # pages link to headings, here and in DESIGN.md, by the anchors that a repository's page has

# Docstrings and help texts put names between single backticks, as Markdown does.
default_role = "code"

autoclass_content = "both"  # of the class and of its __init__, which has the arguments
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_numpy_docstring = False
napoleon_use_ivar = True


def setup(app: Sphinx) -> None:
    """Show commands as `--help` has them: examples as code, and options with their ranges. Make the page to try."""
    app.connect("build-finished", _write_page_to_try)
    app.connect("sphinx-click-process-description", _inherit_help_option)
    app.connect("sphinx-click-process-description", _show_examples_as_code)
    app.connect("sphinx-click-process-options", _describe_options_as_help_does)


def _write_page_to_try(app: Sphinx, fault: Exception | None) -> None:
    """Write the page of `export --web`, which `how-to/web-page.md` shows, beside the others."""
    if app.builder.format == "html" and fault is None:
        write_page(web_page(read_model_file(BUILT_IN_MODEL)), Path(app.outdir) / "digits.html")


def _inherit_help_option(app: Sphinx, context: click.Context, lines: list[str]) -> None:
    """Name `-h`, too: sphinx-click makes contexts without the group's settings, and click keeps what it names first."""
    context.help_option_names = main.context_settings["help_option_names"]


def _show_examples_as_code(app: Sphinx, context: click.Context, lines: list[str]) -> None:
    """Make a literal block of each verbatim one, which would be parsed: the `*` of a glob begins emphasis."""
    text = "\n".join(lines).replace("| Example:\n", ".. rubric:: Example\n\n.. code-block:: sh\n\n")
    prose, *example = text.partition(".. rubric:: Example")
    lines[:] = [line.removeprefix("| ") for line in "".join([_options_as_code(prose), *example]).split("\n")]


def _describe_options_as_help_does(app: Sphinx, context: click.Context, lines: list[str]) -> None:
    """Take metavars, defaults and ranges from click; sphinx-click leaves out ranges, and names metavars anew."""
    lines.clear()
    for option in context.command.get_params(context):
        record = option.get_help_record(context)
        if isinstance(option, click.Option) and record:
            names, description = record
            lines += [f".. option:: {names.replace(' / ', ', ')}", "", f"    {_options_as_code(description)}", ""]


def _options_as_code(text: str) -> str:
    """The text with the names of options as code: Sphinx would make a dash of their `--`."""
    return re.sub(r"(?<![`\w-])--[a-z][a-z-]*", r"``\g<0>``", text)
