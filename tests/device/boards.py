"""Emulated boards: cross-compile a program of `board/` with a package's sources, and run it in QEMU.

Instructions are counted by QEMU: with `-icount shift=0` each takes 1 ns of the emulated time, which SysTick measures in
steps of 40 ns; on RISC-V, `minstret` counts them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

PROGRAMS = Path(__file__).parent / "board"
LINKED = ("-nostartfiles", "-Wl,--gc-sections,--no-warn-rwx-segments")


@cache
def has_library(compiler: str, *flags: str) -> bool:
    """Whether a cross-compiler is installed, and links a program with a C library."""
    if shutil.which(compiler) is None:
        return False
    program = "#include <stdint.h>\n#include <string.h>\nint main(void) { return 0; }\n"
    with TemporaryDirectory() as folder:
        command = [compiler, *flags, *LINKED, "-Wl,-e,main", "-x", "c", "-", "-o", f"{folder}/program"]
        return subprocess.run(command, input=program.encode(), capture_output=True, check=False).returncode == 0


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
        """Whether its emulator, and a compiler that has its C library and knows its flags, are installed."""
        return shutil.which(self.emulator[0]) is not None and has_library(f"{self.tools}gcc", *self.flags)


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
        *(*LINKED, "-T", str(PROGRAMS / "board.ld")),
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
