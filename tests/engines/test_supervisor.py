"""The local engine: rows in order from processes that may die, and no process left after a run."""

from __future__ import annotations

import gc
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from batchdigits.engines import supervisor, worker
from batchdigits.engines.classify_files import Settings
from batchdigits.engines.forked_process import STOP_SIGNALS, may_fork
from batchdigits.engines.host import allowed_workers
from batchdigits.engines.local import classify, default_jobs, predict
from batchdigits.engines.supervisor import Supervisor
from batchdigits.engines.worker import ChunkResult, Task, Worker
from batchdigits.errors import BatchdigitsError, ModelFileError
from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.decide import Prediction, Status
from batchdigits.inference.model_file import read_model_file
from tests.conftest import SAMPLES, may_fork_in_tests
from tests.engines import helpers

MODEL = PRETRAINED / "digits.tflite"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return helpers.make_images(tmp_path_factory.mktemp("images"), 300)


@pytest.fixture
def task() -> Task[list[Prediction]]:
    return Task(MODEL, read_model_file(MODEL).card, Settings(), list)


def skip_where_a_fork_would_hang() -> None:
    """A process that has loaded TensorFlow has threads, whose locks stay locked in a fork."""
    if not may_fork_in_tests():
        pytest.skip("this process may have threads with locks")


