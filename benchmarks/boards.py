"""The table of docs/how-to/microcontroller.md: flash, RAM and instructions of the library on emulated boards.

    python benchmarks/boards.py [--model FILE.tflite]…

A package of `batchdigits export --package cmake` is compiled with -O2 and run in QEMU on the golden vectors. Flash
and static RAM are those of the smallest program that classifies (`board/smallest.c`); the stack is what was used of it.
Instructions are counted by QEMU: with `-icount shift=0` each takes 1 ns of the emulated time, which SysTick measures in
steps of 40 ns; on RISC-V, `minstret` counts them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import NamedTuple

import click

from batchdigits.device.package import package_sources
from batchdigits.device.write import write_sources
from batchdigits.inference.choose import PRETRAINED
from batchdigits.inference.model_file import read_model_file

PROGRAMS = Path(__file__).parent / "board"
VIEWS = (28, 160)  # DIGITS_VIEW: for images of 28x28, and the default


class Board(NamedTuple):
    """An emulated board.

    Attributes:
        name: the core.
        tools: what the names of compiler and linker begin with.
        flags: of compiler and linker.
        emulator: the command that takes a program's file name.
        rom: where the program begins.
        ram: where the RAM begins.
        ram_size: bytes of it, the program included where both begin at the same address.
    """

    name: str
    tools: str
    flags: tuple[str, ...]
    emulator: tuple[str, ...]
    rom: int
    ram: int
    ram_size: int

    @property
    def is_here(self) -> bool:
        """Whether its compiler and its emulator are installed."""
        return bool(shutil.which(f"{self.tools}gcc") and shutil.which(self.emulator[0]))


def _arm(name: str, machine: str, *flags: str, ram_size: int = 4 << 20) -> Board:
    emulator = ("qemu-system-arm", "-M", machine, "-nographic", "-semihosting", "-icount", "shift=0", "-kernel")
    return Board(name, "arm-none-eabi-", ("-mthumb", *flags), emulator, 0, 0x20000000, ram_size)


RISCV = (
    "qemu-system-riscv32",
    "-M",
    "virt",
    "-bios",
    "none",
    "-nographic",
    "-semihosting",
    "-icount",
    "shift=0",
    "-kernel",
)
BOARDS = (
    _arm("Cortex-M0+", "mps2-an385", "-mcpu=cortex-m0plus", "-mfloat-abi=soft"),
    _arm("Cortex-M4F", "mps2-an386", "-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
    _arm("Cortex-M7", "mps2-an500", "-mcpu=cortex-m7", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"),
    Board(
        "RV32IMAC",
        "riscv64-unknown-elf-",
        ("-march=rv32imac", "-misa-spec=2.2", "-mabi=ilp32", "-mcmodel=medany", "--specs=picolibc.specs"),
        RISCV,
        0x80000000,
        0x80000000,
        16 << 20,
    ),
)
# A real Cortex-M0 with 16 KB of RAM and 256 KB of flash; its clock is no multiple of 1 ns, so it counts nothing.
MICROBIT = _arm("microbit", "microbit", "-mcpu=cortex-m0", "-mfloat-abi=soft", ram_size=16 << 10)


def build(board: Board, package: Path, program: str, output: Path, view: int = 28) -> None:
    """Compile and link a program of `board/` with the package in a folder, without a warning."""
    addresses = {"ROM": board.rom, "RAM": board.ram, "RAM_SIZE": board.ram_size}
    command = [
        f"{board.tools}gcc",
        *("-std=c99", "-Wall", "-Wextra", "-Werror", "-O2", "-ffunction-sections", "-fdata-sections"),
        *board.flags,
        f"-DDIGITS_VIEW={view}",
        *(f"-I{folder}" for folder in (PROGRAMS, package / "src", package / "test")),
        *map(str, (PROGRAMS / program, PROGRAMS / "board.c", *sorted((package / "src").glob("*.c")))),
        *("-nostartfiles", "-Wl,--gc-sections,--no-warn-rwx-segments", "-T", str(PROGRAMS / "board.ld")),
        *(f"-Wl,--defsym={name}={value}" for name, value in addresses.items()),
        *("-o", str(output)),
    ]
    subprocess.run(command, check=True)


def run(board: Board, program: Path) -> list[list[str]]:
    """Run a program on the emulated board; the words of each line that it prints."""
    result = subprocess.run([*board.emulator, str(program)], capture_output=True, text=True, check=True, timeout=500)
    return [line.split() for line in (result.stdout + result.stderr).splitlines()]


def size(board: Board, program: Path) -> tuple[int, int]:
    """Bytes of flash and of static RAM of a program."""
    command = [f"{board.tools}size", str(program)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    text, data, bss = map(int, re.findall(r"\d+", lines[1])[:3])
    return text + data, data + bss


def figure(line: Sequence[str], name: str) -> int:
    """The number behind a name in a line of `board/main.c`."""
    return int(line[line.index(name) + 1])


def rows(board: Board, package: Path, folder: Path) -> Iterator[str]:
    """The cells of a board's row in the table."""
    ram = []
    for view in VIEWS:
        build(board, package, "smallest.c", folder / "smallest.elf", view)
        flash, static = size(board, folder / "smallest.elf")
        build(board, package, "main.c", folder / "main.elf", view)
        lines = run(board, folder / "main.elf")
        ram.append(static + max(figure(line, "stack") for line in lines))
        if view == VIEWS[0]:
            yield f"{flash / 1000:,.0f} KB"
            counts = [f"{median(figure(line, part) for line in lines) / 1e6:.2f}" for part in ("normaliser", "network")]
    yield from (f"{one / 1000:,.1f} KB" for one in ram)
    yield from counts


@click.command()
@click.option(
    "--model",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    default=(PRETRAINED / "digits.tflite", PRETRAINED / "tiny.tflite"),
    help="An int8 .tflite; may be given several times. [default: those of the package]",
)
def main(model: tuple[Path, ...]) -> None:
    """Print the table."""
    print(f"{datetime.now(UTC):%Y-%m-%d}; millions of instructions for a glyph, the median of 20\n")
    print("| model | core | flash | RAM, 28x28 | RAM, view 160 | normaliser | network |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in model:
            package = folder / file.stem
            write_sources(package_sources("cmake", read_model_file(file)), package)
            for board in BOARDS:
                if board.is_here:
                    print(
                        "|", " | ".join((f"`{file.stem}`", board.name, *rows(board, package, folder))), "|", flush=True
                    )


if __name__ == "__main__":
    main()
