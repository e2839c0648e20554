"""How far this computer's clock is from the server's, measured at each exchange."""

from __future__ import annotations

from collections import deque
from datetime import datetime

REMEMBERED = 8


class ClockOffset:
    """Of the last few exchanges the quickest counts: half of its round trip is the error that is left."""

    def __init__(self, offset_ms: int = 0) -> None:
        self.offset_ms = offset_ms
        self._measured: deque[tuple[float, int]] = deque(maxlen=REMEMBERED)

    def measure(self, received: datetime, round_trip: float, server_time: datetime) -> int:
        """*server_time* was read during an exchange of *round_trip* seconds that ended at *received* by this clock."""
        middle = received.timestamp() - round_trip / 2
        offset = round((server_time.timestamp() - middle) * 1000)
        if self._measured and abs(offset - self.offset_ms) > 1000 + round_trip * 1000:
            self._measured.clear()  # somebody set a clock: what was measured before says nothing
        self._measured.append((round_trip, offset))
        self.offset_ms = min(self._measured)[1]
        return self.offset_ms
