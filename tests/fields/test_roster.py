"""Lists of expected values."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchdigits.errors import BatchdigitsError
from batchdigits.fields.values import roster
from batchdigits.fields.values.roster import read_roster

VALUES = ("00123", "7", "12.5")


@pytest.mark.parametrize(
    ("content", "column"),
    [
        (b"00123\n7\n12.5\n", ""),
        (b"00123\n\n  7 \n12.5", ""),
        (b"00123\r\n7\r\n12.5\r\n", ""),
        (b"00123\r7\r12.5\r", ""),
        (b"\xef\xbb\xbf00123\n7\n12.5\n", ""),
        ("00123\r\n7\r\n12.5\r\n".encode("utf-16"), ""),
        (b"ID\n00123\n7\n12.5\n", ""),
        (b"\nID\n00123\n7\n12.5\n", ""),
        (b'"00123"\n"7"\n"12.5"\n', ""),
        (b"ID\n00123\n7\n12.5\n", ":ID"),
        (b"name,ID\nAda,00123\nBob,7\nCy,12.5\n", ":ID"),
        (b"name, ID \nAda, 00123\n,\nshort\nBob,7\nCy,12.5\n\n", ":ID"),
        (b'\xef\xbb\xbfID;name\r\n00123;"Lovelace; Ada"\r\n7;Bob\r\n12.5;Cy\r\n', ":ID"),
        (b"sep=;\r\nID;name\r\n00123;Ada\r\n7;Bob\r\n12.5;Cy\r\n", ":ID"),
        (b"name\tID\nAda\t00123\nBob\t7\nCy\t12.5\n", ":ID"),
        ("größe;name\n00123;é\n7;b\n12.5;c\n".encode("latin-1"), ":größe"),
        (b'"first\nname",ID\n"a\nb",00123\nc,7\nd,12.5\n', ":ID"),
    ],
)
def test_a_list_is_read_as_people_save_it(tmp_path: Path, content: bytes, column: str) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    assert read_roster(f"{path}{column}") == (VALUES, ())


def test_doubled_values_are_named(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("5\n05\n7\n5\n7\n9\n5\n")
    assert read_roster(str(path)) == (("5", "05", "7", "9"), ("5", "7"))


def test_a_colon_may_be_part_of_the_name(tmp_path: Path) -> None:
    path = tmp_path / "list:ID"
    path.write_text("5\n")
    (tmp_path / "list").write_text("name,ID\nAda,6\n")
    assert read_roster(str(path)).values == ("5",)


@pytest.mark.parametrize(
    ("content", "column", "message"),
    [
        (b"", "", "list.csv has no values"),
        (b"ID\n\n", "", "list.csv has no values"),
        (b"ID,name\n5,Ada\n", "", "list.csv has several columns; name one of ID, name, as in .*list.csv:ID"),
        (b"ID,name\n5,Ada\n", ":id", "list.csv has no column 'id'; its columns are ID, name"),
        (b"ID,ID\n5,6\n", ":ID", "list.csv has several columns 'ID'"),
        (b"ID\n5\nx7\n", "", "list.csv, line 3: 'x7' is no number"),
        (b"ID\n5\n2.02E+08\n", "", "line 3: '2.02E.08' is no number: a spreadsheet has rounded it"),
        (b"ID\n\x1b[31m\n", "", r"line 2: '.x1b.31m' is no number"),
        (b"ID\n" + b"1" * 33 + b"\n", "", "line 2: '1+' is no number"),
        ("ID\n\u0661\u0662\n".encode(), "", "is no number"),
        (b"5.50\n7,25\n", "", "line 2: more cells than the first line has: a cell with a comma"),
        (b"name,room,ID\nAda,7,123\nB, J,12,456\n", ":ID", "line 3: more cells than the first line has"),
        (b"PK\x03\x04whatever", "", "list.csv is no text; save the list as CSV"),
        (b"5\n\x00\n", "", "list.csv is no text"),
        (b'ID\n"5\n', "", "list.csv, line 2: unexpected end of data"),
        (b"ID\n" + b"x" * 200_000, "", "list.csv, line 2: field larger than"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused_in_one_line(
    tmp_path: Path, content: bytes, column: str, message: str
) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    with pytest.raises(BatchdigitsError, match=message) as caught:
        read_roster(f"{path}{column}")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["missing.csv", "missing.csv:ID", "."])
def test_a_list_that_is_no_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BatchdigitsError, match=f"^{name} is no file"):
        read_roster(name)


def test_a_list_has_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "list.csv"
    path.write_text("1\n2\n3\n")
    monkeypatch.setattr(roster, "MAX_VALUES", 2)
    with pytest.raises(BatchdigitsError, match="has 3 values; at most 2"):
        read_roster(str(path))
    monkeypatch.setattr(roster, "MAX_BYTES", 5)
    with pytest.raises(BatchdigitsError, match="is larger than 0 MiB"):
        read_roster(str(path))
