"""The ray engine: all cores of a cluster, by Ray Data.

    typed paths -> parts of the list of sources -> rows of a part
                (list_parts, some tasks)        (Classifier, an actor a core)

Only paths go out and encoded rows come back. An actor keeps one worker process of the local engine, so that whatever
a file does to a decoder has the same row here and there. Ray does again what was lost with an actor or a node; a part
that comes twice has the same name and the same bytes.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import re
import shutil
import signal
import socket
import tempfile
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from batchdigits import __version__
from batchdigits.engines.supervisor import Supervisor
from batchdigits.engines.worker import Task, Worker
from batchdigits.errors import BatchdigitsError, MissingExtraError
from batchdigits.files.remote import is_url
from batchdigits.files.sources import Filter, Tally, find
from batchdigits.output.columns import Columns
from batchdigits.output.formats import FormatName
from batchdigits.output.parts import encode_part, part_name
from batchdigits.quiet import is_library_output_shown, silent_stderr

PART_SIZE = 5_000  # files: a second of work for a core, beside which Ray's 10 ms are little, and 300 KB of rows
LISTERS = 32  # tasks that list: S3 gives 1,000 keys a request, some ten times a second to each
CONNECT_SECONDS = 10  # until a cluster is taken for unreachable
OBJECT_STORE = 200 << 20  # bytes, of a Ray that we start ourselves; it holds lists of paths and rows, no images


@dataclass(frozen=True)
class Order:
    """What everybody in the cluster is told about a run.

    Attributes:
        task: what workers do; its `encode` gives lines of `form`.
        columns: the columns of the rows.
        form: the format of the parts.
        rules: what of the content of folders is looked at.
        part_size: files in a part.
        folder: the current folder, which paths are relative to.
        version: ours, as other versions may give other rows.
    """

    task: Task[bytes]
    columns: Columns
    form: FormatName
    rules: Filter
    part_size: int = PART_SIZE
    folder: str = field(default_factory=os.getcwd)
    version: str = __version__


class Part(NamedTuple):
    """A part of the output: its name, content, and how many rows of each status it has, of how many files."""

    name: str
    content: bytes
    statuses: Counter[str]
    files: int


class Listed(NamedTuple):
    """What became of a group of the typed paths: the names of all of its parts, done before or not, and the tally."""

    parts: list[str]
    skipped: int
    empty_folders: list[str]

    def with_another(self, other: Listed) -> Listed:
        """Both together."""
        parts, folders = self.parts + other.parts, self.empty_folders + other.empty_folders
        return Listed(parts, self.skipped + other.skipped, folders)


def classify(
    paths: Sequence[str],
    order: Order,
    done: frozenset[str] = frozenset(),
    address: str | None = None,
    actors: int | None = None,
) -> Generator[Part | Listed, None, None]:
    """Classify what is behind paths, in no order; every part, and for every group of paths what was listed.

    Args:
        paths: files, folders and URLs, as typed, and as every node of the cluster can read them.
        order: what to do.
        done: the names of parts that are not wanted.
        address: the cluster; `local` for a new one on this machine, for this run only; None for $RAY_ADDRESS, else the
            one that runs on this machine, else a new one.
        actors: how many at most; None for one a core of the cluster, as it grows and shrinks.

    Raises:
        MissingExtraError: Ray is not installed.
        BatchdigitsError: there is no cluster, or a node cannot do its part.
    """
    with _connected(address) as ray, contextlib.closing(_run(ray, paths, order, done, actors)) as results:
        try:
            yield from results
        except ray.exceptions.RayError as error:
            raise _explained(error) from error


def _run(
    ray: Any, paths: Sequence[str], order: Order, done: frozenset[str], actors: int | None
) -> Generator[Part | Listed, None, None]:
    """The dataset, from typed paths to what `classify` yields; Ray Data by itself does again what was lost."""
    context = ray.data.DataContext.get_current().copy()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.target_max_block_size = 1  # byte: every part is a block of its own, and so goes to any actor at once
    groups = [{"group": number, "paths": json.dumps(group)} for number, group in enumerate(_groups(paths))]
    with ray.data.DataContext.current(context):
        rows = (
            ray.data.from_items(groups, override_num_blocks=len(groups))
            .map_batches(
                list_parts,
                fn_kwargs={"order": order, "done": done},
                batch_size=1,
                batch_format="pyarrow",
                num_cpus=0,  # waiting for storage takes no core, and must not wait for one
            )
            .map_batches(
                Classifier,
                fn_constructor_args=(order, order.task.model.read_bytes()),
                batch_size=1,
                batch_format="pyarrow",
                compute=ray.data.ActorPoolStrategy(min_size=1, max_size=actors),
                num_cpus=1,
            )
        )
        yield from map(result_of, rows.iter_rows())


def result_of(row: Mapping[str, Any]) -> Part | Listed:
    """What a row of the dataset says."""
    about = json.loads(row["about"])
    if not row["part"]:
        return Listed(**about)
    return Part(row["part"], row["data"], Counter(about["statuses"]), about["files"])


def _groups(paths: Sequence[str]) -> list[list[str]]:
    """The paths in at most LISTERS groups of neighbours."""
    size = -(-len(paths) // LISTERS)
    return [list(paths[start : start + size]) for start in range(0, len(paths), size)]


def list_parts(table: Any, order: Order, done: frozenset[str]) -> Iterator[Any]:
    """List what is behind a group of paths: a row for every part that is not done, and a last one for the tally."""
    (row,) = table.to_pylist()
    typed = json.loads(row["paths"])
    _enter(order, typed)
    tally = Tally()
    files = find(typed, tally, order.rules)
    names: list[str] = []
    while part := list(islice(files, order.part_size)):
        names.append(part_name(row["group"], len(names), part, order.form))
        if names[-1] not in done:
            yield _row(names[-1], json.dumps(part).encode())
    yield _row("", b"", Listed(names, tally.skipped, tally.empty_folders)._asdict())


class Classifier:
    """What an actor is: a worker process with the model loaded, kept from part to part."""

    def __init__(self, order: Order, model: bytes) -> None:
        """Put the model where the worker can read it."""
        folder = tempfile.mkdtemp(prefix="batchdigits-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        path = Path(folder) / order.task.model.name
        path.write_bytes(model)
        self._order = order
        self._task = replace(order.task, model=path)
        self._workers: list[Worker[bytes]] = []

    def __call__(self, table: Any) -> Any:
        """Classify a part; a tally goes through as it is."""
        (row,) = table.to_pylist()
        if not row["part"]:
            return table
        paths = json.loads(row["data"])
        _enter(self._order, paths)
        supervisor = Supervisor(iter(paths), self._task, 1, self._workers)
        batches = list(supervisor.run())
        statuses = Counter(str(status) for batch in batches for status in batch.statuses.elements())
        content = encode_part(self._order.form, self._order.columns, [row for batch in batches for row in batch.files])
        return _row(row["part"], content, {"statuses": statuses, "files": len(paths)})


def _row(part: str, data: bytes, about: Mapping[str, Any] | None = None) -> Any:
    """A table of one row; the one schema of all that travels."""
    import pyarrow

    return pyarrow.table(
        {
            "part": [part],
            "data": pyarrow.array([data], pyarrow.large_binary()),
            "about": [json.dumps(about)],
        }
    )


def _enter(order: Order, paths: Sequence[str]) -> None:
    """Be where the command was typed.

    Raises:
        BatchdigitsError: that does not exist here, or another batchdigits is installed here.
    """
    if order.version != __version__:
        raise BatchdigitsError(f"a node of the cluster has batchdigits {__version__}, not {order.version}")
    if all(is_url(path) or path.startswith("/") for path in paths):
        return
    try:
        os.chdir(order.folder)
    except OSError:
        raise BatchdigitsError(
            f"a node of the cluster has no folder {order.folder}: give URLs, or paths on a disk that all nodes share"
        ) from None


@contextlib.contextmanager
def _connected(address: str | None) -> Iterator[Any]:
    """The module `ray`, connected to a cluster and as silent as it can be made."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if not is_library_output_shown():
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        import ray
        import ray.data
    except ImportError:
        raise MissingExtraError("--engine ray", "ray") from None
    options: dict[str, Any] = (
        {} if is_library_output_shown() else {"logging_level": logging.CRITICAL, "log_to_driver": False}
    )
    logging.getLogger("ray.data").setLevel(logging.WARNING if is_library_output_shown() else logging.CRITICAL)
    on_sigterm = signal.getsignal(signal.SIGTERM)
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # noqa: PTH123
        try:
            with silent_stderr():  # raylets, too, tell of the level of their log
                _connect(ray, address, options)
            signal.signal(signal.SIGTERM, on_sigterm)  # Ray's own would exit
            yield ray
        finally:
            ray.shutdown()
            signal.signal(signal.SIGTERM, on_sigterm)


def _connect(ray: Any, address: str | None, options: Mapping[str, Any]) -> None:
    named = address or os.environ.get("RAY_ADDRESS")
    if named != "local":
        try:
            if named and (server := re.fullmatch(r"(?:ray://)?([^/:]+|\[[^]]+\]):(\d+)", named)):
                socket.create_connection(
                    (server[1].strip("[]"), int(server[2])), CONNECT_SECONDS
                ).close()  # Ray waits long
            ray.init(named or "auto", **options)
            return
        except (OSError, OverflowError, ValueError, RuntimeError) as error:
            if named:
                raise BatchdigitsError(f"no Ray cluster at {named}: {_first_line(error)}") from None
    ray.init("local", include_dashboard=False, object_store_memory=OBJECT_STORE, **options)


def _explained(error: BaseException) -> BatchdigitsError:
    """What Ray wrapped, if it is ours; else Ray's own words, in one line."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, BatchdigitsError):
            return BatchdigitsError(str(inner))
        inner = getattr(inner, "cause", None) or inner.__cause__
    return BatchdigitsError(f"the cluster gave up: {_first_line(error)}; to go on, add --resume (-v shows more)")


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
