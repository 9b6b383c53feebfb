"""classify: the formats by their suffixes, compressed ones, and those for spreadsheets."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from batchdigits.output import formats
from tests.conftest import ROOT, SAMPLES, Run
from tests.engines.helpers import make_images

needs_pyarrow = pytest.mark.skipif(find_spec("pyarrow") is None, reason="pyarrow is not installed")
NAMES = ["=6.png", "+3.png", "-2.png", "@SUM(1).png", "\t=6.png", "'6.png", "a,b;c.png", "fünf.png"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with images that have odd names."""
    make_images(tmp_path, 2, NAMES)
    (tmp_path / "broken.png").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def classify(run: Run, *options: str, code: int = 3) -> str:
    """Run the command on all images of the current folder; what it says."""
    result = run("classify", *options, "--", *sorted(path.name for path in Path().glob("*.png")))
    assert result.exit_code == code, result.output
    return result.stderr


def content(path: str) -> bytes:
    """What a file holds, decompressed."""
    if path.lower().endswith(".gz"):
        return gzip.decompress(Path(path).read_bytes())
    if path.endswith(".zst"):
        import pyarrow

        with pyarrow.input_stream(path, compression="zstd") as stream:
            return bytes(stream.read())
    return Path(path).read_bytes()


@pytest.mark.parametrize(
    ("file_format", "compression"),
    [
        ("csv", ""),
        ("tsv", ""),
        ("jsonl", ""),
        ("csv", ".GZ"),
        ("jsonl", ".gz"),
        pytest.param("tsv", ".zst", marks=needs_pyarrow),
    ],
)
def test_the_suffix_sets_format_and_compression(folder: Path, run: Run, file_format: str, compression: str) -> None:
    result = run("classify", "--format", file_format, "--", *sorted(path.name for path in folder.glob("*.png")))
    name = f"rows.{file_format}{compression}"
    classify(run, "-o", name)
    assert content(name) == result.stdout_bytes
    assert f"'--format': '{file_format}'".replace("'", '"').encode() in Path(f".{name}.done").read_bytes()


def test_tsv_has_the_cells_of_csv(folder: Path, run: Run) -> None:
    classify(run, "-o", "rows.csv")
    classify(run, "-o", "rows.TSV")
    with open("rows.csv", newline="") as comma, open("rows.TSV", newline="") as tab:  # noqa: PTH123
        assert list(csv.reader(comma)) == list(csv.reader(tab, delimiter="\t"))


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        ("rows.txt", "no format has this suffix; known are .csv, .tsv and .jsonl, each also with .gz or .zst"),
        ("rows.csv.bz2", "no format has this suffix"),
        ("rows.xls", "no format has this suffix"),
        ("rows.2026.gz", "no format has this suffix"),
        ("rows.parquet.gz", "parquet is compressed as it is; leave .gz out"),
        ("rows.xlsx.zst", "xlsx is compressed as it is; leave .zst out"),
    ],
)
@pytest.mark.parametrize("options", [[], ["--overwrite"], ["--resume"]])
def test_an_unknown_suffix_is_refused_and_nothing_touched(
    folder: Path, run: Run, output: str, problem: str, options: list[str]
) -> None:
    Path(output).write_text("mine")
    before = sorted(folder.iterdir())
    said = classify(run, "-o", output, *options, code=2)
    assert f"-o {output}: {problem}" in said
    assert sorted(folder.iterdir()) == before
    assert Path(output).read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--format", "xlsx"], "--format xlsx needs a file to write (-o)."),
        (["--format", "parquet"], "--format parquet needs a file to write (-o)."),
        (["--format", "xlsx", "-o", "/dev/null"], "--format xlsx needs a file to write (-o)."),
        (["--format", "parquet", "-o", "x.gz"], "-o x.gz: parquet is compressed as it is; leave .gz out."),
        (["-o", "nosuch/"], "nosuch/ is a folder's name, by its slash; give that of a file"),
        (["-o", "nosuch/", "--engine", "local"], "nosuch/ is a folder's name"),
        (["--excel", "-o", "x.jsonl"], "--excel is for CSV and TSV; jsonl needs no such option."),
        (["--excel", "-o", "x.xlsx"], "--excel is for CSV and TSV; xlsx needs no such option."),
        (["--engine", "ray", "-o", "x", "--format", "xlsx"], "parts that are neither compressed nor for spreadsheets"),
        (["--engine", "ray", "-o", "x", "--excel"], "parts that are neither compressed nor for spreadsheets"),
        (["--engine", "ray", "-o", "x.csv.gz"], "parts that are neither compressed nor for spreadsheets"),
    ],
)
def test_what_cannot_be_combined(folder: Path, run: Run, options: list[str], problem: str) -> None:
    assert problem in classify(run, *options, code=2)


