"""A new Python process: where this one has threads, so that a fork would not be safe, or where there is no fork.

It imports little, so that a process which cannot start says so at once.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener, Pipe
from typing import Any

from batchdigits.engines.forked_process import die_with_parent

CAN_PASS_DESCRIPTORS = hasattr(os, "fork")  # to a new process, as POSIX can; Windows has no fork either
KEY_BYTES = 32
DETACHED: dict[str, Any] = (  # Ctrl-C goes to the parent only
    {"process_group": 0} if os.name == "posix" else {"creationflags": 0x200}  # CREATE_NEW_PROCESS_GROUP
)


def spawn() -> tuple[subprocess.Popen[bytes], Connection]:
    """Start a worker, and return it with this end of the connection to it.

    Raises:
        OSError: the system allows no more processes, or the new one died at once.
    """
    return _pass_descriptor() if CAN_PASS_DESCRIPTORS else _connect()


def _pass_descriptor() -> tuple[subprocess.Popen[bytes], Connection]:
    ours, theirs = Pipe()
    is_main = threading.current_thread() is threading.main_thread()
    try:
        with theirs:
            process = _start(
                f"serve_descriptor({theirs.fileno()}, {is_main})",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
            )
        return process, ours
    except BaseException:
        ours.close()
        raise


def _connect() -> tuple[subprocess.Popen[bytes], Connection]:
    """Start a worker that listens at an address of its own, which only the holder of a key may connect to."""
    process = _start("serve_listener()", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin and process.stdout
    try:
        with process.stdin, process.stdout:
            key = os.urandom(KEY_BYTES)
            process.stdin.write(key)
            process.stdin.flush()
            address = os.fsdecode(process.stdout.readline().strip())
            if not address:
                raise ConnectionError("it died at once")
            return process, Client(address, authkey=key)
    except (OSError, EOFError, AuthenticationError) as error:
        process.kill()
        process.wait()
        raise ConnectionError(f"it does not answer: {error}") from None


def _start(call: str, **options: Any) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"}
    code = f"from batchdigits.engines import spawned_process; spawned_process.{call}"
    return subprocess.Popen([sys.executable, "-c", code], env=environment, **DETACHED, **options)


def serve_descriptor(descriptor: int, is_bound_to_parent: bool) -> None:
    """Run a worker on the connection with this file descriptor.

    Args:
        descriptor: of the connection.
        is_bound_to_parent: whether to die with the thread that started it. Only the main thread lives as long as its
            process; after any other, the worker ends when its connection does.
    """
    if sys.platform == "linux" and is_bound_to_parent:
        die_with_parent()
    _serve(Connection(descriptor))


def serve_listener() -> None:
    """Run a worker on the first connection to an address that it writes to stdout; the key comes from stdin."""
    key = sys.stdin.buffer.read(KEY_BYTES)
    with Listener(authkey=key) as listener:  # a named pipe on Windows
        sys.stdout.buffer.write(os.fsencode(str(listener.address)) + b"\n")
        sys.stdout.buffer.flush()
        connection = listener.accept()
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)  # nobody reads the pipe any more
    os.close(nowhere)
    _serve(connection)


def _serve(connection: Connection) -> None:
    from batchdigits.engines.worker import serve

    serve(connection)
