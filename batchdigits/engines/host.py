"""How many cores and workers the machine allows, also by the limits that a container has (control groups)."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

WORKER_BYTES = 128 << 20  # memory that a worker may take: its own 30 MB or so, and a large photograph
CGROUPS, OWN_CGROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def usable_cores(cgroups: Path = CGROUPS, own: Path = OWN_CGROUPS) -> int:
    """The cores that this process may use, at least 1; a part of one counts. Arguments as for `allowed_workers`."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = (math.ceil(quota) for folder in _folders(cgroups, own) for quota in _cpu_quotas(folder))
    return max(1, min([cores, *quotas]))


def allowed_workers(cgroups: Path = CGROUPS, own: Path = OWN_CGROUPS) -> int:
    """Workers that can run at once, at least 1.

    Args:
        cgroups: where the system shows control groups, of version 1 or 2.
        own: the file that names this process's.
    """
    by_memory = (size // WORKER_BYTES for folder in _folders(cgroups, own) for size in _memory_limits(folder))
    return max(1, min([usable_cores(cgroups, own), *by_memory]))


def _folders(cgroups: Path, own: Path) -> Iterator[Path]:
    """The folders of this process's control groups, and of those above them; a container may not see the lowest."""
    try:
        lines = own.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for top in (cgroups / name for name in controllers.split(",")):
            below = top / path.lstrip("/")
            yield from (folder for folder in (below, *below.parents) if folder.is_relative_to(top) and folder.is_dir())


def _cpu_quotas(folder: Path) -> Iterator[float]:
    """The cores that a control group may use, if it has a limit."""
    quota, period, *_ = *_words(folder / "cpu.max"), "", ""
    for used, of in ((quota, period), (_word(folder / "cpu.cfs_quota_us"), _word(folder / "cpu.cfs_period_us"))):
        if used.isdecimal() and of.isdecimal() and int(of):
            yield int(used) / int(of)


def _memory_limits(folder: Path) -> Iterator[int]:
    """The bytes that a control group may use, if it has a limit."""
    yield from (
        int(size)
        for size in (_word(folder / "memory.max"), _word(folder / "memory.limit_in_bytes"))
        if size.isdecimal()
    )


def _word(file: Path) -> str:
    return "".join(_words(file)[:1])


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except (OSError, UnicodeDecodeError):
        return []
