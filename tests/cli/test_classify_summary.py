"""classify tells what the whole output holds, on stderr and in a file; its progress; and all of that as JSON."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

import batchdigits.cli.table.make_table as table_command
from batchdigits.cli.shared import progress
from batchdigits.cli.shared.console import Bar
from batchdigits.cli.shared.progress import Progress
from batchdigits.cli.table import local as classify_local
from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.model_file import read_model_file
from tests.conftest import Run
from tests.engines import helpers
from tests.engines.helpers import count, make_images


@pytest.fixture(autouse=True)
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`scans` with 30 digits, two unreadable files at the end, and a text file."""
    scans = make_images(tmp_path / "scans", 30)
    for name in ("y.png", "z.png"):
        (scans / name).touch()
    (scans / "notes.txt").write_text("not an image")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def summary() -> Any:
    return json.loads(Path("run.json").read_text())


def counts() -> Any:
    return {name: summary()[name] for name in ("images", "statuses", "expected_errors")}


def last_line(result: Result) -> str:
    return result.stderr.splitlines()[-1]


def edit(change: Callable[[list[str]], list[str]]) -> None:
    """Change each row of out.csv by hand."""
    header, *rows = Path("out.csv").read_text().splitlines()
    Path("out.csv").write_text("\n".join([header, *(",".join(change(row.split(","))) for row in rows), ""]))


# Counts of the whole output


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet"])
def test_a_continued_run_counts_what_an_undisturbed_one_does(name: str, run: Run) -> None:
    if name.endswith("parquet") and not find_spec("pyarrow"):
        pytest.skip("pyarrow is not installed")
    assert run("classify", "scans", "-o", f"whole-{name}", "--summary", "run.json").exit_code == 3
    undisturbed = counts()
    assert undisturbed["images"] == 32
    assert 0 < undisturbed["expected_errors"] < 5
    assert run("classify", "scans", "-o", name, "--max-failures", "0").exit_code == 1
    result = run("classify", "scans", "-o", name, "--resume", "--summary", "run.json")
    assert result.exit_code == 3
    assert "32 images: " in last_line(result) and "30 files done before" in last_line(result)
    assert counts() == undisturbed
    assert summary()["images_of_this_run"] == 2


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet"])
def test_a_table_that_is_added_to_is_counted_whole(name: str, run: Run) -> None:
    if name.endswith("parquet") and not find_spec("pyarrow"):
        pytest.skip("pyarrow is not installed")
    run("classify", "scans", "--include", "1*.png", "-o", name)
    assert run("classify", "scans", "-o", name, "--resume", "--summary", "run.json").exit_code == 3
    added = counts()
    run("classify", "scans", "-o", name, "--overwrite", "--summary", "run.json")
    assert added == counts()


def test_rows_that_were_edited_by_hand_count_as_they_stand(run: Run) -> None:
    run("classify", "scans", "-o", "out.csv")
    edit(lambda cells: [*cells[:3], "checked" if cells[0].endswith("/3.png") else cells[3], *cells[4:]])
    edit(lambda cells: [*cells[:5], "0.400000" if cells[3] == "ok" else cells[5]])
    expected = Path("out.csv").read_bytes()
    ok = count(expected).split()[2]
    result = run("classify", "scans", "-o", "out.csv", "--resume", "--summary", "run.json")
    assert f"32 images: {ok} ok, " in last_line(result)
    assert "2 error, 1 other; " in last_line(result)
    assert f"; about {int(ok) * 0.6:.0f} of the {ok} ok rows may be wrong; " in last_line(result)
    assert summary()["statuses"]["other"] == 1
    assert summary()["expected_errors"] == pytest.approx(int(ok) * 0.6)
    assert Path("out.csv").read_bytes() == expected


def test_the_exit_code_speaks_of_the_whole_table(run: Run) -> None:
    assert run("classify", "scans", "-o", "out.csv").exit_code == 3
    fewer = run("classify", "scans/1.png", "-o", "out.csv", "--resume")
    assert fewer.exit_code == 3
    assert "32 images: " in last_line(fewer) and "no images left to do" in last_line(fewer)
    edit(lambda cells: [cells[0], "7", "", "ok", "", ""] if cells[3] == "error" else cells)
    assert run("classify", "scans/1.png", "-o", "out.csv", "--resume").exit_code == 0
    edit(lambda cells: [*cells[:3], "error", *cells[4:]])
    assert run("classify", "scans/1.png", "-o", "out.csv", "--resume", "--prune").exit_code == 3
    assert run("classify", "scans/1.png", "-o", "out.csv", "--overwrite").exit_code == 0


