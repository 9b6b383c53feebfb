"""The C sources compile without warnings, and give the golden vectors; their logits are those of TFLite Micro."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray

import batchdigits
from batchdigits.datasets import load
from batchdigits.device import arithmetic
from batchdigits.device.layers import fixed_point, read_layers, require_fit
from batchdigits.device.write import NORMALISER_SOURCES, c_sources, golden_images, write_sources
from batchdigits.errors import BatchdigitsError
from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.model_file import ModelFile, read_model_file
from tests.conftest import Arrays, Run, needs_micro

needs_cc = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler here")
STRICT = ["cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-O2"]
SOURCES = ["digits_check.c", "digits_network.c", *NORMALISER_SOURCES, "-x", "c", "digits_model.cc"]
BUILT_IN_MODEL = PRETRAINED / "digits.tflite"


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    """Compile the C sources in `folder`, and run `digits_check`."""
    subprocess.run([*STRICT, *SOURCES, "-o", "check"], cwd=folder, check=True)
    return subprocess.run([str(folder / "check")], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The C sources of the built-in model."""
    folder = tmp_path_factory.mktemp("c")
    write_sources(c_sources(read_model_file(BUILT_IN_MODEL)), folder)
    return folder


@pytest.fixture(scope="module")
def objects(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with them as object files, each of which may be replaced."""
    folder = tmp_path_factory.mktemp("objects")
    files = [str(path) for path in sources.glob("*.c")]
    subprocess.run([*STRICT, "-c", *files, "-x", "c", str(sources / "digits_model.cc")], cwd=folder, check=True)
    return folder


def test_templates_are_read_as_they_are_written_in_any_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda self, encoding: self.read_bytes().decode(encoding))
    assert c_sources(read_model_file(BUILT_IN_MODEL))


@needs_cc
def test_the_commands_in_the_readme_give_all_golden_vectors_of_the_built_in_model(sources: Path) -> None:
    commands = re.findall(r"^    (\S.*)$", (sources / "README.md").read_text(), re.M)
    assert len(commands) == 2
    assert set(STRICT) <= set(commands[0].split())
    for command in commands:
        result = subprocess.run(command, shell=True, cwd=sources, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
    lines = result.stdout.splitlines()
    assert (len(lines), lines[-1]) == (21, "20 of 20 golden vectors hold")
    assert all(re.fullmatch(r" ?\d+: a \d, read as \d; glyph within [01], logits equal", line) for line in lines[:-1])


@needs_cc
def test_exported_sources_of_other_options_give_the_golden_vectors(run: Run, npz_file: Path, tmp_path: Path) -> None:
    keras, folder = tmp_path / "m.keras", tmp_path / "new" / "c"
    quick = ("--iterations", "60", "--batch-size", "32", "--hidden", "24,16", "--activation", "none")
    assert run("train", *quick, "--data", npz_file, "-o", keras).exit_code == 0
    arguments = ("--model", keras, "--data", npz_file, "-o", tmp_path / "m.tflite", "--min-agreement", "0")
    result = run("export", "--tflite", *arguments, "--per-tensor", "--c-array", folder)
    assert result.exit_code == 0, result.output
    assert f"wrote {folder}: " in result.stderr
    assert check(folder).stdout.splitlines()[-1] == "20 of 20 golden vectors hold"


@pytest.mark.parametrize("name", ["README.md", "digits_view.c", "digits_model.h"])
def test_a_file_of_a_person_is_not_replaced(run: Run, in_empty_folder: Path, name: str) -> None:
    Path(name).write_text("# Mine\n")
    result = run("export", "--model", "tiny", "--c-array", ".")
    assert result.exit_code == 1
    assert f"error: {name} exists and is not from export --c-array; name another folder" in result.stderr
    assert {file.name: file.read_text() for file in Path().iterdir()} == {name: "# Mine\n"}


def test_a_file_of_a_person_is_not_replaced_from_python(tmp_path: Path, npz_file: Path) -> None:
    (tmp_path / "README.md").write_text("# Mine\n")
    with pytest.raises(BatchdigitsError, match="exists and is not from export"):
        batchdigits.export_c(tmp_path)
    with pytest.raises(BatchdigitsError, match="exists and is not from export"):
        batchdigits.export(tmp_path / "none.keras", tmp_path / "m.tflite", data=npz_file, c_array=tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["README.md"]


def test_an_earlier_export_is_replaced_but_not_a_readme_of_a_person(run: Run, in_empty_folder: Path) -> None:
    Path("firmware").mkdir()
    Path("firmware/main.c").write_text("int main(void) { return 0; }\n")
    assert run("export", "--model", "nano", "--c-array", "firmware").exit_code == 0
    assert run("export", "--model", "tiny", "--c-array", "firmware").exit_code == 0
    assert "digits_model[DIGITS_MODEL_SIZE]" in Path("firmware/digits_model.cc").read_text()
    assert Path("firmware/main.c").exists()
    Path("firmware/README.md").write_text("# My firmware\n")
    assert run("export", "--model", "nano", "--c-array", "firmware").exit_code == 1
    assert Path("firmware/README.md").read_text() == "# My firmware\n"
    assert "digits_model[DIGITS_MODEL_SIZE]" in Path("firmware/digits_model.cc").read_text()


@pytest.mark.parametrize("is_named", [True, False])
def test_a_tflite_is_written_as_c_without_the_file_beside_it(
    run: Run, sources: Path, tmp_path: Path, in_empty_folder: Path, is_named: bool
) -> None:
    Path("exports").mkdir()
    shutil.copy(BUILT_IN_MODEL, "exports/digits.tflite")
    named = ("--model", "exports/digits.tflite") if is_named else ()
    result = run("export", *named, "--c-array", tmp_path / "c")
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith("batchdigits: using exports/digits.tflite\n")
    written = {file.name: file.read_text() for file in (tmp_path / "c").iterdir()}
    assert written == {file.name: file.read_text() for file in sources.iterdir() if file.suffix != ""}
    assert [file.name for file in Path("exports").iterdir()] == ["digits.tflite"]


def test_a_keras_model_is_written_as_c_alone(run: Run, npz_file: Path, trained: Path, tmp_path: Path) -> None:
    options = ("--model", trained, "--data", npz_file, "--min-agreement", "0", "--c-array", tmp_path / "c")
    result = run("export", *options)
    assert result.exit_code == 0, result.output
    assert "LiteRT reference" in result.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["c"]
    if shutil.which("cc"):
        assert check(tmp_path / "c").stdout.splitlines()[-1] == "20 of 20 golden vectors hold"


@needs_cc
@pytest.mark.parametrize(
    ("file", "source", "old", "new", "message"),
    [
        (
            "digits_framing.c",
            "digits_framing",
            "#define CENTRE 14.0f",
            "#define CENTRE 13.0f",
            r"glyph within 2\d\d, logits equal",
        ),
        ("digits_scale.h", "digits_network", "(high < 0))", "(high >= 0))", "logits DIFFER"),
    ],
)
def test_the_check_program_finds_a_wrong_port(
    sources: Path, objects: Path, tmp_path: Path, file: str, source: str, old: str, new: str, message: str
) -> None:
    port = shutil.copytree(sources, tmp_path / "port")
    text = (port / file).read_text()
    assert text.count(old) == 1
    (port / file).write_text(text.replace(old, new))
    others = [str(path) for path in objects.iterdir() if path.stem != source]
    subprocess.run([*STRICT, f"{source}.c", *others, "-o", "check"], cwd=port, check=True)
    result = subprocess.run([str(port / "check")], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert re.search(message, result.stdout)
    assert not result.stdout.endswith("20 of 20 golden vectors hold\n")


@pytest.mark.skipif(shutil.which("c++") is None, reason="no C++ compiler here")
def test_the_model_and_the_headers_compile_as_cxx(sources: Path, tmp_path: Path) -> None:
    main = tmp_path / "main.cc"
    main.write_text(CXX)
    command = ["c++", "-std=c++11", "-Wall", "-Wextra", "-Werror", "-I", sources, main, sources / "digits_model.cc"]
    subprocess.run([*map(str, command), "-o", str(tmp_path / "main")], check=True)
    assert subprocess.run([str(tmp_path / "main")], check=False).returncode == 0


CXX = """
#include <cstdint>
#include <cstring>
#include "digits_model.h"
#include "digits_network.h"
#include "digits_normalise.h"
int main() {
    const bool aligned = reinterpret_cast<std::uintptr_t>(digits_model) % 16 == 0;
    return aligned && !std::memcmp(digits_model + 4, "TFL3", 4) && !std::strcmp(digits_labels[9], "9") ? 0 : 1;
}
"""


@needs_micro
def test_the_logits_are_equal_to_those_of_tflite_micro(npz_file: Path) -> None:
    model = read_model_file(BUILT_IN_MODEL)
    glyphs = load(npz_file).train.glyphs
    assert np.array_equal(arithmetic.run(read_layers(model.payload), glyphs), micro_logits(model, glyphs))


def micro_logits(model: ModelFile, glyphs: NDArray[np.uint8]) -> NDArray[np.int8]:
    """The int8 logits (N, 10) that TFLite Micro gives for glyphs (N, 28, 28)."""
    from tflite_micro.python.tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(model.payload)
    rows = []
    for row in (glyphs.reshape(-1, 784) ^ 0x80).view(np.int8):
        interpreter.set_input(row[None], 0)
        interpreter.invoke()
        rows.append(interpreter.get_output(0)[0].copy())
    return np.stack(rows)


@needs_micro
@pytest.mark.parametrize("per_tensor", [False, True])
@pytest.mark.parametrize("activation", ["relu", ""])
def test_the_logits_of_other_networks_are_equal_to_those_of_tflite_micro(
    npz_file: Path, per_tensor: bool, activation: str
) -> None:
    from batchdigits.learning.convert import convert
    from batchdigits.learning.export_options import export_options
    from batchdigits.learning.recipes import LESSON
    from batchdigits.learning.representative_dataset import representative_glyphs
    from batchdigits.learning.save import describe
    from batchdigits.learning.training import Training

    splits = load(npz_file)
    training = Training(replace(LESSON, hidden=(40, 20), activation=activation, iterations=1), splits, 3)
    file = npz_file.parent / f"{activation or 'none'}{per_tensor}.keras"
    training.network.save(file)
    keras = ModelFile(file, describe(training), file.read_bytes())
    payload = convert(keras, export_options(per_tensor=per_tensor), representative_glyphs(splits.train, 20))
    model = replace(keras, payload=payload)
    ours, theirs = arithmetic.run(read_layers(payload), splits.test.glyphs), micro_logits(model, splits.test.glyphs)
    differences = np.abs(ours.astype(int) - theirs)
    # With one scale for all weights, one of 2,000 logits differs by 1 in one of four networks. The cause is not known.
    assert differences.max() <= per_tensor
    assert np.count_nonzero(differences) <= per_tensor * differences.size / 1000


def test_networks_with_other_layers_are_refused(run: Run, npz_file: Path, tmp_path: Path) -> None:
    keras, output = tmp_path / "m.keras", tmp_path / "m.tflite"
    quick = ("--iterations", "20", "--batch-size", "32", "--hidden", "16", "--activation", "tanh", "--data", npz_file)
    assert run("train", *quick, "-o", keras).exit_code == 0
    arguments = ("--model", keras, "--data", npz_file, "-o", output, "--min-agreement", "0")
    result = run("export", "--tflite", *arguments, "--c-array", tmp_path / "c")
    assert result.exit_code == 1
    assert "C sources and pages are for layers with relu or no activation; this network has TANH" in result.stderr
    assert not output.exists()
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("quantize", ["none", "float16"])
def test_a_float_model_is_refused(run: Run, trained: Path, npz_file: Path, tmp_path: Path, quantize: str) -> None:
    options = ("--quantize", quantize, "--model", trained, "--data", npz_file, "-o", tmp_path / "m.tflite")
    assert run("export", "--tflite", *options).exit_code == 0
    with pytest.raises(BatchdigitsError, match="C sources and pages are for int8 layers, from input to output; export"):
        read_layers(read_model_file(tmp_path / "m.tflite").payload)


def test_a_network_that_does_not_fit_its_card_or_a_glyph_is_refused() -> None:
    model = read_model_file(BUILT_IN_MODEL)
    with pytest.raises(BatchdigitsError, match="do not fit"):
        c_sources(replace(model, card=replace(model.card, labels=model.card.labels[:9])))
    layers = read_layers(model.payload)
    for wrong in ([], layers[1:], [layers[0], layers[2]]):
        with pytest.raises(BatchdigitsError, match="do not fit"):
            require_fit(wrong, 10)


def test_a_damaged_network_is_one_error() -> None:
    payload = read_model_file(PRETRAINED / "nano.tflite").payload
    random = Random(1)
    refused = set()
    for _ in range(300):
        damaged = bytearray(payload)
        damaged[random.randrange(len(damaged) - 4_000, len(damaged))] ^= 1 << random.randrange(8)  # in the tables
        try:
            read_layers(bytes(damaged))
        except BatchdigitsError as error:
            refused.add(str(error))
    assert "the flatbuffer is damaged: its layers cannot be read" in refused


def test_labels_are_escaped_for_c(sources: Path) -> None:
    model = read_model_file(BUILT_IN_MODEL)
    labels = ('"', "a\\b", "??=", "é1", *"456789")
    written = c_sources(replace(model, card=replace(model.card, labels=labels)))["digits_model.cc"]
    for quoted in (r'"\042"', r'"a\134b"', r'"\077\077="', r'"\303\2511"'):
        assert quoted in written
    assert '"3",' in (sources / "digits_model.cc").read_text()


def test_the_model_array_is_the_flatbuffer(sources: Path) -> None:
    model = read_model_file(BUILT_IN_MODEL)
    text = (sources / "digits_model.cc").read_text()
    numbers = text[text.index("digits_model[DIGITS_MODEL_SIZE] = {") :].partition("{")[2].partition("}")[0]
    assert bytes(int(number) for number in numbers.split(",") if number.strip()) == model.payload
    header = (sources / "digits_model.h").read_text()
    assert model.card.sha256["payload"] in header
    assert f"#define DIGITS_MODEL_SIZE {len(model.payload)}\n" in header


def test_golden_images_are_the_first_two_mnist_test_images_of_each_digit(small_mnist: Arrays) -> None:
    images, labels = golden_images()
    assert labels.tolist() == [digit for digit in range(10) for _ in range(2)]
    first_seven = small_mnist["x_test"][small_mnist["y_test"] == 7][0]
    assert np.array_equal(images[14], first_seven)


def test_the_same_model_gives_the_same_sources() -> None:
    model = read_model_file(BUILT_IN_MODEL)
    assert c_sources(model) == c_sources(model)


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BatchdigitsError, match="cannot make the folder"):
        write_sources({"a.h": ""}, tmp_path / "file" / "c")


@pytest.mark.parametrize("scale", [1e-6, 0.25, 0.5, 0.999999999999, 1.0, 3.7])
def test_fixed_point_is_close_and_in_range(scale: float) -> None:
    multiplier, shift = fixed_point(scale)
    assert 1 << 30 <= multiplier < 1 << 31
    assert multiplier * 2.0 ** (shift - 31) == pytest.approx(scale, rel=1e-9)
