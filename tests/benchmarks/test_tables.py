"""The benchmarks that print the tables of the documentation run, on small generated sets and the development sets."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from batchdigits.inference.choose import PRETRAINED
from batchdigits.vision.normalise import normalise
from tests.benchmarks.scripts import BENCHMARKS, run_script
from tests.conftest import ROOT, Arrays
from tests.review.conftest import find_browser

DEVELOPMENT_SETS = ROOT.parent / "shared" / "data" / "dev"
needs_development_sets = pytest.mark.skipif(not DEVELOPMENT_SETS.is_dir(), reason="the development sets are not here")


def test_accuracy_table_of_small_sets(sets: Path) -> None:
    result = run_script("accuracy_table.py", "--sets", sets)
    assert result.returncode == 0, result.stderr
    header, _, first, second, mean, _, note = result.stdout.splitlines()
    assert header == "| set | images | plain resize | first version | one look | now |"
    assert first.startswith("| first | 15 |")
    assert second.startswith("| second | 17 |")
    shares = [[float(share) for share in re.findall(r"([\d.]+)%", line)] for line in (first, second, mean)]
    assert shares[2] == pytest.approx(np.mean(shares[:2], axis=0), abs=0.11)
    assert re.match(r"\d{4}-\d\d-\d\d, digits.tflite; ", note)


def test_polarity_of_small_sets(sets: Path) -> None:
    result = run_script("polarity.py", "--sets", sets)
    assert result.returncode == 0, result.stderr
    assert re.search(r"^31 of 31 scans \(100.00%\) keep their label when inverted$", result.stdout)


def test_reduced_decoding_of_small_sets(sets: Path) -> None:
    for page in ((), ("--page",)):
        result = run_script("reduced_decoding.py", "--sets", sets, "--side", "2000", "--every", "11", *page)
        assert result.returncode == 0, result.stderr
        assert re.search(r"^0 of 3 labels change; right are \d in full and \d reduced$", result.stdout, re.MULTILINE)


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler here")
@pytest.mark.slow
def test_c_normaliser_of_small_sets(sets: Path) -> None:
    result = run_script("c_normaliser.py", "--sets", sets)
    assert result.returncode == 0, result.stderr
    header, _, first, second, mean, _, note = result.stdout.splitlines()
    assert header == (
        "| set | images | same glyph | same label | both or neither blank | right in C | right in Python |"
    )
    assert first == "| first | 15 | 100.0% | 100.0% | 100.0% | 100.0% | 100.0% |"
    assert second == "| second | 16 | 100.0% | 100.0% | 100.0% | 93.8% | 93.8% |"
    assert mean == "| **mean** | | 100.0% | 100.0% | 100.0% | 96.9% | 96.9% |"
    assert re.match(r"\d{4}-\d\d-\d\d; ", note)
    small = run_script("c_normaliser.py", "--sets", sets, "--view", "28")
    assert small.stdout.splitlines()[2] == first


def test_form_cells_of_small_sets(sets: Path, tmp_path: Path, small_mnist: Arrays) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for name in ("form1_r0c0", "form1_r1c3", "form2_r0c0"):
        Image.fromarray(np.full((40, 40), 255, np.uint8)).save(empty / f"{name}.png")
    options = ("--cells", sets / "first", "--empty", empty, "--per-kind", "2", "--no-mnist")
    result = run_script("form_cells.py", "--sets", sets, *options)
    assert result.returncode == 0, result.stderr
    labelled, altered, blank, rendered, note = result.stdout.strip().split("\n\n")
    assert re.search(r"^\| first \| 15 \| [\d.]+% \| \d+ \|$", labelled, re.MULTILINE)
    assert re.search(r"^\| second \| 17 \| [\d.]+% \| \d+ \|$", labelled, re.MULTILINE)
    assert len(re.findall(r"^\| [\w' ,%+-]+ \| 15 \| [\d.]+% \| \d+ \| [\d.]+% \| \d+ \|$", altered, re.MULTILINE)) == 7
    assert re.findall(r"\| (\d) \| 100.0% \| 0.0% \| 0.0% \|", blank) == ["3", "2", "1"]
    rows = re.findall(r"^\| [\w ()*-]+ \|(?: [\d.]+% \|){5} [\d.]+ \|$", rendered, re.MULTILINE)
    assert len(rows) == len(rendered.splitlines()) - 2
    assert re.match(r"\d{4}-\d\d-\d\d, digits.tflite; ", note)


@pytest.mark.slow
def test_confidence_of_small_sets(sets: Path, tmp_path: Path) -> None:
    picture = tmp_path / "confidence.png"
    shutil.copytree(sets / "second", sets / "first" / "not_digit" / "more")
    outliers = ROOT / "training" / "pen_outliers.npz"
    result = run_script("confidence.py", "--sets", sets, "--data", outliers, "-o", picture)
    assert result.returncode == 0, result.stderr
    header, _, *rows = result.stdout.split("\n\n")[0].splitlines()
    assert header == "| | answers | right | mean confidence | calibration error | by chance | ok | wrong among ok |"
    of_outliers = [line.split("|")[1:3] for line in result.stdout.split("\n\n")[1].splitlines()[2:]]
    assert [[cell.strip() for cell in cells] for cells in of_outliers] == [
        ["first", "17"],
        ["pen_outliers.npz, test", "505"],
    ]
    counts = {cells[1].strip(): cells[2].strip() for cells in (row.split("|") for row in rows)}
    validation = {"MNIST validation": "5,000", "MNIST validation, with degraded copies": "25,000"}
    assert counts == {"MNIST test": "10,000", **validation, "first": "15", "second": "15"}
    with Image.open(picture) as image:
        assert image.format == "PNG"


def test_second_look_of_small_sets(sets: Path) -> None:
    result = run_script("second_look.py", "--sets", sets, "--images", "60", "--rounds", "1")
    assert result.returncode == 0, result.stderr
    rows = [[cell.strip() for cell in line.split("|")[1:3]] for line in result.stdout.splitlines()[2:5]]
    assert rows == [["first", "15"], ["second", "17"], ["MNIST test", "60"]]


@pytest.mark.slow
@needs_development_sets
def test_corrections_lift_a_development_set() -> None:
    result = run_script("corrections.py", "--sets", DEVELOPMENT_SETS, "--choices", "1")
    assert result.returncode == 0, result.stderr
    rows = [[cell.strip(" %") for cell in line.split("|")[1:5]] for line in result.stdout.splitlines() if "%" in line]
    shares = {name: (int(images.replace(",", "")), float(before), float(after)) for name, images, before, after in rows}
    _, before, after = shares.pop("swiss, the rest")
    assert after > before
    # A tenth of a point is less than an image of the smaller sets; figures have two decimals.
    assert all(after >= before - max(0.1, 100 / images) - 0.01 for images, before, after in shares.values())


@pytest.mark.slow
@needs_development_sets
def test_few_shot_of_a_development_set() -> None:
    result = run_script("few_shot.py", "--sets", DEVELOPMENT_SETS, "--set", "polish", "--choices", "4")
    assert result.returncode == 0, result.stderr
    line = next(line for line in result.stdout.splitlines() if line.startswith("| polish | 950 |"))
    before, after, mnist_before, mnist_after = (float(share) for share in re.findall(r"([\d.]+)%", line))
    assert after > before
    assert mnist_after >= mnist_before - 0.1


def test_baseline_normalisers_give_glyphs(monkeypatch: pytest.MonkeyPatch, small_mnist: Arrays) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from baseline_normalisers import first_version, plain_resize

    scan = np.kron(255 - small_mnist["x_test"][0], np.ones((9, 9), np.uint8))
    for glyphs in (plain_resize(scan), plain_resize(255 - scan), first_version(scan), first_version(255 - scan)):
        (glyph,) = glyphs
        assert glyph.dtype == np.uint8
        assert glyph.shape == (28, 28)
        assert glyph[0, 0] == 0
        assert glyph.max() > 200
    assert first_version(np.full((30, 40), 9, np.uint8)) == ()
    assert len(normalise(scan)) == 1


@pytest.mark.slow
def test_export_table_of_a_small_network(trained: Path, npz_file: Path) -> None:
    result = run_script("export_table.py", "--model", trained, "--data", npz_file)
    assert result.returncode == 0, result.stderr
    table, bits, note = result.stdout.split("\n\n")
    header, _, *rows = table.splitlines()
    assert header == "| `--quantize` | bytes | runtime | accuracy on 200 test images | same label | latency | arena |"
    cells = {(row[0], row[2]): row for row in ([cell.strip() for cell in line.split("|")[1:-1]] for line in rows)}
    modes = ("none", "float16", "dynamic", "int8", "int8 --per-tensor", "int8 --head probabilities", "int16x8")
    assert len(cells) == 3 * len(modes)
    for mode in modes:
        for runtime in ("LiteRT XNNPACK", "LiteRT reference", "TFLite Micro"):
            _, size, _, accuracy, same, latency, _ = cells[f"`{mode}`", runtime]
            assert int(size.replace(",", "")) > 25_000
            if accuracy.startswith("not installed"):
                continue
            if runtime == "TFLite Micro" and mode in ("float16", "dynamic"):
                assert (accuracy, same, latency) == (f"does not support {mode}", "-", "-")
            else:
                assert float(same.rstrip("%")) >= 98
                assert re.fullmatch(r"\d+ us", latency)
    _, _, *lines = bits.splitlines()
    assert lines
    for line in lines:
        assert re.fullmatch(r"\| `[\w -]+` \| [\w ]+ \| \d+\.\d\d% \| [\d.e-]+ \| [01] \|", line)
    assert re.match(r"\d{4}-\d\d-\d\d, digits.keras; ", note)


@pytest.mark.slow
@needs_development_sets
def test_accuracy_table_of_the_development_sets() -> None:
    result = run_script("accuracy_table.py", "--sets", DEVELOPMENT_SETS)
    assert result.returncode == 0, result.stderr
    mean = next(line for line in result.stdout.splitlines() if "**mean**" in line)
    plain, first, once, now = (float(share) for share in re.findall(r"([\d.]+)%", mean))
    assert plain < first < once < now


@pytest.mark.slow
@needs_development_sets
def test_polarity_of_the_development_sets() -> None:
    result = run_script("polarity.py", "--sets", DEVELOPMENT_SETS)
    assert result.returncode == 0, result.stderr
    scans, share = re.findall(r"of ([\d,]+) scans \(([\d.]+)%\)", result.stdout)[0]
    assert scans == f"{len(list(DEVELOPMENT_SETS.glob('*/[0-9]/*'))):,}"
    assert float(share) >= 99.8


@pytest.mark.slow
def test_web_page_of_small_sets(sets: Path) -> None:
    pytest.importorskip("playwright")
    if find_browser() is None:
        pytest.skip("no browser is installed")
    result = run_script("web_page.py", "--sets", sets, "--images", "30", "--photos", "1")
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "| set | images | same label | same row |"
    assert lines[2] == "| first | 15 | 100.0% | 100.0% |"
    assert lines[3] == "| second | 17 | 100.0% | 100.0% |"
    assert lines[4] == "| **mean** | | 100.0% | 100.0% |"
    for line, kind in zip(lines[7:], ("28x28 PNG", "JPEG of 12 megapixels"), strict=False):
        assert re.fullmatch(rf"{kind}: [\d.]+ ms, CPU time [\d.]+ ms", line)
    assert re.fullmatch(r"size of the page: [\d,]+ bytes", lines[9])


@pytest.mark.slow
def test_model_sizes_of_small_sets(sets: Path) -> None:
    result = run_script("model_sizes.py", "--sets", sets, PRETRAINED / "nano.tflite", PRETRAINED / "digits.keras")
    assert result.returncode == 0, result.stderr
    header, _, nano, keras, _, note = result.stdout.splitlines()
    assert header.startswith("| model | file | flash | memory | multiplications | MNIST's test images |")
    # The second set has a blank and a broken image, which are wrong: 2 of 17.
    assert re.fullmatch(r"\| nano\.tflite \|( ([\d,]+|-) \|){3} 313,104 \| 99\.22% \| 94\.1% \|", nano), nano
    assert re.fullmatch(r"\| digits\.keras \| [\d,]+ \|( - \|){3} 99\.48% \| 94\.1% \|", keras), keras
    assert re.match(r"\d{4}-\d\d-\d\d; ", note)
