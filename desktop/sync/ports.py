"""What the engine needs of the world."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from server_sync.protocol.commands import Line, PushReply


class Clock(Protocol):
    """This computer's time."""

    def now(self) -> datetime:
        """The wall clock, aware; it may be wrong and may jump."""
        ...

    def monotonic(self) -> float:
        """Seconds that only grow."""
        ...

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Wait for *event* for at most so long; whether it came."""
        ...


class Random(Protocol):
    """Where jitter comes from."""

    def uniform(self, a: float, b: float) -> float:
        """A number between *a* and *b*."""
        ...


class FailureKind(StrEnum):
    """Why there was no answer to use."""

    OFFLINE = "offline"  # nobody answered
    CUT = "cut"  # the answer ended too early
    BUSY = "busy"  # 429, 503: later
    SERVER = "server"  # 5xx: a fault there
    DENIED = "denied"  # 401, 403: this desk may not
    REVOKED = "revoked"  # 401: this desk is one no longer; its copy of the programme is to go
    REBOOTSTRAP = "rebootstrap"  # 410: fetch everything again; `reason` says why
    TOO_LARGE = "too_large"  # 413
    UNREADABLE = "unreadable"  # an answer, but not of a Callboard server
    INSECURE = "insecure"  # plain http to another computer: not even tried


@dataclass(frozen=True, slots=True)
class Failure:
    """An exchange that did not succeed. ``words`` are for a person; ``retry_after`` is in seconds, if said."""

    kind: FailureKind
    words: str
    retry_after: float | None = None
    reason: str = ""


class Remote(Protocol):
    """The server, over some transport. Nothing here raises for what a network does."""

    async def push(self, body: bytes) -> PushReply | Failure:
        """Send one encoded ``PushRequest``."""
        ...

    async def pull(self, cursor: str) -> list[Line] | Failure:
        """What happened since *cursor*: the lines as they came, whether or not the last is an ``end``."""
        ...

    async def bootstrap(self, page: str | None) -> list[Line] | Failure:
        """One page of everything."""
        ...

    def pokes(self) -> AsyncGenerator[None]:
        """Yields once it is connected and whenever there may be something to pull; ends when the connection does."""
        ...
