"""Compare the speed of `batchdigits classify` with other programs: `python benchmarks/classify_speed.py`.

Each program runs as a process on the same files. The programs take turns, so that a slow moment of the machine affects
all of them. Times of whole processes include the start-up. The steady state is computed from the difference between a
large and a small folder. Memory is the sum over all processes (PSS), in a run that is not timed.

On two cores that have nothing else to do, all kinds take about 10 minutes with two rounds; with `--rounds 5` the
figures are steadier.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

import click
import cv2
import numpy as np
import PIL.Image
from baselines import BASELINES
from numpy.typing import NDArray
from read_fields import compose, test_digits

from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TEST_IMAGES, read_idx

Image = NDArray[np.uint8]  # (H, W) in grey, or (H, W, 3) in BGR

SCAN_WIDTH, SCAN_HEIGHT = 300, 200  # pixels
DIGIT_SIDE = 140  # pixels of a digit in a scan
PHOTOGRAPH_FACTOR = 14  # a photograph is so many times as wide and as high: 4,200 x 2,800 pixels
FORM_WIDTH, FORM_HEIGHT, FORM_DIGIT_SIDE = 1240, 1748, 700  # pixels of A6 at 300 dpi
JPEG_QUALITY = 90
MIB = 1 << 20
BATCHDIGITS, ONE_LOOK, READ, UPPER_BOUND = "batchdigits", "one-look", "read", "upper-bound"
NAMES = {
    BATCHDIGITS: "batchdigits classify",
    ONE_LOOK: "batchdigits classify --no-second-look",
    READ: "batchdigits read",
    "one-by-one": "Pillow and LiteRT, one image at a time",
    "keras": "Keras (image_dataset_from_directory)",
    "tf.data": "tf.data (parallel decode_png)",
    UPPER_BOUND: "upper bound (decode and network only)",
}
COMMANDS = {BATCHDIGITS: ["classify"], ONE_LOOK: ["classify", "--no-second-look"], READ: ["read"]}
WITHOUT_TENSORFLOW = (BATCHDIGITS, "one-by-one", UPPER_BOUND)  # which decodes neither WebP nor TIFF
ALL = (BATCHDIGITS, "one-by-one", "keras", "tf.data", UPPER_BOUND)


class Kind(NamedTuple):
    """A kind of image.

    Attributes:
        share: of `--images`, which the small folder has.
        programs: what is measured; ratios are to the first.
    """

    share: float
    programs: tuple[str, ...] = ALL


KINDS = {
    "28x28 grey .png": Kind(1.0, (*ALL, ONE_LOOK)),
    "300x200 grey .jpg": Kind(0.05),
    "300x200 colour .jpg": Kind(0.05),
    "300x200 grey .png": Kind(0.05),
    "300x200 colour .png": Kind(0.05),
    "300x200 grey .webp": Kind(0.05, WITHOUT_TENSORFLOW),
    "A6 1-bit .tif": Kind(0.005, WITHOUT_TENSORFLOW),
    "photograph colour .jpg": Kind(0.001),
    "fields grey .png": Kind(0.02, (READ,)),
}


@dataclass
class Measurement:
    """One program on one kind of image: seconds of each round for the small and the large folder, and peak bytes."""

    small: list[float] = field(default_factory=list)
    large: list[float] = field(default_factory=list)
    memory: int = 0

    def steady(self, more: int) -> float:
        """Seconds for each image without the start-up; the large folder has `more` images than the small one."""
        return max(1e-9, statistics.median(b - a for a, b in zip(self.small, self.large, strict=True)) / more)


@click.command()
@click.option("--images", default=10_000, show_default=True, help="28x28 images in the small folder; others: a part.")
@click.option("--times", default=10, show_default=True, help="How many times as many images the large folder has.")
@click.option("--rounds", default=2, show_default=True)
@click.option(
    "--kind", "kinds", multiple=True, type=click.Choice(list(KINDS)), help="Measure this kind. [default: all]"
)
@click.option(
    "--writer",
    default="opencv",
    show_default=True,
    type=click.Choice(["opencv", "pillow"]),
    help="Library that writes the 28x28 images.",
)
@click.option("--million", is_flag=True, help="Also time 100 times as many images as in the small folder.")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Where to put the images. [default: a temporary folder]"
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Also write a plot (.png).")
def main(
    images: int,
    times: int,
    rounds: int,
    kinds: tuple[str, ...],
    writer: str,
    million: bool,
    folder: Path | None,
    output: Path | None,
) -> None:
    """Print a table in Markdown for each kind of image."""
    with contextlib.nullcontext(folder) if folder else tempfile.TemporaryDirectory() as location:
        root = Path(location)
        results, folders, counts = {}, {}, {}
        for kind in kinds or KINDS:
            count = counts[kind] = max(1, round(images * KINDS[kind].share))
            library = writer if kind.startswith("28x28") else "opencv"
            name = f"{kind.replace(' ', '-')}-by-{library}"
            small = folders[kind] = make_folder(root / name, kind, count, library)
            large = link_folder(small, small.with_name(f"{small.name}-large"), times)
            results[kind] = measure(KINDS[kind].programs, small, large, rounds)
            click.echo(table(f"{kind} by {library}", results[kind], count, times))
        first = next(iter(results))
        if million:
            click.echo(scaling(folders[first], counts[first]))
    if output:
        draw(first, results[first], counts[first], output)
        click.echo(f"wrote {output}")


def make_folder(folder: Path, kind: str, count: int, writer: str = "opencv") -> Path:
    """Make a folder of `count` images of one kind from MNIST's test images, unless it is there."""
    if folder.is_dir():
        return folder
    unfinished = folder.with_name(f"{folder.name}.part")
    unfinished.mkdir(parents=True, exist_ok=True)
    suffix = kind.split()[-1]
    for number, image in enumerate(islice(pictures(kind), count)):
        path = unfinished / f"{number}{suffix}"
        if suffix == ".tif":
            PIL.Image.fromarray(image > 127).save(path, compression="group4")
        elif writer == "pillow":
            PIL.Image.fromarray(image).save(path)
        else:
            cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return unfinished.rename(folder)


