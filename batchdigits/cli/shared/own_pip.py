"""Makes a message's `pip install …` install into the Python that runs."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from pathlib import Path


def with_own_pip(message: str) -> str:
    """The message, with `PYTHON -m pip` for `pip` if the shell would find that of another Python, or none."""
    found = shutil.which("pip")
    if found and Path(found).parent == Path(sys.executable).parent:
        return message
    return re.sub(r"(?<!-m )\bpip (?=(un)?install )", lambda _: f"{shlex.quote(sys.executable)} -m pip ", message)
