"""What a change of the store means for whoever looks: immutable, made on the worker, read on the main thread."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from server_sync.protocol.commands import Envelope, Result
from server_sync.protocol.errors import Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Record

CommandStatus = Literal["queued", "applied", "rejected", "failed", "stranded"]


@dataclass(frozen=True, slots=True)
class RowChange:
    """An effective row as it is now (None: it is gone), and the unconfirmed commands of this desk that made it so."""

    record: type[Record]
    id: Id
    row: Record | None
    pending: frozenset[Id] = frozenset()


@dataclass(frozen=True, slots=True)
class CommandState:
    """One command of this desk. ``likely`` is the refusal that this desk predicts while it is queued.

    ``stranded`` names the desk that this profile was before and that never sent it, where it is not this desk's own.
    """

    position: int
    envelope: Envelope
    queued_at: datetime
    result: Result | None = None
    likely: Refusal | None = None
    resolution: str | None = None
    resolved_at: datetime | None = None
    stranded: str | None = None

    @property
    def id(self) -> Id:
        """The command's id."""
        return self.envelope.id

    @property
    def status(self) -> CommandStatus:
        """Decided only by a result in the feed."""
        if self.stranded is not None:
            return "stranded"
        return "queued" if self.result is None else self.result.status

    @property
    def needs_attention(self) -> bool:
        """Whether it was refused, or never sent, and nobody settled that yet."""
        return self.status in ("rejected", "failed", "stranded") and self.resolution is None


@dataclass(frozen=True, slots=True)
class Diff:
    """What changed, in one step: rows and command states. ``whole``: forget what you had; this is everything."""

    rows: tuple[RowChange, ...] = ()
    commands: tuple[CommandState, ...] = ()
    whole: bool = False

    def __bool__(self) -> bool:
        return self.whole or bool(self.rows or self.commands)
