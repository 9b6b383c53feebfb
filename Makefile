# The recipes, for people and for CI. Each is one command; run them inside the environment of CONTRIBUTING.md.

.PHONY: check lint format types imports test slow samples model tables

check: lint format types imports test

lint:
	ruff check .

format:
	ruff format --check .

types:
	mypy

imports:
	lint-imports

test:
	python -m pytest

slow:
	python -m pytest -m slow

# What is made by a command and kept in git.

samples:
	python samples/make_samples.py
