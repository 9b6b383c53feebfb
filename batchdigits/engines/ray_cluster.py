"""The connection to a Ray cluster, and what its errors mean."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import socket
from collections.abc import Iterator, Mapping
from typing import Any

from batchdigits.errors import BatchdigitsError, needs_extra
from batchdigits.quiet import is_library_output_shown, silent_stderr
from batchdigits.text import first_line

CONNECT_SECONDS = 10  # until a cluster counts as unreachable
OBJECT_STORE_BYTES = 200 << 20  # of a cluster that this run starts; it holds lists of paths and rows, no images


@contextlib.contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """The module `ray`, connected to a cluster, with its own output suppressed as far as possible."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if not is_library_output_shown():
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    with needs_extra("--engine ray", "ray"):
        import ray
        import ray.data
    options: dict[str, Any] = (
        {} if is_library_output_shown() else {"logging_level": logging.CRITICAL, "log_to_driver": False}
    )
    logging.getLogger("ray.data").setLevel(logging.WARNING if is_library_output_shown() else logging.CRITICAL)
    on_sigterm = signal.getsignal(signal.SIGTERM)
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # noqa: PTH123
        try:
            with silent_stderr():  # raylets print their log level there
                _connect(ray, address, options)
            _restore(on_sigterm)  # Ray's handler would exit
            yield ray
        finally:
            ray.shutdown()
            _restore(on_sigterm)


def _restore(on_sigterm: Any) -> None:
    """Set the handler of SIGTERM again. One that Python did not set is None, and cannot be."""
    if on_sigterm is not None:
        signal.signal(signal.SIGTERM, on_sigterm)


def _connect(ray: Any, address: str | None, options: Mapping[str, Any]) -> None:
    named = address or os.environ.get("RAY_ADDRESS")
    if named != "local":
        try:
            if named and (server := re.fullmatch(r"(?:ray://)?([^/:]+|\[[^]]+\]):(\d+)", named)):
                socket.create_connection(
                    (server[1].strip("[]"), int(server[2])), CONNECT_SECONDS
                ).close()  # Ray itself would wait for minutes
            ray.init(named or "auto", **options)
            return
        except (OSError, OverflowError, ValueError, RuntimeError) as error:
            if named:
                raise BatchdigitsError(f"no Ray cluster at {named}: {first_line(error)}") from None
    ray.init("local", include_dashboard=False, object_store_memory=OBJECT_STORE_BYTES, **options)


def explain(error: BaseException) -> BatchdigitsError:
    """Our own error, if Ray wrapped one; else Ray's message in one line."""
    inner: BaseException | None = error
    while inner is not None:
        # Ray's wrapper may be of the class of the error in it, and has the traceback for its text.
        cause = getattr(inner, "cause", None) or inner.__cause__
        if isinstance(inner, BatchdigitsError) and not isinstance(cause, BatchdigitsError):
            return BatchdigitsError(str(inner))
        inner = cause
    return BatchdigitsError(f"the cluster failed: {first_line(error)}; to continue, add --resume (-v shows more)")
