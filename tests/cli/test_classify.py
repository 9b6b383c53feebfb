"""classify: its inputs, its rows, and its outputs."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import pty
import subprocess
import termios
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import SAMPLES
from tests.engines import helpers
from tests.engines.helpers import classify, rows

NAMES = ["img2", "img10", "é", "a,b", 'q"q', "line\nbreak", "\udcff"]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`scans` with 120 digits, odd names, unreadable files and a text file; and `few` with three digits."""
    folder = tmp_path_factory.mktemp("scene")
    scans = helpers.make_images(folder / "scans", 120)
    for name in NAMES:
        (scans / f"{name}.png").write_bytes((scans / "7.png").read_bytes())
    for broken in (SAMPLES / "broken").iterdir():
        (scans / broken.name).write_bytes(broken.read_bytes())
    (scans / "notes.txt").write_text("not an image")
    helpers.make_images(folder / "few" / "deeper", 2)
    helpers.make_images(folder / "few", 1)
    return folder


def sources(output: bytes) -> list[str]:
    return [row[0] for row in rows(output)]


@pytest.fixture(scope="module")
def one_job(scene: Path) -> bytes:
    result = classify("scans", "--jobs", "1", cwd=scene, own_process=True)
    assert result.returncode == 3
    assert result.stdout.count(b"\n") == 1 + 120 + len(NAMES) + 1 + 4  # the one more is in a name
    return result.stdout


@pytest.mark.parametrize("options", [["--jobs", "2"], ["--jobs", "4"], [], ["--batch-size", "7"]])
def test_the_number_of_workers_changes_no_byte(scene: Path, one_job: bytes, options: list[str]) -> None:
    assert classify("scans", *options, cwd=scene).stdout == one_job


def test_a_file_gets_the_bytes_of_stdout_and_stdout_gets_none(scene: Path, one_job: bytes, tmp_path: Path) -> None:
    result = classify("scans", "-o", tmp_path / "out.csv", cwd=scene)
    assert (result.returncode, result.stdout) == (3, b"")
    assert (tmp_path / "out.csv").read_bytes() == one_job
    assert {entry.name for entry in tmp_path.iterdir()} == {".out.csv.done", "out.csv"}


def test_the_summary_names_images_statuses_time_rate_and_model(scene: Path, one_job: bytes) -> None:
    summary = classify("scans", cwd=scene).stderr.decode().splitlines()[-1]
    for part in (
        helpers.count(one_job),
        "1 blank, 3 error; ",
        "1 other file skipped",
        " s, ",
        "images/s",
        "digits.tflite",
    ):
        assert part in summary


def test_quiet_says_nothing_and_verbose_shows_where(scene: Path) -> None:
    assert classify("few", "-q", cwd=scene, own_process=True).stderr == b""
    assert b"Traceback" in classify("nothing-here", "--model", "none.tflite", "-v", cwd=scene).stderr
    assert b"Traceback" not in classify("nothing-here", "--model", "none.tflite", cwd=scene).stderr


def test_a_bar_with_rate_and_time_left_on_a_terminal_only(scene: Path) -> None:
    for number in range(40):
        name = f"slow{number}.png"
        (scene / "bar").mkdir(exist_ok=True)
        (scene / "bar" / name).write_bytes((scene / "scans" / "7.png").read_bytes())
    terminal, stderr = pty.openpty()
    termios.tcsetwinsize(stderr, (24, 120))
    line = helpers.command("bar", "--jobs", "1", faulty_decoder=True)
    process = subprocess.Popen(line, cwd=scene, stdout=subprocess.DEVNULL, stderr=stderr, env=helpers.environment())
    os.close(stderr)
    shown = helpers.read_terminal(terminal)
    assert process.wait() == 0
    os.close(terminal)
    assert b"/40 [" in shown
    assert b"img/s" in shown
    assert b"img/s" not in classify("bar", cwd=scene).stderr


def test_one_image_on_stdin(scene: Path) -> None:
    expected = rows(classify("scans/7.png", cwd=scene).stdout)[0]
    with (scene / "scans" / "7.png").open("rb") as image:
        result = classify("-", cwd=scene, stdin=image)
    assert rows(result.stdout) == [["-", *expected[1:]]]


def test_pages_on_stdin_are_counted(scene: Path, tmp_path: Path) -> None:
    from PIL import Image

    page = Image.open(scene / "scans" / "7.png")
    page.save(tmp_path / "two.tif", save_all=True, append_images=[page])
    with (tmp_path / "two.tif").open("rb") as image:
        assert sources(classify("-", cwd=scene, stdin=image).stdout) == ["-#1", "-#2"]


