"""`batchdigits preview` writes a picture or a page, and never overwrites an image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import SAMPLES, Arrays, Run


@pytest.fixture
def scans(in_empty_folder: Path, small_mnist: Arrays) -> Path:
    """Twelve scans in a folder of the current folder."""
    Path("scans").mkdir()
    for number, image in enumerate(small_mnist["x_test"][:12], 1):
        Image.fromarray(255 - image).save(f"scans/img{number}.png")
    return Path("scans")


def test_writes_a_picture(run: Run, scans: Path) -> None:
    result = run("preview", scans)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert "wrote preview.png" in result.stderr
    with Image.open("preview.png") as picture:
        assert picture.format == "PNG"
    assert run("preview", scans, "-q").stderr == ""


def test_writes_a_page_in_natural_order(run: Run, scans: Path) -> None:
    result = run("preview", scans, "-o", "new/page.html")
    assert result.exit_code == 0, result.output
    page = Path("new/page.html").read_text("utf-8")
    places = [page.index(f"img{number}.png") for number in range(1, 13)]
    assert places == sorted(places)
    assert page.count("<figure") == 12


def test_shows_the_labels_of_classify(run: Run, scans: Path) -> None:
    rows = [line.split(",") for line in run("classify", scans).stdout.splitlines()[1:]]
    run("preview", scans, "-o", "page.html")
    figures = Path("page.html").read_text("utf-8").split("<figure")[1:]
    assert len(figures) == 12
    for (path, label, confidence, status, *_), figure in zip(rows, figures, strict=True):
        assert all(part in figure for part in (path, f"<b>{label}</b>{float(confidence):.1%}", f"<i>{status}</i>"))


def test_a_second_look_can_be_left_out(run: Run, in_empty_folder: Path) -> None:
    shown = {}
    for options in ((), ("--second-look",), ("--no-second-look",)):
        assert run("preview", SAMPLES / "digits/3/as-is.png", "-o", "page.html", *options).exit_code == 0
        shown[options] = Path("page.html").read_text("utf-8")
    assert shown[()] == shown["--second-look",] != shown["--no-second-look",]


@pytest.mark.parametrize(("limit", "shown", "said"), [(1, 1, True), (11, 11, True), (12, 12, False), (1000, 12, False)])
def test_limit_shows_the_first_images_and_says_so(run: Run, scans: Path, limit: int, shown: int, said: bool) -> None:
    result = run("preview", scans, "--limit", limit, "-o", "page.html")
    assert Path("page.html").read_text("utf-8").count("<figure") == shown
    assert (f"only the first {limit:,} images are shown; --limit shows more" in result.stderr) == said


def test_shows_sixty_by_default(run: Run, scans: Path) -> None:
    result = run("preview", *[scans] * 6, "-o", "page.html")
    assert Path("page.html").read_text("utf-8").count("<figure") == 60
    assert "only the first 60 images" in result.stderr


def test_blank_and_error_are_shown_and_errors_exit_with_3(run: Run, scans: Path) -> None:
    Image.fromarray(np.full((30, 30), 255, np.uint8)).save("blank.png")
    assert run("preview", "blank.png", "-o", "page.html").exit_code == 0
    assert "no ink found" in Path("page.html").read_text("utf-8")
    Path("empty.png").touch()
    assert run("preview", "blank.png", "empty.png", "-o", "page.html").exit_code == 3
    assert "empty file" in Path("page.html").read_text("utf-8")
    assert run("preview", "blank.png", "empty.png").exit_code == 3
    assert run("preview", "blank.png", "empty.png", "--limit", 1).exit_code == 0


def test_a_mistyped_path_is_one_line_and_an_earlier_preview_stays(run: Run, scans: Path) -> None:
    run("preview", scans)
    before = Path("preview.png").read_bytes()
    result = run("preview", scans, "nothere")
    assert (result.exit_code, result.stderr) == (1, "batchdigits: error: nothere: no such file or folder\n")
    assert Path("preview.png").read_bytes() == before


def test_ink_changes_the_picture_and_batch_size_does_not(run: Run, scans: Path) -> None:
    pictures = {}
    for options in ((), ("--ink", "dark"), ("--ink", "light"), ("--batch-size", "1")):
        assert run("preview", scans, *options).exit_code == 0
        pictures[options] = Path("preview.png").read_bytes()
    assert pictures[()] == pictures["--ink", "dark"] == pictures["--batch-size", "1"] != pictures["--ink", "light"]


def test_the_keras_runtime_works_too(run: Run, scans: Path, trained: Path) -> None:
    result = run("preview", scans, "--model", trained, "--runtime", "tensorflow")
    assert result.exit_code == 0, result.output
    assert f"using {trained}" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "Missing argument"),
        (("scans", "--limit", "0"), 2, "0 is not in the range"),
        (("scans", "--limit", "1001"), 2, "1001 is not in the range"),
        (("scans", "--ink", "red"), 2, "'red' is not one of"),
        (("scans", "--batch-size", "0"), 2, "0 is not in the range"),
        (("scans", "--runtime", "torch"), 2, "'torch' is not one of"),
        (("scans", "--model", "x.keras", "--runtime", "tflite"), 2, "is not for --runtime tflite"),
        (("scans", "--model", "missing.tflite"), 1, "no such model file"),
        (("scans", "--model", "scans/img1.png"), 1, "a model file ends in"),
        (("hollow",), 1, "no images in hollow"),
    ],
)
@pytest.mark.parametrize("there", [bytes(37) + b"tEXtSoftware\0batchdigits preview", None])
def test_a_mistake_gets_its_message_and_the_old_picture_stays(
    run: Run, scans: Path, arguments: tuple[str, ...], code: int, message: str, there: bytes | None
) -> None:
    Path("hollow").mkdir()
    if there:
        Path("preview.png").write_bytes(there)
    result = run("preview", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr
    assert (Path("preview.png").read_bytes() if Path("preview.png").exists() else None) == there
    assert not [path for path in Path().iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("output", "code", "message"),
    [
        ("scans/img2.jpg", 2, "must end in .png or .html"),
        ("-", 2, "must end in .png or .html"),
        ("folder.png", 1, "it is a folder"),
        ("scans/img1.png/x.png", 1, "cannot make the folder"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused(
    run: Run, scans: Path, output: str, code: int, message: str
) -> None:
    Path("folder.png").mkdir()
    result = run("preview", scans, "-o", output)
    assert result.exit_code == code
    assert message in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("scans/img1.png", "-o", "scans/img1.png"),
        ("scans", "-o", "./scans/../scans/img1.png"),
        ("scans", "-o", "link.png"),
        ("scans", "--limit", "3", "-o", "scans/img12.png"),  # an image that is not shown
        ("no-such.png", "scans/img1.png", "-o", "scans/img1.png"),
    ],
)
def test_never_overwrites_one_of_the_images(run: Run, scans: Path, arguments: tuple[str, ...]) -> None:
    Path("link.png").symlink_to("scans/img1.png")
    before = {path: path.read_bytes() for path in scans.iterdir()}
    result = run("preview", *arguments)
    assert result.exit_code == 1
    assert "exists and is no preview; give --output another name" in result.stderr
    assert {path: path.read_bytes() for path in scans.iterdir()} == before


@pytest.mark.parametrize("name", ["mine.png", "mine.html"])
def test_only_an_older_preview_is_written_over(run: Run, scans: Path, name: str) -> None:
    Path(name).write_bytes(b"precious")
    result = run("preview", scans, "-o", name)
    assert result.exit_code == 1
    assert f"{name} exists and is no preview; give --output another name" in result.stderr
    assert Path(name).read_bytes() == b"precious"
    Path(name).write_bytes(b"")
    for _ in range(2):
        assert run("preview", scans, "-o", name).exit_code == 0


def test_an_old_preview_in_the_folder_is_left_out(run: Run, scans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(scans)
    assert run("preview", ".").exit_code == 0
    first = Path("preview.png").read_bytes()
    assert run("preview", ".").exit_code == 0
    assert Path("preview.png").read_bytes() == first


def test_a_preview_is_not_classified_as_a_scan(run: Run, scans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(scans)
    before = run("classify", ".")
    assert run("preview", ".", "-o", "My-Preview.png").exit_code == 0
    after = run("classify", ".")
    assert after.stdout == before.stdout
    assert "1 other file skipped" in after.stderr
    Path("My-Preview.png").rename("look.png")  # under another name, or named by hand, it is not taken for a scan either
    for paths in (".", "look.png"):
        assert '"a preview that batchdigits drew, not a scan"' in run("classify", paths).stdout


def test_an_image_named_like_a_preview_is_classified(run: Run, scans: Path) -> None:
    (scans / "img1.png").rename(scans / "preview.png")
    assert "preview.png" in run("classify", scans).stdout


def test_an_empty_folder_is_an_error_and_the_other_images_are_shown(run: Run, scans: Path) -> None:
    Path("hollow").mkdir()
    result = run("preview", scans, "hollow", "--limit", "2")
    assert result.exit_code == 1
    assert "no images in hollow" in result.stderr
    assert Path("preview.png").exists()


def test_help_shows_its_examples_line_by_line(run: Run) -> None:
    lines = run("preview", "--help").stdout.splitlines()
    assert sum(line.startswith("      batchdigits preview ") for line in lines) == 4
