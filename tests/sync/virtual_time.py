"""Time that a test owns: it jumps to the next timer as soon as nothing else can happen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

EPOCH = datetime(2026, 3, 14, 8, 0, tzinfo=UTC)


class VirtualClock:
    """A ``Clock`` whose seconds pass when ``run_for`` or ``run_until`` says so; its wall clock is wrong by ``skew``."""

    def __init__(self, skew: timedelta = timedelta()) -> None:
        self.seconds = 0.0
        self.skew = skew
        self._timers: list[tuple[float, asyncio.Event]] = []

    def true_now(self) -> datetime:
        """What the time really is."""
        return EPOCH + timedelta(seconds=self.seconds)

    def now(self) -> datetime:
        """As ``Clock.now``."""
        return self.true_now() + self.skew

    def monotonic(self) -> float:
        """As ``Clock.monotonic``."""
        return self.seconds

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """As ``Clock.wait``."""
        rung = asyncio.Event()
        timer = (self.seconds + seconds, rung)
        self._timers.append(timer)
        tasks = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(rung.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if timer in self._timers:
                self._timers.remove(timer)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return event.is_set()

    async def run_until(self, condition: Callable[[], bool], within: float = 600.0) -> float:
        """Let time pass until *condition* holds; the seconds that it took. AssertionError if it never does."""
        began = self.seconds
        while True:
            await _quiet()
            if condition():
                return self.seconds - began
            due = min((at for at, _ in self._timers), default=None)
            assert due is not None, "nothing will ever happen again"
            assert due - began <= within, f"not within {within} s"
            self.seconds = max(self.seconds, due)
            for at, rung in list(self._timers):
                if at <= self.seconds:
                    rung.set()

    async def run_for(self, seconds: float) -> None:
        """Let that much time pass."""
        end = self.seconds + seconds
        self._timers.append((end, asyncio.Event()))
        await self.run_until(lambda: self.seconds >= end, seconds + 1)
        self._timers = [timer for timer in self._timers if timer[0] > end]


async def _quiet() -> None:
    """Let everything that can happen now happen."""
    for _ in range(60):
        await asyncio.sleep(0)


class SeededRandom:
    """A ``Random`` that is the same in every run."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self.drawn: list[tuple[float, float]] = []

    def uniform(self, a: float, b: float) -> float:
        """As ``Random.uniform``; what was asked for is noted."""
        self.drawn.append((a, b))
        return self._random.uniform(a, b)
