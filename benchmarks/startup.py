"""Time the start-up of the command: `python benchmarks/startup.py`.

The commands run as whole processes and take turns, so that a slow moment of the machine affects all of them.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 21
SAMPLE = Path(__file__).parent.parent / "samples" / "digits" / "3" / "large.png"
COMMANDS = {
    'python -c "import numpy"': (sys.executable, "-c", "import numpy"),
    "batchdigits --help": (str(Path(sys.executable).parent / "batchdigits"), "--help"),
    "batchdigits classify (one image)": (str(Path(sys.executable).parent / "batchdigits"), "classify", str(SAMPLE)),
}


def main() -> None:
    """Print the median, minimum and maximum of each command, in seconds."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else Python compiles the package at each start
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS + 1):
        for name, command in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            seconds[name].append(time.perf_counter() - start)
    print(f"{'':34}  median     min     max   (seconds, {ROUNDS} rounds after one to warm up)")
    for name, (_, *times) in seconds.items():
        print(f"{name:34}  {statistics.median(times):6.3f}  {min(times):6.3f}  {max(times):6.3f}")


if __name__ == "__main__":
    main()
