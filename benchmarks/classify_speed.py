"""How fast `batchdigits classify` is beside what people write today: `python benchmarks/classify_speed.py`.

Every road is a process of its own on the same files, and the roads take turns, so that a slow moment of the machine
meets all of them. Whole-process figures have the start-up in them; the steady state is the slope between a small
and a large folder. Memory is that of all processes together (PSS), in a run that is not timed.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import click
import cv2
import numpy as np
from contenders import ROADS
from numpy.typing import NDArray
from PIL import Image

from batchdigits.datasets import MNIST
from batchdigits.datasets.idx import TEST_IMAGES, read_idx

Picture = NDArray[np.uint8]

WIDE, HIGH = 300, 200
MIB = 1 << 20
OURS = "batchdigits"
NAMES = {
    OURS: "batchdigits classify",
    "pi": "the Pi loop (Pillow, LiteRT at batch 1)",
    "keras": "the Keras idiom (image_dataset_from_directory)",
    "tf.data": "tf.data by hand (parallel decode_png)",
    "limit": "the limit (decode and LiteRT only, all cores)",
}


@dataclass
class Road:
    """What was measured of one road on one kind of image: seconds by round, for the small and the large folder."""

    small: list[float] = field(default_factory=list)
    large: list[float] = field(default_factory=list)
    memory: int = 0

    def steady(self, more: int) -> float:
        """Seconds that one image costs once everything is running; `more` is what the large folder has more."""
        return max(1e-9, statistics.median(b - a for a, b in zip(self.small, self.large, strict=True)) / more)


@click.command()
@click.option("--images", default=10_000, show_default=True, help="28x28 images in the small folder; 300x200 a tenth.")
@click.option("--times", default=10, show_default=True, help="How many times as many the large folder has.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--scans/--no-scans", default=True, show_default=True, help="Measure 300x200 scans, too.")
@click.option(
    "--writer",
    default="opencv",
    show_default=True,
    type=click.Choice(["opencv", "pillow"]),
    help="Of 28x28 images.",
)
@click.option("--million", is_flag=True, help="Measure how a hundred times the small folder scales.")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Where to put the images. [default: a temporary folder]"
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Draw a picture, too.")
def main(
    images: int,
    times: int,
    rounds: int,
    scans: bool,
    writer: str,
    million: bool,
    folder: Path | None,
    output: Path | None,
) -> None:
    """Print a table in Markdown for each kind of image."""
    with contextlib.nullcontext(folder) if folder else tempfile.TemporaryDirectory() as place:
        root = Path(place)
        kinds = [
            "28x28 grey .png",
            *(f"{WIDE}x{HIGH} {ink} {suffix}" for ink in ("grey", "colour") for suffix in (".jpg", ".png")),
        ]
        results, folders = {}, {}
        for kind in kinds if scans else kinds[:1]:
            count = images if kind == kinds[0] else max(1, images // 10)
            by = writer if kind == kinds[0] else "opencv"
            small = folders[kind] = make_folder(root / f"{kind.replace(' ', '-')}-by-{by}", kind, count, by)
            large = link_folder(small, small.with_name(f"{small.name}-large"), times)
            results[kind] = measure(small, large, rounds)
            click.echo(table(f"{kind} by {by}", results[kind], count, times))
        if million:
            click.echo(scaling(folders[kinds[0]], images))
    if output:
        draw(results, images, output)
        click.echo(f"wrote {output}")


def make_folder(folder: Path, kind: str, count: int, writer: str = "opencv") -> Path:
    """A folder of so many images of one kind, made of MNIST's test images."""
    if folder.is_dir():
        return folder
    beside = folder.with_name(f"{folder.name}.part")
    beside.mkdir(parents=True, exist_ok=True)
    digits = read_idx(MNIST / f"{TEST_IMAGES}.gz")
    rng = np.random.default_rng(1)
    size, ink, suffix = kind.split()
    for number in range(count):
        digit = digits[number % len(digits)]
        picture = digit if size == "28x28" else scan(digit, rng)
        if ink == "colour":
            picture = np.dstack([picture, picture, np.minimum(picture, 250) + 5])  # paper with a tint
        if writer == "pillow":
            Image.fromarray(picture).save(beside / f"{number}{suffix}")
        else:
            cv2.imwrite(str(beside / f"{number}{suffix}"), picture)
    return beside.rename(folder)


def scan(digit: Picture, rng: np.random.Generator) -> Picture:
    """A sheet of grainy paper, uint8 (200, 300), with the digit on it in dark ink."""
    paper = rng.normal(225, 3, (HIGH, WIDE))
    top, left = rng.integers(5, HIGH - 145), rng.integers(5, WIDE - 145)
    paper[top : top + 140, left : left + 140] -= cv2.resize(digit, (140, 140), interpolation=cv2.INTER_CUBIC) * 0.7
    return np.clip(paper, 0, 255).astype(np.uint8)


def link_folder(source: Path, folder: Path, times: int) -> Path:
    """A folder with every file of `source` so many times, as hard links."""
    if folder.is_dir():
        return folder
    beside = folder.with_name(f"{folder.name}.part")
    beside.mkdir(exist_ok=True)
    files = list(source.iterdir())
    for copy in range(times):
        for number, file in enumerate(files):
            with contextlib.suppress(FileExistsError):
                os.link(file, beside / f"{copy * len(files) + number}{file.suffix}")
    return beside.rename(folder)


