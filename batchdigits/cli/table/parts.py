"""`classify` and `read` with `--engine ray`: from paths to a folder of parts."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from batchdigits.cli.table.request import Request
from batchdigits.cli.table.run import (
    finish,
    print_added,
    print_kept_on_error,
    print_resumed,
    refuse_to_prune_all,
    write_results,
)
from batchdigits.cli.table.summary import Stopwatch, Summary
from batchdigits.cli.table.task import identity_of, task_of
from batchdigits.errors import NoImagesError
from batchdigits.text import without_secrets

if TYPE_CHECKING:
    from batchdigits.engines.ray_engine import Listing, Part
    from batchdigits.engines.worker import Task
    from batchdigits.files.filter import Filter
    from batchdigits.output.journal import Identity


def classify_in_parts(request: Request, paths: Sequence[str], rules: Filter, ids: Mapping[str, str] | None) -> None:
    """Classify the files of the paths on a Ray cluster, and write parts and a manifest."""
    from batchdigits.engines.ray_engine import PART_SIZE, ClusterJob, classify
    from batchdigits.files.sources import Tally
    from batchdigits.output.parts import PartsOutput

    if not paths:
        raise NoImagesError("no images in the list of files")
    stopwatch = Stopwatch()
    task, columns, _ = task_of(request, ids)
    file_format = request.format_name
    identity = identity_of(request, task)
    part_size = request.part_size or PART_SIZE
    sources: Identity = {"--part-size": part_size, "the sources": _sources(request)}
    job = ClusterJob(task, columns, file_format, rules, part_size, request.paths)
    with (
        PartsOutput(str(request.output), file_format, columns, identity, sources, request.resume) as output,
        print_kept_on_error(lambda: len(output.parts), "parts"),
    ):
        if not output.finished or output.parts:
            print_resumed(request, len(output.parts), "parts")
        listings: list[Listing] = []
        results = classify(paths, job, output.done, request.ray_address, request.jobs)
        written = write_results(
            _parts_of(results, listings),
            lambda part: output.write(part.name, part.content, part.counts, part.done),
            request.max_failures,
            lambda: output.rows_before,
        )
        listed = _merged(listings)
        if not listed.parts and not len(listed.named):
            raise NoImagesError(f"no images in {', '.join(listed.empty_folders) or 'the list of files'}")
        if output.finished:
            refuse_to_prune_all(request, listed.empty_folders)
        manifest = _manifest(task, {**identity, **sources}, listed)
        total = output.finish(listed.parts, manifest, listed.named, listed.readable, request.prune)
    if output.finished:
        print_added(request, {**listed.files, "unnamed": output.unnamed, "unread": output.unread})
    request.print_more(output.rows())
    finish(
        Summary(
            request=request,
            task=task,
            workers=request.jobs,
            counts=total,
            new=written.rows,
            done_before=total.rows - written.rows,
            tally=Tally(listed.sources, listed.skipped, listed.empty_folders),
            start=stopwatch.start,
            seconds=stopwatch.seconds,
        )
    )


def _parts_of(results: Generator[Part | Listing, None, None], listings: list[Listing]) -> Generator[Part, None, None]:
    """Yield the parts among the results, and add the others to `listings`."""
    from batchdigits.engines.ray_engine import Listing

    with closing(results):
        for result in results:
            if isinstance(result, Listing):
                listings.append(result)
            else:
                yield result


def _merged(listings: Sequence[Listing]) -> Listing:
    import numpy as np

    from batchdigits.engines.ray_engine import Listing

    none = np.empty(0, np.uint64)
    listed = Listing([], none, none, 0, 0, [], Counter(added=0, changed=0, kept=0, edited=0))
    for listing in listings:
        listed = listed.merged_with(listing)
    return listed


def _sources(request: Request) -> str:
    """The paths and options that decide which sources are in which part, as text."""
    options = [f"--include {glob}" for glob in request.include] + [f"--exclude {glob}" for glob in request.exclude]
    lists = [f"--files-from {request.files_from}"] if request.files_from else []
    more = ["--no-recursive"] if request.no_recursive else []
    return without_secrets(" ".join([*request.paths, *lists, *options, *more]))


def _manifest(task: Task[bytes], identity: Identity, listed: Listing) -> dict[str, Any]:
    """The entries of the manifest besides parts and rows."""
    normaliser = json.dumps(task.card.normaliser, sort_keys=True).encode()
    return {
        "options": identity,
        "model": {"name": task.model.name, "sha256": task.card.sha256["payload"]},
        "normaliser": {**task.card.normaliser, "sha256": hashlib.sha256(normaliser).hexdigest()},
        "passed_over": listed.skipped,  # programs that read manifests know this key
        "empty_folders": [without_secrets(folder) for folder in listed.empty_folders],
    }
