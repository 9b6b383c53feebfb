"""The number of workers heeds the limits of containers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from batchdigits.engines.host import WORKER_BYTES, allowed_workers, usable_cores

CORES = 8


@pytest.fixture(autouse=True)
def _eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(CORES)), raising=False)


def machine(folder: Path, own: str, files: dict[str, str]) -> int:
    """The workers on a machine with these files in its control groups."""
    (folder / "own").write_text(own)
    for name, content in files.items():
        file = folder / "cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return allowed_workers(folder / "cgroup", folder / "own")


@pytest.mark.parametrize(
    ("own", "files", "workers"),
    [
        ("0::/\n", {}, CORES),
        ("0::/\n", {"cpu.max": "max 100000\n", "memory.max": "max\n"}, CORES),
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 1),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "250000 100000\n"}, 3),
        ("0::/not/seen/inside\n", {"cpu.max": "400000 100000\n"}, 4),
        ("0::/\n", {"memory.max": f"{3 * WORKER_BYTES}\n"}, 3),
        ("0::/\n", {"memory.max": "1000\n"}, 1),
        ("3:cpu,cpuacct:/d\n", {"cpu/d/cpu.cfs_quota_us": "300000\n", "cpu/d/cpu.cfs_period_us": "100000\n"}, 3),
        ("3:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, CORES),
        ("3:cpu:/\n", {"cpu/cpu.cfs_quota_us": "1\n", "cpu/cpu.cfs_period_us": "0\n"}, CORES),
        ("4:memory:/d\n", {"memory/d/memory.limit_in_bytes": f"{2 * WORKER_BYTES}\n"}, 2),
        ("4:memory:/\n", {"memory/memory.limit_in_bytes": "9223372036854771712\n"}, CORES),
        ("nonsense", {"cpu.max": "what"}, CORES),
    ],
)
def test_the_lowest_limit_counts(tmp_path: Path, own: str, files: dict[str, str], workers: int) -> None:
    assert machine(tmp_path, own, files) == workers


def test_cores_do_not_depend_on_memory(tmp_path: Path) -> None:
    files = {"cpu.max": "250000 100000\n", "memory.max": f"{2 * WORKER_BYTES}\n"}
    assert machine(tmp_path, "0::/\n", files) == 2
    assert usable_cores(tmp_path / "cgroup", tmp_path / "own") == 3


def test_a_machine_without_control_groups(tmp_path: Path) -> None:
    assert allowed_workers(tmp_path / "none", tmp_path / "none") == CORES