def measure(small: Path, large: Path, rounds: int) -> dict[str, Road]:
    """Time every road, in turns, after one untimed turn that also takes the memory."""
    results = {name: Road() for name in NAMES}
    for name, road in results.items():
        road.memory = peak(name, large)[0]
    for _ in range(rounds):
        for name, road in results.items():
            road.small.append(seconds(name, small))
            road.large.append(seconds(name, large))
    return results


def command(name: str, folder: Path, output: str) -> list[str]:
    """The process of a road."""
    if name == OURS:
        return [sys.executable, "-m", "batchdigits", "classify", "-q", "--start-over", str(folder), "-o", output]
    return [sys.executable, str(Path(__file__).with_name("contenders.py")), name, str(folder), output]


@contextlib.contextmanager
def running(name: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A road at work; it is over, and was well, when the block is left."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(Path(__file__).parents[1])}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is not compiled at each start either
    with tempfile.TemporaryDirectory() as place:
        line = command(name, folder, f"{place}/out.csv")
        with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment) as process:
            yield process
            complaints = process.communicate()[1]
        if process.returncode:
            raise click.ClickException(f"{name} ended with {process.returncode}: {complaints.decode()[-2000:]}")


def seconds(name: str, folder: Path) -> float:
    """How long a road takes, start-up and all."""
    start = time.perf_counter()
    with running(name, folder) as process:
        process.wait()
        end = time.perf_counter()
    return end - start


def peak(name: str, folder: Path) -> tuple[int, int]:
    """The most memory that a road's processes have together, and that its main process has, in bytes."""
    most = main = 0
    with running(name, folder) as process:
        while process.poll() is None:
            family = [process.pid, *children(process.pid)]
            most = max(most, sum(proportional(pid) for pid in family))
            main = max(main, field_of(f"/proc/{process.pid}/status", "VmHWM"))
            time.sleep(0.02)
    return most, main


def children(pid: int) -> list[int]:
    """The processes that a process has started, and theirs."""
    try:
        direct = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [*direct, *(below for child in direct for below in children(child))]


def proportional(pid: int) -> int:
    """The memory of a process, with what it shares counted in parts."""
    return field_of(f"/proc/{pid}/smaps_rollup", "Pss")


def field_of(path: str, name: str) -> int:
    """A field in kB of a file of /proc, in bytes; 0 where the process is gone."""
    with contextlib.suppress(OSError):
        for line in Path(path).read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
    return 0


def table(kind: str, results: dict[str, Road], count: int, times: int) -> str:
    """Images a second, how many times faster we are, and memory."""
    ours = results[OURS]
    lines = [
        f"\n{kind}; {len(os.sched_getaffinity(0))} cores, medians of {len(ours.small)} rounds\n",
        f"| | {count:,} images | | {count * times:,} images | | steady state | | peak memory |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    more = count * (times - 1)
    for name, road in results.items():
        cells = [
            f"{count / statistics.median(road.small):,.0f}/s",
            ratio(road.small, ours.small),
            f"{count * times / statistics.median(road.large):,.0f}/s",
            ratio(road.large, ours.large),
            f"{1 / road.steady(more):,.0f}/s",
            f"{road.steady(more) / ours.steady(more):.2f}x",
            f"{road.memory / MIB:,.0f} MiB",
        ]
        lines.append(f"| {NAMES[name]} | {' | '.join(cells)} |")
    return "\n".join([*lines, "\n(N.NNx: how many times as fast we are)"])


def ratio(theirs: list[float], ours: list[float]) -> str:
    """How many times faster we are: the median of the rounds' own ratios."""
    return f"{statistics.median(a / b for a, b in zip(theirs, ours, strict=True)):.2f}x"


def scaling(small: Path, count: int) -> str:
    """What a hundred times the files cost, in time and in memory of the main process."""
    huge = link_folder(small, small.with_name(f"{small.name}-huge"), 100)
    short, long = [], []
    for _ in range(3):
        short.append(seconds(OURS, small))
        long.append(seconds(OURS, huge))
    cost = statistics.median(b / (100 * a) for a, b in zip(short, long, strict=True))
    memory = (peak(OURS, huge)[1] - peak(OURS, small)[1]) / (99 * count)
    return (
        f"\n{count * 100:,} images: {statistics.median(long):.1f} s, {cost:.2f} times a hundred times the "
        f"{statistics.median(short):.2f} s of {count:,}; the main process grows by {memory:.0f} bytes an image"
    )


def draw(results: dict[str, dict[str, Road]], images: int, path: Path) -> None:
    """Bars of images a second, whole process, large folder of the first kind."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    kind, roads = next(islice(results.items(), 1))
    figure, (speed, memory) = pyplot.subplots(1, 2, figsize=(11, 2.8), sharey=True)
    labels = [NAMES[name] for name in roads]
    colours = ["tab:red" if name == OURS else "lightgrey" if name == "limit" else "tab:grey" for name in roads]
    speed.barh(labels, [images / statistics.median(road.small) for road in roads.values()], color=colours)
    speed.set_xlabel(f"images a second: {images:,} of {kind}, start-up included")
    memory.barh(labels, [road.memory / MIB for road in roads.values()], color=colours)
    memory.set_xlabel("peak memory, MiB")
    speed.invert_yaxis()
    figure.tight_layout()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    assert set(ROADS) | {OURS} == set(NAMES)
    main()