def test_outputs_without_a_suffix_and_pipes_are_csv(folder: Path, run: Run) -> None:
    classify(run, "-o", "rows.csv")
    expected = Path("rows.csv").read_bytes()
    classify(run, "-o", "rows")
    classify(run, "-o", "rows.gz")
    classify(run, "-o", "rows.txt", "--format", "csv")
    assert Path("rows").read_bytes() == Path("rows.txt").read_bytes() == content("rows.gz") == expected
    classify(run, "-o", "/dev/null")
    os.mkfifo("pipe.out")
    images = sorted(path.name for path in folder.glob("*.png"))
    line = [sys.executable, "-m", "batchdigits", "classify", "-o", "pipe.out", "--", *images]
    with subprocess.Popen(line, stderr=subprocess.DEVNULL) as process:
        assert Path("pipe.out").read_bytes() == expected
    assert process.returncode == 3


@pytest.mark.parametrize("name", ["pipe.csv.gz", "pipe.jsonl.zst", "pipe.gz"])
def test_a_pipe_with_the_name_of_a_compressed_file_is_refused(folder: Path, run: Run, name: str) -> None:
    os.mkfifo(name)
    assert f"-o {name}: a pipe or device gets plain rows; leave the last suffix out." in classify(
        run, "-o", name, code=2
    )


@pytest.mark.parametrize(
    "name",
    [
        "rows.csv",
        "rows.jsonl.gz",
        pytest.param("rows.parquet", marks=needs_pyarrow),
        pytest.param("rows.xlsx", marks=pytest.mark.skipif(find_spec("xlsxwriter") is None, reason="no xlsxwriter")),
    ],
)
def test_overwrite_replaces_tables_only(folder: Path, run: Run, name: str) -> None:
    classify(run, "-o", name)
    classify(run, "-o", name, "--overwrite")
    for mine in (b"mine", Path("fünf.png").read_bytes()):
        Path(name).write_bytes(mine)
        assert f"{name} exists and is no table of batchdigits" in classify(run, "-o", name, "--overwrite", code=1)
        assert Path(name).read_bytes() == mine
    Path(name).write_bytes(b"")
    classify(run, "-o", name, "--overwrite")


def test_gzip_holds_neither_the_time_nor_a_name(folder: Path, run: Run) -> None:
    classify(run, "-o", "rows.csv.gz")
    classify(run, "-o", "other.csv.gz")
    written = Path("rows.csv.gz").read_bytes()
    assert written == Path("other.csv.gz").read_bytes()
    assert written[3:8] == bytes(5)  # no flags, so no name; the time is 0


@pytest.mark.parametrize("name", ["rows.csv.gz", pytest.param("rows.jsonl.zst", marks=needs_pyarrow), "rows.tsv"])
def test_a_finished_table_is_added_to_in_every_format(folder: Path, run: Run, name: str) -> None:
    Path("0.png").rename("zz.out")
    classify(run, "-o", name)
    Path("zz.out").rename("0.png")
    said = classify(run, "-o", name, "--resume")
    assert f"1 file added, 1 classified again, {1 + len(NAMES)} kept" in said
    Path("broken.png").unlink()
    classify(run, "-o", name, "--resume", "--prune", code=0)
    classify(run, "-o", f"again.{name}", code=0)
    assert content(name) == content(f"again.{name}")


@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv", "rows.jsonl", "rows.csv.gz"])
def test_a_table_with_line_ends_of_windows_is_added_to_with_the_same(folder: Path, run: Run, name: str) -> None:
    Path("0.png").rename("zz.out")
    classify(run, "-o", name)
    table = content(name).replace(b"\n", b"\r\n").rstrip()
    Path(name).write_bytes(gzip.compress(table) if name.endswith(".gz") else table)
    Path("zz.out").rename("0.png")
    classify(run, "-o", name, "--resume")
    classify(run, "-o", f"again.{name}")
    assert content(name) == content(f"again.{name}").replace(b"\n", b"\r\n")
    classify(run, "-o", name, "--resume")  # which tries the broken file again
    assert content(name) == content(f"again.{name}").replace(b"\n", b"\r\n")


