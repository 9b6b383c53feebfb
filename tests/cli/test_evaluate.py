"""`batchdigits evaluate`: the predictions of classify, counted."""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
import shutil
import struct
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from batchdigits.inference.choose import PRETRAINED
from tests.conftest import SAMPLES, Arrays, Run


@pytest.fixture
def labelled(in_empty_folder: Path, small_mnist: Arrays) -> Path:
    """MNIST's first test digits as dark ink on white, twice: `right` in their folders, `swapped` all in `0`."""
    for number, (image, label) in enumerate(zip(small_mnist["x_test"][:40], small_mnist["y_test"], strict=False)):
        for folder in (Path("right") / str(label), Path("swapped") / "0"):
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(255 - image).save(folder / f"{number}.png")
    return in_empty_folder


def test_counts_the_predictions_of_classify(run: Run, labelled: Path) -> None:
    rows = list(csv.DictReader(run("classify", "right").stdout.splitlines()))
    right = sum(Path(row["path"]).parent.name == row["label"] for row in rows)
    result = run("evaluate", "right", "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (document["sets"][0]["right"], document["sets"][0]["images"]) == (right, 40)
    assert document["mean_accuracy"] == document["sets"][0]["accuracy"] == right / 40
    assert document["model"].endswith("digits.tflite")


def test_one_path_shows_its_confusion_matrix_and_names_the_model_on_stderr(run: Run, labelled: Path) -> None:
    result = run("evaluate", "right/")
    assert result.exit_code == 0
    assert "using" in result.stderr
    assert "95% interval" in result.stdout
    assert "right/: true labels (rows)" in result.stdout
    assert "mean" not in result.stdout
    assert run("evaluate", "right/", "-q").stderr == ""


def test_several_paths_show_a_line_each_and_the_mean_and_with_v_the_matrices(run: Run, labelled: Path) -> None:
    short = run("evaluate", "right", "swapped").stdout
    assert [line.split()[0] for line in short.splitlines()[1:]] == ["right", "swapped", "mean"]
    verbose = run("evaluate", "right", "swapped", "-v").stdout
    assert verbose.startswith(short)
    assert verbose.count("true labels (rows)") == 2
    accuracies = [one["accuracy"] for one in json.loads(run("evaluate", "right", "swapped", "--json").stdout)["sets"]]
    assert accuracies[1] < 0.5 < accuracies[0]


def test_blank_and_error_count_as_wrong_and_errors_exit_with_3(run: Run, labelled: Path) -> None:
    Image.fromarray(np.full((30, 30), 255, np.uint8)).save("right/3/blank.png")
    Path("right/3/broken.png").write_bytes(b"")
    before = json.loads(run("evaluate", "right", "--json").stdout)["sets"][0]
    assert before["images"] == 42
    assert (before["statuses"]["blank"], before["statuses"]["error"]) == (1, 1)
    assert before["confusion"]["rows"]["3"][-2:] == [1, 1]
    assert run("evaluate", "right").exit_code == 3


def test_outliers_do_not_count_in_the_accuracy(run: Run, labelled: Path) -> None:
    Path("right/not_digit").mkdir()
    Image.open("right/7/0.png").save("right/not_digit/x.png")
    only = json.loads(run("evaluate", "right", "--json").stdout)["sets"][0]
    assert (only["images"], sum(only["not_digit"].values())) == (40, 1)
    assert " of 1" in run("evaluate", "right").stdout.splitlines()[1]
    Path("right/not_digit/broken.png").write_bytes(b"")
    assert run("evaluate", "right").exit_code == 3


def test_each_page_of_a_file_counts_as_an_image(run: Run, labelled: Path) -> None:
    first, second = Image.open("right/7/0.png"), Image.open("right/7/17.png")
    Path("pages/7").mkdir(parents=True)
    first.save("pages/7/two.tif", save_all=True, append_images=[second])
    assert json.loads(run("evaluate", "pages", "--json").stdout)["sets"][0]["images"] == 2


@pytest.mark.parametrize("form", ["zip", "tar", "gztar"])
def test_an_archive_of_class_folders_counts_like_the_folder(run: Run, labelled: Path, form: str) -> None:
    (labelled / "right" / "not_digit").mkdir()
    shutil.copy(SAMPLES / "broken" / "blank.png", labelled / "right" / "not_digit")
    (labelled / "right" / "notes.txt").write_text("beside the folders")
    archive = Path(shutil.make_archive("right", form, "right")).name
    folder, packed = (json.loads(run("evaluate", path, "--json").stdout)["sets"][0] for path in ("right", archive))
    assert folder.pop("path") == "right"
    assert packed.pop("path") == archive
    assert folder.pop("calibration_error") == pytest.approx(packed.pop("calibration_error"))  # a sum in their order
    assert folder == packed


def test_an_archive_with_everything_in_one_folder_counts_like_that_folder(run: Run, labelled: Path) -> None:
    shutil.copytree("right", "zipped/digits/right")
    Path("zipped/__MACOSX").mkdir()
    Path("zipped/__MACOSX/._right").write_text("litter")
    shutil.make_archive("zipped", "zip", "zipped")
    folder, packed = (json.loads(run("evaluate", path, "--json").stdout)["sets"][0] for path in ("right", "zipped.zip"))
    assert folder["confusion"] == packed["confusion"]
    assert run("evaluate", "zipped.zip", "--wrong", "wrong.html").exit_code == 0


def test_an_archive_that_is_no_set_of_class_folders_is_refused(run: Run, labelled: Path) -> None:
    for folder in ("some", "more"):
        shutil.copytree("right", f"two/{folder}")
    shutil.make_archive("two", "zip", "two")
    assert "two.zip: no folder in it is named like a label" in run("evaluate", "two.zip").stderr
    shutil.copy(SAMPLES / "broken" / "blank.png", "right/beside.png")
    shutil.make_archive("mixed", "tar", "right")
    assert "mixed.tar: beside.png lies in no folder" in run("evaluate", "mixed.tar").stderr
    Path("damaged.zip").write_bytes(b"PK")
    result = run("evaluate", "damaged.zip")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "damaged.zip: truncated or corrupt archive" in result.stderr


@pytest.fixture
def arrays(labelled: Path, small_mnist: Arrays) -> Path:
    """The images of `labelled` as an .npz in Keras's layout, and as IDX files plain, packed and of EMNIST."""
    images, labels = small_mnist["x_test"][:40], small_mnist["y_test"][:40].astype(np.uint8)
    np.savez("digits.npz", x_train=images[:3], y_train=labels[:3], x_test=images, y_test=labels[:, None])
    for name, pictures in (
        ("t10k-{}-idx{}-ubyte", images),
        ("emnist-digits-test-{}-idx{}-ubyte", images.transpose(0, 2, 1)),
    ):
        folder = Path(name.split("-")[0])
        folder.mkdir()
        (folder / name.format("images", 3)).write_bytes(struct.pack(">4I", 0x803, 40, 28, 28) + pictures.tobytes())
        (folder / name.format("labels", 1)).write_bytes(struct.pack(">2I", 0x801, 40) + labels.tobytes())
    Path("packed").mkdir()
    for file in Path("t10k").iterdir():
        Path(f"packed/{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
    return labelled


@pytest.mark.parametrize(
    "path",
    ["digits.npz", "t10k", "packed", "emnist", "t10k/t10k-images-idx3-ubyte", "packed/t10k-images-idx3-ubyte.gz"],
)
def test_the_test_images_of_arrays_count_like_files(run: Run, arrays: Path, path: str) -> None:
    folder, array = (json.loads(run("evaluate", one, "--json").stdout)["sets"][0] for one in ("right", path))
    assert array["path"] == path
    assert array["confusion"] == folder["confusion"]


def test_mnist_is_that_of_the_package(run: Run, arrays: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchdigits.reports.labelled_sources.MNIST", arrays / "packed")
    document = json.loads(run("evaluate", "mnist", "--json").stdout)["sets"][0]
    assert (document["path"], document["images"]) == ("mnist", 40)


def test_wrong_answers_of_arrays_are_shown(run: Run, arrays: Path) -> None:
    with np.load("digits.npz") as digits:
        swapped = {**digits, "y_test": np.zeros(40, int)}
    np.savez("swapped.npz", **swapped)
    assert run("evaluate", "swapped.npz", "--wrong", "wrong.html").exit_code == 0
    page = Path("wrong.html").read_text()
    assert "swapped.npz/x_test/0<" in page
    assert page.count('alt="glyph"') == page.count("<figure") > 30


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"y_test": np.zeros(39, int)}, "x.npz: 40 images, but labels of shape (39,) and type int64"),
        ({"y_test": np.zeros(40)}, "x.npz: 40 images, but labels of shape (40,) and type float64"),
        ({"y_test": np.full(40, 10)}, "x.npz: the model has no label 10"),
        ({"y_test": None}, "x.npz: no array y_test"),
        ({"x_test": None}, "x.npz: 0 images, but labels of shape (40,)"),
    ],
)
def test_arrays_without_fitting_labels_are_refused(
    run: Run, arrays: Path, changed: dict[str, object], message: str
) -> None:
    with np.load("digits.npz") as digits:
        np.savez("x.npz", **{name: array for name, array in {**digits, **changed}.items() if array is not None})
    result = run("evaluate", "x.npz")
    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr


