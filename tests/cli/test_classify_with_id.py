"""classify --with-id: the second column of a list of files goes into the rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.engines.helpers import make_images


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A list of two images and one that is missing, each with an id."""
    monkeypatch.chdir(tmp_path)
    make_images(tmp_path / "scans", 2)
    file = tmp_path / "list.tsv"
    file.write_bytes("scans/0.png\tform 7, box 1\nscans/1.png\tä2\nmissing.png\t=3\n".encode())
    return file


def ids_of(lines: list[str]) -> list[str]:
    return [json.loads(line)["id"] for line in lines]


def test_ids_pass_through(listed: Path, run: Run) -> None:
    result = run("classify", "--files-from", listed, "--with-id", "--format", "jsonl")
    assert ids_of(result.stdout.splitlines()) == ["form 7, box 1", "ä2", "=3"]
    table = run("classify", "--files-from", listed, "--with-id", "--top-k", "2").stdout.splitlines()
    assert table[0] == "path,label,confidence,status,detail,score,id,label_2,confidence_2"
    assert '"form 7, box 1"' in table[1]
    assert table[3].startswith("missing.png,,,error,no such file,,=3,")


def test_each_page_has_the_id_of_its_file(listed: Path, run: Run, tmp_path: Path) -> None:
    from PIL import Image

    pages = [Image.open(tmp_path / "scans" / f"{number}.png") for number in (0, 1)]
    pages[0].save(tmp_path / "two.tif", save_all=True, append_images=pages[1:])
    listed.write_text("two.tif\tA\n")
    assert (
        ids_of(run("classify", "--files-from", listed, "--with-id", "--format", "jsonl").stdout.splitlines())
        == ["A"] * 2
    )


def test_a_name_with_a_number_sign_has_no_other_files_id(listed: Path, run: Run) -> None:
    make_images(Path("more"), 1)
    Path("more/0.png").rename("more/a#b.png")
    listed.write_text("more\tthe folder\nmore/a\tanother file\n")
    result = run("classify", "--files-from", listed, "--with-id", "--format", "jsonl")
    assert ids_of(result.stdout.splitlines()) == [None, "another file"]


def test_rows_with_ids_are_kept_and_added_to(listed: Path, run: Run) -> None:
    options = ("--files-from", listed, "--with-id", "-o", "out.csv")
    run("classify", *options)
    before = Path("out.csv").read_text()
    with listed.open("a") as file:
        file.write("scans/../scans/1.png\tnew\n")
    run("classify", *options, "--resume")
    after = Path("out.csv").read_text()
    assert after.startswith(before)
    assert after.rstrip().endswith(",new")
    refused = run("classify", "--files-from", listed, "-o", "out.csv", "--resume")
    assert refused.exit_code == 1
    assert "--with-id was on" in refused.stderr


@pytest.mark.parametrize(
    ("line", "message"),
    [("scans/0.png\n", "no tab and id behind scans/0.png"), ("scans/0.png\tother\n", "two ids for scans/0.png")],
)
def test_a_list_without_ids_or_with_two_is_refused(listed: Path, run: Run, line: str, message: str) -> None:
    with listed.open("a") as file:
        file.write(line)
    result = run("classify", "--files-from", listed, "--with-id", "-o", "out.csv")
    assert (result.exit_code, Path("out.csv").exists()) == (1, False)
    assert message in result.stderr


@pytest.mark.parametrize("paths", [("scans",), ("scans", "--files-from", "list.tsv")])
def test_ids_need_a_list_and_nothing_else(listed: Path, run: Run, paths: tuple[str, ...]) -> None:
    assert run("classify", *paths, "--with-id").exit_code == 2