@pytest.mark.parametrize("name", ["out.csv", "out.tsv", "out.csv.gz"])
def test_columns_of_a_person_are_empty_in_new_rows(folder: Path, run: Run, name: str) -> None:
    classify(run, "-o", name)
    end = "\t" if name == "out.tsv" else ","
    lines = content(name).decode().splitlines()
    table = "\n".join([f'{lines[0]}{end}"seen{end} by"{end}when', *(f"{line}{end}me{end}" for line in lines[1:])])
    Path(name).write_bytes(gzip.compress(table.encode()) if name.endswith(".gz") else table.encode())
    make_images(folder, 1, ["new.png"])
    for row in ("zero.png", "one, two.png"):
        (folder / row).touch()
    assert "3 files added" in classify(run, "-o", name, "--resume")
    rows = list(csv.reader(io.StringIO(content(name).decode()), delimiter=end))
    assert {len(row) for row in rows} == {8}
    new = ("new.png", "zero.png", "one, two.png", "broken.png")  # the last is tried again
    assert {row[0]: row[6:] for row in rows[1:]} == {
        path.name: ["", ""] if path.name in new else ["me", ""] for path in folder.glob("*.png")
    }


def test_a_table_for_spreadsheets_has_harmless_cells_and_is_added_to(folder: Path, run: Run) -> None:
    Path("0.png").rename("zz.out")
    classify(run, "-o", "rows.csv", "--excel")
    text = Path("rows.csv").read_bytes()
    assert text.startswith(b"\xef\xbb\xbfpath,label,")
    for row in list(csv.reader(io.StringIO(text.decode("utf-8-sig"), newline="")))[1:]:
        assert row[0][0] not in "=+-@\t"
        assert not row[2] or 0 <= float(row[2]) <= 1
    assert "'=6.png," in text.decode()
    by_hand = text.replace(b"'=6.png,", b"'=6.png,x")
    Path("rows.csv").write_bytes(by_hand)

    Path("zz.out").rename("0.png")
    said = classify(run, "-o", "rows.csv", "--excel", "--resume")
    assert f"1 file added, 1 classified again, {1 + len(NAMES)} kept" in said
    added = set(Path("rows.csv").read_bytes().splitlines()) - set(by_hand.splitlines())
    assert [line[:5] for line in added] == [b"0.png"]
    refused = classify(run, "-o", "rows.csv", "--resume", code=1)
    assert "--excel was on when it was begun, and is off now" in refused


