"""Work that nobody wants any more stops soon, and spoils nothing for others."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest

import minisim_core as ms
from minisim_core import memory, render

Small = Callable[..., ms.Experiment]


@pytest.fixture(autouse=True)
def _fresh_store() -> Iterator[None]:
    memory.clear()
    yield
    memory.clear()


@dataclass(frozen=True, eq=False)
class Number(memory.Result):
    value: int


def run(job: Callable[[], object], cancel: threading.Event | None = None) -> tuple[threading.Thread, list]:
    """Start a job in a thread; the list receives what it returned or raised."""
    ended: list = []

    def work() -> None:
        try:
            with memory.cancellable(cancel or threading.Event()):
                ended.append(job())
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    return thread, ended


def test_nothing_begins_once_it_is_cancelled(small: Small) -> None:
    cancel = threading.Event()
    cancel.set()
    with memory.cancellable(cancel), pytest.raises(ms.Cancelled):
        ms.simulate(small()).frames[0]
    assert not memory.runs
    assert ms.simulate(small()).frames[0].any(), "outside the block work goes on"


@pytest.mark.parametrize("threads", ["1", "2"])
def test_rendering_stops_between_two_frames(
    small: Small, threads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINISIM_THREADS", threads)
    render._pool.cache_clear()
    cancel, count, seen = threading.Event(), render.count, []

    def counted(*args: object) -> None:
        seen.append(args)
        count(*args)  # type: ignore[arg-type]
        if len(seen) == 5:
            cancel.set()

    monkeypatch.setattr(render, "count", counted)
    rec = ms.simulate(small(duration_s=60))
    with memory.cancellable(cancel), pytest.raises(ms.Cancelled):
        rec.frames[:]
    assert 5 <= len(seen) <= 5 + int(threads)
    render._pool.cache_clear()


def test_a_long_job_stops_soon_and_its_thread_ends(small: Small) -> None:
    cancel = threading.Event()
    rec = ms.simulate(small(field_um=300, duration_s=3600))
    thread, ended = run(lambda: [rec.frames[a : a + 100].sum() for a in range(0, 72000, 100)], cancel)
    time.sleep(0.5)
    assert thread.is_alive()
    cancel.set()
    thread.join(5)
    assert isinstance(ended[0], ms.Cancelled)
    again = rec.frames[3]
    memory.clear()
    assert np.array_equal(again, rec.frames[3]), "what was left behind is whole"


def test_who_waits_for_a_cancelled_stage_computes_it_itself() -> None:
    begun, proceed, cancel, calls = threading.Event(), threading.Event(), threading.Event(), []

    @memory.stage
    def inner(x: int) -> Number:
        return Number(x)

    @memory.stage
    def outer(x: int) -> Number:
        calls.append(threading.get_ident())
        begun.set()
        proceed.wait(5)
        return Number(2 * inner(x).value)

    first, dropped = run(lambda: outer(3).value, cancel)
    begun.wait(5)
    second, kept = run(lambda: outer(3).value)
    time.sleep(0.1)
    assert len(calls) == 1
    cancel.set()
    proceed.set()
    first.join(5)
    second.join(5)
    assert isinstance(dropped[0], ms.Cancelled)
    assert kept == [6]
    assert len(set(calls)) == 2


def test_who_waits_for_another_s_stage_can_be_cancelled() -> None:
    begun, proceed, cancel = threading.Event(), threading.Event(), threading.Event()

    @memory.stage
    def slow(x: int) -> Number:
        begun.set()
        proceed.wait(5)
        return Number(x)

    first, kept = run(lambda: slow(4).value)
    begun.wait(5)
    second, dropped = run(lambda: slow(4).value, cancel)
    cancel.set()
    second.join(2)
    assert isinstance(dropped[0], ms.Cancelled)
    assert first.is_alive()
    proceed.set()
    first.join(5)
    assert kept == [4]
