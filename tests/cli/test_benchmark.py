from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from batchdigits.inference.choose import PRETRAINED
from tests.conftest import Run, needs_micro
from tests.test_imports import HEAVY, loaded_after

TFLITE = PRETRAINED / "digits.tflite"


def test_prints_tables(run: Run) -> None:
    result = run("benchmark", TFLITE, "--seconds", "0")
    assert result.exit_code == 0, result.output
    text = re.sub(" +", " ", result.stdout)
    assert f"file {TFLITE}, {TFLITE.stat().st_size:,} bytes" in text
    assert re.search(r"^latency at batch 1 median [\d.]+ us, p99 [\d.]+ us$", text, re.M)
    assert re.search(r"^memory added ([\d,]+ bytes|unknown on this system)$", text, re.M)
    assert re.search(r"^arena of TFLite Micro ([\d,]+ bytes|not installed.*)$", text, re.M)
    assert re.search(r"^glyphs/s batch 1 batch 16 batch 64 batch 256$", text, re.M)
    assert re.search(r"^1 thread( [\d,]+){4}$", text, re.M)
    assert result.stderr == ""


def test_a_container_with_fewer_cores_is_measured_with_these(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchdigits.reports.speed.usable_cores", lambda: 3)
    document = json.loads(run("benchmark", TFLITE, "--seconds", "0", "--json").stdout)
    assert document["machine"].endswith(", 3 cores")
    assert {one["threads"] for one in document["throughput"]} == {1, 2, 3}


def test_prints_json(run: Run) -> None:
    document = json.loads(run("benchmark", TFLITE, "--seconds", "0", "--json").stdout)
    assert document["bytes"] == TFLITE.stat().st_size
    latency = document["latency_us"]
    assert 0 < latency["median"] <= latency["p99"]
    assert latency["calls"] >= 20
    assert {one["batch_size"] for one in document["throughput"]} == {1, 16, 64, 256}
    assert 1 in {one["threads"] for one in document["throughput"]}
    assert all(one["glyphs_per_second"] > 0 for one in document["throughput"])


@needs_micro
def test_the_arena_of_the_built_in_network_holds_its_input(run: Run) -> None:
    arena = json.loads(run("benchmark", TFLITE, "--seconds", "0", "--json").stdout)["micro_arena_bytes"]
    assert 784 < arena < 12_000


def test_figures_that_this_system_lacks_are_null_in_json_and_explained_in_tables(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batchdigits.inference.micro_runtime.find_spec", lambda name: None)
    monkeypatch.setattr("batchdigits.reports.speed.Path", lambda name: Path("/nowhere"))
    document = json.loads(run("benchmark", TFLITE, "--seconds", "0", "--json").stdout)
    assert document["micro_arena_bytes"] is None
    assert document["micro_arena_note"].startswith("not installed")
    assert document["memory_bytes"] is None
    text = run("benchmark", TFLITE, "--seconds", "0").stdout
    assert "unknown on this system" in text
    assert "not installed" in text


def test_a_wrong_file_is_an_error_and_a_wrong_option_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    result = run("benchmark", PRETRAINED / "digits.keras")
    assert result.exit_code == 1
    assert "benchmark measures .tflite files" in result.stderr
    assert "no such model file" in run("benchmark", tmp_path / "no.tflite").stderr
    assert run("benchmark", TFLITE, "--seconds", "-1").exit_code == 2
    assert run("benchmark", TFLITE, "--seconds", "nan").exit_code == 2
    assert run("benchmark").exit_code == 2


def test_loads_no_tensorflow(tmp_path: Path) -> None:
    arguments = ["benchmark", str(TFLITE), "--seconds", "0"]
    code = f"from batchdigits.cli import main; main({arguments!r}, standalone_mode=False)"
    assert loaded_after(code, tmp_path).isdisjoint(HEAVY)
