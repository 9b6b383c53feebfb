"""The ray engine on a real cluster: two nodes on this machine, one of which is killed during the run."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from batchdigits.files.remote import storage_of
from tests.conftest import SAMPLES, run_process
from tests.engines.helpers import environment, make_images
from tests.files.remote_storages import S3, put_folder, start_s3

pytestmark = [
    pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed"),
    pytest.mark.filterwarnings("ignore"),  # Ray's own warnings, of its sockets and threads
]

STORE = 80 << 20  # bytes of each node's object store; Ray wants 75 MB at least


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """An S3 server; processes that are started from now on find it by their environment."""
    with start_s3() as s3:
        for name, value in s3.environment.items():
            monkeypatch.setenv(name, value)
        yield s3


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Two nodes with a core each."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_raylet_start_wait_time_s", "120")  # the machine may be busy
    monkeypatch.setenv("RAY_worker_niceness", "0")  # by default Ray's workers yield to other processes
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": STORE}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    try:
        cluster.add_node(**node)
        yield cluster
    finally:
        cluster.shutdown()


def start(address: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "batchdigits", "classify", "--engine", "ray", "--ray-address", address]
    return subprocess.Popen(
        [*command, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )


def wait_for_parts(folder: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    while len(list(folder.glob("part-*"))) < count:
        assert process.poll() is None, process.communicate()[1].decode()
        time.sleep(0.02)


def rows_of(folder: Path) -> list[bytes]:
    return sorted(line for part in folder.glob("part-*.csv") for line in part.read_bytes().splitlines()[1:])


def classify_and_kill_a_node(cluster: Any, folder: Path, sources: Path, part_size: int, parts: int) -> bytes:
    """Kill a node once so many parts are done, and compare the rows with the local engine's; the run's stderr."""
    process = start(cluster.address, sources, "--part-size", str(part_size), "-o", folder / "rows")
    wait_for_parts(folder / "rows", parts, process)
    (victim,) = cluster.worker_nodes
    cluster.remove_node(victim, allow_graceful=False)
    assert not (folder / "rows" / "manifest.json").exists()
    stdout, stderr = process.communicate()
    assert process.returncode == 3, stderr.decode()
    assert stdout == b""
    assert run_process("classify", sources, "-o", folder / "local.csv").returncode == 3
    assert rows_of(folder / "rows") == sorted((folder / "local.csv").read_bytes().splitlines()[1:])
    return stderr


def test_a_lost_node_costs_no_row(cluster: Any, tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    picture = cv2.imread(str(SAMPLES / "digits" / "4" / "noisy.png"), cv2.IMREAD_GRAYSCALE)
    large = cv2.imencode(".png", cv2.resize(np.asarray(picture), None, fx=8, fy=8))[1].tobytes()
    for number in range(80):
        (scans / f"{number}.png").write_bytes(large)
    (scans / "broken.png").write_bytes(b"no image")
    stderr = classify_and_kill_a_node(cluster, tmp_path, scans, part_size=8, parts=2)
    manifest = json.loads((tmp_path / "rows" / "manifest.json").read_text())
    assert manifest["rows"] == 81
    assert manifest["statuses"]["error"] == 1
    assert len(manifest["parts"]) == 11
    assert b"81 images" in stderr.splitlines()[-1]


@pytest.mark.slow
def test_a_lost_node_costs_none_of_twenty_thousand_rows(cluster: Any, tmp_path: Path) -> None:
    make_images(tmp_path / "scans", 20_000)
    (tmp_path / "scans" / "broken.png").write_bytes(b"no image")
    classify_and_kill_a_node(cluster, tmp_path, tmp_path / "scans", part_size=200, parts=20)
    assert json.loads((tmp_path / "rows" / "manifest.json").read_text())["rows"] == 20_001


@pytest.mark.slow
def test_a_lost_node_costs_no_row_from_s3_to_s3(s3: S3, cluster: Any, tmp_path: Path) -> None:
    make_images(tmp_path / "scans", 500)
    (tmp_path / "scans" / "broken.png").write_bytes(b"no image")
    put_folder(s3, tmp_path / "scans", "in")
    process = start(cluster.address, "s3://scans/in", "--part-size", "20", "-o", "s3://scans/rows")
    storage, _ = storage_of("s3://scans/rows")
    while len(storage.ls("scans/rows") if storage.exists("scans/rows") else []) < 6:
        assert process.poll() is None, process.communicate()[1].decode()
        time.sleep(0.05)
    (victim,) = cluster.worker_nodes
    cluster.remove_node(victim, allow_graceful=False)
    assert process.wait() == 3
    shutil.rmtree(tmp_path / "scans")
    storage.get("scans/rows/", str(tmp_path / "rows"), recursive=True)
    assert run_process("classify", "s3://scans/in", "-o", tmp_path / "local.csv").returncode == 3
    assert rows_of(tmp_path / "rows") == sorted((tmp_path / "local.csv").read_bytes().splitlines()[1:])
    assert json.loads((tmp_path / "rows" / "manifest.json").read_text())["rows"] == 501


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_says_how_to_resume(number: int, code: int, tmp_path: Path) -> None:
    scans = make_images(tmp_path / "scans", 6_000)
    process = start("local", scans, "--part-size", "20", "-o", tmp_path / "rows")
    wait_for_parts(tmp_path / "rows", 3, process)
    process.send_signal(number)
    stdout, stderr = process.communicate()
    assert (process.returncode, stdout) == (code, b"")
    assert b"parts are done and kept; to continue, add --resume to the same command" in stderr
    assert b"Traceback" not in stderr
    assert not (tmp_path / "rows" / "manifest.json").exists()
    resumed = start("local", scans, "--part-size", "20", "-o", tmp_path / "rows", "--resume")
    assert resumed.communicate()[0] == b""
    assert resumed.returncode == 0
    assert json.loads((tmp_path / "rows" / "manifest.json").read_text())["rows"] == 6_000


def test_a_cluster_that_does_not_answer_is_one_line_of_error(tmp_path: Path) -> None:
    scans = make_images(tmp_path / "scans", 1)
    result = run_process("classify", scans, "--engine", "ray", "--ray-address", "127.0.0.1:1", "-o", tmp_path / "rows")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("batchdigits: error: no Ray cluster at 127.0.0.1:1: ")
    assert len(result.stderr.splitlines()) == 2