@pytest.mark.parametrize(
    ("options", "separator"),
    [
        (["--files-from"], b"\n"),
        (["--files-from"], b"\n\n"),
        (["--files-from"], b"\r\n\r\n"),
        (["-0", "--files-from"], b"\0"),
    ],
)
@pytest.mark.parametrize("end", [True, False])
def test_paths_from_a_list(scene: Path, tmp_path: Path, options: list[str], separator: bytes, end: bool) -> None:
    paths = [b"scans/10.png", b"few", b"scans/10.png", "scans/é.png".encode()]
    content = separator.join(paths) + (separator if end else b"")
    (tmp_path / "list").write_bytes(content)
    expected = ["scans/10.png", "few/0.png", "few/deeper/0.png", "few/deeper/1.png", "scans/10.png", "scans/é.png"]
    result = classify("scans/1.png", *options, tmp_path / "list", cwd=scene)
    assert sources(result.stdout) == ["scans/1.png", *expected]
    assert sources(classify(*options, "-", cwd=scene, input=content).stdout) == expected


def test_nul_ends_names_with_line_breaks(scene: Path) -> None:
    result = classify("-0", "--files-from", "-", cwd=scene, input=b"scans/line\nbreak.png\0")
    assert next(csv.reader(io.StringIO(result.stdout.decode().partition("\n")[2])))[0] == "scans/line\nbreak.png"


def test_nul_ends_names_with_carriage_returns(tmp_path: Path) -> None:
    assert b'\n"a\r",' in classify("-0", "--files-from", "-", cwd=tmp_path, input=b"a\r\0").stdout


def test_an_empty_list_is_an_error(scene: Path) -> None:
    result = classify("--files-from", "-", cwd=scene, input=b"\n")
    assert (result.returncode, result.stdout) == (1, b"")
    assert b"no images in the list of files" in result.stderr


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ["few/0.png", "few/deeper/0.png", "few/deeper/1.png"]),
        (["--no-recursive"], ["few/0.png"]),
        (["--include", "1*"], ["few/deeper/1.png"]),
        (["--include", "1.*", "--include", "deeper/0.png"], ["few/deeper/0.png", "few/deeper/1.png"]),
        (["--exclude", "0.png"], ["few/deeper/1.png"]),
        (["--exclude", "deeper"], ["few/0.png"]),
        (["--exclude", "deeper/0*"], ["few/0.png", "few/deeper/1.png"]),
        (["--include", "0*", "--exclude", "deeper/*"], ["few/0.png"]),
    ],
)
def test_options_choose_the_files_of_folders(scene: Path, options: list[str], expected: list[str]) -> None:
    assert sources(classify("few", *options, cwd=scene).stdout) == expected
    assert classify("few/", *options, "--dry-run", cwd=scene).stdout.decode().splitlines() == expected


def test_a_file_named_by_hand_is_always_a_source(scene: Path) -> None:
    assert sources(classify("few/0.png", "--exclude", "*", cwd=scene).stdout) == ["few/0.png"]


def test_a_dry_run_lists_files_and_skipped_files_and_writes_nothing(scene: Path, tmp_path: Path) -> None:
    (tmp_path / "new\x1b[2J.txt").touch()
    (tmp_path / "b.png").touch()
    result = classify(tmp_path, "--dry-run", "-o", tmp_path / "out.csv", cwd=scene)
    assert result.stdout.decode() == f"{tmp_path}/b.png\n"
    assert rb"new\x1b[2J.txt" in result.stderr
    assert b"\x1b" not in result.stderr
    assert b"1 file would be classified, 1 skipped" in result.stderr
    assert classify(tmp_path, "--dry-run", "-0", "-q", cwd=scene).stdout == f"{tmp_path}/b.png\0".encode()
    assert not (tmp_path / "out.csv").exists()
    assert classify("-", "--dry-run", cwd=scene, input=b"").stdout == b"-\n"


def test_more_columns(scene: Path) -> None:
    table = list(
        csv.DictReader(classify("few", "--top-k", "3", "--probabilities", cwd=scene).stdout.decode().splitlines())
    )
    assert list(table[0])[5:] == [
        "score",
        "label_2",
        "confidence_2",
        "label_3",
        "confidence_3",
        *(f"p_{n}" for n in range(10)),
    ]
    for row in table:
        assert row["confidence"] == row[f"p_{row['label']}"] >= row["confidence_2"] == row[f"p_{row['label_2']}"]
        assert sum(float(row[f"p_{digit}"]) for digit in range(10)) == pytest.approx(1, abs=1e-5)


