"""What the status strip says of the engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from server_sync.protocol.commands import Desk


class Link(StrEnum):
    """Whether the server can be reached."""

    CONNECTING = "connecting"
    ONLINE = "online"
    OFFLINE = "offline"
    TROUBLE = "trouble"  # the server answers, and yet something does not get through; it is tried again
    PAUSED = "paused"  # the server answers, and says no: a person must do something
    REVOKED = "revoked"  # this desk is one no longer
    STOPPED = "stopped"  # a fault here ended the exchange; it is begun again


@dataclass(frozen=True, slots=True)
class Status:
    """``since`` is when the link became what it is (this computer's clock), ``fresh_at`` the server's time of what is
    shown, ``waiting`` how many commands have no verdict. ``detail`` is for a person. While everything is fetched,
    ``filling`` is (rows so far, rows in all or 0).
    """

    link: Link = Link.CONNECTING
    since: datetime | None = None
    fresh_at: datetime | None = None
    waiting: int = 0
    clock_offset_ms: int = 0
    desks: tuple[Desk, ...] = ()
    detail: str = ""
    filling: tuple[int, int] | None = None
    whole: bool = False
    """Whether there is a whole copy of the programme to work from."""
