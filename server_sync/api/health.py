"""``/healthz``: whether this process can do its work."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from server_sync.api.answers import problem
from server_sync.api.faces import Call, Faces
from server_sync.authority.queries import scope
from server_sync.protocol.commands import PROTO

faces = Faces("health")


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """All is well. ``schema`` is the database's migration, ``proto`` the version of the desks' protocol."""

    status: str
    name: str
    schema: str
    proto: int
    server_time: datetime
    notified: bool
    """Whether this process hears of changes as they happen; desks pull now and then without it."""


@faces.get("/healthz", Health)
async def health(call: Call[Any]) -> Any:
    """Say whether the database answers, and how the server is made."""
    version = await scope.schema_version(call.services.reads)
    if version is None:
        return problem(503, "UNAVAILABLE", "The database can't be reached or is not migrated.", 2)
    return Health(
        status="ok", name=call.services.settings.name, schema=version, proto=PROTO, server_time=datetime.now(UTC),
        notified=call.services.pokes.listening.is_set(),
    )  # fmt: skip