@pytest.mark.skipif(not f"{sys.prefix}{ROOT}".isascii(), reason="Python does not start there in the C locale")
@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl"])
def test_a_locale_without_letters_gives_the_same_bytes_and_rows_only_once(tmp_path: Path, name: str) -> None:
    image = (SAMPLES / "digits/3/as-is.png").read_bytes()
    (tmp_path / "scans").mkdir()
    for path in ("f\u00fcnf.png", "odd\udcfc.png"):
        (tmp_path / "scans" / path).write_bytes(image)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("\u00f6/\u00fc.png", image)
    with tarfile.open(tmp_path / "scans" / "a.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        tar.add(SAMPLES / "digits/3/as-is.png", "\u00f6/\u0141.png")
    strange = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

    def rows(*options: str, **environment: str) -> bytes:
        command = [sys.executable, "-m", "batchdigits", "classify", "scans", "a.zip/\u00f6", *options]
        result = subprocess.run(
            command, cwd=tmp_path, capture_output=True, env={**os.environ, **environment}, check=False
        )
        assert result.returncode == 0, result.stderr
        return result.stdout if "-o" not in options else (tmp_path / name).read_bytes()

    expected = rows("-o", name)
    assert rows("-o", name, "--overwrite", **strange) == expected
    assert rows("-o", name, "--resume", **strange) == expected
    assert rows("-o", name, "--resume") == expected
    assert rows("--format", name[5:], **strange) == expected
    assert rows("--dry-run", **strange) == rows("--dry-run")


def test_a_table_for_spreadsheets_on_stdout(folder: Path, run: Run) -> None:
    result = run("classify", "--excel", "--", "=6.png")
    assert result.stdout_bytes.startswith(b"\xef\xbb\xbfpath,")
    assert b"\n'=6.png," in result.stdout_bytes


def test_a_workbook_has_the_rows_and_is_never_changed(folder: Path, run: Run) -> None:
    pytest.importorskip("xlsxwriter")
    openpyxl = pytest.importorskip("openpyxl")
    classify(run, "-o", "rows.xlsx")
    classify(run, "-o", "rows.jsonl")
    written = Path("rows.xlsx").read_bytes()
    rows, summary = openpyxl.load_workbook(io.BytesIO(written)).worksheets
    lines = [json.loads(line) for line in Path("rows.jsonl").read_text().splitlines()]
    assert list(rows.iter_rows(min_row=2, values_only=True)) == [
        (line["path"], line["label"], line["confidence"], line["status"], line["detail"] or None, line["score"])
        for line in lines
    ]
    assert rows["A2"].hyperlink.target
    about = dict(summary.iter_rows(values_only=True))
    assert (about["rows"], about["error"], about["model"]) == (len(lines), 1, "digits.tflite")
    assert about["review threshold"] > 0
    for options, problem in (
        ([], "rows.xlsx exists: give another name, or --overwrite"),
        (
            ["--resume"],
            "cannot add to rows.xlsx: a finished workbook stays as it is; give another name, or --overwrite",
        ),
    ):
        assert problem in classify(run, "-o", "rows.xlsx", *options, code=1)
    assert Path("rows.xlsx").read_bytes() == written
    classify(run, "-o", "rows.xlsx", "--overwrite", "--jobs", "2")
    assert Path("rows.xlsx").read_bytes() == written


def test_a_workbook_that_was_begun_is_resumed(folder: Path, run: Run) -> None:
    pytest.importorskip("xlsxwriter")
    classify(run, "-o", "whole.xlsx")
    Path("broken2.png").touch()
    classify(run, "-o", "rows.xlsx", "--max-failures", "1", code=1)
    Path("broken2.png").unlink()
    assert "are done" in classify(run, "-o", "rows.xlsx", "--resume")
    assert Path("rows.xlsx").read_bytes() == Path("whole.xlsx").read_bytes()


def test_too_many_images_for_a_workbook_are_refused_before_the_work(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("xlsxwriter")
    images = sorted(path.name for path in folder.glob("*.png"))
    Path("list.txt").write_text("\n".join(images))
    Path("rows.xlsx").write_bytes(b"")
    before = sorted(folder.iterdir())
    monkeypatch.setattr(formats, "MAX_ROWS", len(images) - 1)
    for named in (["."], ["--files-from", "list.txt"]):
        result = run("classify", *named, "-o", "rows.xlsx", "--overwrite")
        assert result.exit_code == 1
        assert f"rows.xlsx can hold {len(images) - 1} rows, and there are more images than that" in result.stderr
    assert sorted(folder.iterdir()) == before
    monkeypatch.setattr(formats, "MAX_ROWS", len(images))
    assert run("classify", ".", "-o", "rows.xlsx", "--overwrite").exit_code == 3


def test_too_many_pages_for_a_workbook_keep_their_rows(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("xlsxwriter")
    from batchdigits.output import prediction_xlsx

    monkeypatch.setattr(prediction_xlsx, "MAX_ROWS", 2)
    said = classify(run, "-o", "rows.xlsx", code=1)
    assert "a workbook holds 2 rows, and there are more; give -o FILE.csv" in said
    assert "files are done and kept" in said
    assert {path.name for path in folder.glob(".*")} == {".rows.xlsx.part", ".rows.xlsx.journal"}


@pytest.mark.parametrize(
    ("output", "module", "extra"),
    [("rows.xlsx", "xlsxwriter", "xlsx"), ("rows.csv.zst", "pyarrow", "parquet"), ("x.parquet", "pyarrow", "parquet")],
)
def test_a_missing_package_is_named_before_the_work(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch, output: str, module: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, "zstandard", None)
    before = sorted(folder.iterdir())
    assert f"pip install 'batchdigits[{extra}]'" in classify(run, "-o", output, code=1)
    assert sorted(folder.iterdir()) == before


def test_blank_labels_stay_text_in_pandas(run: Run, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    assert run("classify", str(SAMPLES), "-o", tmp_path / "out.csv").exit_code == 3
    assert pandas.read_csv(tmp_path / "out.csv")["label"].dtype.kind == "f"  # 6.0, since blank ones are NaN
    labels = pandas.read_csv(tmp_path / "out.csv", dtype={"label": "string"})["label"]
    assert set(labels.dropna()) == set("0123456789")
    assert labels.isna().sum() == 4


@pytest.mark.parametrize(("link", "target"), [("rows.csv.gz", "store"), ("rows.csv", "store.gz")])
def test_the_suffix_that_was_typed_decides_and_not_that_of_a_links_target(
    folder: Path, run: Run, link: str, target: str
) -> None:
    Path(link).symlink_to(target)
    classify(run, "-o", link)
    assert content(link).startswith(b"path,label")


@pytest.mark.parametrize(("decimal", "delimiter"), [(",", ";"), (".", ";"), (",", ","), (".", "\t")])
def test_a_table_that_a_spreadsheet_saved_is_added_to_in_its_own_form(
    folder: Path, run: Run, decimal: str, delimiter: str
) -> None:
    def as_saved(row: list[str], seen: str) -> bytes:
        cells = [cell.replace(".", decimal) if place in (2, 5, 7) else cell for place, cell in enumerate(row)]
        line = io.StringIO()
        csv.writer(line, delimiter=delimiter).writerow([*cells, seen])
        return line.getvalue().encode()

    options = ("-o", "rows.csv", "--excel", "--top-k", "2")
    classify(run, *options)
    header, *rows = csv.reader(io.StringIO(Path("rows.csv").read_text("utf-8-sig"), newline=""))
    saved = {row[0]: as_saved(row, "me") for row in rows}
    Path("rows.csv").write_bytes(b"\xef\xbb\xbf" + b"".join([as_saved(header, "seen"), *saved.values()]))
    shutil.copy("1.png", "new.png")
    assert "1 file added, 1 classified again" in classify(run, *options, "--resume", "--summary", "run.json")
    copied = next(row for row in rows if row[0] == "1.png")
    saved["new.png"] = as_saved(["new.png", *copied[1:]], "")
    saved["broken.png"] = saved["broken.png"].replace(b"me", b"")  # it is tried again
    added = Path("rows.csv").read_bytes()
    assert sorted(added.splitlines()[1:]) == sorted(b"".join(saved.values()).splitlines())
    assert sum(json.loads(Path("run.json").read_text())["statuses"].values()) == len(saved)
    assert "0 files added" in classify(run, *options, "--resume")
    assert run("preview", "rows.csv", "-o", "page.html").exit_code == 3  # broken.png


def as_excel_saves(decimal: str, delimiter: str, typed: dict[str, str]) -> None:
    """Save rows.csv again, with numbers as a spreadsheet shows them, and a column `checked`."""
    text = Path("rows.csv").read_text("utf-8-sig")
    header, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=";" if "path;" in text else ",")

    def shown(number: str) -> str:
        return f"{float(number.replace(',', '.')):.10g}".replace(".", decimal) if number else ""

    with io.StringIO() as saved:
        writer = csv.writer(saved, delimiter=delimiter)
        writer.writerow([*header[:6], "checked"])
        for path, label, confidence, status, detail, score, *_ in rows:
            writer.writerow([path, label, shown(confidence), status, detail, shown(score), typed.get(path, "")])
        Path("rows.csv").write_bytes(b"\xef\xbb\xbf" + saved.getvalue().encode())


@pytest.mark.parametrize(("count", "named"), [(2, "0.png, 1.png, \ufffd.png"), (4, "0.png, 1.png, 2.png and 2 more")])
def test_the_first_files_whose_edited_rows_stay_are_named(
    in_empty_folder: Path, run: Run, count: int, named: str
) -> None:
    make_images(in_empty_folder, count, ["\udcff.png"])
    classify(run, "-o", "rows.csv", code=0)
    Path("rows.csv").write_bytes(Path("rows.csv").read_bytes().replace(b".png,", b".png,by hand "))
    for file in in_empty_folder.glob("*.png"):
        os.utime(file, ns=(1, 1))
    said = classify(run, "-o", "rows.csv", "--resume", code=0)
    assert f"have changed ({named})" in said


@pytest.mark.parametrize(("decimal", "delimiter"), [(",", ";"), (".", ",")])
def test_saving_a_table_in_a_spreadsheet_is_no_edit_but_typing_into_it_is(
    folder: Path, run: Run, decimal: str, delimiter: str
) -> None:
    options = ("-o", "rows.csv", "--excel")
    classify(run, *options)
    table = Path("rows.csv").read_text("utf-8")
    Path("rows.csv").write_text(table.replace("\nfünf.png,", "\nfünf.png,x"), "utf-8")  # by hand
    for sample in ("0/large", "5/large"):  # the second time, rows that the table has in its own form
        as_excel_saves(decimal, delimiter, {"0.png": "6"})
        for name in ("0.png", "fünf.png", "a,b;c.png", "'6.png", "1.png"):
            shutil.copy(SAMPLES / f"digits/{sample}.png", name)
        said = classify(run, *options, "--resume")
        assert ", 4 classified again" in said  # broken.png is always tried again
        assert "of these 2 with rows edited by hand, though their files have changed" in said
    as_excel_saves(decimal, delimiter, {})
    saved = io.StringIO(Path("rows.csv").read_text("utf-8-sig"), newline="")
    rows = {row[0]: row[1] for row in csv.reader(saved, delimiter=delimiter)}
    assert {rows[name] for name in ("a,b;c.png", "''6.png", "1.png")} == {"5"}
    assert (rows["fünf.png"][0], rows["0.png"]) == ("x", table.partition("\n0.png,")[2][:1])
