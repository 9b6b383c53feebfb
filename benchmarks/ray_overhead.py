"""Compare the Ray engine with the local one: `python benchmarks/ray_overhead.py`.

Both engines run as whole processes on the same files and take turns, with one worker and with two. Each run of Ray
starts a local cluster. A line through the times of the two folder sizes separates the start-up from the time per image.
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
@click.option("--times", default=20, show_default=True, help="How many times as many images the large folder has.")
@click.option("--rounds", default=3, show_default=True, help="Rounds, of which the fastest counts.")
@click.option("--s3/--no-s3", default=True, show_default=True, help="Measure the processor time of reading from S3.")
def main(images: int, times: int, rounds: int, s3: bool) -> None:
    """Print tables in Markdown."""
    with tempfile.TemporaryDirectory() as location:
        root = Path(location)
        small = make_folder(root / "small", "28x28 grey .png", images)
        folders = {images: small, images * times: link_folder(small, root / "large", times)}
        seconds = measure(folders, rounds, root)
        report(seconds, images, images * times)
        if s3:
            click.echo(f"\nReading from S3 takes {1e3 * s3_read_time(small):.2f} ms of processor time per file.")


def measure(folders: dict[int, Path], rounds: int, root: Path) -> dict[tuple[str, int, int], float]:
    """The shortest time in seconds for each engine, number of workers and number of images."""
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
    """Seconds of a whole run."""
    command = [sys.executable, "-m", "batchdigits", "classify", "-q", str(folder), "-o", str(output), "--format", "csv"]
    cluster = ["--engine", "ray", "--ray-address", "local"] if engine == "ray" else []
    began = time.perf_counter()
    environment = {**os.environ, "RAY_worker_niceness": "0"}  # the priority of local workers, for a fair comparison
    subprocess.run([*command, "--jobs", str(jobs), *cluster], check=True, env=environment)
    taken = time.perf_counter() - began
    shutil.rmtree(output) if output.is_dir() else output.unlink()
    return taken


def report(seconds: dict[tuple[str, int, int], float], small: int, large: int) -> None:
    """Print the table, and the conclusions from it."""
    click.echo(f"| | {small:,} images | {large:,} images | per image | start-up |")
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
    click.echo(f"\nRay adds {1e6 * overhead:.0f} us to each image and takes {starts['ray', 2]:.0f} s to start.")
    for cores in (8, 64):
        local, cluster = slopes["local", 2], slopes["ray", 1] / cores
        if cluster < local:
            break_even = (starts["ray", 2] - starts["local", 2]) / (local - cluster)
            click.echo(f"{cores} cores with Ray are faster than 2 cores without from {break_even:,.0f} images on.")
    core_hours = HUNDRED_MILLION * slopes["ray", 1] / 3600
    click.echo(f"100 million images take {core_hours:.1f} core-hours, without reading from remote storage.")


def s3_read_time(folder: Path) -> float:
    """Processor seconds that the client takes per file when it reads many files from S3 at once."""
    from batchdigits.files.remote import read_ahead, read_url

    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.files.remote_storages import put_folder, start_s3

    selected = folder.with_name("selected")
    selected.mkdir()
    for path in sorted(folder.iterdir())[:1_000]:
        (selected / path.name).hardlink_to(path)
    with start_s3() as server:
        os.environ.update(server.environment)
        put_folder(server, selected, "in")
        urls = [f"s3://scans/in/{path.name}" for path in selected.iterdir()]
        read_url(urls[0])  # starts the client, whose time does not count
        before = resource.getrusage(resource.RUSAGE_SELF)
        for url in read_ahead(urls):
            read_url(url)
        after = resource.getrusage(resource.RUSAGE_SELF)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / len(urls)


if __name__ == "__main__":
    main()
