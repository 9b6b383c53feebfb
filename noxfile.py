"""Run the checks in fresh environments: `nox` runs the default ones, `nox --list` names them all.

Arguments after `--` go to pytest: `nox -s tests-3.12 -- tests/vision`.
"""

from __future__ import annotations

import nox

PYTHONS = ["3.11", "3.12", "3.13"]

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["check", "tests"]


@nox.session
def check(session: nox.Session) -> None:
    """Run what `make check` runs, without the tests."""
    session.install("-e", ".[dev]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests with the newest versions of all dependencies."""
    session.install("-e", ".[dev]")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(python=PYTHONS[0], venv_backend="uv")
def lowest(session: nox.Session) -> None:
    """Run the tests with the oldest versions that pyproject.toml allows; uv is the installer that can choose them."""
    session.install("--resolution", "lowest-direct", "-e", ".[dev]")
    # mypy's findings depend on the version of NumPy, so the checks are for the newest versions only
    session.run("python", "-m", "pytest", "--ignore=tests/test_checks.py", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation."""
    session.install("-e", ".[dev]")
    session.run("make", "docs", external=True)
