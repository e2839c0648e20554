"""The real clock and the real chance."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime


class SystemClock:
    """This computer's clock and the running loop's timers."""

    def now(self) -> datetime:
        """As ``Clock.now``."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """As ``Clock.monotonic``."""
        return time.monotonic()

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """As ``Clock.wait``."""
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            return False
        return True


class SystemRandom:
    """As good as jitter needs."""

    def uniform(self, a: float, b: float) -> float:
        """As ``Random.uniform``."""
        return random.uniform(a, b)
