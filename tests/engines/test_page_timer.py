"""The alarm of a page, which is set anew only when it would otherwise come too early."""

from __future__ import annotations

import time

import pytest

from batchdigits.engines.page_timer import PageTimer


def test_each_page_has_its_time_with_few_alarms(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter((1.0, 1.5, 2.0, 2.5, 2.6))
    monkeypatch.setattr(time, "monotonic", lambda: next(moments))
    alarms: list[float] = []
    timer = PageTimer(100, alarms.append)
    for _ in range(4):
        timer.restart()
    assert alarms == [101.0, 101.0]  # at 1.0 and 2.0: every page has 100 seconds at least
    timer.stop()
    timer.restart()  # of the next chunk
    assert alarms[2:] == [0.0, 101.0]


def test_no_limit_is_no_alarm() -> None:
    alarms: list[float] = []
    timer = PageTimer(0, alarms.append)
    timer.restart()
    timer.stop()
    assert not alarms
