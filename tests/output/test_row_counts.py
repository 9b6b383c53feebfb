"""Rows are counted alike in workers and in finished outputs, in whatever order."""

from __future__ import annotations

from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchdigits.fields.left_out import LEFT_OUT
from batchdigits.inference.decide import Prediction, Status, blank, failed
from batchdigits.output.columns import Columns
from batchdigits.output.formats import FormatName, output_format
from batchdigits.output.row_counts import RowCounts, count_predictions, count_rows

COLUMNS = Columns(("a", "b"))
FORMAT_NAMES: list[FormatName] = ["csv", "jsonl"]

scores = st.floats(0, 1).map(lambda score: round(score, 6))
answers = st.builds(
    lambda status, score, detail: Prediction("x.png", "a", score, status, detail, {}, score),
    st.sampled_from([Status.OK, Status.REVIEW]),
    scores,
    st.sampled_from(["", LEFT_OUT["minus"], "; ".join(LEFT_OUT.values())]),
)
rows = st.lists(answers | st.just(blank("x.png")) | st.just(failed("x.png", "not an image")), max_size=30)


@given(rows, st.integers(0, 30), st.sampled_from(FORMAT_NAMES))
def test_counts_are_the_same_whoever_counts(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Prediction], at: int, name: FormatName
) -> None:
    whole = count_predictions(rows)
    in_two = RowCounts()
    for part in (rows[at:], rows[:at]):
        in_two.update(count_predictions(part))
    path = tmp_path_factory.mktemp("rows") / "out"
    path.write_bytes(output_format(name).header(COLUMNS) + output_format(name).encode(COLUMNS, rows))
    assert whole == in_two == count_rows(path, output_format(name).reader(COLUMNS))
    assert whole.rows == len(rows)
    assert whole.left_out["minus"] == sum(row.status == "ok" and bool(row.detail) for row in rows)
    assert whole.expected_errors == pytest.approx(sum(1 - (row.score or 0) for row in rows if row.status == "ok"))


@pytest.mark.skipif(find_spec("pyarrow") is None, reason="pyarrow is not installed")
def test_parquet_is_counted_too(tmp_path: Path) -> None:
    written = [Prediction("x.png", "a", 0.9, Status.OK, "", {}, 0.75), blank("y.png")]
    file_format = output_format("parquet")
    assert file_format.convert
    lines = file_format.encode(COLUMNS, written).splitlines(keepends=True)
    file_format.convert(COLUMNS, iter(lines), tmp_path / "out.parquet")
    assert count_rows(tmp_path / "out.parquet", file_format.reader(COLUMNS)) == count_predictions(written)


def test_what_a_person_wrote_counts_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    edited = [
        b"mended.png,7,,ok,empty file,",
        b"typed.png,7,0.5,ok,,sure",
        b"high.png,7,0.5,ok,,12",
        b'comma.png,7,0.5,ok,,"0,25"',
        b"none.png,7,0.5,ok,,nan",
        b"low.png,7,0.5,ok,,0.25",
        b"spreadsheet.png,7,0.5,ok,,1",
        b"made up.png,7,0.5,done,,0.5",
        b"",
        b",7,0.5,review,,0.5",
        b'"with, comma.png",,,blank,,',
    ]
    path.write_bytes(output_format("csv").header(COLUMNS) + b"".join(row + b"\r\n" for row in edited))
    counts = count_rows(path, output_format("csv").reader(COLUMNS))
    assert counts == RowCounts(Counter(ok=7, other=1, review=1, blank=1), 1_500_000)
    path.write_bytes(b'{"path": "x", "label": "7", "status": ["ok"], "score": "0.5"}\nno JSON any more\n')
    assert count_rows(path, output_format("jsonl").reader(COLUMNS)) == RowCounts(Counter(other=1))