def test_idx_files_without_labels_are_refused(run: Run, arrays: Path) -> None:
    Path("t10k/t10k-labels-idx1-ubyte").unlink()
    assert "t10k-labels-idx1-ubyte (or t10k-labels-idx1-ubyte.gz) is missing" in run("evaluate", "t10k").stderr
    result = run("evaluate", "t10k/t10k-images-idx3-ubyte")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "its labels are not beside it" in result.stderr
    np.save("x.npy", np.zeros((2, 9, 9), np.uint8))
    assert "its labels are not beside it" in run("evaluate", "x.npy").stderr


def test_ink_option_reaches_the_normaliser(run: Run, labelled: Path) -> None:
    auto, dark, light = (
        json.loads(run("evaluate", "right", "--ink", ink, "--json").stdout)["mean_accuracy"]
        for ink in ("auto", "dark", "light")
    )
    assert auto == dark > light


def test_batch_size_changes_nothing(run: Run, labelled: Path) -> None:
    assert run("evaluate", "right", "--batch-size", 1).stdout == run("evaluate", "right").stdout


def test_a_second_look_can_be_left_out(run: Run, in_empty_folder: Path, small_mnist: Arrays) -> None:
    Path("mixed/0").mkdir(parents=True)
    for number, (one, other) in enumerate(pairwise(small_mnist["x_test"][:20])):  # two digits on top of each other
        Image.fromarray(np.maximum(one, other)).save(f"mixed/0/{number}.png")
    twice, asked, once = (
        run("evaluate", "mixed", "--wrong", "wrong.csv", *options) and Path("wrong.csv").read_text()
        for options in ((), ("--second-look",), ("--no-second-look",))
    )
    assert twice == asked != once


