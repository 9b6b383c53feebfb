"""`batchdigits classify --engine ray`: from paths to a folder of parts."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import click

from batchdigits.cli.classify_request import Request
from batchdigits.cli.classify_task import identity_of, summary, task_of
from batchdigits.cli.console import print_message, progress_bar
from batchdigits.errors import ExitCode, NoImagesError
from batchdigits.text import without_secrets

if TYPE_CHECKING:
    from batchdigits.engines.ray_engine import Listed, Part
    from batchdigits.engines.worker import Task
    from batchdigits.files.sources import Filter
    from batchdigits.output.journal import Identity
    from batchdigits.output.parts import PartsOutput


def classify_in_parts(request: Request, paths: Sequence[str], rules: Filter) -> None:
    """The main road of a cluster: from paths to parts."""
    from batchdigits.engines.ray_engine import Order, classify
    from batchdigits.output.parts import PartsOutput

    if not paths:
        raise NoImagesError("no images in the list of files")
    began = time.monotonic()
    task, columns, form = task_of(request)
    identity = {**identity_of(request, task), "--part-size": request.part_size, "the sources": _sources(request)}
    order = Order(task, columns, form, rules, request.part_size)
    with PartsOutput(str(request.output), form, identity, request.resume) as output, _kept(output):
        done = frozenset(output.parts)
        if request.resume:
            print_message(f"{len(done):,} parts are done" if done else "nothing to go on with: starting")
        results = classify(paths, order, done, request.ray_address, request.jobs)
        counts, listed = _write(results, output, request)
        if not listed.parts:
            raise NoImagesError(f"no images in {', '.join(listed.empty_folders) or 'the list of files'}")
        total = output.finish(listed.parts, _about(task, identity, listed))
    before = total.total() - counts.total()
    print_message(summary(counts, before, listed.skipped, time.monotonic() - began, task.model))
    if listed.empty_folders:
        raise NoImagesError(f"no images in {', '.join(listed.empty_folders)}")
    if total["error"]:
        raise click.exceptions.Exit(ExitCode.SOME_FAILED)


def _write(
    results: Generator[Part | Listed, None, None], output: PartsOutput, request: Request
) -> tuple[Counter[str], Listed]:
    """Write every part, behind a progress bar; how many rows there were of each status, and what was listed."""
    from batchdigits.engines.ray_engine import Listed

    counts: Counter[str] = Counter()
    listed = Listed([], 0, [])
    with closing(results), progress_bar(unit="img") as bar:
        for result in results:
            if isinstance(result, Listed):
                listed = listed.with_another(result)
                continue
            output.write(result.name, result.content, result.statuses)
            counts.update(result.statuses)
            bar.update(result.files)
            if request.max_failures:
                request.max_failures.check(counts)
    if request.max_failures:
        request.max_failures.check(counts, at_the_end=True)
    return counts, listed


@contextmanager
def _kept(output: PartsOutput) -> Iterator[None]:
    """Whatever ends the run inside, tell how to go on."""
    try:
        yield
    except BaseException:
        if output.parts:
            print_message(f"{len(output.parts):,} parts are done and kept; to go on, add --resume to the same command")
        raise


def _sources(request: Request) -> str:
    """What was asked for, in words: it decides which sources are in which part."""
    options = [f"--include {glob}" for glob in request.include] + [f"--exclude {glob}" for glob in request.exclude]
    lists = [f"--files-from {request.files_from}"] if request.files_from else []
    more = ["--no-recursive"] if request.no_recursive else []
    return without_secrets(" ".join([*request.paths, *lists, *options, *more]))


def _about(task: Task[bytes], identity: Identity, listed: Listed) -> dict[str, Any]:
    """What the manifest says besides parts and rows."""
    normaliser = json.dumps(task.card.normaliser, sort_keys=True).encode()
    return {
        "options": identity,
        "model": {"name": task.model.name, "sha256": task.card.sha256["payload"]},
        "normaliser": {**task.card.normaliser, "sha256": hashlib.sha256(normaliser).hexdigest()},
        "skipped": listed.skipped,
        "empty_folders": [without_secrets(folder) for folder in listed.empty_folders],
    }