def pictures(kind: str) -> Iterator[Image]:
    """Images of a kind, without end."""
    rng = np.random.default_rng(1)
    size, ink, _ = kind.split()
    if size == "fields":
        yield from (known.scan for known in compose(10_000, [test_digits()], seed=1))
    for digit in cycle(read_idx(MNIST / f"{TEST_IMAGES}.gz")):
        image = {"28x28": plain, "300x200": scan, "A6": form, "photograph": photograph}[size](digit, rng)
        if ink == "colour":
            image = np.dstack([image, image, np.minimum(image, 250) + 5])  # a tinted background
        yield image


def plain(digit: Image, rng: np.random.Generator) -> Image:
    """The digit itself."""
    return digit


def scan(digit: Image, rng: np.random.Generator) -> Image:
    """A scan, uint8 (200, 300): the digit in dark ink on grainy light paper."""
    page = rng.normal(225, 3, (SCAN_HEIGHT, SCAN_WIDTH))
    margin = DIGIT_SIDE + 5
    top, left = rng.integers(5, SCAN_HEIGHT - margin), rng.integers(5, SCAN_WIDTH - margin)
    ink = cv2.resize(digit, (DIGIT_SIDE, DIGIT_SIDE), interpolation=cv2.INTER_CUBIC) * 0.7
    page[top : top + DIGIT_SIDE, left : left + DIGIT_SIDE] -= ink
    return np.clip(page, 0, 255).astype(np.uint8)