@pytest.mark.slow
def test_the_keras_runtime_works_too(run: Run, labelled: Path, trained: Path) -> None:
    result = run("evaluate", "right", "--model", trained, "--runtime", "tensorflow", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["model"] == str(trained)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "Missing argument"),
        (("nowhere",), 1, "nowhere: No such file"),
        (("right/7/0.png",), 1, "Not a directory"),
        (("right/7",), 1, "no folder in it is named like a label"),
        (("right", "nowhere"), 1, "nowhere: No such file"),
        (("right", "--model", "missing.tflite"), 1, "no such model file"),
        (("right", "--model", "right/7/0.png"), 1, "no card inside|a model file ends in"),
        (("right", "--model", "x.keras", "--runtime", "tflite"), 2, "is not for --runtime tflite"),
        (("right", "--model", "x.tflite", "--runtime", "tensorflow"), 2, "is not for --runtime tensorflow"),
        (("right", "--runtime", "torch"), 2, "'torch' is not one of"),
        (("right", "--ink", "red"), 2, "'red' is not one of"),
        (("right", "--batch-size", "0"), 2, "0 is not in the range"),
        (("right", "--batch-size", "65537"), 2, "65537 is not in the range"),
    ],
)
def test_a_mistake_gets_its_message_and_no_output(
    run: Run, labelled: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    result = run("evaluate", *arguments)
    assert result.exit_code == code
    assert result.stdout == ""
    assert any(part in result.stderr for part in message.split("|")), result.stderr


def test_folders_that_are_not_labels_are_named(run: Run, labelled: Path) -> None:
    Path("right/ten").mkdir()
    result = run("evaluate", "right")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "the model has no label ten" in result.stderr


def test_class_folders_without_an_image_are_an_error(run: Run, in_empty_folder: Path) -> None:
    Path("set/3").mkdir(parents=True)
    Path("set/3/notes.txt").write_text("nothing")
    result = run("evaluate", "set")
    assert result.exit_code == 1
    assert "no images in the class folders of set" in result.stderr


def test_loads_no_tensorflow(labelled: Path) -> None:
    script = (
        "import sys; from batchdigits.cli import main; main(['evaluate', 'right'], standalone_mode=False);"
        "sys.exit(bool({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "not_digit ok" in done.stdout


def test_help_shows_its_examples_line_by_line(run: Run) -> None:
    lines = run("evaluate", "--help").stdout.splitlines()
    assert sum(line.startswith("      batchdigits evaluate ") for line in lines) == 4


def test_plot_writes_a_png(run: Run, labelled: Path) -> None:
    result = run("evaluate", "right", "swapped", "--json", "--plot", "pictures/confidence.png")
    assert result.exit_code == 0, result.output
    assert "wrote pictures/confidence.png" in result.stderr
    with Image.open("pictures/confidence.png") as picture:
        assert picture.format == "PNG"
    right, swapped = (one["calibration_error"] for one in json.loads(result.stdout)["sets"])
    assert right < 0.2 < 0.5 < swapped < 1


@pytest.mark.parametrize(
    ("option", "name", "suffixes"),
    [
        ("--plot", "confidence.jpg", ".png or .svg"),
        ("--suspects", "suspects.txt", ".csv or .html"),
        ("--wrong", "wrong.txt", ".csv or .html"),
    ],
)
def test_a_wrong_suffix_overwrites_nothing(run: Run, labelled: Path, option: str, name: str, suffixes: str) -> None:
    Path(name).write_text("precious")
    result = run("evaluate", "right", option, name)
    assert result.exit_code == 2
    assert f"Invalid value for {option}: {name} must end in {suffixes}" in result.stderr
    assert Path(name).read_text() == "precious"


@pytest.mark.parametrize("option", ["--plot mine.png", "--plot mine.svg", "--wrong mine.csv", "--suspects mine.html"])
def test_only_a_file_of_its_own_is_written_over(run: Run, labelled: Path, option: str) -> None:
    name, path = option.split()[0], Path(option.split()[1])
    path.write_bytes(b"precious")
    result = run("evaluate", "right", name, path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{path} exists and is no " in result.stderr
    assert path.read_bytes() == b"precious"
    path.unlink()
    for _ in range(2):
        assert run("evaluate", "right", name, path).exit_code == 0


def test_plot_draws_svg_too(run: Run, labelled: Path) -> None:
    assert run("evaluate", "right", "--plot", "confidence.svg").exit_code == 0
    assert "<svg" in Path("confidence.svg").read_text()


def test_only_plot_needs_matplotlib(run: Run, labelled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert run("evaluate", "right").exit_code == 0
    result = run("evaluate", "nowhere", "--plot", "confidence.png")  # evaluating would fail on `nowhere`, if it began
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("batchdigits: error: --plot needs an optional package; install it with: ")
    assert result.stderr.endswith("pip install 'batchdigits[plot]'\n")
    assert not Path("confidence.png").exists()


def test_json_is_unicode_even_if_the_models_path_is_not(run: Run, tmp_path: Path) -> None:
    model = tmp_path / os.fsdecode(b"m\xff.tflite")
    shutil.copy(PRETRAINED / "digits.tflite", model)
    result = run("evaluate", SAMPLES / "digits", "--model", model, "--json")
    assert result.exit_code == 0
    json.loads(result.stdout)["model"].encode("utf-8")


def test_suspects_are_the_labels_that_the_model_disputes_the_surest_first(run: Run, labelled: Path) -> None:
    Path("right/not_digit").mkdir()
    shutil.copy("right/7/0.png", "right/not_digit/seven.png")
    (Path("right") / "3").mkdir(exist_ok=True)
    shutil.copy("right/7/0.png", "right/3/flipped.png")
    result = run("evaluate", "right", "--suspects", "lists/suspects.csv")
    assert result.exit_code == 0
    with Path("lists/suspects.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert f"wrote lists/suspects.csv: {len(rows)} suspects" in result.stderr
    found = {row["path"]: (row["given"], row["label"]) for row in rows}
    assert found["right/3/flipped.png"] == ("3", "7")
    assert found["right/not_digit/seven.png"] == ("not_digit", "7")
    assert all(given != label for given, label in found.values())
    scores = [float(row["score"]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    expected = {row["path"] for row in csv.DictReader(run("classify", "right").stdout.splitlines()) if is_disputed(row)}
    assert set(found) == expected


def is_disputed(row: dict[str, str]) -> bool:
    """Whether a row contradicts the folder of its image; outliers do so only if they are `ok`."""
    given = Path(row["path"]).parent.name
    return row["label"] not in ("", given) and (row["status"] == "ok" or given != "not_digit")


def test_suspects_of_several_paths_are_in_one_page(run: Run, labelled: Path) -> None:
    pages = [Image.open(f"swapped/0/{number}.png") for number in range(3)]
    pages[0].save("right/0/pages.tif", save_all=True, append_images=pages[1:])
    result = run("evaluate", "right", "swapped", "--suspects", "suspects.html")
    assert result.exit_code == 0
    page = Path("suspects.html").read_text()
    assert page.count("<figure") == page.count("in the folder 0") > 30
    assert "right/0/pages.tif#1" in page
    assert "swapped/0/0.png" in page


def test_a_failed_evaluation_writes_no_suspects(run: Run, labelled: Path) -> None:
    assert run("evaluate", "nowhere", "--suspects", "s.csv").exit_code == 1
    assert not Path("s.csv").exists()


def test_two_lists_need_two_names(run: Run, labelled: Path) -> None:
    result = run("evaluate", "right", "--wrong", "list.csv", "--suspects", "./list.csv")
    assert result.exit_code == 2
    assert "give them two names" in result.stderr
    assert not Path("list.csv").exists()


def test_wrong_has_every_image_that_does_not_count_as_right_and_outliers_that_are_ok(
    run: Run, labelled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("not_digit", "3"):
        (Path("right") / folder).mkdir(exist_ok=True)
        shutil.copy("right/7/0.png", f"right/{folder}/seven.png")
        Image.fromarray(np.full((30, 30), 255, np.uint8)).save(f"right/{folder}/blank.png")
    Path("right/3/broken.png").write_bytes(b"")
    result = run("evaluate", "right", "--json", "--wrong", "wrong.csv", "--suspects", "suspects.csv")
    assert result.exit_code == 3
    document = json.loads(result.stdout)["sets"][0]
    lines = Path("wrong.csv").read_text().splitlines()
    assert lines[0] == "path,given,label,confidence,status,score"
    assert lines[-2:] == ["right/3/blank.png,3,,,blank,", "right/3/broken.png,3,,,error,"]
    assert Path("suspects.csv").read_text().splitlines() == lines[:-2]
    wrong = list(csv.DictReader(lines))
    assert len(wrong) == document["images"] - document["right"] + document["not_digit"]["ok"]
    assert f"wrote wrong.csv: {len(wrong)} wrong answers" in result.stderr
    assert {row["path"] for row in wrong} >= {"right/3/seven.png", "right/not_digit/seven.png"}
    classified = {row["path"]: row for row in csv.DictReader(run("classify", "right").stdout.splitlines())}
    for row in wrong:
        assert row.pop("given") == row["path"].split("/")[1]
        assert classified[row["path"]].items() >= row.items()
    monkeypatch.setattr("batchdigits.reports.wrong_answers_html.MAX_SHOWN", 1)
    for option, noun in (("--wrong", "wrong answer"), ("--suspects", "suspect")):
        result = run("evaluate", "right", option, "page.html")
        number = len(wrong) if option == "--wrong" else len(wrong) - 2
        assert f"wrote page.html: {number} {noun}s, of which 1 are shown" in result.stderr
        assert Path("page.html").read_text().count("<figure") == 1


def test_a_cell_of_the_confusion_matrix_leads_to_its_images(
    run: Run, labelled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("not_digit", "3"):
        (Path("right") / folder).mkdir(exist_ok=True)
        for name in ("a.png", "b.png"):
            shutil.copy("right/7/0.png", f"right/{folder}/{name}")
    Path("right/3/broken.png").write_bytes(b"")
    result = run("evaluate", "right", "swapped", "--json", "--wrong", "wrong.html")
    right, swapped = json.loads(result.stdout)["sets"]
    page = Path("wrong.html").read_text()
    table, images = page.split("</table>")
    cells = dict(re.findall(r'<a href="#([^"]+)">(\d+)</a>', table))
    groups = re.findall(
        r'<h2 id="([^"]+)">(.+?) classified as (.+?): (\d+) images?</h2>(.*?)(?=<h2|</main>)', images, re.S
    )
    assert {anchor: number for anchor, _, _, number, _ in groups} == cells
    assert all(int(number) == figures.count("<figure") for *_, number, figures in groups)
    found = {(given, label): int(number) for _, given, label, number, _ in groups}
    expected = {
        (given, label): right["confusion"]["rows"][given][column] + swapped["confusion"]["rows"][given][column]
        for given in right["recall"]
        for column, label in enumerate(right["confusion"]["columns"])
        if label != given
    }
    assert found == {place: number for place, number in expected.items() if number} | {("not_digit", "7"): 2}
    assert found["3", "error"] == 1
    assert f"<td>{right['confusion']['rows']['7'][7]}<" in table
    assert "<script" not in page
    monkeypatch.setattr("batchdigits.reports.wrong_answers_html.MAX_SHOWN", len(groups))
    run("evaluate", "right", "swapped", "--wrong", "wrong.html")
    page = Path("wrong.html").read_text()
    assert len(re.findall("</h2>\n<figure", page)) == page.count("<figure") == len(groups)
    assert "3 classified as 7: 2 images, the first 1 are shown" in page


def test_wrong_answers_in_an_archive_are_shown(run: Run, labelled: Path) -> None:
    shutil.copy("swapped/0/1.png", "swapped/beside-the-folders")
    shutil.make_archive("swapped", "zip", "swapped")
    assert run("evaluate", "swapped.zip", "--wrong", "wrong.html").exit_code == 0
    page = Path("wrong.html").read_text()
    assert "swapped.zip/0/0.png" in page
    assert "beside-the-folders" not in page
    assert page.count('alt="glyph"') == page.count("<figure") > 30
