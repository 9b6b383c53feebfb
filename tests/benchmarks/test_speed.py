"""The benchmarks that measure time run and print their tables. No test asserts a time."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.benchmarks.scripts import run_script
from tests.engines.helpers import make_images
from tests.review.conftest import find_browser


@pytest.mark.slow
def test_classify_speed_on_a_few_images(tmp_path: Path) -> None:
    small = ("--images", "40", "--times", "2", "--rounds", "1", "--million", "--writer", "pillow", "--folder", tmp_path)
    result = run_script("classify_speed.py", *small, "-o", tmp_path / "speed.png")
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("| batchdigits classify |") == 8
    assert result.stdout.count("| upper bound (decode and network only) |") == 8
    assert result.stdout.count("| batchdigits read |") == 1
    assert result.stdout.count("| batchdigits classify --no-second-look |") == 1
    assert result.stdout.count("\n`2.6x`: batchdigits is 2.6 times as fast.") == 9
    assert "\n4,000 images take " in result.stdout
    assert "28x28 grey .png by pillow" in result.stdout
    assert "300x200 grey .png by opencv" in result.stdout
    assert (tmp_path / "speed.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_archive_speed_on_a_few_images() -> None:
    result = run_script("archive_speed.py", "--images", "20", "--rounds", "1", "--large", "32")
    assert result.returncode == 0, result.stderr
    names = re.findall(r"^\| (folder|zip|tar|tar.gz|npz, compressed) \| [\d,]+ \| \d", result.stdout, re.MULTILINE)
    assert len(names) == 10
    assert len(re.findall(r"^\| \.(zip|tar|tar\.gz|npy) \| \d+ MiB \|", result.stdout, re.MULTILINE)) == 4


@pytest.mark.slow
def test_classifier_latency_of_a_few_calls() -> None:
    result = run_script("classifier_latency.py", "--calls", "3")
    rows = re.findall(r"^\| (.+) \| ([\d.]+) \|$", result.stdout, re.M)
    assert [name for name, _ in rows][:3] == ["load the model", "first call", "array, uint8 (28, 28)"]
    assert len(rows) == 12
    assert all(float(milliseconds) > 0 for _, milliseconds in rows)


def test_read_speed_of_a_few_fields() -> None:
    result = run_script("read_speed.py", "--fields", "2", "--rounds", "1", "--times", "3")
    assert result.returncode == 0, result.stderr
    rows = re.findall(r"^\| (.+) \| [\d.]+ \| [\d,]+ \| ([\d.]+) \|$", result.stdout, re.M)
    assert [name for name, _ in rows] == ["read --comb 9", "read", "9 crops, classified"]
    assert rows[-1][1] == "1.00"
    assert re.findall(r"^\| read --comb 9 --jobs (\d) \| [\d,]+ \|$", result.stdout, re.M) == ["1", "2"]
    assert re.search(r"^The largest process took \d+ MiB\.$", result.stdout, re.M)


def test_read_steps_of_a_few_fields() -> None:
    result = run_script("read_steps.py", "--fields", "3", "--rounds", "1")
    assert result.returncode == 0, result.stderr
    rows = re.findall(r"^\| ([a-z ]+) \| [\d.]+ \| [\d.]+ \| ([\d.]+) \|$", result.stdout, re.M)
    assert [step for step, _ in rows] == ["view", "lines", "number", "glyphs", "is it empty", "network", "value", "all"]
    assert sum(float(part) for _, part in rows[:-1]) <= float(rows[-1][1]) + 0.05


def test_worker_start_methods_on_a_few_images(tmp_path: Path) -> None:
    result = run_script("worker_start_methods.py", make_images(tmp_path, 20), "--rounds", "1", "--jobs", "2")
    assert result.returncode == 0, result.stderr
    assert len(re.findall(r"^  2 (forked|spawned) workers +\d+\.\d{3}", result.stdout, re.MULTILINE)) == 4


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed")
def test_ray_overhead_on_a_few_images() -> None:
    result = run_script("ray_overhead.py", "--images", "20", "--times", "2", "--rounds", "1", "--no-s3")
    assert result.returncode == 0, result.stderr
    assert len(re.findall(r"^\| (local|ray), [12] (worker|actor)s? \|", result.stdout, re.MULTILINE)) == 4
    assert "100 million images take " in result.stdout


@pytest.mark.slow
def test_training_speed_of_a_few_steps() -> None:
    result = run_script("training_speed.py", "--fifties", "1", "--rounds", "1")
    assert result.returncode == 0, result.stderr
    lines = [line for line in result.stdout.splitlines() if line.startswith("| ")]
    assert lines[2].startswith("| ours, as in best |")
    assert lines[2].count("1.00x") == 2
    assert len(lines) == 2 + 6


@pytest.mark.slow
@pytest.mark.skipif(find_spec("playwright") is None or find_browser() is None, reason="no browser to drive")
def test_review_page_with_a_few_rows() -> None:
    result = run_script("review_page.py", "--rows", "600", "--keys", "5", "--rounds", "1")
    assert result.returncode == 0, result.stderr
    rows = re.findall(r"^\| (grid|single) \| [\d.]+ s \| \d+ ms \| \d+ ms \| \S+", result.stdout, re.MULTILINE)
    assert rows == ["grid", "single"]
