"""Hearing that something changed: one connection a process listens, and wakes whoever waits for that programme.

A poke says only "come and pull". Pokes are coalesced to at most ``MOST_A_SECOND``, and after the line to the database
was lost everybody is poked once, since nobody knows what was missed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final, Self

import asyncpg

from server_sync.protocol.ids import Id

log = logging.getLogger(__name__)

CHANNEL: Final = "callboard"
MOST_A_SECOND: Final = 20
PROBE_SECONDS: Final = 20.0
LONGEST_WAIT: Final = 5.0


class Pokes:
    """Subscriptions by programme. Made by ``open``, ended by ``close``."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._waiting: dict[Id, set[asyncio.Event]] = defaultdict(set)
        self._changed: set[Id] = set()
        self._flushing: asyncio.TimerHandle | None = None
        self._flushed_at = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self.listening = asyncio.Event()
        self.closed = False

    @classmethod
    def open(cls, url: str) -> Self:
        """Begin to listen, and keep at it until closed."""
        pokes = cls(url)
        pokes._task = asyncio.create_task(pokes._keep_listening(), name="pokes")
        return pokes

    async def close(self) -> None:
        """Stop listening; whoever still waits is woken, to see that it is over."""
        self.closed = True
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._flushing is not None:
            self._flushing.cancel()
        self._wake(list(self._waiting))

    @contextlib.contextmanager
    def subscribe(self, programme_id: Id) -> Iterator[asyncio.Event]:
        """An event that is set whenever the programme changed; the subscriber clears it."""
        event = asyncio.Event()
        self._waiting[programme_id].add(event)
        try:
            yield event
        finally:
            self._waiting[programme_id].discard(event)
            if not self._waiting[programme_id]:
                del self._waiting[programme_id]

    def changed(self, programme_id: Id) -> None:
        """Wake the programme's subscribers, now or with the next flush."""
        self._changed.add(programme_id)
        if self._flushing is None:
            loop = asyncio.get_running_loop()
            self._flushing = loop.call_at(max(loop.time(), self._flushed_at + 1 / MOST_A_SECOND), self._flush)

    def _flush(self) -> None:
        self._flushing = None
        self._flushed_at = asyncio.get_running_loop().time()
        changed, self._changed = self._changed, set()
        self._wake(changed)

    def _wake(self, programmes: Any) -> None:
        for programme_id in programmes:
            for event in self._waiting.get(programme_id, ()):
                event.set()

    async def _keep_listening(self) -> None:
        """Listen, and after every loss listen again, waiting longer as long as it fails."""
        failures = 0
        while True:
            try:
                await self._listen()
                failures = 0
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                failures = failures + 1 if not self.listening.is_set() else 0
                log.info("the database does not notify: %s", error)
            self.listening.clear()
            await asyncio.sleep(random.uniform(0, min(LONGEST_WAIT, 0.1 * 2**failures)))

    async def _listen(self) -> None:
        """One connection's life: returns or raises when it ended."""
        connection = await asyncpg.connect(self._url, timeout=10)
        ended = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: ended.set())
            await connection.add_listener(CHANNEL, self._notified)
            self.listening.set()
            self._wake(list(self._waiting))
            while not ended.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), PROBE_SECONDS)
                    return
                await connection.execute("SELECT 1", timeout=10)  # a line that is silently dead shows only when used
        finally:
            connection.terminate()

    def _notified(self, connection: Any, pid: int, channel: str, payload: object) -> None:
        self.changed(str(payload))
