"""Libraries are silent, and nobody else stays so."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from multiprocessing import get_context
from threading import Event, Thread

import pytest

from batchdigits import quiet
from batchdigits.quiet import captured_stderr, silent_output, silent_stderr


def test_stderr_is_as_before_when_blocks_of_several_threads_have_ended(capfd: pytest.CaptureFixture[str]) -> None:
    first, second = ExitStack(), ExitStack()
    for stack in (first, second):
        stack.enter_context(silent_stderr())
    first.close()  # not the one that began last, as in threads
    os.write(2, b"library\n")
    second.close()
    os.write(2, b"message\n")
    assert capfd.readouterr().err == "message\n"


def test_a_block_in_a_block_ends_only_with_the_outer_one(capfd: pytest.CaptureFixture[str]) -> None:
    with silent_output():
        with silent_stderr():
            os.write(2, b"library\n")
        os.write(2, b"library\n")
    os.write(2, b"message\n")
    assert capfd.readouterr().err == "message\n"


def test_a_capture_and_a_block_of_another_thread_leave_stderr_as_before(capfd: pytest.CaptureFixture[str]) -> None:
    block, has_begun, may_end, logs = ExitStack(), Event(), Event(), []

    def capture() -> None:
        with captured_stderr() as log:
            has_begun.set()
            may_end.wait(20)
            os.write(2, b"log\n")
        logs.append(log.getvalue())

    block.enter_context(silent_stderr())
    threads = [Thread(target=capture), Thread(target=block.close)]
    threads[0].start()
    has_begun.wait(20)
    threads[1].start()
    threads[1].join(0.2)  # it waits for the capture
    may_end.set()
    for thread in threads:
        thread.join(20)
    os.write(2, b"message\n")
    assert (logs, capfd.readouterr().err) == (["log\n"], "message\n")


def test_a_process_without_stderr_has_nothing_to_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with captured_stderr() as log:
        pass
    assert log.getvalue() == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_does_not_wait_for_a_thread_that_it_has_not() -> None:
    process = get_context("fork").Process(target=_be_silent)
    with quiet._discard_lock:
        forker = Thread(target=process.start)  # the new process has only this thread, and the lock is the other one's
        forker.start()
        forker.join()
    process.join(20)
    process.kill()
    assert process.exitcode == 0


def _be_silent() -> None:
    with silent_stderr():
        pass