def test_jsonl_has_the_rows_of_the_csv(scene: Path, one_job: bytes, tmp_path: Path) -> None:
    by_option = classify("scans", "--format", "jsonl", cwd=scene)
    classify("scans", "-o", tmp_path / "out.jsonl", cwd=scene)
    assert by_option.stdout == (tmp_path / "out.jsonl").read_bytes()
    lines = [json.loads(line) for line in by_option.stdout.splitlines()]
    table = list(csv.reader(io.StringIO(one_job.decode("utf-8", "surrogateescape"), newline="")))[1:]
    assert [[line["label"] or "", line["status"], line["detail"]] for line in lines] == [
        [row[1], row[3], row[4]] for row in table
    ]
    for line, row in zip(lines, table, strict=True):
        name = base64.b64decode(line["path_bytes"]) if "path_bytes" in line else line["path"].encode()
        assert name == os.fsencode(row[0])
    assert "scans/\ufffd.png" in [line["path"] for line in lines]


@pytest.mark.skipif(find_spec("pyarrow") is None, reason="pyarrow is not installed")
def test_parquet_has_the_rows_of_jsonl(scene: Path, tmp_path: Path) -> None:
    import pyarrow.parquet

    lines = [json.loads(line) for line in classify("scans", "--format", "jsonl", cwd=scene).stdout.splitlines()]
    assert classify("scans", "-o", tmp_path / "out.parquet", cwd=scene).returncode == 3
    table = pyarrow.parquet.read_table(tmp_path / "out.parquet")
    assert table.to_pylist() == [{"path_bytes": None, **line} for line in lines]
    assert {entry.name for entry in tmp_path.iterdir()} == {".out.parquet.done", "out.parquet"}


def test_parquet_needs_a_file_and_its_extra(scene: Path, tmp_path: Path) -> None:
    if find_spec("pyarrow"):
        assert classify("few", "--format", "parquet", cwd=scene).returncode == 2
        return
    result = classify("few", "-o", tmp_path / "out.parquet", cwd=scene)
    assert result.returncode == 1
    assert b"pip install 'batchdigits[parquet]'" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["-", "few"],
        ["-", "--files-from", "x"],
        ["few", "--files-from", ""],
        ["few", "-0"],
        ["few", "--resume"],
        ["few/0.png", "-o", "few/../few/0.png"],
        ["--files-from", "few/0.png", "-o", "few/0.png"],
        ["few", "--resume", "-o", "/dev/null"],
        ["few", "--jobs", "0"],
        ["few", "--timeout", "-1"],
        ["few", "--timeout", "nan"],
        ["few", "--top-k", "0"],
        ["few", "--format", "xml"],
        ["few", "--max-failures", "-1"],
        ["few", "--max-failures", "101%"],
        ["few", "--max-failures", "many"],
        ["few", "--runtime", "tflite", "--model", "x.keras"],
    ],
)
def test_wrong_usage(scene: Path, options: list[str]) -> None:
    before = (scene / "few" / "0.png").read_bytes()
    result = classify(*options, cwd=scene)
    assert (result.returncode, result.stdout) == (2, b"")
    assert b"Traceback" not in result.stderr
    assert (scene / "few" / "0.png").read_bytes() == before


@pytest.mark.parametrize("options", [["-o", "."], ["-o", ""], ["-o", "/"], ["--model", ""], ["--model", "/"]])
def test_a_path_without_a_name_is_one_line(scene: Path, options: list[str]) -> None:
    result = classify("few", "-q", *options, cwd=scene)
    assert (result.returncode, result.stdout) == (1, b"")
    assert result.stderr.startswith(b"batchdigits: error: ") and result.stderr.count(b"\n") == 1
    assert b"bug" not in result.stderr


def test_an_output_that_is_a_link_stays_one(scene: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "x.csv").write_bytes(b"")
    (tmp_path / "link.csv").symlink_to("real/x.csv")
    assert classify("few", "-o", tmp_path / "link.csv", "--overwrite", cwd=scene).returncode == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real" / "x.csv").read_bytes() == classify("few", cwd=scene).stdout
    assert sorted(path.name for path in tmp_path.rglob("*")) == [".x.csv.done", "link.csv", "real", "x.csv"]


def test_a_missing_model_leaves_the_output_alone(scene: Path, tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("precious")
    result = classify("few", "--model", "none.tflite", "-o", tmp_path / "out.csv", cwd=scene)
    assert result.returncode == 1
    assert (tmp_path / "out.csv").read_text() == "precious"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands_options_and_values(shell: str) -> None:
    from click.shell_completion import get_completion_class

    from batchdigits.cli import main

    completion = get_completion_class(shell)
    assert completion
    complete = completion(main, {}, "batchdigits", "_BATCHDIGITS_COMPLETE").get_completions
    assert [item.value for item in complete([], "cl")] == ["classify"]
    assert "--resume" in [item.value for item in complete(["classify"], "--re")]
    assert [item.value for item in complete(["classify", "--format"], "p")] == ["parquet"]
    assert [item.type for item in complete(["classify"], "sc")] == ["file"]
