"""`batchdigits benchmark`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batchdigits.cli.shared.options import TFLITE_MODEL, Number, verbosity_options
from batchdigits.text import as_unicode

if TYPE_CHECKING:
    from batchdigits.reports.speed import Speed


@click.command()
@click.argument("file", type=TFLITE_MODEL)
@click.option("--seconds", type=Number(0, 60), default=1.0, show_default=True, help="How long to measure each figure.")
@click.option("--json", "as_json", is_flag=True, help="Write everything as one JSON document.")
@verbosity_options
def benchmark(file: Path, seconds: float, as_json: bool) -> None:
    """Measure the speed and the memory of a .tflite model file.

    The figures are for this machine. Latency is the time of one call with one glyph. Throughput is given for several
    batch sizes and numbers of threads.

    \b
    Example:
        batchdigits benchmark exports/digits.tflite
        batchdigits benchmark exports/digits.tflite --json > speed.json
    """
    from batchdigits.reports.speed import measure_speed

    speed = measure_speed(file, seconds)
    click.echo(_json(file, speed) if as_json else _tables(file, speed))


def _json(file: Path, speed: Speed) -> str:
    return json.dumps(
        {
            "file": as_unicode(file),
            "bytes": file.stat().st_size,
            "machine": speed.machine,
            "latency_us": {"median": speed.latency.median, "p99": speed.latency.p99, "calls": speed.latency.calls},
            "throughput": [one._asdict() for one in speed.throughput],
            "memory_bytes": speed.memory,
            "micro_arena_bytes": speed.arena,
            "micro_arena_note": speed.arena_note,
        }
    )


def _tables(file: Path, speed: Speed) -> str:
    from batchdigits.reports.table import table
    from batchdigits.text import printable

    arena = speed.arena_note if speed.arena is None else f"{speed.arena:,} bytes"
    summary = [
        ("file", f"{printable(str(file))}, {file.stat().st_size:,} bytes"),
        ("machine", speed.machine),
        ("latency at batch 1", f"median {speed.latency.median:.1f} us, p99 {speed.latency.p99:.1f} us"),
        ("memory added", "unknown on this system" if speed.memory is None else f"{speed.memory:,} bytes"),
        ("arena of TFLite Micro", arena),
    ]
    sizes = sorted({one.batch_size for one in speed.throughput})
    rates = {(one.threads, one.batch_size): f"{one.glyphs_per_second:,.0f}" for one in speed.throughput}
    rows = [("glyphs/s", *(f"batch {size}" for size in sizes))]
    for threads in sorted({one.threads for one in speed.throughput}):
        name = f"{threads} thread{'s' if threads > 1 else ''}"
        rows.append((name, *(rates[threads, size] for size in sizes)))
    return f"{table(summary, left=(0, 1))}\n\n{table(rows)}"
