"""The ray engine: all cores of a cluster, by Ray Data.

    typed paths -> parts of the list of sources -> rows of a part
                (list_parts, some tasks)        (PartClassifier, one actor for each core)

Only paths go out, and only encoded rows come back. An actor keeps one worker process of the local engine, so a file
that crashes a decoder has the same row under both engines. Ray repeats work that was lost with an actor or a node; a
part that comes twice has the same name and the same bytes.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import tempfile
from array import array
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from batchdigits.engines.ray_cluster import connected, explain
from batchdigits.engines.supervisor import Supervisor
from batchdigits.engines.worker import Task, Worker
from batchdigits.errors import BatchdigitsError
from batchdigits.files.filter import Filter
from batchdigits.files.plain_path import folder_of, folders_of
from batchdigits.files.remote import is_url
from batchdigits.files.required import require_paths
from batchdigits.files.sources import Tally, find
from batchdigits.output.columns import Columns
from batchdigits.output.done_file import RECORD, checksum_of, records, source_id
from batchdigits.output.done_parts import DoneParts
from batchdigits.output.formats import FormatName
from batchdigits.output.journal import NO_STAMP, stamp_of
from batchdigits.output.parts import encode_part, part_name
from batchdigits.output.row_counts import RowCounts
from batchdigits.version import __version__

PART_SIZE = 5_000  # files: a second of work for a core, which makes Ray's overhead small, and 300 KB of rows
LISTING_TASKS = 32  # at most; S3 lists 1,000 keys a request, and each task sends about ten requests a second


@dataclass(frozen=True)
class ClusterJob:
    """What every node of the cluster needs to know of a run.

    Attributes:
        task: what workers do; its `encode` makes rows of `file_format`, and its results carry stamps.
        columns: the columns of the rows.
        file_format: the format of the parts.
        rules: which files in folders are sources.
        part_size: files in a part.
        typed: the paths that must be there; each other one that is not gets an error row.
        folder: the folder that relative paths start from.
        version: the version of batchdigits; another one may give other rows.
    """

    task: Task[bytes]
    columns: Columns
    file_format: FormatName
    rules: Filter
    part_size: int = PART_SIZE
    typed: tuple[str, ...] = ()
    folder: str = field(default_factory=os.getcwd)
    version: str = __version__


class Part(NamedTuple):
    """A part of the output: its name, its content, the counts of its rows, and the records of its files."""

    name: str
    content: bytes
    counts: RowCounts
    done: NDArray[Any]

    @property
    def files(self) -> int:
        """The number of files."""
        return len(self.done)


class Listing(NamedTuple):
    """The listing of a group of typed paths.

    Attributes:
        parts: the names of all parts of this run, done or not.
        named: the `source_id` of each source of the group that a finished part holds.
        readable: those of folders and archives of the group with an open error there, which can be read now.
        sources: as in the tally of `find`.
        skipped: as in the tally of `find`.
        empty_folders: as in the tally of `find`.
        files: how many files are `added`, `changed` and `kept`, and how many `edited` of the kept have changed.
    """

    parts: list[str]
    named: NDArray[np.uint64]
    readable: NDArray[np.uint64]
    sources: int
    skipped: int
    empty_folders: list[str]
    files: Counter[str]

    def merged_with(self, other: Listing) -> Listing:
        """Both listings as one."""
        parts, empty_folders = self.parts + other.parts, self.empty_folders + other.empty_folders
        sources, skipped = self.sources + other.sources, self.skipped + other.skipped
        named = np.concatenate([self.named, other.named])
        readable = np.concatenate([self.readable, other.readable])
        files = Counter(self.files)
        files.update(other.files)
        return Listing(parts, named, readable, sources, skipped, empty_folders, files)


def classify(
    paths: Sequence[str],
    job: ClusterJob,
    done: DoneParts,
    address: str | None = None,
    actors: int | None = None,
) -> Generator[Part | Listing, None, None]:
    """Classify the sources at and below paths.

    Args:
        paths: files, folders and URLs, as typed; every node of the cluster must be able to read them.
        job: what every node needs to know.
        done: what need not be done again.
        address: the cluster; `local` for a new one on this machine, for this run only; None for $RAY_ADDRESS, else the
            one that runs on this machine, else a new one.
        actors: at most so many; None for one for each core of the cluster, as it grows and shrinks.

    Yields:
        Every part that is not done, and the listing of every group of paths, in any order.

    Raises:
        MissingExtraError: Ray is not installed.
        NoImagesError: a path that must be there is not, and nothing has been done.
        BatchdigitsError: there is no cluster, or a node cannot do its work.
    """
    with connected(address) as ray, contextlib.closing(_run(ray, paths, job, done, actors)) as results:
        try:
            ray.get(ray.remote(num_cpus=0)(require_typed_paths).remote(job))
            yield from results
        except ray.exceptions.RayError as error:
            raise explain(error) from error


def _run(
    ray: Any, paths: Sequence[str], job: ClusterJob, done: DoneParts, actors: int | None
) -> Generator[Part | Listing, None, None]:
    """Run the Ray dataset that turns typed paths into what `classify` yields. Ray Data repeats lost work."""
    context = ray.data.DataContext.get_current().copy()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.target_max_block_size = 1  # byte: every part is a block of its own, which any idle actor can take
    groups = [{"group": number, "paths": json.dumps(group)} for number, group in enumerate(_groups(paths))]
    with ray.data.DataContext.current(context):
        rows = (
            ray.data.from_items(groups, override_num_blocks=len(groups))
            .map_batches(
                list_parts,
                fn_kwargs={"job": job, "done": done},
                batch_size=1,
                batch_format="pyarrow",
                num_cpus=0,  # listing waits for storage, and must not wait for a core
            )
            .map_batches(
                PartClassifier,
                fn_constructor_args=(job, job.task.model.read_bytes()),
                batch_size=1,
                batch_format="pyarrow",
                compute=ray.data.ActorPoolStrategy(min_size=1, max_size=actors),
                num_cpus=1,
            )
        )
        yield from map(parse_result, rows.iter_rows())


def parse_result(row: Mapping[str, Any]) -> Part | Listing:
    """The part or the listing in a row of the dataset."""
    about = json.loads(row["about"])
    if not row["part"]:
        named, readable = (np.frombuffer(row[column], np.uint64) for column in ("data", "done"))
        return Listing(**{**about, "named": named, "readable": readable, "files": Counter(about["files"])})
    counts = RowCounts(Counter(about["statuses"]), about["risk"], Counter(about["left_out"]))
    return Part(row["part"], row["data"], counts, np.frombuffer(row["done"], RECORD))


def _groups(paths: Sequence[str]) -> list[list[str]]:
    """The paths in at most LISTING_TASKS groups of neighbours."""
    size = -(-len(paths) // LISTING_TASKS)
    return [list(paths[start : start + size]) for start in range(0, len(paths), size)]


def require_typed_paths(job: ClusterJob) -> None:
    """Check on a node that the paths are there that must be.

    Raises:
        NoImagesError: one is not.
        BatchdigitsError: see `_enter_folder`.
    """
    _enter_folder(job, job.typed)
    require_paths(job.typed)


def list_parts(table: Any, job: ClusterJob, done: DoneParts) -> Iterator[Any]:
    """List the sources of a group of paths: a row for every unfinished part, and a last one for the listing."""
    (row,) = table.to_pylist()
    typed = json.loads(row["paths"])
    _enter_folder(job, typed)
    tally = Tally()
    named, readable = array("Q"), array("Q")
    counts: Counter[str] = Counter()
    found = _note_readable(find(typed, tally, job.rules), done, readable)
    files = _new_files(found, done, named, counts)
    names: list[str] = []
    while part := list(islice(files, job.part_size)):
        names.append(part_name(done.first_group + row["group"], len(names), part, job.file_format))
        if names[-1] not in done.names:
            yield _row(names[-1], json.dumps(part).encode())
    about = {"parts": names, "sources": tally.sources, "skipped": tally.skipped, "files": counts}
    about["empty_folders"] = tally.empty_folders
    yield _row("", named.tobytes(), about, readable.tobytes())


def _note_readable(files: Iterator[str], done: DoneParts, readable: array[int]) -> Iterator[str]:
    """The same files; folders and archives that they are in are added to `readable`, if these have an open error."""
    folder = ""
    for path in files:
        if folder_of(path) != folder:
            folder = folder_of(path)
            for typed in folders_of(path):
                source = done.find(typed)
                if source and source.stamp == NO_STAMP:
                    readable.append(source_id(typed))
        yield path


def _new_files(files: Iterator[str], done: DoneParts, named: array[int], counts: Counter[str]) -> Iterator[str]:
    """The files that no finished part holds as they are now.

    Those that one holds are added to `named`, and the numbers of `Listing.files` to `counts`.
    """
    for path in files:
        source = done.find(path)
        if source is None:
            counts["added"] += 1
            yield path
            continue
        named.append(source_id(path))
        stamp = stamp_of(path)
        if source.is_current(stamp):
            counts["kept"] += 1
            counts["edited"] += source.stamp != stamp
        else:
            counts["changed"] += 1
            yield path


class PartClassifier:
    """An actor: it keeps a worker process, with the model loaded, from part to part."""

    def __init__(self, job: ClusterJob, model: bytes) -> None:
        """Write the model to a file that the worker can read."""
        folder = tempfile.mkdtemp(prefix="batchdigits-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        path = Path(folder) / job.task.model.name
        path.write_bytes(model)
        self._job = job
        self._task = replace(job.task, model=path)
        self._workers: list[Worker[bytes]] = []

    def __call__(self, table: Any) -> Any:
        """Classify a part; a listing passes through unchanged."""
        (row,) = table.to_pylist()
        if not row["part"]:
            return table
        paths = json.loads(row["data"])
        _enter_folder(self._job, paths)
        supervisor = Supervisor(iter(paths), self._task, 1, self._workers)
        results = list(supervisor.run())
        counts = RowCounts()
        for result in results:
            counts.update(result.counts)
        rows = [row for result in results for row in result.rows]
        stamps = [stamp for result in results for stamp in result.stamps]
        done = records(list(map(source_id, paths)), stamps, list(map(checksum_of, rows)))
        about = {"statuses": counts.statuses, "risk": counts.risk, "left_out": counts.left_out}
        return _row(row["part"], encode_part(self._job.file_format, self._job.columns, rows), about, done.tobytes())


def _row(part: str, data: bytes, about: Mapping[str, Any] | None = None, done: bytes = b"") -> Any:
    """A table of one row; all data between tasks has this schema."""
    import pyarrow

    return pyarrow.table(
        {
            "part": [part],
            "data": pyarrow.array([data], pyarrow.large_binary()),
            "about": [json.dumps(about)],
            "done": pyarrow.array([done], pyarrow.large_binary()),
        }
    )


def _enter_folder(job: ClusterJob, paths: Sequence[str]) -> None:
    """Change to the folder that relative paths start from, if there are any.

    Raises:
        BatchdigitsError: this node has no such folder, or another version of batchdigits.
    """
    if job.version != __version__:
        raise BatchdigitsError(f"a node of the cluster has batchdigits {__version__}, not {job.version}")
    if all(is_url(path) or path.startswith("/") for path in paths):
        return
    try:
        os.chdir(job.folder)
    except OSError:
        raise BatchdigitsError(
            f"a node of the cluster has no folder {job.folder}: give URLs, or paths on a disk that all nodes share"
        ) from None
