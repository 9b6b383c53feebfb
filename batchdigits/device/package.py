"""Write an int8 model as a library in the form that a build system for microcontrollers takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from batchdigits.device.write import NORMALISER_SOURCES, c_sources
from batchdigits.errors import BatchdigitsError
from batchdigits.inference.model_file import ModelFile
from batchdigits.version import __version__

TEMPLATES = Path(__file__).parent / "packages"
SOURCES = ("digits_classify.c", "digits_network.c", "digits_model.c", *NORMALISER_SOURCES)  # to compile together
TEST_FILES = ("digits_golden.h", "digits_check.c")
SKETCH = TEMPLATES / "arduino/examples/Esp32Cam/Esp32Cam.ino"


class Kind(NamedTuple):
    """What differs between the packages.

    Attributes:
        test: the folder of the golden vectors, which the build system does not compile.
        sources: what stands before the name of a source where the build system lists them.
        setting: how `DIGITS_VIEW` is chosen, for the README.
    """

    test: str
    sources: str
    setting: str


KINDS: Mapping[str, Kind] = {
    "arduino": Kind(
        "extras/test", "src/", "Change the defaults in `src/digits_normalise.h` and `src/digits_classify.h`."
    ),
    "platformio": Kind("test", "src/", "Choose them by `build_flags = -D DIGITS_VIEW=96` in `platformio.ini`."),
    "esp-idf": Kind("test", "src/", "`idf.py menuconfig` has `DIGITS_VIEW` under `batchdigits`."),
    "zephyr": Kind(
        "test", "../src/", "`CONFIG_BATCHDIGITS_VIEW` chooses `DIGITS_VIEW`; `CONFIG_BATCHDIGITS=y` switches it on."
    ),
    "cmake": Kind("test", "src/", "Choose the first by `cmake -D DIGITS_VIEW=96`."),
}


def package_sources(kind: str, model: ModelFile) -> dict[str, str]:
    """Make a package of an int8 model.

    Args:
        kind: a key of `KINDS`.
        model: the model.

    Returns:
        The text of each file, by its path in the package.

    Raises:
        BatchdigitsError: see `c_sources`.
    """
    code = c_sources(model)
    code["digits_model.c"] = code.pop("digits_model.cc")
    headers = [name for name in code if name.endswith(".h") and name not in TEST_FILES]
    files = {f"src/{name}": code[name] for name in sorted((*SOURCES, *headers))}
    files |= {f"{KINDS[kind].test}/{name}": code[name] for name in TEST_FILES}
    return files | dict(_filled_in(kind))


def require_free(folder: Path) -> None:
    """Check that a folder does not exist, or is empty: what a person changed in a package is not written over.

    Raises:
        BatchdigitsError: there is something else, or it cannot be looked at.
    """
    try:
        if folder.exists() and any(folder.iterdir()):
            raise BatchdigitsError(f"{folder} is not empty; remove it first, or name another folder for the package")
    except OSError as error:
        raise BatchdigitsError(f"cannot write to {folder}: {error.strerror or error}") from None


def _filled_in(kind: str) -> Iterator[tuple[str, str]]:
    """The files that are no code of the library, by their paths in the package."""
    folder = TEMPLATES / kind
    found = {str(path.relative_to(folder).as_posix()): path for path in sorted(folder.rglob("*")) if path.is_file()}
    for name, path in {**found, "README.md": TEMPLATES / "README.md", "LICENSE": TEMPLATES / "LICENSE"}.items():
        yield name, _fill_in(path.read_text(encoding="utf-8"), kind)
    if kind == "platformio":
        yield "examples/esp32cam/src/main.cpp", f"#include <Arduino.h>\n\n{SKETCH.read_text(encoding='utf-8')}"


def _fill_in(text: str, kind: str) -> str:
    indent = "".join(line.partition("@")[0] for line in text.splitlines() if line.strip() == "@SOURCES@")
    values = {
        "VERSION": __version__,
        "KIND": kind,
        "TEST": KINDS[kind].test,
        "SETTING": KINDS[kind].setting,
        "SOURCES": f"\n{indent}".join(f"{KINDS[kind].sources}{name}" for name in SOURCES),
    }
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text
