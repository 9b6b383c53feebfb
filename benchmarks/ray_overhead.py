"""What Ray costs over the local engine, and from where on it pays: `python benchmarks/ray_overhead.py`.

Both engines are whole processes on the same files, and take turns, with one and with two cores' worth of workers; more
on a machine of two cores would say nothing. Ray starts a cluster of its own in every run, as somebody without one
would; the line through the two sizes parts that start from what an image costs.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
from classify_speed import link_folder, make_folder

ENGINES = ("local", "ray")
HUNDRED_MILLION = 100_000_000


@click.command()
@click.option("--images", default=10_000, show_default=True, help="28x28 images in the small folder.")
@click.option("--times", default=20, show_default=True, help="How many times as many the large folder has, by links.")
@click.option("--rounds", default=3, show_default=True, help="The fastest counts.")
@click.option("--s3/--no-s3", default=True, show_default=True, help="Measure what reading from S3 costs, too.")
def main(images: int, times: int, rounds: int, s3: bool) -> None:
    """Print tables in Markdown."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        small = make_folder(root / "small", "28x28 grey .png", images)
        folders = {images: small, images * times: link_folder(small, root / "large", times)}
        seconds = measure(folders, rounds, root)
        report(seconds, images, images * times)
        if s3:
            click.echo(f"\nreading from S3: {1e3 * cost_of_a_read(small):.2f} ms of a core for each file")


def measure(folders: dict[int, Path], rounds: int, root: Path) -> dict[tuple[str, int, int], float]:
    """The fewest seconds of each engine, number of workers, and number of images."""
    seconds: dict[tuple[str, int, int], float] = {}
    for _ in range(rounds):
        for count, folder in folders.items():
            for jobs in (1, 2):
                for engine in ENGINES:
                    key = engine, jobs, count
                    seconds[key] = min(
                        seconds.get(key, float("inf")), run(engine, jobs, folder, root / f"rows-{engine}")
                    )
    return seconds


def run(engine: str, jobs: int, folder: Path, output: Path) -> float:
    """Seconds that a whole run takes."""
    command = [sys.executable, "-m", "batchdigits", "classify", "-q", str(folder), "-o", str(output), "--format", "csv"]
    cluster = ["--engine", "ray", "--ray-address", "local"] if engine == "ray" else []
    began = time.perf_counter()
    environment = {**os.environ, "RAY_worker_niceness": "0"}  # as the local workers, and not behind all others
    subprocess.run([*command, "--jobs", str(jobs), *cluster], check=True, env=environment)
    taken = time.perf_counter() - began
    shutil.rmtree(output) if output.is_dir() else output.unlink()
    return taken


def report(seconds: dict[tuple[str, int, int], float], small: int, large: int) -> None:
    """The table, and what follows from it."""
    click.echo(f"| | {small:,} images | {large:,} images | each more | start |")
    click.echo("| --- | ---: | ---: | ---: | ---: |")
    slopes: dict[tuple[str, int], float] = {}
    starts: dict[tuple[str, int], float] = {}
    for jobs in (1, 2):
        for engine in ENGINES:
            few, many = seconds[engine, jobs, small], seconds[engine, jobs, large]
            slope = slopes[engine, jobs] = (many - few) / (large - small)
            start = starts[engine, jobs] = few - small * slope
            name = f"{engine}, {jobs} {'actor' if engine == 'ray' else 'worker'}{'s'[: jobs - 1]}"
            click.echo(f"| {name} | {few:.1f} s | {many:.1f} s | {1e6 * slope:.0f} us | {start:.1f} s |")
    overhead = slopes["ray", 1] - slopes["local", 1]
    click.echo(f"\nRay adds {1e6 * overhead:.0f} us to an image, and {starts['ray', 2]:.0f} s to a run.")
    for cores in (8, 64):
        local, far = slopes["local", 2], slopes["ray", 1] / cores
        if far < local:
            pays = (starts["ray", 2] - starts["local", 2]) / (local - far)
            click.echo(f"A cluster of {cores} such cores is faster than these two from {pays:,.0f} images on.")
    core_hours = HUNDRED_MILLION * slopes["ray", 1] / 3600
    click.echo(f"100 million images: {core_hours:.1f} core-hours of one actor each, reading not counted.")


def cost_of_a_read(folder: Path) -> float:
    """Seconds of processor that the client takes to read a file from S3, many at once."""
    from batchdigits.files.remote import read_ahead, read_url

    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.files.remote_storages import put_folder, start_s3

    some = folder.with_name("some")
    some.mkdir()
    for path in sorted(folder.iterdir())[:1_000]:
        (some / path.name).hardlink_to(path)
    with start_s3() as server:
        os.environ.update(server.environment)
        put_folder(server, some, "in")
        urls = [f"s3://scans/in/{path.name}" for path in some.iterdir()]
        read_url(urls[0])  # the client starts
        before = resource.getrusage(resource.RUSAGE_SELF)
        for url in read_ahead(urls):
            read_url(url)
        after = resource.getrusage(resource.RUSAGE_SELF)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / len(urls)


if __name__ == "__main__":
    main()
