"""What a screen that reads rows asks of the engine: the effective rows in memory, the time, and one notification."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from server_sync.protocol.ids import Id
from server_sync.protocol.records import Record
from server_sync.rules.state import State


class DayPort(Protocol):
    """The rows of one programme with this desk's unconfirmed commands laid over them. All reads are from memory."""

    @property
    def state(self) -> State:
        """The effective rows, as the screens' own thread sees them; never to be written to."""

    def now(self) -> datetime:
        """The server's time as far as this desk knows, aware, in UTC."""

    def is_pending(self, record: type[Record], id: Id) -> bool:
        """Whether a row is as it is only by commands that the server has not confirmed."""

    def subscribe(self, listener: Callable[[frozenset[Id]], None]) -> Callable[[], None]:
        """Call `listener` in the event loop with the ids of changed rows (empty: anything); returns what ends it."""


class PrintPort(DayPort, Protocol):
    """What paper says of itself besides."""

    def fresh_at(self) -> datetime | None:
        """The server's time of what is shown; None before the first sync."""

    def unsent(self) -> int:
        """How many commands of this desk have no verdict."""
