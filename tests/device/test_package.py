"""The packages have the form that each build system documents; the one for CMake is built, installed and used."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from batchdigits.device.package import KINDS, SOURCES, package_sources
from batchdigits.device.write import golden_images
from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.model_file import read_model_file
from batchdigits.version import __version__
from batchdigits.vision.normalise import propose
from tests.conftest import ROOT, Run

needs_cmake = pytest.mark.skipif(not (shutil.which("cmake") and shutil.which("cc")), reason="no CMake here")
needs_cxx = pytest.mark.skipif(shutil.which("c++") is None, reason="no C++ compiler here")
GOLDEN = {"digits_golden.h", "digits_check.c"}


@pytest.fixture(scope="module", params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of package."""
    return str(request.param)


@pytest.fixture(scope="module")
def folder(kind: str, run_once: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of the built-in model."""
    return exported(kind, run_once, tmp_path_factory)


def exported(kind: str, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(kind) / "batchdigits"
    result = run("export", "--model", "built-in", "--package", kind, folder)
    assert result.exit_code == 0, result.output
    assert f"wrote {folder}: a library for {kind} in C99" in result.stderr
    return folder


def test_a_package_has_its_sources_and_apart_from_them_its_test(kind: str, folder: Path) -> None:
    sources = {file.name for file in (folder / "src").iterdir()}
    assert set(SOURCES) == {name for name in sources if name.endswith(".c")}
    assert not sources & GOLDEN
    assert {file.name for file in (folder / KINDS[kind].test).iterdir()} == GOLDEN
    assert (folder / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert __version__ in (folder / "README.md").read_text()
    assert not [file for file in folder.rglob("*") if file.is_file() and re.search("@[A-Z]+@", file.read_text())]


def test_lists_of_sources_name_each_source(kind: str, folder: Path) -> None:
    for listing in folder.rglob("CMakeLists.txt"):
        text = listing.read_text()
        named = re.findall(r"^\s+(\S*src/\S+\.c)$", text, re.M)
        if "digits_model.c" in text:
            assert [Path(name).name for name in named] == list(SOURCES)
            assert all((listing.parent / name).is_file() for name in named)
            return
    assert kind in ("arduino", "platformio")  # they compile all of src/


def test_the_library_properties_keep_the_rules_of_arduino_lint(
    run_once: Run, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The rules for library.properties and the folder, by https://arduino.github.io/arduino-lint/latest/rules/library."""
    folder = exported("arduino", run_once, tmp_path_factory)
    lines = (folder / "library.properties").read_text().splitlines()
    properties = dict(line.split("=", 1) for line in lines)
    assert len(properties) == len(lines)
    required = {"name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures"}
    assert required <= set(properties)
    assert all(value and value == value.strip() for value in properties.values())
    assert re.fullmatch(r"[a-zA-Z][a-zA-Z0-9 _.-]*", properties["name"])
    assert len(properties["name"]) <= 16
    assert "arduino" not in (properties["name"] + properties["maintainer"]).lower()
    assert re.fullmatch(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?", properties["version"])
    assert properties["sentence"] not in properties["paragraph"]
    assert properties["category"] in {
        "Display", "Communication", "Signal Input/Output", "Sensors", "Device Control", "Timing", "Data Storage",
        "Data Processing", "Other",
    }  # fmt: skip
    assert properties["url"].startswith("https://")
    assert all(re.fullmatch(r"[a-z0-9_]+", name) for name in properties["architectures"].split(","))
    assert all((folder / "src" / name).is_file() for name in properties["includes"].split(","))
    allowed = {"src", "examples", "extras", "library.properties", "keywords.txt", "README.md", "LICENSE"}
    assert {file.name for file in folder.iterdir()} <= allowed
    sketches = [*folder.rglob("*.ino")]
    assert sketches
    assert all(sketch.stem == sketch.parent.name for sketch in sketches)
    assert all(sketch.parent.parent == folder / "examples" for sketch in sketches)
    names = [line.split("\t") for line in (folder / "keywords.txt").read_text().splitlines()]
    assert all(len(name) == 2 and name[1] in ("KEYWORD1", "KEYWORD2", "LITERAL1") for name in names)


def test_the_library_json_keeps_the_rules_of_platformio(
    run_once: Run, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The rules of https://docs.platformio.org/en/latest/manifests/library-json."""
    folder = exported("platformio", run_once, tmp_path_factory)
    manifest = json.loads((folder / "library.json").read_text())
    assert re.fullmatch(r"[A-Za-z0-9-]{1,100}", manifest["name"])
    assert manifest["version"] == __version__
    assert 0 < len(manifest["description"]) < 255
    assert all(re.fullmatch(r"[a-z0-9-]{1,50}", word) for word in manifest["keywords"])
    assert manifest["license"] == "Apache-2.0"
    assert (folder / "src" / manifest["headers"]).is_file()
    (example,) = manifest["examples"]
    assert example["files"]
    assert all((folder / example["base"] / file).is_file() for file in example["files"])
    assert all((folder / manifest["build"][name]).is_dir() for name in ("srcDir", "includeDir"))


def test_manifests_in_yaml_name_what_is_there(run_once: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    yaml = pytest.importorskip("yaml")
    folder = exported("esp-idf", run_once, tmp_path_factory)
    manifest = yaml.safe_load((folder / "idf_component.yml").read_text())
    assert (manifest["version"], manifest["license"]) == (__version__, "Apache-2.0")
    assert manifest["dependencies"] == {"idf": ">=5.0"}
    main = folder / "examples/esp32_cam/main"
    depends = yaml.safe_load((main / "idf_component.yml").read_text())["dependencies"]
    assert (main / depends["batchdigits"]["override_path"]).resolve() == folder.resolve()
    assert "config DIGITS_VIEW" in (folder / "Kconfig").read_text()
    folder = exported("zephyr", run_once, tmp_path_factory)
    module = yaml.safe_load((folder / "zephyr/module.yml").read_text())
    assert (folder / module["build"]["cmake"] / "CMakeLists.txt").is_file()
    assert (folder / module["build"]["kconfig"]).is_file()
    samples = [folder / name for name in module["samples"]]
    assert samples
    for sample in samples:
        assert sample.is_dir()
        (tests,) = sample.rglob("sample.yaml")
        assert yaml.safe_load(tests.read_text())["tests"]


STUBS = {
    "Arduino.h": """#pragma once
#include <stddef.h>
#include <stdint.h>
struct Port { void begin(long); void println(const char *); int printf(const char *, ...); };
struct Chip { uint32_t getFreeHeap(); };
extern Port Serial; extern Chip ESP;
void delay(unsigned long);
""",
    "esp_camera.h": """#pragma once
#include <stddef.h>
#include <stdint.h>
enum { LEDC_TIMER_0, LEDC_CHANNEL_0, PIXFORMAT_GRAYSCALE, FRAMESIZE_QQVGA, CAMERA_FB_IN_DRAM, CAMERA_GRAB_WHEN_EMPTY };
typedef struct {
    int pin_pwdn, pin_reset, pin_xclk, pin_sccb_sda, pin_sccb_scl, pin_d7, pin_d6, pin_d5, pin_d4, pin_d3, pin_d2;
    int pin_d1, pin_d0, pin_vsync, pin_href, pin_pclk, xclk_freq_hz, ledc_timer, ledc_channel, pixel_format, frame_size;
    size_t fb_count;
    int fb_location, grab_mode;
} camera_config_t;
typedef struct { uint8_t *buf; size_t len, width, height; } camera_fb_t;
#define ESP_OK 0
#ifdef __cplusplus
extern "C" {
#endif
int esp_camera_init(const camera_config_t *);
camera_fb_t *esp_camera_fb_get(void);
void esp_camera_fb_return(camera_fb_t *);
#ifdef __cplusplus
}
#endif
""",
    "esp_heap_caps.h": "#include <stddef.h>\n#define MALLOC_CAP_8BIT 4\nsize_t heap_caps_get_free_size(unsigned);\n",
    "freertos/FreeRTOS.h": "#define pdMS_TO_TICKS(ms) (ms)\n",
    "freertos/task.h": "void vTaskDelay(unsigned);\n",
    "zephyr/kernel.h": "",
    "zephyr/sys/printk.h": "void printk(const char *, ...);\n",
}


@needs_cxx
@pytest.mark.parametrize(
    ("kind", "example", "compiler"),
    [
        ("arduino", "examples/Esp32Cam/Esp32Cam.ino", ("c++", "-std=c++17", "-x", "c++", "-include", "Arduino.h")),
        ("platformio", "examples/esp32cam/src/main.cpp", ("c++", "-std=c++17")),
        ("esp-idf", "examples/esp32_cam/main/main.c", ("cc", "-std=c11", "-Wno-missing-field-initializers")),
        ("zephyr", "samples/drawn/src/main.c", ("cc", "-std=c11")),
        ("cmake", "examples/classify_frame.c", ("cc", "-std=c99")),
    ],
)
def test_the_examples_compile_and_allocate_nothing(
    tmp_path: Path, kind: str, example: str, compiler: tuple[str, ...]
) -> None:
    files = package_sources(kind, read_model_file(PRETRAINED / "digits.tflite"))
    for name, text in {**files, **{f"stubs/{name}": text for name, text in STUBS.items()}}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    folders = (f"-I{tmp_path / 'stubs'}", f"-I{tmp_path / 'src'}")
    command = [*compiler, "-Wall", "-Wextra", "-Werror", *folders, "-fsyntax-only", str(tmp_path / example)]
    subprocess.run(command, check=True)
    assert not re.search(r"\b(malloc|calloc|new|String)\b", files[example])


@needs_cmake
def test_the_cmake_package_is_tested_installed_found_and_used(
    run_once: Run, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    folder = exported("cmake", run_once, tmp_path_factory)

    def cmake(*arguments: object) -> None:
        subprocess.run(["cmake", *map(str, arguments)], check=True, capture_output=True)

    cmake("-S", folder, "-B", tmp_path / "library", "-D", f"CMAKE_INSTALL_PREFIX={tmp_path / 'prefix'}")
    cmake("--build", tmp_path / "library")
    tested = subprocess.run(["ctest", "--test-dir", tmp_path / "library"], capture_output=True, text=True, check=False)
    assert "100% tests passed, 0 tests failed out of 1" in tested.stdout
    cmake("--install", tmp_path / "library")
    cmake("-S", folder / "examples", "-B", tmp_path / "example", "-D", f"CMAKE_PREFIX_PATH={tmp_path / 'prefix'}")
    cmake("--build", tmp_path / "example")
    program = tmp_path / "example/classify_frame"
    frame = np.full((120, 160), 230, np.uint8)
    frame[40:68, 60:88] -= (golden_images()[0][6] * 0.8).astype(np.uint8)  # a 3
    shown = subprocess.run([program], input=frame.tobytes(), capture_output=True, check=True).stdout.decode()
    assert re.fullmatch(r"3,0\.\d{6},0\.\d{6},(ok|review)\n", shown)
    blank = subprocess.run([program], input=bytes(160 * 120), capture_output=True, check=True).stdout.decode()
    assert blank == ",0.000000,0.000000,blank\n"
    page = np.full((120, 160), 230, np.uint8)
    for row in range(4):
        cv2.putText(page, "written text", (2, 25 + 28 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 30, 2)
    assert not propose(page).glyphs
    text = subprocess.run([program], input=page.tobytes(), capture_output=True, check=True).stdout.decode()
    assert text == ",0.000000,0.000000,review\n"


def test_arguments_that_make_no_image_give_a_blank_result(tmp_path: Path) -> None:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler here")
    for name, text in package_sources("cmake", read_model_file(PRETRAINED / "digits.tflite")).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "main.c").write_text(WRONG_ARGUMENTS)
    sources = [str(file) for file in sorted((tmp_path / "src").glob("*.c"))]
    command = [
        "cc",
        "-std=c99",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-O1",
        f"-I{tmp_path / 'src'}",
        str(tmp_path / "main.c"),
    ]
    subprocess.run([*command, *sources, "-lm", "-o", str(tmp_path / "main")], check=True)
    assert subprocess.run([str(tmp_path / "main")], check=False).returncode == 0


WRONG_ARGUMENTS = """
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "digits_classify.h"
static uint8_t image[28 * 28];
static int is_refused(const uint8_t *grey, int width, int height, int stride) {
    digits_result_t r = {NULL, 1.0f, 1.0f, DIGITS_OK};
    const int done = digits_classify(grey, width, height, stride, &r);
    return !done && !strcmp(r.label, "") && r.status == DIGITS_BLANK && r.confidence == 0.0f && r.score == 0.0f;
}
static int is_exact(void) { /* confidence and score, for logits of any size */
    for (int round = 0; round < 1000; round++) {
        int8_t logits[DIGITS_CLASSES];
        double top = -1e9, sum = 0.0, shares = 0.0;
        for (int i = 0; i < DIGITS_CLASSES; i++) {
            logits[i] = (int8_t)(rand() % 256 - 128);
            const double real = DIGITS_OUTPUT_SCALE * (double)(logits[i] - DIGITS_OUTPUT_ZERO);
            top = real > top ? real : top;
            sum += exp(real);
        }
        shares = exp(top);
        digits_result_t r;
        digits_decide(logits, &r);
        if (fabs(r.confidence - shares / sum) > 1e-6 || fabs(r.score - shares / (1.0 + sum)) > 1e-6) {
            return 0;
        }
    }
    return 1;
}
int main(void) {
    digits_result_t r;
    return !(is_refused(NULL, 28, 28, 28) && is_refused(image, 0, 28, 28) && is_refused(image, 28, 0, 28) &&
             is_refused(image, 28, 28, 27) && is_refused(image, -1, 28, 28) && is_exact() &&
             digits_classify(image, 28, 28, 28, &r) && r.status == DIGITS_BLANK);
}
"""


def test_a_folder_with_something_in_it_is_left_as_it_is(run: Run, tmp_path: Path) -> None:
    mine = tmp_path / "library.properties"
    mine.write_text("mine")
    result = run("export", "--model", "built-in", "--package", "arduino", tmp_path)
    assert result.exit_code == 1
    assert f"{tmp_path} is not empty; remove it first, or name another folder for the package" in result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["library.properties"]
    result = run("export", "--model", "built-in", "--package", "arduino", mine)
    assert (result.exit_code, "cannot write to" in result.stderr) == (1, True)
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("c_array", ["both", "both/src"])
def test_a_package_and_an_array_need_two_folders(run: Run, in_empty_folder: Path, c_array: str) -> None:
    result = run("export", "--model", "tiny", "--c-array", c_array, "--package", "cmake", "both")
    assert result.exit_code == 2
    assert "--c-array and --package need two folders, neither of them in the package" in result.stderr
    assert not Path("both").exists()


def test_another_kind_of_package_is_a_usage_error(run: Run, tmp_path: Path) -> None:
    result = run("export", "--model", "built-in", "--package", "yocto", tmp_path / "new")
    assert result.exit_code == 2
    assert "'yocto' is not one of" in result.stderr


def test_the_same_model_gives_the_same_package(kind: str, folder: Path) -> None:
    files = package_sources(kind, read_model_file(PRETRAINED / "digits.tflite"))
    assert {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()} == set(files)
    assert all((folder / name).read_text() == text for name, text in files.items())