@pytest.fixture(params=["fork", "spawn"])
def way_to_start(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "fork":
        skip_where_a_fork_would_hang()
    monkeypatch.setattr(worker, "may_fork", lambda: request.param == "fork")
    return str(request.param)


def files(folder: Path, count: int = 300) -> list[str]:
    return [str(folder / f"{number}.png") for number in range(count)]


def predictions(results: Iterator[ChunkResult[list[Prediction]]]) -> list[Prediction]:
    return [prediction for result in results for file in result.rows for prediction in file]


def test_rows_come_in_order_however_a_worker_starts(
    folder: Path, task: Task[list[Prediction]], way_to_start: str
) -> None:
    rows = predictions(classify(files(folder), task, 2))
    assert [row.path for row in rows] == files(folder)
    assert {row.status for row in rows} == {Status.OK}


def test_a_chunk_result_counts_statuses_and_stamps_files_without_errors(
    folder: Path, task: Task[list[Prediction]]
) -> None:
    paths = [str(folder / "0.png"), str(folder / "nothing.png"), str(folder / "1.png")]
    (result,) = classify(paths, replace(task, stamps=True), 1)
    assert result.counts.statuses == {Status.OK: 2, Status.ERROR: 1}
    assert [stamp % 2 for stamp in result.stamps] == [1, 0, 1]
    (result,) = classify(paths, task, 1)
    assert result.stamps == []


def test_closing_the_iterator_ends_the_workers(folder: Path, task: Task[list[Prediction]]) -> None:
    results = classify(files(folder), task, 2)
    next(results)
    assert children()
    results.close()
    assert not children()


def test_deleting_the_iterator_ends_the_workers(folder: Path, task: Task[list[Prediction]]) -> None:
    results = classify(files(folder), task, 2)
    next(results)
    del results
    gc.collect()
    assert not children()


def test_files_are_taken_as_they_are_needed(
    folder: Path, task: Task[list[Prediction]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "MAX_FILES_AHEAD", 50)
    monkeypatch.setattr(supervisor, "LARGEST_CHUNK", 16)
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield str(folder / "0.png")

    results = classify(endless(), task, 2)
    yielded = next(results).files
    for _ in range(10):
        yielded += next(results).files
        assert taken <= yielded + 50 + 3 * 16
    results.close()


def test_one_chunk_starts_one_worker(folder: Path, task: Task[list[Prediction]]) -> None:
    results = classify(files(folder, 5), task, 8)
    next(results)
    assert len(children()) == 1
    results.close()


def test_there_are_no_more_workers_than_the_system_can_wait_for(
    folder: Path, task: Task[list[Prediction]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "MAX_WORKERS", 1)
    results = classify(files(folder), task, 8)
    next(results)
    assert len(children()) == 1
    results.close()


def chunk_of(files: int) -> supervisor.Chunk:
    return supervisor.Chunk(0, ["scan.png"] * files)


def test_chunks_grow_while_they_are_quick_and_shrink_when_they_are_not(task: Task[list[Prediction]]) -> None:
    run = Supervisor(iter(()), task, 1)
    run._adapt(chunk_of(supervisor.FIRST_CHUNK), 0.03)
    assert run._chunk_size == 2 * supervisor.FIRST_CHUNK
    run._adapt(chunk_of(run._chunk_size), 0.001)
    assert run._chunk_size == 2 * supervisor.GROWTH * supervisor.FIRST_CHUNK
    for _ in range(20):
        run._adapt(chunk_of(run._chunk_size), 0.001)
    assert run._chunk_size == supervisor.LARGEST_CHUNK
    run._adapt(chunk_of(1), 0.001)  # a file that is retried alone says nothing about others
    assert run._chunk_size == supervisor.LARGEST_CHUNK
    run._handed_out = 1_000_000  # so many that a larger chunk is a small share
    run._adapt(chunk_of(run._chunk_size), 0.001)
    assert run._chunk_size == supervisor.LARGEST_LATE_CHUNK
    for _ in range(20):
        run._adapt(chunk_of(run._chunk_size), 10.0)
    assert run._chunk_size == 1


def test_a_model_that_was_replaced_meanwhile_is_refused(
    folder: Path, task: Task[list[Prediction]], way_to_start: str
) -> None:
    other = replace(task, card=replace(task.card, seed=task.card.seed + 1))
    with pytest.raises(ModelFileError, match="was replaced while it was in use"):
        list(classify(files(folder), other, 1))


def test_a_worker_that_cannot_start_ends_the_run(
    folder: Path, task: Task[list[Prediction]], monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_where_a_fork_would_hang()
    monkeypatch.setattr(worker, "serve", lambda connection: os._exit(9))
    monkeypatch.setattr(worker, "may_fork", lambda: True)
    with pytest.raises(BatchdigitsError, match=r"died while it started \(exit code 9\), .* memory or open files"):
        list(classify(files(folder), task, 2))


def test_a_run_makes_do_with_the_processes_that_the_system_allows(
    folder: Path, task: Task[list[Prediction]], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Worker[list[Prediction]]] = []

    def start(task: Task[list[Prediction]]) -> Worker[list[Prediction]]:
        if started:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        started.append(Worker(task))
        return started[0]

    monkeypatch.setattr(supervisor, "Worker", start)
    assert len(predictions(classify(files(folder), task, 4))) == 300
    with pytest.raises(BatchdigitsError, match="cannot start a worker process: Resource temporarily unavailable"):
        list(classify(files(folder), task, 4))


def test_a_fork_that_fails_leaves_signals_as_they_were(
    task: Task[list[Prediction]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(worker, "may_fork", lambda: True)
    monkeypatch.setattr(os, "fork", fail)
    with pytest.raises(BlockingIOError):
        Worker(task)
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ()) & set(STOP_SIGNALS)


def test_a_process_of_one_thread_is_forked() -> None:
    ask = "from batchdigits.engines.forked_process import may_fork; print(may_fork())"
    result = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert result.stdout == f"{sys.platform == 'linux'}\n"


def test_a_process_of_several_threads_is_not_forked() -> None:
    gone = threading.Event()
    thread = threading.Thread(target=gone.wait)
    thread.start()
    try:
        assert not may_fork()
    finally:
        gone.set()
        thread.join()


def test_a_single_worker_for_tensorflow() -> None:
    assert default_jobs(Path("digits.keras")) == 1
    assert default_jobs(Path("digits.tflite")) == allowed_workers() <= len(os.sched_getaffinity(0))


DEADLY = {  # what the name of a file begins with that kills its worker, and what its row says; see `helpers`
    "crash": "its decoder crashed (Segmentation fault)",
    "abort": "its decoder crashed (Aborted)",
    "exit": "its decoder crashed (exit code 7)",
    "kill-always": "its decoder was killed, perhaps because memory ran out",
}


@pytest.fixture
def scene(folder: Path, tmp_path: Path) -> Path:
    """A folder to run the command in; 300 images are in its folder `scans`."""
    shutil.copytree(folder, tmp_path / "scans")
    return tmp_path


def test_workers_that_die_in_one_run_cost_a_row_each(scene: Path) -> None:
    deadly = {f"{kind}{number}.png": detail for number in range(3) for kind, detail in DEADLY.items()}
    for number, name in enumerate(deadly):
        (scene / "scans" / f"{number * 25}.png").rename(scene / "scans" / name)
    result = helpers.classify("scans", "--jobs", "2", cwd=scene, faulty_decoder=True)
    assert result.returncode == 3, result.stderr
    rows = {row[0]: row for row in helpers.rows(result.stdout)}
    assert len(rows) == 300
    for name, detail in deadly.items():
        assert rows.pop(f"scans/{name}") == [f"scans/{name}", "", "", "error", detail, ""]
    assert "error" not in {row[3] for row in rows.values()}
    assert b"Traceback" not in result.stderr


def test_a_file_that_takes_too_long_costs_one_row(scene: Path) -> None:
    (scene / "scans" / "150.png").rename(scene / "scans" / "hang.png")
    # Other images take longer than usual on a busy machine.
    result = helpers.classify("scans", "--timeout", "3", "--jobs", "2", cwd=scene, faulty_decoder=True)
    assert result.returncode == 3, result.stderr
    rows = {row[0]: row for row in helpers.rows(result.stdout)}
    assert len(rows) == 300
    assert rows.pop("scans/hang.png") == ["scans/hang.png", "", "", "error", "took longer than 3 s", ""]
    assert "error" not in {row[3] for row in rows.values()}
    assert b"Traceback" not in result.stderr


def test_a_worker_killed_from_outside_costs_no_row(scene: Path) -> None:
    (scene / "scans" / "150.png").rename(scene / "scans" / "KILL-1-times.png")
    result = helpers.classify("scans", cwd=scene, faulty_decoder=True)
    assert result.returncode == 0, result.stderr
    assert len(helpers.rows(result.stdout)) == 300


@pytest.mark.parametrize(
    ("name", "others", "status"),
    [
        ("KILL-4-times.png", 0, "ok"),
        ("KILL-5-times.png", 300, "ok"),  # once not alone
        ("TERM-4-times.png", 0, "ok"),
        ("TERM-5-times.png", 0, "error"),
        ("SEGV-1-times.png", 0, "ok"),
        ("SEGV-2-times.png", 0, "error"),
    ],
)
def test_a_file_alone_may_kill_some_workers(scene: Path, name: str, others: int, status: str) -> None:
    helpers.make_images(scene / "some", others, [name])
    result = helpers.classify("some", cwd=scene, faulty_decoder=True)
    rows = helpers.rows(result.stdout)
    assert len(rows) == others + 1, result.stderr
    assert {row[3] for row in rows if row[0] == f"some/{name}"} == {status}
    assert "error" not in {row[3] for row in rows if row[0] != f"some/{name}"}


def test_idle_workers_that_are_killed_cost_no_row(folder: Path, task: Task[list[Prediction]]) -> None:
    workers: list[Worker[list[Prediction]]] = []
    for _ in range(2):
        idle: list[Worker[list[Prediction]]] = []
        assert len(predictions(Supervisor(iter(files(folder, 1)), task, 1, idle).run())) == 1
        workers += idle
    for idler in workers:
        idler._process.kill()
        eventually(idler.is_dead_while_idle)
    (row,) = predictions(Supervisor(iter(files(folder, 1)), task, 1, workers).run())
    assert row.status is Status.OK
    workers.pop().kill()
    assert not workers


def test_a_worker_that_is_killed_while_it_starts_is_replaced(
    folder: Path, task: Task[list[Prediction]], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Worker[list[Prediction]]] = []

    def start(task: Task[list[Prediction]]) -> Worker[list[Prediction]]:
        started.append(Worker(task))
        if len(started) < supervisor.MAX_FAILED_STARTS:
            started[-1]._process.kill()
        return started[-1]

    monkeypatch.setattr(supervisor, "Worker", start)
    assert {row.status for row in predictions(classify(files(folder), task, 1))} == {Status.OK}
    assert len(started) == supervisor.MAX_FAILED_STARTS


def test_workers_that_keep_dying_while_they_start_leave_the_work_to_the_others(
    folder: Path, task: Task[list[Prediction]], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Worker[list[Prediction]]] = []

    def start(task: Task[list[Prediction]]) -> Worker[list[Prediction]]:
        started.append(Worker(task))
        if len(started) > 1:
            started[-1]._process.kill()
        return started[-1]

    monkeypatch.setattr(supervisor, "Worker", start)
    monkeypatch.setattr(supervisor, "LARGEST_CHUNK", 4)
    monkeypatch.setattr(supervisor, "FIRST_CHUNK", 4)
    assert len(predictions(classify(files(folder), task, 8))) == 300


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_workers_killed_at_random_moments_cost_no_row(scene: Path, seed: int) -> None:
    for number in range(100):
        (scene / "scans" / f"{number}.png").rename(scene / "scans" / f"slow{number}.png")
    process = helpers.start("scans", "--jobs", "2", cwd=scene, faulty_decoder=True)
    chance = random.Random(seed)
    for _ in range(6):
        time.sleep(chance.uniform(0.05, 0.5))
        if process.poll() is None and (workers := children(process.pid)):
            with suppress(ProcessLookupError):
                os.kill(chance.choice(workers), chance.choice((signal.SIGKILL, signal.SIGTERM)))
    stdout, stderr = process.communicate()
    assert [row[3] in ("ok", "review") for row in helpers.rows(stdout)] == [True] * 300, stderr


def test_the_time_limit_is_for_each_image_and_not_for_a_chunk(tmp_path: Path) -> None:
    helpers.make_images(tmp_path / "scans", 0, [f"very-slow{number}.png" for number in range(supervisor.FIRST_CHUNK)])
    result = helpers.classify("scans", "--timeout", "2", "--jobs", "1", cwd=tmp_path, faulty_decoder=True)
    assert result.returncode == 0, result.stderr


def test_no_time_limit(tmp_path: Path) -> None:
    helpers.make_images(tmp_path / "scans", 0, ["slow.png"])
    assert helpers.classify("scans", "--timeout", "0.02", cwd=tmp_path, faulty_decoder=True).returncode == 3
    assert helpers.classify("scans", "--timeout", "0", cwd=tmp_path, faulty_decoder=True).returncode == 0


def test_the_time_limit_holds_if_sigalrm_was_ignored_and_blocked(tmp_path: Path) -> None:
    def ignore_sigalrm() -> None:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})

    helpers.make_images(tmp_path / "scans", 1, ["hang.png"])
    result = helpers.classify("scans", "--timeout", "3", cwd=tmp_path, faulty_decoder=True, preexec_fn=ignore_sigalrm)
    assert [row[3] for row in helpers.rows(result.stdout)] == ["ok", "error"]


def test_a_dead_worker_costs_one_row_if_sigchld_was_ignored(tmp_path: Path) -> None:
    helpers.make_images(tmp_path / "scans", 1, ["crash.png"])

    def ignore_sigchld() -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    result = helpers.classify("scans", cwd=tmp_path, faulty_decoder=True, preexec_fn=ignore_sigchld)
    assert [row[3] for row in helpers.rows(result.stdout)] == ["ok", "error"]
    assert b"bug" not in result.stderr


def test_workers_end_when_the_main_process_is_killed(scene: Path) -> None:
    for name in ("hang1.png", "hang2.png"):
        shutil.copy(scene / "scans" / "0.png", scene / "scans" / name)
    process = helpers.start("scans", "--jobs", "2", cwd=scene, faulty_decoder=True)
    assert process.stdout
    process.stdout.readline()
    workers = eventually(lambda: children(process.pid))
    process.kill()
    process.communicate()
    assert eventually(lambda: not any(alive(pid) for pid in workers))


def children(pid: int | None = None) -> list[int]:
    pid = pid or os.getpid()
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def eventually(probe: Callable[[], Any]) -> Any:
    """The first answer of `probe` that is true, within 60 seconds."""
    for _ in range(1200):
        if answer := probe():
            return answer
        time.sleep(0.05)
    raise AssertionError("no true answer in 60 seconds")


def test_workers_outlive_the_thread_that_started_them() -> None:
    before = set(children())
    rows = predict([str(SAMPLES / "digits/0/as-is.png")] * 40, read_model_file(MODEL), jobs=1)
    first: list[Prediction] = []
    thread = threading.Thread(target=lambda: first.append(next(rows)))
    thread.start()
    thread.join()
    time.sleep(0.3)  # by then its death would have killed the worker
    (started,) = set(children()) - before
    assert alive(started)
    assert [row.status for row in [*first, *rows]] == [Status.OK] * 40
