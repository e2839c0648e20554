"""A remote that measures the clock's offset by every answer that says the server's time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from datetime import datetime

from desktop.sync.clock_offset import ClockOffset
from desktop.sync.ports import Clock, Failure, Remote
from server_sync.protocol.commands import Line, PushReply


class TimedRemote:
    """*remote*, with ``measured`` told the offset in milliseconds after each exchange."""

    def __init__(self, remote: Remote, clock: Clock, offset: ClockOffset, measured: Callable[[int], None]) -> None:
        self._remote = remote
        self._clock = clock
        self._offset = offset
        self._measured = measured

    async def push(self, body: bytes) -> PushReply | Failure:
        """As ``Remote.push``."""
        began = self._clock.monotonic()
        reply = await self._remote.push(body)
        if isinstance(reply, PushReply):
            self._measure(began, reply.server_time)
        return reply

    async def pull(self, cursor: str) -> list[Line] | Failure:
        """As ``Remote.pull``."""
        began = self._clock.monotonic()
        return self._lines(began, await self._remote.pull(cursor))

    async def bootstrap(self, page: str | None) -> list[Line] | Failure:
        """As ``Remote.bootstrap``."""
        began = self._clock.monotonic()
        return self._lines(began, await self._remote.bootstrap(page))

    def pokes(self) -> AsyncGenerator[None]:
        """As ``Remote.pokes``."""
        return self._remote.pokes()

    def _lines(self, began: float, lines: list[Line] | Failure) -> list[Line] | Failure:
        if isinstance(lines, list) and lines and lines[-1].end is not None:
            self._measure(began, lines[-1].end.server_time)
        return lines

    def _measure(self, began: float, server_time: datetime) -> None:
        took = self._clock.monotonic() - began
        self._measured(self._offset.measure(self._clock.now(), took, server_time))
