"""Compare archives, arrays and PDF with plain files as inputs: `python benchmarks/archive_speed.py`.

The same images lie in a folder and in each kind of archive. `batchdigits classify` runs on each in turn, as a whole
process, so that a slow moment of the machine affects all of them. Memory is the sum over all processes (PSS), in a run
that is not timed; for it there are archives of two sizes with one kind of image.
"""

from __future__ import annotations

import statistics
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import click
import numpy as np
import PIL.Image
from classify_speed import BATCHDIGITS, MIB, make_folder, peak_memory, seconds

PAGE_SIDE = 2_048  # pixels of a page in the archives for memory: 4 MiB each, of noise, so that they do not compress
SIZES = 8  # how many times as large the larger one of these archives is


@click.command()
@click.option("--images", default=10_000, show_default=True, help="28x28 images; of 300x200 there are a tenth.")
@click.option("--rounds", default=3, show_default=True, help="Rounds, in which every input is read once.")
@click.option("--large", default=2_048, show_default=True, help="MiB of the larger archives whose memory is measured.")
def main(images: int, rounds: int, large: int) -> None:
    """Print tables in Markdown."""
    with tempfile.TemporaryDirectory() as location:
        root = Path(location)
        for kind, count in (("28x28 grey .png", images), ("300x200 grey .png", max(1, images // 10))):
            folder = make_folder(root / kind.replace(" ", "-"), kind, count)
            click.echo(times(kind, {name: make(folder) for name, make in inputs().items()}, count, rounds))
        if large:
            click.echo(memory(root, large))


def inputs() -> dict[str, Callable[[Path], Path]]:
    """For each kind of input a function that makes it from a folder."""
    made: dict[str, Callable[[Path], Path]] = {
        "folder": lambda folder: folder,
        "zip": make_zip,
        "tar": partial(make_tar, suffix=".tar"),
        "tar.gz": partial(make_tar, suffix=".tar.gz"),
        "npz, compressed": make_npz,
    }
    return {**made, "pdf, of all images": make_pdf} if find_spec("pypdfium2") else made


def make_zip(folder: Path) -> Path:
    """A zip of a folder's files."""
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    return path


def make_tar(folder: Path, suffix: str) -> Path:
    """A tar of a folder's files."""
    path = folder.with_suffix(suffix)
    with tarfile.open(path, "w:gz" if suffix.endswith(".gz") else "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.add(file, file.name)
    return path


def make_npz(folder: Path) -> Path:
    """A compressed .npz with one array of a folder's images."""
    path = folder.with_suffix(".npz")
    np.savez_compressed(path, x=np.stack([np.asarray(PIL.Image.open(file)) for file in folder.iterdir()]))
    return path


def make_pdf(folder: Path) -> Path:
    """A PDF with a page for each of a folder's images."""
    path = folder.with_suffix(".pdf")
    pages: Iterator[PIL.Image.Image] = (PIL.Image.open(file).convert("P") for file in folder.iterdir())
    next(pages).save(path, save_all=True, append_images=pages)
    return path


def times(kind: str, paths: dict[str, Path], count: int, rounds: int) -> str:
    """A table of images per second, and of the time that each input takes beside the folder."""
    taken: dict[str, list[float]] = {name: [] for name in paths}
    for path in paths.values():
        seconds(BATCHDIGITS, path)  # warms up the disk's cache
    for _ in range(rounds):
        for name, path in paths.items():
            taken[name].append(seconds(BATCHDIGITS, path))
    lines = [f"\n{count:,} images, {kind}; medians of {rounds} rounds, start-up included\n"]
    lines += ["| | images/s | time beside the folder | size |", "| --- | ---: | ---: | ---: |"]
    for name, path in paths.items():
        ratio = statistics.median(a / b for a, b in zip(taken[name], taken["folder"], strict=True))
        size = sum(file.stat().st_size for file in (path.iterdir() if path.is_dir() else [path]))
        lines.append(
            f"| {name} | {count / statistics.median(taken[name]):,.0f} | {ratio:.2f}x | {size / MIB:,.1f} MiB |"
        )
    return "\n".join(lines)


def memory(root: Path, large: int) -> str:
    """A table of peak memory on archives of two sizes."""
    sizes = (max(1, large // SIZES), large)
    lines = ["\npeak memory of all processes together\n", f"| | {sizes[0]:,} MiB | {sizes[1]:,} MiB |"]
    lines.append("| --- | ---: | ---: |")
    for suffix in (".zip", ".tar", ".tar.gz", ".npy"):
        peaks = []
        for size in sizes:
            path = make_large(root / f"large{suffix}", size)
            peaks.append(f"{peak_memory(BATCHDIGITS, path)[0] / MIB:,.0f} MiB")
            path.unlink()
        lines.append(f"| {suffix} | {' | '.join(peaks)} |")
    return "\n".join(lines)


def make_large(path: Path, size: int) -> Path:
    """An archive of `size` MiB, written page by page."""
    rng = np.random.default_rng(0)
    count = max(1, size * MIB // PAGE_SIDE**2)
    header = b"P5 %d %d 255\n" % (PAGE_SIDE, PAGE_SIDE)
    pages = ((f"{number}.pgm", header + rng.bytes(PAGE_SIDE**2)) for number in range(count))
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in pages:
                archive.writestr(name, data)
    elif path.suffix == ".npy":
        with path.open("wb") as file:
            shape = (count, PAGE_SIDE, PAGE_SIDE)
            np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
            for _, data in pages:
                file.write(data[len(header) :])
    else:
        with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as tar:
            for name, data in pages:
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, BytesIO(data))
    return path


if __name__ == "__main__":
    main()
