"""What a history is told from: entries of the ledger, and what the ids in them are called."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from server_sync.protocol.ids import Id


class Change(msgspec.Struct, frozen=True, array_like=True):
    """One row that a command wrote, as the ledger keeps it: a new row has no ``before`` and is whole."""

    table: str
    id: Id
    before: dict[str, Any] | None
    after: dict[str, Any]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One command of the ledger. ``device`` is what the desk that sent it is called."""

    kind: str
    status: str
    actor: str
    received_at: datetime
    args: dict[str, Any] = {}
    code: str | None = None
    details: dict[str, Any] = {}
    effects: list[Change] = []
    device: str | None = None


class Called(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What people call a row: a slot or block by its event, room and start; a reservation by whose it is."""

    id: Id
    table: str
    name: str
    room: str | None = None
    start_time: datetime | None = None
    people: list[Id] = []
