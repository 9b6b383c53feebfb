"""A folder of parts: which files it holds during and after a run, how a run resumes, and what is refused."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray

from batchdigits.errors import BatchdigitsError
from batchdigits.files.remote import storage_of
from batchdigits.inference.decide import Prediction, Status
from batchdigits.output.columns import Columns
from batchdigits.output.done_file import checksum_of, records, source_id
from batchdigits.output.formats import FormatName, output_format
from batchdigits.output.journal import NO_STAMP, Identity
from batchdigits.output.part_rows import read_part
from batchdigits.output.parts import PartsOutput, done_name, encode_part, part_name
from batchdigits.output.parts_folder import Folder, open_folder
from batchdigits.output.row_counts import RowCounts, count_heads
from tests.files.remote_storages import start_s3

COLUMNS = Columns(("0", "1"))
IDENTITY: Identity = {"--ink": "auto", "--top-k": 1}
ROWS = [
    Prediction('odd "name",\n.png', "1", 0.7, Status.OK, score=0.6),
    Prediction("\u2028\x85\udcff.png", "", None, Status.ERROR, "no such file"),
    Prediction("blank.png", "", None, Status.BLANK),
]
SOURCES = [source_id(row.path) for row in ROWS]
COUNTS = RowCounts(Counter(ok=1, error=1, blank=1), 400_000)


@pytest.fixture(params=["a path", "a URL"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A folder that does not exist yet."""
    if request.param == "a path":
        yield str(tmp_path / "out" / "rows")
        return
    pytest.importorskip("fsspec")
    from fsspec.implementations.memory import MemoryFileSystem

    MemoryFileSystem.store.clear()
    yield "memory://out/rows"
    MemoryFileSystem.store.clear()


def encoded(file_format: FormatName = "csv") -> list[bytes]:
    return [output_format(file_format).encode(COLUMNS, [row]) for row in ROWS]


def part(file_format: FormatName = "csv") -> bytes:
    return encode_part(file_format, COLUMNS, encoded(file_format))


def done(file_format: FormatName = "csv") -> NDArray[Any]:
    return records(SOURCES, [3, 4, 7], list(map(checksum_of, encoded(file_format))))


DONE = done()


def name(number: int, *sources: str) -> str:
    return part_name(0, number, sources or ("a.png",), "csv")


def files(*parts: str) -> set[str]:
    return {*parts, *map(done_name, parts)}


def output(place: str, resume: bool | None = None, **changes: Any) -> PartsOutput:
    return PartsOutput(place, "csv", COLUMNS, {**IDENTITY, **changes}, {}, resume)


@pytest.mark.parametrize("file_format", ["csv", "tsv", "jsonl", "parquet"])
def test_counts_and_stamps_are_read_from_the_content_of_a_part(file_format: FormatName) -> None:
    if file_format == "parquet" and not find_spec("pyarrow"):
        pytest.skip("pyarrow is not installed")
    reader = output_format(file_format).reader(COLUMNS)
    read = read_part("part", part(file_format), done(file_format).tobytes(), reader)
    assert (count_heads(read.heads), [head.path for head in read.heads]) == (COUNTS, [row.path for row in ROWS])
    assert read.known().tolist() == list(zip(SOURCES, [3, NO_STAMP, 7], [False] * 3, [1, 0, 1], strict=True))
    assert part(file_format) == part(file_format)


def test_saving_a_part_in_a_spreadsheet_is_no_edit() -> None:
    reader = output_format("csv").reader(COLUMNS)
    saved = part().replace(b",", b";").replace(b"0.700000", b"0,7").replace(b"\n", b"\r\n")
    saved = saved.replace(b'name"";\r\n', b'name"",\n')  # which is in a path
    assert read_part("part", saved, done().tobytes(), reader).known()["is_edited"].tolist() == [False] * 3
    edited = saved.replace(b"0,7", b"0,8")
    assert read_part("part", edited, done().tobytes(), reader).known()["is_edited"].tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("file_format", "content"),
    [
        ("csv", b""),
        ("csv", b"path,label\na.png,1\n"),
        ("csv", part("csv") + b'"'),
        ("parquet", b"PAR1"),
    ],
)
def test_a_part_that_is_none_any_more_is_refused(file_format: FormatName, content: bytes, tmp_path: Path) -> None:
    if file_format == "parquet" and not find_spec("pyarrow"):
        pytest.skip("pyarrow is not installed")
    folder = tmp_path / "rows"
    with PartsOutput(str(folder), file_format, COLUMNS, IDENTITY, {}, None) as out:
        spoilt = part_name(0, 0, ["a.png"], file_format)
        out.write(spoilt, content, COUNTS, DONE)
    with pytest.raises(BatchdigitsError, match=f"cannot add to .*: {spoilt} cannot be read any more"):
        PartsOutput(str(folder), file_format, COLUMNS, IDENTITY, {}, True)


def test_a_part_is_named_after_its_position_and_its_sources() -> None:
    first = part_name(3, 12, ["a.png", "\udcff.png"], "parquet")
    assert first.startswith("part-0003-000012-")
    assert first.endswith(".parquet")
    assert first != part_name(3, 12, ["a.png", "b.png"], "parquet")