def test_few_expected_errors_are_less_than_one(run: Run) -> None:
    assert "; less than 1 of the 1 ok row may be wrong; " in last_line(run("classify", "scans/1.png"))
    assert "may be wrong" not in last_line(run("classify", "scans/y.png"))


# --summary FILE


def test_the_file_holds_all_that_the_rows_depend_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchdigits.engines.host.usable_cores", lambda: 3)  # fewer than the machine has
    before = datetime.now().astimezone()
    options = ["--min-confidence", "0.5", "--include", "*.png", "--max-failures", "50%", "--jobs", "1"]
    result = run("classify", "scans", *options, "--summary", "run.json")
    document = summary()
    card = read_model_file(PRETRAINED / "digits.tflite").card
    assert result.stdout.count("\n") == 33
    assert document["images"] == document["images_of_this_run"] == document["sources"] == 32
    assert (document["skipped"], document["statuses"]["error"]) == (1, 2)
    assert document["model"] == {"name": "digits.tflite", "sha256": card.sha256["payload"]}
    assert (document["normaliser"], document["threshold"]) == (card.normaliser["version"], 0.5)
    assert document["options"].items() >= {"min_confidence": 0.5, "max_failures": "50%", "include": ["*.png"]}.items()
    assert "paths" not in document["options"]
    assert set(document["versions"]) == {"batchdigits", "python", "numpy", "opencv", "ai-edge-litert"}
    assert document["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert document["host"] == {"cores": 3, "workers": 1}
    start = datetime.fromisoformat(document["start"])
    assert start.tzinfo and (start - before).total_seconds() + 1 >= 0
    assert document["seconds"] > 0
    assert {path.name for path in Path().iterdir()} == {"run.json", "scans"}


def test_the_numbers_do_not_depend_on_the_number_of_workers(run: Run) -> None:
    run("classify", "scans", "--jobs", "1", "--summary", "run.json")
    one = counts()
    run("classify", "scans", "--jobs", "3", "--summary", "run.json")
    assert counts() == one


def test_secrets_of_urls_stay_out_of_the_file(run: Run) -> None:
    run("classify", "scans", "--exclude", "https://me:password@host/x?token=abc", "--summary", "run.json")
    assert "password" not in Path("run.json").read_text()
    assert "abc" not in Path("run.json").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--summary", "run.txt"], 2, "run.txt must end in .json"),
        (["--summary", "out.json", "-o", "out.json"], 2, "--summary out.json is the output, or in its folder"),
        (
            ["--summary", "rows/x.json", "-o", "rows", "--engine", "ray"],
            2,
            "rows/x.json is the output, or in its folder",
        ),
        (["--summary", "list.json", "--files-from", "list.json"], 2, "--summary list.json is one of the inputs"),
        (["--summary", "folder.json"], 1, "cannot write folder.json: it is a folder"),
        (["--summary", "scans/1.png/run.json"], 1, "cannot make the folder scans/1.png"),
        (["--summary", "notes.json"], 1, "notes.json exists and is no summary of batchdigits classify; give --summary"),
        (["--summary", "link.json"], 1, "link.json exists and is no summary of batchdigits"),
        (["--summary", "notes.json", "--overwrite"], 1, "notes.json exists and is no summary of batchdigits"),
    ],
)
def test_a_file_that_must_not_be_written_is_refused_before_the_work(
    arguments: list[str], code: int, message: str, run: Run
) -> None:
    Path("folder.json").mkdir()
    Path("notes.json").write_text('{"mine": 1}')
    Path("link.json").symlink_to("notes.json")
    Path("list.json").touch()
    result = run("classify", "scans", "-o", "out.csv", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr
    assert not Path("out.csv").exists() and not Path("rows").exists()
    assert Path("notes.json").read_text() == '{"mine": 1}'


def test_the_summary_of_the_other_command_is_refused_by_its_name(run: Run) -> None:
    assert run("classify", "scans/1.png", "--summary", "run.json").exit_code == 0
    result = run("read", "scans/1.png", "--summary", "run.json")
    assert result.exit_code == 1
    assert "run.json exists and is no summary of batchdigits read; give --summary another name" in result.stderr


def test_a_summary_is_written_over_by_the_next_and_by_no_failed_run(run: Run) -> None:
    Path("run.json").touch()
    assert run("classify", "scans", "-o", "out.csv", "--summary", "run.json").exit_code == 3
    first = Path("run.json").read_text()
    assert run("classify", "scnas", "-o", "out.csv", "--resume", "--summary", "run.json").exit_code == 1
    assert run("classify", "scans", "--max-failures", "0", "--summary", "run.json").exit_code == 1
    assert run("classify", "scans", "--dry-run", "--summary", "run.json").exit_code == 0
    assert Path("run.json").read_text() == first
    assert run("classify", "scans", "-o", "out.csv", "--resume", "--summary", "run.json").exit_code == 3
    assert summary()["images_of_this_run"] == 2


def test_a_pipe_takes_the_summary(run: Run) -> None:
    os.mkfifo("run.json")
    with subprocess.Popen(["cat", "run.json"], stdout=subprocess.PIPE) as reader:
        assert run("classify", "scans/1.png", "--summary", "run.json").exit_code == 0
        assert reader.stdout
        assert json.loads(reader.stdout.read())["images"] == 1


def test_a_file_that_cannot_be_written_in_the_end_costs_no_row(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_command, "prepare_summary", lambda path, command: None)
    result = run("classify", "scans", "-o", "out.csv", "--summary", "nowhere/run.json")
    assert result.exit_code == 1
    assert "error: cannot write nowhere/run.json: there is no folder nowhere" in last_line(result)
    assert len(Path("out.csv").read_bytes().splitlines()) == 33


# Progress without a terminal


class FakeBar:
    def __init__(self, n: int = 0, disable: bool = True) -> None:
        self.n: float = n
        self.total: float | None = None
        self.disable: bool | None = disable

    def update(self, n: float = 1) -> None:
        self.n += n


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in the last item."""
    times = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: times[-1])
    return times


def test_a_line_every_30_seconds(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    def estimate(bar: Bar) -> None:
        estimated.append(clock[-1])
        bar.total = 12_000

    estimated: list[float] = []
    shown = Progress(FakeBar(1_000), estimate)
    for seconds, errors in ((10, 0), (29.9, 0), (30, 1), (59, 1), (61, 2_000)):
        clock.append(100 + seconds)
        shown.update(1_000, errors)
    assert capsys.readouterr().err.splitlines() == [
        "batchdigits: 4,000 of about 12,000 files done, 100 a second, 1 error",
        "batchdigits: 6,000 of about 12,000 files done, 82 a second, 2,000 errors",
    ]
    assert estimated == [130]


def test_a_total_that_is_not_known_is_left_out(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    shown = Progress(FakeBar(), lambda bar: None)
    clock.append(140)
    shown.update(1, 0)
    assert capsys.readouterr().err == "batchdigits: 1 file done, 0 a second, 0 errors\n"


def test_a_total_that_was_too_low_is_left_out(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    bar = FakeBar()
    bar.total = 2
    shown = Progress(bar, lambda bar: None)
    for _ in range(3):
        clock.append(clock[-1] + 30)
        shown.update(1, 0)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" file")[0] for line in lines] == [
        "batchdigits: 1 of about 2",
        "batchdigits: 2 of about 2",
        "batchdigits: 3",
    ]


def test_a_bar_takes_the_place_of_lines(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    estimated: list[Bar] = []
    shown = Progress(FakeBar(disable=False), estimated.append)
    for seconds in (1, 50):
        clock.append(100 + seconds)
        shown.update(1, 0)
    assert capsys.readouterr().err == ""
    assert len(estimated) == 1


class ThreadAtOnce:
    """A thread that is done when it is started."""

    def __init__(self, target: Callable[[], object], daemon: bool) -> None:
        self._target = target

    def start(self) -> None:
        self._target()


def test_the_lines_of_a_run(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0)
    monkeypatch.setattr(classify_local, "Thread", ThreadAtOnce)
    line = re.compile(r"batchdigits: 32 of about 32 files done, [\d,]+ a second, 2 errors")
    assert any(map(line.fullmatch, run("classify", "scans", "-o", "out.csv").stderr.splitlines()))
    assert run("classify", "scans", "-q").stderr == ""
    make_images(Path("scans"), 0, ["new.png"])
    added = run("classify", "scans", "-o", "out.csv", "--resume").stderr
    assert "batchdigits: 3 files done, " in added  # the errors, too; rows that stay are not counted
    shutil.make_archive("packed", "zip", "scans")
    packed = run("classify", "packed.zip", "scans", "-o", "packed.csv").stderr
    assert "batchdigits: 66 files done, " in packed
    listed = run("classify", "--files-from", "-", input="scans/1.png").stderr
    assert "batchdigits: 1 file done, " in listed


def test_a_short_run_has_no_line_of_progress(run: Run) -> None:
    assert "a second" not in run("classify", "scans").stderr


# --log-format json


def lines(stderr: str) -> list[Any]:
    """The objects on stderr, which must have what every one has."""
    found = [json.loads(line) for line in stderr.splitlines()]
    for line in found:
        assert datetime.fromisoformat(line["time"]).tzinfo
        assert line["level"] in ("debug", "info", "error")
        assert "\n" not in line["message"] or line["level"] == "debug"
        assert not line["message"].startswith("batchdigits:")
    return found


def in_json(run: Run, *arguments: str, **options: object) -> dict[str, Any]:
    """The lines of a run, by event."""
    result = run("classify", *arguments, "--log-format", "json", **options)
    return {line["event"]: line for line in lines(result.stderr)}


def test_every_line_is_an_object_with_its_numbers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0)
    monkeypatch.setattr(classify_local, "Thread", ThreadAtOnce)
    stopped = in_json(run, "scans", "-o", "out.csv", "--max-failures", "0", "--target-risk", "0.5%")
    assert list(stopped) == ["model", "threshold", "progress", "kept", "error"]
    assert 0 < stopped["threshold"]["threshold"] < 1
    assert stopped["progress"].items() >= {"total": 32}.items()
    assert stopped["kept"]["files"] == stopped["progress"]["files"] - stopped["progress"]["errors"]
    assert "--max-failures 0 allows" in stopped["error"]["message"]
    resumed = in_json(run, "scans", "-o", "out.csv", "--resume", "--target-risk", "0.5%")
    assert resumed["resumed"]["files"] == 30
    assert resumed["progress"].items() >= {"files": 32, "total": 32, "errors": 2}.items()
    assert resumed["summary"]["statuses"]["error"] == 2
    added = in_json(run, "scans", "-o", "out.csv", "--resume", "--target-risk", "0.5%", "--summary", "run.json")
    assert added["added"].items() >= {"added": 0, "changed": 2, "kept": 30, "unnamed": 0}.items()
    assert summary().items() >= {name: added["summary"][name] for name in ("images", "statuses", "start")}.items()


def test_listing_and_unused_patterns_are_objects(run: Run) -> None:
    listed = in_json(run, "scans", "--dry-run")
    assert listed["skipped"]["message"] == "skipped: scans/notes.txt"
    assert (listed["listed"]["sources"], listed["listed"]["skipped"]) == (32, 1)
    assert "matches no file" in in_json(run, "scans", "--include", "*.gif", "--include", "*.png")["unused"]["message"]


@pytest.mark.parametrize("option", ["--ink=green", "--prune", "--jobs=0"])
def test_wrong_usage_is_an_object(option: str, run: Run) -> None:
    result = run("classify", "scans", option, "--log-format", "json")
    assert result.exit_code == 2
    (line,) = lines(result.stderr)
    assert (line["level"], line["event"]) == ("error", "usage")
    assert "Usage: " in run("classify", "scans", option).stderr


def test_errors_and_tracebacks_are_objects(run: Run) -> None:
    Path("a\nb\udcff.png").touch()
    result = run("classify", "a\nb\udcff.png/x", "https://me:password@host/x", "--log-format", "json", "-v")
    log, error = lines(result.stderr)
    assert (log["level"], log["event"]) == ("debug", "log")
    assert log["message"].startswith("Traceback")
    assert error["message"] == "error: a\\nb\\udcff.png/x: no such file or folder"
    quiet = run("classify", "nothing", "--log-format", "json", "-q")
    assert [line["event"] for line in lines(quiet.stderr)] == ["error"]
    assert run("classify", "scans/1.png", "--log-format", "json", "-q").stderr == ""


def test_an_interrupt_is_an_object(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(classify_local, "write_results", interrupt)
    result = run("classify", "scans", "--log-format", "json")
    assert result.exit_code == 130
    assert lines(result.stderr)[-1]["event"] == "interrupted"


def test_the_next_command_of_the_process_prints_text(run: Run) -> None:
    in_json(run, "scans/1.png")
    assert run("classify", "scans/1.png").stderr.startswith("batchdigits: using ")


def test_a_terminal_gets_objects_and_no_bar() -> None:
    terminal, stderr = pty.openpty()
    line = helpers.command("scans", "--log-format", "json")
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=stderr, env=helpers.environment()) as process:
        os.close(stderr)
        shown = helpers.read_terminal(terminal)
    os.close(terminal)
    assert process.returncode == 3
    assert [line["event"] for line in lines(shown.decode())] == ["model", "summary"]