def photograph(digit: Image, rng: np.random.Generator) -> Image:
    """A photograph, uint8 (2800, 4200): a scan, enlarged, with the noise of a camera."""
    size = SCAN_WIDTH * PHOTOGRAPH_FACTOR, SCAN_HEIGHT * PHOTOGRAPH_FACTOR
    large = cv2.resize(scan(digit, rng), size, interpolation=cv2.INTER_CUBIC)
    noise = cv2.resize(rng.normal(0, 6, (size[1] // 2, size[0] // 2)).astype(np.float32), size)
    noisy: Image = np.clip(large + noise, 0, 255).astype(np.uint8)
    return noisy


def form(digit: Image, rng: np.random.Generator) -> Image:
    """A scanned form, uint8 (1748, 1240), black on white: the digit, with specks on the paper."""
    page = np.full((FORM_HEIGHT, FORM_WIDTH), 255, np.uint8)
    page[rng.random(page.shape) < 0.0002] = 0
    side = FORM_DIGIT_SIDE
    top, left = rng.integers(0, FORM_HEIGHT - side), rng.integers(0, FORM_WIDTH - side)
    ink = cv2.resize(digit, (side, side), interpolation=cv2.INTER_CUBIC)
    page[top : top + side, left : left + side] = np.invert(np.asarray(ink, np.uint8))
    return page


def link_folder(source: Path, folder: Path, times: int) -> Path:
    """Make a folder that has each file of `source` `times` times, as hard links, unless it is there."""
    if folder.is_dir():
        return folder
    unfinished = folder.with_name(f"{folder.name}.part")
    unfinished.mkdir(exist_ok=True)
    files = list(source.iterdir())
    for copy in range(times):
        for number, file in enumerate(files):
            with contextlib.suppress(FileExistsError):
                os.link(file, unfinished / f"{copy * len(files) + number}{file.suffix}")
    return unfinished.rename(folder)


def measure(programs: Sequence[str], small: Path, large: Path, rounds: int) -> dict[str, Measurement]:
    """Time the programs in turns, after one run of each that warms up and measures memory."""
    results = {name: Measurement() for name in programs}
    for name, measured in results.items():
        measured.memory = peak_memory(name, large)[0]
    for _ in range(rounds):
        for name, measured in results.items():
            measured.small.append(seconds(name, small))
            measured.large.append(seconds(name, large))
    return results


def command(name: str, folder: Path, output: str) -> list[str]:
    """The command line of a program."""
    if name in COMMANDS:
        return [sys.executable, "-m", "batchdigits", *COMMANDS[name], "-q", "--overwrite", str(folder), "-o", output]
    return [sys.executable, str(Path(__file__).with_name("baselines.py")), name, str(folder), output]


@contextlib.contextmanager
def running(name: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program; leaving the block waits for its end, and raises if it failed."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(Path(__file__).parents[1])}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # else Python compiles the package at each start
    with tempfile.TemporaryDirectory() as location:
        line = command(name, folder, f"{location}/out.csv")
        with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment) as process:
            yield process
            messages = process.communicate()[1]
        if process.returncode:
            raise click.ClickException(f"{name} ended with {process.returncode}: {messages.decode()[-2000:]}")


def seconds(name: str, folder: Path) -> float:
    """Seconds that a program takes, including its start-up."""
    start = time.perf_counter()
    with running(name, folder) as process:
        process.wait()
        end = time.perf_counter()
    return end - start


def peak_memory(name: str, folder: Path) -> tuple[int, int]:
    """Peak bytes of all processes of a program together, and of its main process."""
    together = main = 0
    with running(name, folder) as process:
        while process.poll() is None:
            family = [process.pid, *children(process.pid)]
            together = max(together, sum(memory_of(pid) for pid in family))
            main = max(main, proc_field(f"/proc/{process.pid}/status", "VmHWM"))
            time.sleep(0.02)
    return together, main


def children(pid: int) -> list[int]:
    """The child processes of a process, and their children."""
    try:
        direct = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [*direct, *(below for child in direct for below in children(child))]


def memory_of(pid: int) -> int:
    """Bytes of a process; each shared page counts in equal shares for the processes that share it (PSS)."""
    return proc_field(f"/proc/{pid}/smaps_rollup", "Pss")


def proc_field(path: str, name: str) -> int:
    """A field in kB of a file in /proc, as bytes; 0 if the process has ended."""
    with contextlib.suppress(OSError):
        for line in Path(path).read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
    return 0


def table(kind: str, results: dict[str, Measurement], count: int, times: int) -> str:
    """A table in Markdown: images per second, how many times as fast batchdigits is, and peak memory."""
    reference = next(iter(results.values()))
    lines = [
        f"\n{kind}; {len(os.sched_getaffinity(0))} cores, medians of {len(reference.small)} rounds\n",
        f"| | {count:,} images | | {count * times:,} images | | steady state | | peak memory |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    more = count * (times - 1)
    for name, measured in results.items():
        cells = [
            f"{count / statistics.median(measured.small):,.0f}/s",
            speed_ratio(measured.small, reference.small),
            f"{count * times / statistics.median(measured.large):,.0f}/s",
            speed_ratio(measured.large, reference.large),
            f"{1 / measured.steady(more):,.0f}/s",
            f"{measured.steady(more) / reference.steady(more):.1f}x",
            f"{measured.memory / MIB:,.0f} MiB",
        ]
        lines.append(f"| {NAMES[name]} | {' | '.join(cells)} |")
    return "\n".join([*lines, "\n`2.6x`: batchdigits is 2.6 times as fast. Ratios vary by about 10 % between runs."])


def speed_ratio(seconds: list[float], reference: list[float]) -> str:
    """How many times as fast the reference is: the median of the ratios in each round."""
    return f"{statistics.median(a / b for a, b in zip(seconds, reference, strict=True)):.1f}x"


def scaling(small: Path, count: int) -> str:
    """Time and main-process memory of 100 times as many files, in words."""
    large = link_folder(small, small.with_name(f"{small.name}-huge"), 100)
    short, long = [], []
    for _ in range(3):
        short.append(seconds(BATCHDIGITS, small))
        long.append(seconds(BATCHDIGITS, large))
    ratio = statistics.median(b / a for a, b in zip(short, long, strict=True))
    growth = (peak_memory(BATCHDIGITS, large)[1] - peak_memory(BATCHDIGITS, small)[1]) / (99 * count)
    return (
        f"\n{count * 100:,} images take {statistics.median(long):.1f} s, {ratio:.0f} times as long as {count:,} "
        f"({statistics.median(short):.2f} s). The main process grows by {growth:.0f} bytes for each image."
    )


def draw(kind: str, programs: dict[str, Measurement], images: int, path: Path) -> None:
    """Plot images per second and peak memory for the small folder of a kind, start-up included."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (speed, memory) = pyplot.subplots(1, 2, figsize=(11, 2.8), sharey=True)
    labels = [NAMES[name] for name in programs]
    colours = [{BATCHDIGITS: "tab:red", UPPER_BOUND: "lightgrey"}.get(name, "tab:grey") for name in programs]
    speed.barh(labels, [images / statistics.median(one.small) for one in programs.values()], color=colours)
    speed.set_xlabel("images per second")
    speed.xaxis.set_major_locator(pyplot.MaxNLocator(5))
    speed.xaxis.set_major_formatter("{x:,.0f}")
    memory.barh(labels, [one.memory / MIB for one in programs.values()], color=colours)
    memory.set_xlabel("peak memory, MiB")
    speed.invert_yaxis()
    figure.suptitle(f"{images:,} files, {kind}, start-up included", fontsize="medium")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    assert {*BASELINES, *COMMANDS} == set(NAMES)
    main()