def test_the_manifest_comes_last_and_lists_all_parts(place: str) -> None:
    folder = open_folder(place)
    with output(place) as out:
        out.write(name(0), part(), COUNTS, DONE)
        out.write(name(1), part(), COUNTS, DONE)
        assert folder.names() == {"unfinished.json"} | files(name(0), name(1))
        assert out.finish([name(1), name(0)], {"options": IDENTITY, "model": "m"}) == RowCounts(
            Counter(ok=2, error=2, blank=2), 800_000
        )
    assert folder.names() == {"manifest.json"} | files(name(0), name(1))
    manifest = json.loads(folder.read("manifest.json"))
    assert manifest == {
        "options": IDENTITY,
        "model": "m",
        "rows": 6,
        "statuses": {"ok": 2, "error": 2, "blank": 2},
        "parts": [{"name": name(0), "rows": 3}, {"name": name(1), "rows": 3}],
    }
    assert folder.read(name(0)) == part()


def begun(place: str) -> Folder:
    """The folder of a run that was stopped after two parts."""
    with output(place) as out:
        out.write(name(0), part(), COUNTS, DONE)
        out.write(name(1, "gone.png"), part(), COUNTS, DONE)
    return open_folder(place)


def test_an_unfinished_run_is_left_alone_without_an_option(place: str) -> None:
    begun(place)
    with pytest.raises(BatchdigitsError, match="is unfinished, and 2 parts of it are done: add --resume"):
        output(place)
    assert name(0) in open_folder(place).names()


def test_resuming_keeps_parts_and_removes_those_whose_sources_are_gone(place: str) -> None:
    folder = begun(place)
    with output(place, resume=True) as out:
        assert out.parts == {name(0): COUNTS, name(1, "gone.png"): COUNTS}
        out.write(name(1), part(), COUNTS, DONE)
        out.finish([name(0), name(1)], {"options": IDENTITY})
    assert folder.names() == {"manifest.json"} | files(name(0), name(1))
    with pytest.raises(BatchdigitsError, match="holds a finished run: add --resume"):
        output(place)
    assert set(output(place, resume=True).finished) == {name(0), name(1)}


def test_starting_over_removes_parts_and_no_other_file(place: str) -> None:
    folder = begun(place)
    folder.write("part-of-something.csv", b"theirs")
    out = output(place, resume=False, **{"--ink": "dark"})
    assert out.parts == {}
    assert name(0) in folder.names()  # until there is something new
    out.write(name(2), part(), COUNTS, DONE)
    assert folder.names() == {"unfinished.json", "part-of-something.csv"} | files(name(2))
    assert json.loads(folder.read("unfinished.json"))["options"]["--ink"] == "dark"


def test_a_run_with_another_option_is_refused_by_its_name(place: str) -> None:
    begun(place)
    with pytest.raises(BatchdigitsError, match=r"cannot resume .*: --ink was auto when it was begun, and is dark now"):
        output(place, resume=True, **{"--ink": "dark"})


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"options": 3}', b"[" * 100_000])
def test_a_manifest_of_another_program_is_refused(place: str, content: bytes) -> None:
    open_folder(place).write("manifest.json", content)
    for resume in (True, False):
        with pytest.raises(BatchdigitsError, match=r"manifest.json in .* is not of batchdigits"):
            output(place, resume=resume)
    assert open_folder(place).read("manifest.json") == content


def test_a_folder_with_other_files_is_refused(place: str) -> None:
    open_folder(place).write("thesis.txt", b"years of work")
    for resume in (None, True, False):
        with pytest.raises(BatchdigitsError, match="holds files of another program"):
            output(place, resume=resume)
    assert open_folder(place).names() == {"thesis.txt"}


@pytest.mark.skipif(not (find_spec("moto") and find_spec("s3fs")), reason="moto or s3fs is not installed")
def test_an_empty_folder_of_s3_holds_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """The console of S3 makes a key that ends in a slash for a new folder."""
    with start_s3() as s3:
        for variable, value in s3.environment.items():
            monkeypatch.setenv(variable, value)
        storage_of("s3://parts")[0].clear_instance_cache()  # of the server of another test
        storage = storage_of("s3://parts")[0]
        storage.mkdir("parts")
        storage.call_s3("put_object", Bucket="parts", Key="new/", Body=b"")
        assert open_folder("s3://parts/new/").names() == set()
        assert begun("s3://parts/new").names() == {"unfinished.json"} | files(name(0), name(1, "gone.png"))
        storage.clear_instance_cache()


def test_a_run_without_a_part_leaves_no_file(place: str) -> None:
    with pytest.raises(KeyboardInterrupt), output(place):
        raise KeyboardInterrupt
    assert open_folder(place).names() == set()


def test_a_run_with_missing_parts_is_not_finished(place: str) -> None:
    with output(place) as out:
        out.write(name(0), part(), COUNTS, DONE)
        with pytest.raises(BatchdigitsError, match=r"1 parts are missing, part-0000-000001.* add --resume"):
            out.finish([name(0), name(1)], {})
    assert "manifest.json" not in open_folder(place).names()


def test_a_place_that_cannot_be_written_is_one_line_of_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(BatchdigitsError, match=r"cannot write .*file"):
        output(str(tmp_path / "file"))
    pytest.importorskip("fsspec")
    with pytest.raises(BatchdigitsError, match="Protocol not known"):
        output("foo://me:secret@bucket/x")
